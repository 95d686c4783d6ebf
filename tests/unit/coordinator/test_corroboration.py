"""The main path, with perspectives that answer at once: dates, and the names of a certificate."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from secrets import SystemRandom
from typing import cast

import pytest

from coordinator import corroboration
from coordinator.checks.caa.issuer import Issuer
from coordinator.corroboration import Corroborator
from coordinator.decision.attempt import Attempt
from coordinator.decision.question import Desk, Question, read_question
from coordinator.perspectives.fanout import Fanout, Inquiry, Receive
from coordinator.rules.policy import BASELINE_ROWS, Policy
from coordinator.rules.quorum import Terms
from coordinator.rules.roster import Perspective, Roster, Rules
from mpic.names import parse_name
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from tests.world.places import PLACES
from tests.world.samples import ISSUER, NAME, NOVEMBER, WORLD, ask, perspective, reply

FOUR = Roster(WORLD.primary, WORLD.remotes[:4])


class FakeFanout:
    """Lets everybody see NAME without CAA, and say the same whatever else they are asked about."""

    def ready(self) -> frozenset[str]:
        return frozenset(one.id for one in WORLD.perspectives)

    def ask(self, asked: Roster, inquiry: Inquiry, receive: Receive) -> None:
        assert len(inquiry.checks) == 2
        for index, _ in enumerate(inquiry.names):
            for one in asked.perspectives:
                receive(index, reply(one))


def corroborate(roster: Roster, moment: str, *names: str) -> Attempt:
    """Ask at a moment, given as in a policy file."""
    now = datetime.fromisoformat(moment).astimezone(UTC)
    fanout = cast("Fanout", FakeFanout())
    corroborator = Corroborator(Rules(roster, Policy()), fanout, lambda: now, lambda _: None)
    row = corroborator.row_in_force()
    desk = Desk({"one": Issuer(frozenset({ISSUER}))}, row, len(roster.remotes), 1.0)
    question = read_question(c.CorroborateRequest(request_id="r", names=names), desk)

    async def run() -> Attempt:
        return await corroborator.corroborate(question)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2026-12-14T23:59:59Z", c.REASON_CORROBORATED),
        ("2026-12-15T00:59:59+01:00", c.REASON_CORROBORATED),
        ("2026-12-15T00:00:00Z", c.REASON_TOO_FEW_REMOTES),
        ("2026-12-14T19:00:00-05:00", c.REASON_TOO_FEW_REMOTES),
    ],
)
def test_br_3_2_2_9_four_remotes_are_enough_until_the_15th_of_december(
    moment: str, reason: c.Reason.ValueType
) -> None:
    attempt = corroborate(FOUR, moment, NAME)
    assert attempt.ballots[0].reason == reason
    assert attempt.ballots[0].quorum == "4/4"
    assert attempt.approved == (reason == c.REASON_CORROBORATED)


def test_five_remotes_are_enough_after_it() -> None:
    assert corroborate(WORLD, "2026-12-15T00:00:00Z", NAME).approved


def test_br_3_2_2_9_every_name_of_a_certificate_has_a_verdict_of_its_own() -> None:
    attempt = corroborate(WORLD, "2026-11-25T00:00:00Z", NAME, "other.example.com")
    # An answer about NAME is garbage to a question about another.
    reasons = [ballot.reason for ballot in attempt.ballots]
    assert reasons == [c.REASON_CORROBORATED, c.REASON_PRIMARY_UNAVAILABLE]
    assert not attempt.approved


SEVEN = Roster(WORLD.primary, [perspective(place) for place in PLACES[1:8]])
SETS_OF_FIVE = Policy([replace(row, remotes_per_attempt=5) for row in BASELINE_ROWS])


class Asking:
    """What a fan-out hands back: whether it was withdrawn."""

    def __init__(self) -> None:
        self.is_withdrawn = False

    def withdraw(self) -> None:
        self.is_withdrawn = True


class NotedFanout:
    """Notes whom it has to ask, and lets those answer that are not `silent`."""

    def __init__(
        self, ready: Collection[Perspective], silent: Collection[Perspective] = ()
    ) -> None:
        self.asked: list[Roster] = []
        self.inquiries: list[Inquiry] = []
        self.asking = Asking()
        self._ready = frozenset(one.id for one in ready)
        self._silent = silent
        self.receive: Receive = lambda *_: None

    def ready(self) -> frozenset[str]:
        return self._ready

    def ask(self, asked: Roster, inquiry: Inquiry, receive: Receive) -> Asking:
        self.asked.append(asked)
        self.inquiries.append(inquiry)
        self.receive = receive
        for one in asked.perspectives:
            if one not in self._silent:
                receive(0, reply(one))
        return self.asking


def corroborator_of(rules: Rules, fanout: NotedFanout) -> Corroborator:
    return Corroborator(rules, cast("Fanout", fanout), lambda: NOVEMBER, lambda _: None)


def question_by(policy: Policy, remotes: int, linger: float = 0) -> Question:
    terms = Terms(policy.row_at(NOVEMBER), remotes)
    return Question("r", [parse_name(NAME)], [ask()], terms, dry_run=False, linger=linger)


def ids(perspectives: Sequence[Perspective]) -> list[str]:
    return [one.id for one in perspectives]


async def test_br_3_2_2_9_those_asked_are_those_counted() -> None:
    """Of a roster of seven remotes five are asked: the quorum is theirs, whoever else is there."""
    fanout = NotedFanout(SEVEN.perspectives)
    corroborator = corroborator_of(Rules(SEVEN, SETS_OF_FIVE), fanout)
    attempt = await corroborator.corroborate(question_by(SETS_OF_FIVE, 5))
    (asked,) = fanout.asked
    assert len(asked.remotes) == 5
    assert ids(attempt.roster.perspectives) == ids(asked.perspectives)
    assert all(ballot.roster is attempt.roster for ballot in attempt.ballots)
    assert attempt.ballots[0].quorum == "5/5"


def test_which_networks_an_attempt_looks_from_is_drawn_by_a_lot_nobody_can_foresee() -> None:
    assert isinstance(corroboration._LOT, SystemRandom)


async def test_those_who_can_be_asked_are_asked_first() -> None:
    away = SEVEN.remotes[2:4]
    ready = [one for one in SEVEN.perspectives if one not in away]
    for _ in range(10):
        fanout = NotedFanout(ready)
        corroborator = corroborator_of(Rules(SEVEN, SETS_OF_FIVE), fanout)
        await corroborator.corroborate(question_by(SETS_OF_FIVE, 5))
        assert sorted(ids(fanout.asked[0].perspectives)) == sorted(ids(ready))


def test_br_3_2_2_9_a_roster_whose_perspectives_stand_together_is_not_asked() -> None:
    first, second, *others = WORLD.remotes
    together = replace(second, egress=first.egress)
    roster = Roster(WORLD.primary, [first, together, *others])
    corroborator = corroborator_of(Rules(roster, Policy()), NotedFanout(()))
    with pytest.raises(RequestError) as raised:
        corroborator.row_in_force()
    assert raised.value.reason == "ROSTER_BREAKS_POLICY"


async def test_the_time_that_the_caller_leaves_is_the_attempts() -> None:
    fanout = NotedFanout(WORLD.perspectives)
    corroborator = corroborator_of(Rules(WORLD, Policy()), fanout)
    await corroborator.corroborate(question_by(Policy(), 5), 2.5, "00-trace")
    (inquiry,) = fanout.inquiries
    assert (inquiry.names, inquiry.budget, inquiry.traceparent) == ([NAME], 2.5, "00-trace")


async def test_what_nobody_waits_for_any_more_is_withdrawn() -> None:
    fanout = NotedFanout(WORLD.perspectives, silent=[WORLD.primary])
    corroborator = corroborator_of(Rules(WORLD, Policy()), fanout)
    deciding = asyncio.create_task(corroborator.corroborate(question_by(Policy(), 5)))
    await asyncio.sleep(0)
    assert fanout.asked
    deciding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deciding
    assert fanout.asking.is_withdrawn


async def test_who_lingers_waits_for_the_last() -> None:
    last = WORLD.remotes[4]
    fanout = NotedFanout(WORLD.perspectives, silent=[last])
    corroborator = corroborator_of(Rules(WORLD, Policy()), fanout)
    asked = question_by(Policy(), 5, linger=60)
    deciding = asyncio.create_task(corroborator.corroborate(asked))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not deciding.done()
    fanout.receive(0, reply(last))
    assert (await deciding).ballots[0].quorum == "5/5"
