"""What an agent's time shows of our clock: never more than a slow network could explain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.perspectives.agent_clock import (
    LATEST_US,
    Agreement,
    ClockBounds,
    Reading,
    find_difference,
    judge_difference,
    make_reading,
)
from mpic.text import describe_difference

SECOND = 1_000_000
BOUNDS = ClockBounds(warning=5.0, limit=120.0)
STARTED = 1_700_000_000 * SECOND
"""When the coordinator's host was, by its own clock: its clock minus its steady clock."""

ways = st.integers(0, 7200 * SECOND)
offsets = st.integers(-(10**6) * SECOND, 10**6 * SECOND)


def ask(there: int, back: int, ahead: int) -> float:
    """The difference that is found of an agent so far ahead, when both ways take so long."""
    asked = 50 * SECOND
    told = STARTED + asked + there + ahead
    return find_difference(make_reading(told, asked, asked + there + back), STARTED)


@given(ways, ways)
def test_however_slow_a_clock_that_is_right_is_never_taken_for_wrong(there: int, back: int) -> None:
    assert ask(there, back, 0) == 0


@given(ways, ways, offsets)
def test_no_more_is_found_than_there_is_and_no_less_than_the_way_hides(
    there: int, back: int, ahead: int
) -> None:
    found = round(ask(there, back, ahead) * 1e6)
    assert abs(found) <= abs(ahead)
    assert found * ahead >= 0
    assert abs(ahead) - abs(found) <= there + back


@pytest.mark.parametrize(
    ("there", "back", "ahead", "found"),
    [
        (0, 0, 9 * 3600, 9 * 3600),
        (0, 0, -9 * 3600, -9 * 3600),
        (1, 2, 30, 28),
        (1, 2, -30, -29),
        (1, 2, 2, 0),
        (1, 2, -1, 0),
    ],
)
def test_the_bound_nearer_to_nothing_is_the_difference(
    there: int, back: int, ahead: int, found: int
) -> None:
    assert ask(there * SECOND, back * SECOND, ahead * SECOND) == found


@given(ways, offsets, offsets)
def test_a_step_of_our_own_clock_shows_without_asking_again(
    way: int, ahead: int, step: int
) -> None:
    reading = make_reading(STARTED + 50 * SECOND + ahead, 50 * SECOND, 50 * SECOND + way)
    before = Reading(reading.least - step, reading.most - step)
    assert find_difference(reading, STARTED + step) == find_difference(before, STARTED)


@pytest.mark.parametrize("told", [0, -1, -(2**63), 2**63 - 1])
def test_whatever_an_agent_tells_is_a_difference_that_can_be_told(told: int) -> None:
    difference = find_difference(make_reading(told, 0, 1), STARTED)
    assert abs(difference) <= LATEST_US / 1e6
    assert judge_difference(difference, BOUNDS) is Agreement.TOO_FAR


@pytest.mark.parametrize(
    ("difference", "agreement"),
    [
        (None, Agreement.UNTOLD),
        (0.0, Agreement.AGREES),
        (5.0, Agreement.AGREES),
        (-5.0, Agreement.AGREES),
        (5.1, Agreement.DIFFERS),
        (-5.1, Agreement.DIFFERS),
        (120.0, Agreement.DIFFERS),
        (-120.0, Agreement.DIFFERS),
        (120.1, Agreement.TOO_FAR),
        (-120.1, Agreement.TOO_FAR),
    ],
)
def test_beyond_the_warning_it_is_told_and_beyond_the_limit_not_believed(
    difference: float | None, agreement: Agreement
) -> None:
    assert judge_difference(difference, BOUNDS) is agreement


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (30.2, "30 s ahead of"),
        (-119, "119 s behind"),
        (600, "10 min ahead of"),
        (-32_400, "9 h behind"),
        (172_800, "2 days ahead of"),
    ],
)
def test_it_is_said_in_a_unit_that_fits(difference: float, said: str) -> None:
    assert describe_difference(difference) == said
