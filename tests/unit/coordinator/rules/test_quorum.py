"""BR 3.2.2.9: the quorum table, the regions, the minimum, and when a verdict is certain."""

from datetime import UTC, datetime
from itertools import product

import pytest

from coordinator.rules.policy import BASELINE_ROWS, PolicyRow
from coordinator.rules.quorum import AttemptRules, foresee_quorum, judge_quorum, required_by_policy
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

RIRS = [o.RIR_RIPE, o.RIR_ARIN, o.RIR_APNIC, o.RIR_LACNIC, o.RIR_AFRINIC]
ANY_NUMBER = PolicyRow(datetime(2020, 1, 1, tzinfo=UTC), minimum_remotes=2)


def spread(count: int) -> list[o.Rir.ValueType]:
    return [RIRS[index % len(RIRS)] for index in range(count)]


# BR 3.2.2.9, table "Quorum Requirements", written out.


def test_four_of_five_is_the_default_quorum() -> None:
    for row in BASELINE_ROWS:
        assert required_by_policy(row, 5) == 4


def test_a_policy_may_demand_more_than_the_table() -> None:
    row = PolicyRow(ANY_NUMBER.effective_from, minimum_remotes=2, minimum_corroborating=6)
    assert required_by_policy(row, 7) == 6
    assert required_by_policy(row, 9) == 7


def test_a_caller_may_demand_more_than_the_policy() -> None:
    terms = AttemptRules(ANY_NUMBER, 5, tightened_to=5)
    assert judge_quorum(spread(4), terms) == c.REASON_QUORUM_NOT_MET
    assert judge_quorum(spread(5), terms) == c.REASON_CORROBORATED


def test_a_looser_demand_changes_nothing() -> None:
    assert AttemptRules(ANY_NUMBER, 5, tightened_to=1).required == 4


@pytest.mark.parametrize("attempted", [4, 5, 6])
def test_what_is_foreseen_never_differs_from_how_it_ends(attempted: int) -> None:
    """For every way the remotes can answer, and after every prefix of their answers."""
    terms = AttemptRules(ANY_NUMBER, attempted)
    rirs = [o.RIR_ARIN] * (attempted - 1) + [o.RIR_RIPE]
    for answers in product((True, False), repeat=attempted):
        end = judge_quorum([r for r, yes in zip(rirs, answers, strict=True) if yes], terms)
        for heard in range(attempted + 1):
            yes = [r for r, agrees in zip(rirs[:heard], answers, strict=False) if agrees]
            foreseen = foresee_quorum(yes, rirs[heard:], terms)
            approved = {c.REASON_CORROBORATED}
            assert foreseen == 0 or ({foreseen} == approved) == ({end} == approved)


def test_approval_is_certain_with_the_fourth_of_five() -> None:
    terms = AttemptRules(ANY_NUMBER, 5)
    assert foresee_quorum(spread(3), spread(2), terms) == c.REASON_UNSPECIFIED
    assert foresee_quorum(spread(4), spread(1), terms) == c.REASON_CORROBORATED


def test_refusal_is_certain_with_the_second_dissent_of_five() -> None:
    terms = AttemptRules(ANY_NUMBER, 5)
    assert foresee_quorum([], spread(4), terms) == c.REASON_UNSPECIFIED
    assert foresee_quorum([], spread(3), terms) == c.REASON_QUORUM_NOT_MET
