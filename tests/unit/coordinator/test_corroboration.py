"""The main path, with perspectives that answer at once: dates, and the names of a certificate."""

import asyncio
from datetime import UTC, datetime
from typing import cast

import pytest

from coordinator.corroboration import Attempt, Corroborator, Rules
from coordinator.fanout import Fanout, Inquiry, Receive
from coordinator.intake import Desk, read_question
from coordinator.policy import Policy
from coordinator.roster import Roster
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import ISSUER, NAME, WORLD, reply

FOUR = Roster(WORLD.primary, WORLD.remotes[:4])


class FakeFanout:
    """Lets everybody see NAME without CAA, and say the same whatever else they are asked about."""

    def ready(self) -> frozenset[str]:
        return frozenset(one.id for one in WORLD.perspectives)

    def ask(self, asked: Roster, inquiry: Inquiry, receive: Receive) -> None:
        assert len(p.Question.FromString(inquiry.checks).checks) == 2
        for index, _ in enumerate(inquiry.names):
            for one in asked.perspectives:
                receive(index, reply(one))


def corroborate(roster: Roster, moment: str, *names: str) -> Attempt:
    """Ask at a moment, given as in a policy file."""
    now = datetime.fromisoformat(moment).astimezone(UTC)
    fanout = cast("Fanout", FakeFanout())
    corroborator = Corroborator(Rules(roster, Policy()), fanout, lambda: now, lambda _: None)
    row = corroborator.row_in_force()
    desk = Desk({"one": frozenset({ISSUER})}, row, len(roster.remotes), 1.0)
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
