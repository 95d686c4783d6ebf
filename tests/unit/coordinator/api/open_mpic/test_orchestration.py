"""How many perspectives and corroborations are used: never fewer than the policy demands."""

import pytest

from coordinator.api.open_mpic.messages import OrchestrationParameters
from coordinator.api.open_mpic.orchestration import Terms, UsedCounts, choose_counts
from coordinator.api.open_mpic.refusal import RefusedError

FIVE, SEVEN = Terms(5, 4), Terms(7, 5)


def choose(
    count: int | None, quorum: int | None, terms: Terms = FIVE, *, lab: bool = False
) -> UsedCounts:
    asked = OrchestrationParameters(perspective_count=count, quorum_count=quorum)
    return choose_counts(asked, terms, honour_smaller=lab)


def types_of(terms: Terms = FIVE, **asked: int | None) -> list[str]:
    with pytest.raises(RefusedError) as raised:
        choose_counts(OrchestrationParameters(**asked), terms)
    return [str(issue["issue_type"]) for issue in raised.value.issues]


def test_without_numbers_the_policys_are_used() -> None:
    assert choose_counts(None, FIVE) == UsedCounts(5, 4)
    assert choose(None, None, SEVEN) == UsedCounts(7, 5)


@pytest.mark.parametrize(
    ("count", "quorum", "used"),
    [(2, 1, 4), (2, 2, 4), (3, 2, 4), (3, 3, 4), (4, 4, 4), (5, 4, 4), (5, 5, 5), (4, None, 4),
     (None, 1, 4), (None, 0, 4), (None, -7, 4), (None, 4, 4), (None, 5, 5)],
)  # fmt: skip
def test_smaller_numbers_have_no_effect_and_larger_ones_tighten(
    count: int | None, quorum: int | None, used: int
) -> None:
    assert choose(count, quorum) == UsedCounts(5, used)


@pytest.mark.parametrize("count", [1, 0, -1, 6, 10**30])
def test_a_count_that_nobody_can_ask_for_is_refused_as_by_open_mpic(count: int) -> None:
    assert types_of(perspective_count=count, quorum_count=99) == ["invalid-perspective-count"]


@pytest.mark.parametrize(
    ("count", "quorum"), [(5, 3), (5, 6), (4, 2), (2, 0), (2, 3), (None, 6), (6, 3), (7, 4), (7, 8)]
)
def test_a_quorum_that_does_not_fit_the_count_is_refused(count: int | None, quorum: int) -> None:
    terms = SEVEN if (count or 0) > 5 else FIVE
    asked = {"perspective_count": count, "quorum_count": quorum}
    assert types_of(terms, **asked) == ["invalid-quorum-count"]


def test_of_more_than_five_two_need_not_corroborate() -> None:
    assert choose(6, 4, SEVEN) == UsedCounts(7, 5)
    assert choose(7, 6, SEVEN) == UsedCounts(7, 6)


def test_there_is_one_cohort_and_one_attempt() -> None:
    fine = OrchestrationParameters(cohort_for_single_attempt=1, max_attempts=3)
    assert choose_counts(fine, FIVE) == UsedCounts(5, 4)
    assert types_of(cohort_for_single_attempt=2) == ["invalid-cohort-for-single-attempt"]
    both = types_of(cohort_for_single_attempt=0, perspective_count=9)
    assert both == ["invalid-perspective-count", "invalid-cohort-for-single-attempt"]


@pytest.mark.parametrize(
    ("count", "quorum", "used"),
    [(2, 1, (2, 1)), (3, 2, (3, 2)), (3, None, (3, 2)), (None, 1, (5, 1)), (None, None, (5, 4)),
     (None, 0, (5, 1)), (5, 5, (5, 5))],
)  # fmt: skip
def test_a_lab_uses_what_is_asked_for(
    count: int | None, quorum: int | None, used: tuple[int, int]
) -> None:
    assert choose(count, quorum, lab=True) == UsedCounts(*used)
