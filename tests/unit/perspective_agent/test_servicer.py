"""What an agent does with a question: it looks, or says at once why it does not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mpic.runtime.clock import read_clock_us
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent import checks
from perspective_agent.dns.connection import PendingLookup, Take
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.overload_history import OverloadHistory
from perspective_agent.dns.wire import make_query
from perspective_agent.servicer import Identity, PerspectiveServicer, ResolverState
from perspective_agent.stream import StreamOptions
from perspective_agent.unbound.control import UnboundControl
from perspective_agent.unbound.validation_probe import ProbeResult
from tests.world.samples import NAME

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KNOWN = ["caa_walk", "addresses", "records", "http_get", "tls_handshake"]
CHECKS = [p.Check(caa_walk=p.CaaWalk()), p.Check(addresses=p.AddressLookup())]


class Resolver:
    """Says that there is nothing, at once, or nothing at all."""

    address = ("127.0.0.1", 53)

    def __init__(self) -> None:
        self.asked = 0
        self.is_full = False
        self.is_silent = False
        self.answer: o.Lookup | None = None
        self.overload_history = OverloadHistory()
        self._soon: set[asyncio.Handle] = set()

    def ask(self, wanted: LookupTarget, take: Take) -> PendingLookup:
        self.asked += 1
        lookup = PendingLookup(make_query(wanted.name, wanted.rdtype), take)
        absent = o.Lookup(name=wanted.name, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_SECURE)
        if self.answer is not None and wanted.name == self.answer.name:
            absent = self.answer
        if not self.is_silent:
            loop = asyncio.get_running_loop()
            self._soon.add(loop.call_soon(lambda: lookup.take and lookup.take(absent, 1)))
        return lookup

    def abandon(self, lookup: PendingLookup) -> None:
        lookup.take = None


class Agent:
    """An agent's service over a resolver that the test rules."""

    def __init__(self, *, validates: bool = True, require_validation: bool = True) -> None:
        self.resolver = Resolver()
        resolver: Any = self.resolver
        probe = ProbeResult(validates=validates, evidence="the root has no AD", ended_at=NOW)
        control = UnboundControl(Path("none"))
        self.view = ResolverState(
            resolver, control, "Unbound", [38696], probe, require_validation=require_validation
        )
        options = StreamOptions(window=0.0, max_open=4)
        self.servicer = PerspectiveServicer(
            Identity("tokyo", o.RIR_APNIC), self.view, 60.0, options
        )

    async def ask(self, *requests: p.ObserveRequest) -> list[p.ObserveResponse]:
        """Send these and read until the stream ends."""

        async def come() -> AsyncIterator[p.ObserveRequest]:
            for request in requests:
                yield request
            yield p.ObserveRequest(last=True)
            await asyncio.Event().wait()

        context: Any = None
        async with asyncio.timeout(30):
            return [one async for one in self.servicer.Observe(come(), context)]

    async def observe(self, *questions: p.Question) -> dict[int, o.Observation]:
        responses = await self.ask(p.ObserveRequest(questions=questions))
        return {
            one.question_id: o.Observation.FromString(one.observation)
            for response in responses
            for one in response.observations
        }


def question(number: int = 1) -> p.Question:
    return p.Question(id=number, name=NAME, checks=CHECKS)


def kinds(observation: o.Observation) -> set[int]:
    assert len(observation.findings) == len(CHECKS)
    return {one.not_run.kind for one in observation.findings}


async def test_it_looks_and_says_who_it_is() -> None:
    agent = Agent()
    responses = await agent.ask(p.ObserveRequest(questions=[question()]))
    assert {(one.perspective_id, one.rir) for one in responses} == {("tokyo", o.RIR_APNIC)}
    (encoded,) = [one for response in responses for one in response.observations]
    observation = o.Observation.FromString(encoded.observation)
    assert [one.WhichOneof("kind") for one in observation.findings] == ["caa_walk", "addresses"]
    assert not any(one.cannot_look or one.leaving for one in responses)


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_cause_is_told_only_to_a_coordinator_that_knows_it(is_known: bool) -> None:
    """An older one would not believe the whole observation."""
    agent = Agent()
    failed = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, detail="why")
    failed.cause, failed.zone = o.FAILURE_CAUSE_REFUSED, "example.test"
    agent.resolver.answer = o.Lookup(name=NAME, failure=failed, dnssec=o.DNSSEC_INDETERMINATE)
    responses = await agent.ask(p.ObserveRequest(questions=[question()], failure_causes=is_known))
    (encoded,) = [one for response in responses for one in response.observations]
    observation = o.Observation.FromString(encoded.observation)
    for finding in observation.findings:
        levels = finding.caa_walk.levels
        told = (levels[0] if levels else finding.addresses.lookup).failure
        assert told.detail == "why"
        assert told.cause == (o.FAILURE_CAUSE_REFUSED if is_known else 0)
        assert told.zone == ("example.test" if is_known else "")


