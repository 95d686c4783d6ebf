"""Names let in while agents have too much to do: fewer, never too few, and more again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.overload.adaptive_limit import AdaptiveLimit
from mpic.bounds import MAX_NAMES

MOST = 4096


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_is_open_until_agents_refuse(clock: Clock) -> None:
    assert AdaptiveLimit(clock).limit(MOST) == MOST


def test_a_refusal_lets_a_fifth_fewer_in_than_are_in_flight(clock: Clock) -> None:
    adaptive_limit = AdaptiveLimit(clock)
    adaptive_limit.narrow(1000, MOST)
    assert adaptive_limit.limit(MOST) == 800


def test_refusals_that_come_together_count_once(clock: Clock) -> None:
    adaptive_limit = AdaptiveLimit(clock)
    for _ in range(50):
        adaptive_limit.narrow(1000, MOST)
    assert adaptive_limit.limit(MOST) == 800
    clock.now += 0.25
    adaptive_limit.narrow(1000, MOST)
    assert adaptive_limit.limit(MOST) == pytest.approx(800 * 1.1**0.25 * 0.8, abs=1)


def test_without_refusals_it_opens_again_and_stays_open(clock: Clock) -> None:
    adaptive_limit = AdaptiveLimit(clock)
    adaptive_limit.narrow(1000, MOST)
    clock.now += 1
    assert adaptive_limit.limit(MOST) == pytest.approx(880, abs=1)
    clock.now += 20
    assert adaptive_limit.limit(MOST) == MOST
    adaptive_limit.narrow(1000, MOST)
    assert adaptive_limit.limit(MOST) == 800


def test_after_a_quiet_night_it_is_open(clock: Clock) -> None:
    adaptive_limit = AdaptiveLimit(clock)
    adaptive_limit.narrow(1000, MOST)
    clock.now += 10 * 24 * 3600
    assert adaptive_limit.limit(1_000_000) == 1_000_000


@given(
    st.lists(st.tuples(st.floats(0, 10), st.integers(0, 9999)), max_size=50),
    st.integers(MAX_NAMES, 9999),
)
def test_a_question_of_a_hundred_names_is_never_kept_out_and_the_bound_never_passed(
    refusals: list[tuple[float, int]], most: int
) -> None:
    clock = Clock()
    adaptive_limit = AdaptiveLimit(clock)
    for pause, in_flight in refusals:
        clock.now += pause
        adaptive_limit.narrow(in_flight, most)
        assert MAX_NAMES <= adaptive_limit.limit(most) <= most
