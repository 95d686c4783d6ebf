"""An attempt: certain with the last name, approved only as a whole, and frozen once."""

from coordinator.decision.attempt import Attempt
from coordinator.decision.request import IssuanceRequest
from mpic.v1 import corroboration_pb2 as c
from tests.world.samples import ADDRESS, NOVEMBER, RULES, WORLD, addresses, asked_name, caa, reply

FORBIDS = (caa(b"\x00\x05issue;"), addresses(ADDRESS))


class Kept:
    """An attempt about two names, and how often it was complete."""

    def __init__(self) -> None:
        self.complete: list[Attempt] = []
        request = IssuanceRequest(
            "r-1", "", [asked_name()] * 2, RULES, None, dry_run=False, linger=0
        )
        self.attempt = Attempt(request, WORLD, NOVEMBER, self.complete.append)

    def answer(self, index: int, remotes: int = 5, *, forbids: bool = False) -> None:
        """Let the primary and so many remotes answer about one name."""
        findings = FORBIDS if forbids else None
        for one in (WORLD.primary, *WORLD.remotes[:remotes]):
            self.attempt.receive(index, reply(one, findings))


async def test_it_is_certain_with_the_last_of_its_names() -> None:
    kept = Kept()
    kept.answer(1)
    assert not kept.attempt.certain.done()
    kept.answer(0, remotes=4)
    assert kept.attempt.certain.done()
    assert kept.attempt.approved
    assert not kept.complete


async def test_it_is_complete_once_everybody_has_replied_about_every_name() -> None:
    kept = Kept()
    kept.answer(0)
    assert not kept.attempt.complete.done()
    kept.answer(1)
    assert kept.attempt.complete.done()
    assert kept.complete == [kept.attempt]


async def test_br_3_2_2_9_one_name_that_is_refused_refuses_them_all() -> None:
    for refused in (0, 1):
        kept = Kept()
        kept.answer(refused, forbids=True)
        assert not kept.attempt.certain.done()
        kept.answer(1 - refused)
        assert kept.attempt.certain.done()
        assert not kept.attempt.approved
        reasons = [decision.reason for decision in kept.attempt.decisions]
        assert reasons[refused] == c.REASON_PRIMARY_FORBIDS
        assert reasons[1 - refused] == c.REASON_CORROBORATED


async def test_what_comes_after_it_was_frozen_is_late_and_not_told() -> None:
    kept = Kept()
    for index in (0, 1):
        kept.answer(index, remotes=4)
    kept.attempt.freeze()
    last = WORLD.remotes[4]
    kept.attempt.receive(1, reply(last))
    assert [(index, late.perspective) for index, late in kept.attempt.late] == [(1, last)]
    decision = kept.attempt.decisions[1]
    assert (decision.quorum, decision.vote_of(last).dissent) == ("4/5", c.DISSENT_NOT_AWAITED)
    assert decision.late_vote_of(last).corroborates