@pytest.mark.parametrize("hangs", [True, False])
async def test_who_cannot_look_does_not_and_says_why(hangs: bool) -> None:
    agent = Agent(validates=hangs)
    agent.view.hangs = "no reply over the control socket" if hangs else ""
    why = "hangs: no reply" if hangs else "not shown to validate: the root has no AD"
    observed = await agent.observe(question())
    assert kinds(observed[1]) == {o.FAILURE_KIND_RESOLVER_UNAVAILABLE}
    assert why in observed[1].findings[0].not_run.detail
    assert not agent.resolver.asked
    (response,) = await agent.ask(p.ObserveRequest(heartbeat=True))
    assert why in response.cannot_look
    assert not agent.view.describe().validates


async def test_where_validation_is_not_required_it_looks_all_the_same() -> None:
    agent = Agent(validates=False, require_validation=False)
    observed = await agent.observe(question())
    assert kinds(observed[1]) == {o.FAILURE_KIND_UNSPECIFIED}
    # But nothing is secure that a resolver says which does not validate.
    levels = observed[1].findings[0].caa_walk.levels
    assert {one.dnssec for one in levels} == {o.DNSSEC_INDETERMINATE}
    assert not agent.view.describe().validates


async def test_a_resolver_that_hangs_is_not_described_as_one_that_validates() -> None:
    agent = Agent()
    assert agent.view.describe().validates
    agent.view.hangs = "no reply"
    described = agent.view.describe()
    assert not described.validates
    assert described.evidence == "no reply"


async def test_what_there_is_no_room_for_is_not_looked_up_and_is_nobodys_failure() -> None:
    agent = Agent()
    agent.resolver.is_silent = True
    asking = asyncio.create_task(agent.observe(*map(question, range(1, 7))))
    for _ in range(10):
        await asyncio.sleep(0)
    assert agent.servicer.load().questions == 4
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_who_is_asked_too_much_says_so() -> None:
    agent = Agent()
    agent.resolver.is_full = True
    observed = await agent.observe(question())
    assert kinds(observed[1]) == {o.FAILURE_KIND_OVERLOADED}
    assert not agent.resolver.asked


async def test_who_leaves_says_so_and_answers_what_it_was_asked() -> None:
    agent = Agent()
    agent.servicer.drain()
    responses = await agent.ask(p.ObserveRequest(questions=[question()]))
    assert any(one.leaving for one in responses)
    assert sum(len(one.observations) for one in responses) == 1


async def test_who_is_asked_for_the_time_tells_it_at_once_and_what_it_answers() -> None:
    before = read_clock_us()
    responses = await Agent().ask(p.ObserveRequest(clock_asked_us=1234))
    (echoed,) = [one for one in responses if one.clock_asked_us]
    assert echoed.clock_asked_us == 1234
    assert before <= echoed.clock_us <= read_clock_us()


async def test_who_is_not_asked_for_the_time_echoes_nothing() -> None:
    responses = await Agent().ask(p.ObserveRequest(heartbeat=True))
    assert {one.clock_asked_us for one in responses} == {0}


async def test_a_check_that_is_in_the_register_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    context: Any = None
    monkeypatch.setitem(checks.CHECKS, "dummy", checks.CHECKS["addresses"])
    described = await Agent().servicer.Describe(p.DescribeRequest(), context)
    assert list(described.checks) == [*KNOWN, "dummy"]


async def test_it_describes_itself_by_what_it_can_do() -> None:
    context: Any = None
    before = read_clock_us()
    described = await Agent().servicer.Describe(p.DescribeRequest(), context)
    assert (described.perspective_id, described.rir) == ("tokyo", o.RIR_APNIC)
    assert list(described.checks) == KNOWN
    assert described.heartbeats
    assert before <= described.clock_us <= read_clock_us()
    assert described.resolver.address == "127.0.0.1:53"
