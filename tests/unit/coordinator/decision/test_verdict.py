"""The sentence of a verdict: of remotes that nobody awaited it says nothing wrong."""

from dataclasses import replace

import pytest

from coordinator.decision.name_decision import NameDecision
from coordinator.decision.verdict import explain_verdict
from coordinator.decision.vote import Reply
from coordinator.rules.quorum import AttemptRules
from mpic.v1 import corroboration_pb2 as c
from tests.world.samples import RULES, WORLD, addresses, asked_name, caa, reply

LIE = (caa(), addresses(b"\xcb\x00\x71\x42"))


def decide(*replies: Reply) -> NameDecision:
    decision = NameDecision(asked_name(), RULES, WORLD)
    for one in (reply(WORLD.primary), *replies):
        decision.add(one)
    decision.freeze()
    return decision


@pytest.mark.parametrize(
    ("lied_to", "honest", "said"),
    [
        (2, 0, "2 dissent, so at most 3 of 5 remote perspectives can corroborate, 4 are needed"),
        (2, 1, "2 dissent, so at most 3 of 5 remote perspectives can corroborate, 4 are needed"),
        (2, 3, "3 of 5 remote perspectives corroborate, 4 are needed"),
        (5, 0, "0 of 5 remote perspectives corroborate, 4 are needed"),
    ],
)
def test_338_counts_those_that_dissent_if_not_all_were_awaited(
    lied_to: int, honest: int, said: str
) -> None:
    remotes = WORLD.remotes
    decision = decide(
        *(reply(one, LIE) for one in remotes[:lied_to]),
        *(reply(one) for one in remotes[lied_to : lied_to + honest]),
    )
    assert decision.reason == c.REASON_QUORUM_NOT_MET
    assert explain_verdict(decision) == said


def test_a_remote_that_was_cut_short_does_not_dissent() -> None:
    cut = Reply(WORLD.remotes[2], None, None, c.DISSENT_OVERLOADED, "too much to do")
    decision = decide(*(reply(one, LIE) for one in WORLD.remotes[:2]), cut)
    assert explain_verdict(decision).startswith("2 dissent, so at most 3 of 5")


def test_regions_are_those_of_remotes_that_may_corroborate() -> None:
    rules = AttemptRules(replace(RULES.row, minimum_regions=5), RULES.attempted)
    decision = NameDecision(asked_name(), rules, WORLD)
    decision.add(reply(WORLD.primary))
    decision.add(reply(WORLD.remotes[0], LIE))
    decision.freeze()
    assert decision.reason == c.REASON_REGIONS_NOT_MET
    assert explain_verdict(decision) == (
        "1 dissent, so at most 4 of 5 remote perspectives can corroborate, but from 4 RIR service"
        " region (AFRINIC, APNIC, ARIN, LACNIC); 5 are needed"
    )
