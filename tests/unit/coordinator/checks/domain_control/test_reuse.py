"""BR 4.2.1: how long a validation may be used, by the date of issuance."""

from datetime import UTC, date, datetime, timedelta

import pytest

from coordinator.checks.domain_control.reuse import reusable_for


def allowed(issued: date) -> int:
    """The table of BR 4.2.1, written down a second time."""
    if issued < date(2027, 3, 15):
        return 200
    return 100 if issued < date(2029, 3, 15) else 10


@pytest.mark.parametrize(
    "day", [date(2026, 8, 1) + timedelta(days=number) for number in range(0, 1200, 7)]
)
def test_it_ends_when_no_later_issuance_may_use_it(day: date) -> None:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    end = at + reusable_for(at)
    assert end - at <= timedelta(days=allowed(end.date()))
    later = (end + timedelta(days=number, seconds=1) for number in range(300))
    assert not any(one - at <= timedelta(days=allowed(one.date())) for one in later)


@pytest.mark.parametrize(
    ("validated", "until"),
    [
        ("2026-08-01T00:00:00", "2027-02-17T00:00:00"),
        ("2026-11-30T00:00:00", "2027-03-14T23:59:59"),
        ("2026-12-25T00:00:00", "2027-04-04T00:00:00"),
        ("2029-03-14T00:00:00", "2029-03-24T00:00:00"),
        ("2031-01-01T00:00:00", "2031-01-11T00:00:00"),
    ],
)
def test_dates(validated: str, until: str) -> None:
    at = datetime.fromisoformat(validated).replace(tzinfo=UTC)
    assert at + reusable_for(at) == datetime.fromisoformat(until).replace(tzinfo=UTC)
