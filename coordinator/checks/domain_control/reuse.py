"""How long a validation may be used to issue (BR 4.2.1). Pure.

    Certificate issued on or after | before     | at most
    2026-03-15                     | 2027-03-15 | 200 days
    2027-03-15                     | 2029-03-15 | 100 days
    2029-03-15                     |            |  10 days

The date of issuance decides. So a validation that may be used today for 200 days ends on the day
before a shorter period begins, unless it is young enough for that period too.
"""

from datetime import UTC, datetime, timedelta

PERIODS = (
    (datetime(2027, 3, 15, tzinfo=UTC), timedelta(days=200)),
    (datetime(2029, 3, 15, tzinfo=UTC), timedelta(days=100)),
    (datetime.max.replace(tzinfo=UTC), timedelta(days=10)),
)
"""The end of each period (not included), and how old a validation may be at issuance."""

PERSISTENT = timedelta(days=10)
"""For a persistent TXT record, at all times (BR 3.2.2.4.22)."""

_LAST_MOMENT = timedelta(seconds=1)


def reusable_for(validated_at: datetime) -> timedelta:
    """Return how long a validation may be used to issue, by the dated rows."""
    usable_until = validated_at
    for end, at_most in PERIODS:
        if validated_at >= end:
            continue
        usable_until = max(usable_until, min(validated_at + at_most, end - _LAST_MOMENT))
        if validated_at + at_most < end:
            break  # in later periods it is too old from the start
    return usable_until - validated_at
