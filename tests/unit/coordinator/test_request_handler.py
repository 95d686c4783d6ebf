"""One question's way: who asks, what it weighs, what is decided, and what is written down of it."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from grpc import StatusCode
from structlog.testing import capture_logs

from coordinator.checks.caa.issuer import Issuer
from coordinator.corroboration import Corroborator
from coordinator.decision.attempt import Attempt
from coordinator.decision.attempt_id import make_id
from coordinator.decision.question import Question
from coordinator.decision.vote import Reply
from coordinator.overload.admission import Admission, Bounds
from coordinator.overload.limiter import DEADLINE_MARGIN, Limiter
from coordinator.perspectives.client import ClientOptions, PerspectiveClient
from coordinator.perspectives.fanout import Fanout, Inquiry, Receive
from coordinator.record.builder import Asked, RecordBuilder
from coordinator.record.idempotency import Idempotency
from coordinator.record.write_queue import Done, Word, outlast
from coordinator.record.writer import RecordWriter, Unrecorded
from coordinator.request_handler import Call, Counter, Registry, RequestHandler, digest_request
from coordinator.rules.policy import BASELINE_ROWS, Policy
from coordinator.rules.roster import Perspective, Roster, Rules
from coordinator.telemetry.metrics import CoordinatorMetrics
from mpic.names import parse_name, walk_levels
from mpic.runtime.grpc.errors import RequestError
from mpic.runtime.grpc.tls import TlsFiles
from mpic.runtime.metrics import ProgramMetrics
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r
from tests.world.places import PLACES
from tests.world.samples import (
    ISSUER,
    NAME,
    NOVEMBER,
    TERMS,
    WORLD,
    ask,
    encode,
    perspective,
    reply,
)

NO_FILES = ClientOptions(TlsFiles(Path("a"), Path("b"), Path("c")))
ASKED = Asked("caller", c.CorroborateRequest(), b"digest")


class Writer:
    """Stands for a recorder whose disk is slow: its turn comes when the test says so."""

    def __init__(self) -> None:
        self.turn = asyncio.Event()
        self.late: list[r.RecordEntry] = []

    async def write(self, record: bytes, word: Word) -> None:
        del record
        await self.turn.wait()
        word()

    def add(self, record: bytes, entry: r.RecordEntry) -> None:
        del record
        self.late.append(entry)


async def test_what_comes_before_it_is_written_is_in_it_and_what_comes_then_is_late() -> None:
    writer = Writer()
    links = [PerspectiveClient(one, NO_FILES) for one in WORLD.perspectives]
    nothing: Any = None
    registry = Registry(cast("RecordWriter", writer), RecordBuilder(links, b"version"), nothing)
    question = Question("r-1", [parse_name(NAME)], [ask()], TERMS, dry_run=False, linger=0)
    attempt = Attempt(question, WORLD, NOVEMBER, registry.keep_late)
    *most, fifth, sixth = WORLD.perspectives
    for one in most:
        attempt.receive(0, reply(one))
    attempt.decided_at = NOVEMBER
    writing = asyncio.create_task(registry.write_down(attempt, ASKED))
    await asyncio.sleep(0)
    attempt.receive(0, reply(fifth))
    writer.turn.set()
    record = await writing
    dissents = [one.dissent for one in record.names[0].replies]
    assert dissents == [0] * 5 + [c.DISSENT_NOT_AWAITED]
    attempt.receive(0, reply(sixth))
    (entry,) = writer.late
    assert [one.perspective_id for one in entry.late.replies] == [sixth.id]


class Disk(Unrecorded):
    """Where nothing is kept; another record may have the verdict, and writing may take its time."""

    def __init__(self) -> None:
        super().__init__()
        self.holder: bytes | None = None
        self.written: Done | None = None

    async def write(self, record: bytes, word: Word) -> bytes | None:
        del record
        word()
        if self.written is not None:
            await outlast(self.written)
        return self.holder


class House:
    """A clerk whose perspectives answer at once, or not before `held` is set."""

    def __init__(self, *, roster: Roster = WORLD, policy: Policy | None = None) -> None:
        self.inquiries: list[Inquiry] = []
        self.in_flight: list[int] = []
        self.held: asyncio.Event | None = None
        self.dissent: c.Dissent.ValueType = c.DISSENT_UNSPECIFIED
        self.is_stopping = False
        self.policy = policy or Policy()
        self.roster = roster
        rules = Rules(roster, self.policy)
        fanout = cast("Fanout", self)
        self._answering: set[asyncio.Task[None]] = set()
        corroborator = Corroborator(rules, fanout, lambda: NOVEMBER, lambda _: None)
        self.disk = Disk()
        registry = Registry(self.disk, self.record_builder(b"before"), Idempotency(None))
        self.program = ProgramMetrics("coordinator")
        metrics = CoordinatorMetrics(rules, self.program)
        gate = Limiter(Admission(Bounds(200, 150)), 11.0)
        counter = Counter({"one": Issuer(frozenset({ISSUER}))}, 11.0, gate, metrics)
        self.clerk = RequestHandler(corroborator, registry, counter, lambda: self.is_stopping)

    def record_builder(self, policy_version: bytes) -> RecordBuilder:
        return RecordBuilder(
            [PerspectiveClient(one, NO_FILES) for one in self.roster.perspectives], policy_version
        )

    def count(self, outcome: str) -> float | None:
        """How many questions came to this."""
        labels = {"outcome": outcome}
        return self.program.registry.get_sample_value("mpic_questions_total", labels)

    def ready(self) -> frozenset[str]:
        return frozenset(one.id for one in self.roster.perspectives)

    def ask(self, asked: Roster, inquiry: Inquiry, receive: Receive) -> None:
        """Stand for the fan-out."""
        self.inquiries.append(inquiry)
        self.in_flight.append(self.clerk.gate.admission.in_flight)
        task = asyncio.create_task(self._answer(asked, inquiry, receive))
        self._answering.add(task)

    async def _answer(self, asked: Roster, inquiry: Inquiry, receive: Receive) -> None:
        if self.held is not None:
            await self.held.wait()
        for index, name in enumerate(inquiry.names):
            for one in asked.perspectives:
                receive(index, self._reply(one, name))

    def _reply(self, one: Perspective, name: str) -> Reply:
        if self.dissent:
            return Reply(one, None, None, self.dissent, "why")
        lookup = o.Lookup(name=name, dnssec=o.DNSSEC_SECURE, absence=o.ABSENCE_NO_DATA)
        levels = [
            o.Lookup(name=level, dnssec=o.DNSSEC_SECURE, absence=o.ABSENCE_NO_DATA)
            for level in walk_levels(name)
        ]
        findings = [
            o.Finding(caa_walk=o.CaaFinding(levels=levels)),
            o.Finding(addresses=o.AddressFinding(lookup=lookup)),
        ]
        return Reply(one, encode(o.Observation(name=name, findings=findings)), 0.01)

    async def decide(
        self, caller: str = "pipeline", seconds: float | None = None, **fields: object
    ) -> r.Record:
        request = c.CorroborateRequest(**({"request_id": "r-1", "names": [NAME]} | fields))
        return await self.clerk.decide(request, Call(caller, lambda: seconds))


async def refused(deciding: Awaitable[r.Record]) -> RequestError:
    with pytest.raises(RequestError) as raised:
        await deciding
    return raised.value


async def test_what_is_decided_says_whose_it_is() -> None:
    record = await House().decide()
    assert record.names[0].reason == c.REASON_CORROBORATED
    assert (record.caller, record.request_id) == ("pipeline", "r-1")
    assert record.request_digest == digest_request(
        c.CorroborateRequest(request_id="r-1", names=[NAME])
    )


async def test_a_coordinator_that_stops_decides_nothing() -> None:
    house = House()
    house.is_stopping = True
    error = await refused(house.decide())
    assert (error.status, error.reason) == (StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert not house.inquiries


def test_two_requests_are_the_same_only_if_all_of_them_is() -> None:
    whole = c.CorroborateRequest(
        request_id="r-1",
        names=["a.example.com", "b.example.com"],
        issuer="one",
        account_uri="https://ca.example/1",
        validation_method="dns-01",
        tightening=c.Tightening(min_corroborating=5),
        dry_run=True,
    )
    whole.linger.seconds = 1
    assert len(whole.ListFields()) == len(whole.DESCRIPTOR.fields), "a field is missing here"
    others = []
    for field in whole.DESCRIPTOR.fields:
        other = c.CorroborateRequest()
        other.CopyFrom(whole)
        other.ClearField(field.name)
        others.append(other)
    fewer = c.CorroborateRequest()
    fewer.CopyFrom(whole)
    del fewer.names[1]
    digests = {digest_request(one) for one in (whole, fewer, *others)}
    assert len(digests) == 2 + len(others)
    again = c.CorroborateRequest.FromString(whole.SerializeToString())
    assert digest_request(again) == digest_request(whole)


async def test_a_request_id_is_the_callers_own() -> None:
    house = House()
    house.held = asyncio.Event()
    deciding = [
        asyncio.create_task(house.decide(caller, names=[name]))
        for caller, name in (("one", "a.example.com"), ("two", "b.example.com"))
    ]
    while len(house.inquiries) < 2:
        await asyncio.sleep(0)
        assert not any(one.done() for one in deciding)
    error = await refused(house.decide("one", names=["c.example.com"]))
    assert error.reason == "DUPLICATE_REQUEST_ID"
    house.held.set()
    records = await asyncio.gather(*deciding)
    assert [(one.caller, one.names[0].asked) for one in records] == [
        ("one", "a.example.com"),
        ("two", "b.example.com"),
    ]


async def test_a_question_weighs_as_much_as_it_has_names_until_it_is_decided() -> None:
    house = House()
    await house.decide(names=[f"h{number}.example.com" for number in range(100)])
    assert house.in_flight == [100]
    assert house.clerk.gate.admission.in_flight == 0


async def test_those_that_find_no_room_are_counted_and_told_by_caller_and_not_one_by_one() -> None:
    house = House()
    with house.clerk.gate.enter("pipeline", 150), capture_logs() as lines:
        reasons = [(await refused(house.decide())).reason for _ in range(3)]
        with house.clerk.gate.enter("other", 50):
            reasons.append((await refused(house.decide("third"))).reason)
        assert not lines
        house.clerk.turned_away.write()
        house.clerk.turned_away.write()
    assert reasons == ["CALLER_LIMIT"] * 3 + ["OVERLOADED"]
    assert house.count("shed") == 4
    assert [(one["event"], one["caller"], one["reason"], one["calls"]) for one in lines] == [
        ("turned_away", "pipeline", "CALLER_LIMIT", 3),
        ("turned_away", "third", "OVERLOADED", 1),
    ]
    assert not house.inquiries


async def test_what_our_load_cut_short_is_no_verdict() -> None:
    house = House()
    house.dissent = c.DISSENT_OVERLOADED
    error = await refused(house.decide())
    assert error.status is StatusCode.RESOURCE_EXHAUSTED


async def test_the_callers_deadline_is_heeded() -> None:
    house = House()
    await house.decide(seconds=3.0)
    await house.decide(seconds=30.0)
    await house.decide()
    budgets = [inquiry.budget for inquiry in house.inquiries]
    assert budgets == [pytest.approx(3.0 - DEADLINE_MARGIN), None, None]
    error = await refused(house.decide(seconds=0.05))
    assert error.reason == "DEADLINE_TOO_SHORT"


async def test_br_3_2_2_9_the_quorum_is_of_those_asked() -> None:
    """Seven remotes are there and five are asked: four of five, and 5 is all one can demand."""
    seven = Roster(WORLD.primary, [perspective(place) for place in PLACES[1:8]])
    five = Policy([replace(row, remotes_per_attempt=5) for row in BASELINE_ROWS])
    house = House(roster=seven, policy=five)
    record = await house.decide()
    assert len(record.perspectives) == 6
    assert record.policy.remotes_asked == 5
    assert (record.names[0].quorum, record.names[0].required) == ("5/5", 4)
    error = await refused(house.decide(tightening=c.Tightening(min_corroborating=6)))
    assert [one.field for one in error.violations] == ["tightening.min_corroborating"]


async def test_what_is_adopted_holds_for_what_is_asked_from_then_on() -> None:
    house = House()
    assert (await house.decide()).policy_version == b"before"
    bounds = Bounds(100, 100)
    house.clerk.adopt(
        house.record_builder(b"after"),
        {"two": Issuer(frozenset({"other.test"}), frozenset({"issuevmc"}))},
        bounds,
    )
    record = await house.decide()
    assert record.policy_version == b"after"
    assert list(record.issuer_domains) == ["other.test"]
    assert list(record.understood_critical_tags) == ["issuevmc"]
    assert house.clerk.gate.admission.bounds is bounds


async def test_a_verdict_is_counted_and_logged_as_it_is_told() -> None:
    house = House()
    with capture_logs() as lines:
        await house.decide()
    assert (house.count("approved"), house.count("cancelled")) == (1, 0)
    assert [line["event"] for line in lines] == ["verdict"]


async def test_where_another_has_decided_first_its_verdict_is_the_one_that_counts() -> None:
    house = House()
    house.disk.holder = make_id(NOVEMBER)
    with capture_logs() as lines:
        record = await house.decide()
    assert record.superseded_by == house.disk.holder
    assert house.count("approved") == 0
    assert [line["event"] for line in lines] == ["verdict_superseded"]


async def test_who_has_gone_while_it_was_written_was_told_nothing() -> None:
    house = House()
    house.disk.written = asyncio.get_running_loop().create_future()
    deciding = asyncio.create_task(house.decide())
    for _ in range(20):
        await asyncio.sleep(0)
    deciding.cancel()
    await asyncio.sleep(0)
    assert not deciding.done()
    house.disk.written.set_result(None)
    with pytest.raises(asyncio.CancelledError):
        await deciding
    assert (house.count("approved"), house.count("cancelled")) == (0, 1)
