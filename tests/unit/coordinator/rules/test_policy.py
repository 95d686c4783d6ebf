"""Which dated row applies, and what may not be asked less than."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coordinator.rules.policy import BASELINE_ROWS, NoPolicyRowError, Policy, find_shortfalls

MOMENT = timedelta(seconds=1)
DECEMBER = datetime(2026, 12, 15, tzinfo=UTC)


def test_the_order_of_rows_does_not_matter() -> None:
    assert Policy(tuple(reversed(BASELINE_ROWS))).row_at(DECEMBER).minimum_remotes == 5


def test_before_the_first_row_nothing_applies() -> None:
    with pytest.raises(NoPolicyRowError, match="2026-06-14"):
        Policy().row_at(datetime(2026, 6, 14, tzinfo=UTC))


def test_rows_to_come() -> None:
    november = datetime(2026, 11, 23, tzinfo=UTC)
    assert Policy().rows_between(november, DECEMBER - MOMENT) == []
    (row,) = Policy().rows_between(november, DECEMBER)
    assert row.minimum_remotes == 5
    assert Policy().rows_between(DECEMBER, DECEMBER + timedelta(days=30)) == []


def test_the_baseline_does_not_fall_short_of_itself() -> None:
    assert find_shortfalls(Policy()) == []


@pytest.mark.parametrize(
    ("change", "shortfall"),
    [
        ({"minimum_remotes": 3}, "minimum_remotes is 3, not 4"),
        ({"minimum_regions": 1}, "minimum_regions is 1, not 2"),
        ({"minimum_distance_km": 499}, "minimum_distance_km is 499, not 500"),
        ({"noncorroborations": ((2, 2),)}, "2 non-corroborations are allowed of 2, not 1"),
        ({"noncorroborations": ((2, 1), (5, 2))}, "2 non-corroborations are allowed of 5, not 1"),
    ],
)
def test_a_row_below_the_baseline_falls_short(change: dict[str, int], shortfall: str) -> None:
    rows = [replace(BASELINE_ROWS[0], **change), BASELINE_ROWS[1]]
    assert find_shortfalls(Policy(rows)) == [f"from 2026-06-15 on {shortfall}"]


def test_an_old_row_falls_short_when_a_new_rule_comes_into_force() -> None:
    policy = Policy([replace(BASELINE_ROWS[0])])
    assert find_shortfalls(policy) == ["from 2026-12-15 on minimum_remotes is 4, not 5"]


def test_stricter_rows_do_not_fall_short() -> None:
    rows = [
        replace(row, minimum_remotes=6, minimum_regions=3, noncorroborations=())
        for row in BASELINE_ROWS
    ]
    assert find_shortfalls(Policy(rows)) == []
