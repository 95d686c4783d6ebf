"""Fewer are let in while many are turned away: by as much as turning away takes of the time."""

from coordinator.toll import Toll


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def share_at(a_second: int, seconds: int = 10) -> float:
    """Return the share that is left once so many were turned away each second for some time."""
    clock = Clock()
    toll = Toll(clock)
    for _ in range(a_second * seconds):
        clock.now += 1 / a_second
        toll.turn_away()
    return toll.share


def test_all_is_left_while_nobody_is_turned_away() -> None:
    assert Toll().share == 1


def test_a_thousand_a_second_take_a_quarter() -> None:
    assert 0.7 < share_at(1000) < 0.8
    assert 0.85 < share_at(500) < 0.9


def test_a_few_take_next_to_nothing() -> None:
    """So names of slow domains, which fill the house without work, do not empty it, too."""
    assert share_at(10) > 0.99


def test_some_is_always_left() -> None:
    assert share_at(100_000, 2) == 0.25


def test_it_is_soon_forgotten() -> None:
    clock = Clock()
    toll = Toll(clock)
    for _ in range(1000):
        toll.turn_away()
    assert toll.share < 0.8
    clock.now += 5
    assert toll.share > 0.99
    clock.now += 10
    assert toll.share > 0.9999
