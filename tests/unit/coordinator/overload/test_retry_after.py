"""When callers may ask again: the later the more are turned away, within bounds, spread out."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.overload.retry_after import RetryAdvice, RetryAfter

BOUNDS = RetryAfter(1.0, 30.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Soonest(Random):
    """Draws the least there is."""

    def uniform(self, a: float, b: float) -> float:
        assert b == 2 * a
        return a


def told(let_in: int, turned_away: int, clock: Clock | None = None) -> float:
    """Return what the last of those turned away is told."""
    recall = RetryAdvice(clock or Clock(), Soonest())
    for _ in range(let_in):
        recall.let_in()
    return [recall.turn_away(BOUNDS) for _ in range(turned_away)][-1]


@pytest.mark.parametrize(
    ("let_in", "turned_away", "seconds"),
    [(1000, 1, 1.001), (1000, 1000, 2), (1000, 2000, 3), (1000, 10_000, 11), (0, 1, 2)],
)
def test_as_many_times_later_as_more_is_asked_than_let_in(
    let_in: int, turned_away: int, seconds: float
) -> None:
    assert told(let_in, turned_away) == pytest.approx(seconds)


def test_never_later_than_the_bound() -> None:
    assert told(1, 10_000) == BOUNDS.most / 2


def test_what_is_long_past_does_not_count() -> None:
    clock = Clock()
    recall = RetryAdvice(clock, Soonest())
    for _ in range(500):
        recall.turn_away(BOUNDS)
    clock.now += 60
    for _ in range(1000):
        recall.let_in()
    assert recall.turn_away(BOUNDS) == pytest.approx(1, abs=0.01)


@given(
    st.integers(0, 2000),
    st.integers(1, 2000),
    st.floats(0.1, 60),
    st.floats(2, 20),
    st.integers(),
)
def test_all_are_told_something_within_the_bounds_and_not_the_same(
    let_in: int, turned_away: int, least: float, ratio: float, seed: int
) -> None:
    bounds = RetryAfter(least, least * ratio)
    recall = RetryAdvice(Clock(), Random(seed))  # noqa: S311 - a test
    for _ in range(let_in):
        recall.let_in()
    seconds = [recall.turn_away(bounds) for _ in range(turned_away)]
    assert all(least * 0.999 <= one <= least * ratio * 1.001 for one in seconds)
    assert len(set(seconds)) == len(seconds)
