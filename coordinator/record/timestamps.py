"""Moments of the record: microseconds since 1970, UTC, and months and years. Pure."""

from datetime import MAXYEAR, UTC, datetime

LATEST_US = 253_402_300_799_999_999
"""The end of the year 9999."""
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US

# BR 5.4.3 and 5.5.2: "for at least two (2) years".
RETENTION_YEARS = 2


def to_moment(microseconds: int) -> datetime:
    """Return a moment; one outside of the calendar becomes the nearest end of it."""
    seconds, rest = divmod(min(max(microseconds, 0), LATEST_US), SECOND_US)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def to_us(moment: datetime) -> int:
    """Return microseconds since 1970, UTC."""
    return int(moment.timestamp()) * SECOND_US + moment.microsecond


def month_of(written_at_us: int) -> str:
    """Return the UTC month of a moment, such as "2026-11"."""
    return f"{to_moment(written_at_us):%Y-%m}"


def end_retention(moment: datetime) -> datetime:
    """Return until when something must be kept that was written, or expires, at a moment.

    A certificate without an end, of the last day of 9999 (RFC 5280 section 4.1.2.5), has no such
    date.
    """
    year = moment.year + RETENTION_YEARS
    if year > MAXYEAR:
        return to_moment(LATEST_US)
    try:
        return moment.replace(year=year)
    except ValueError:  # 29 February
        return moment.replace(year=year, month=3, day=1)


def show_moment(microseconds: int) -> str:
    """Return a moment in UTC, to the millisecond."""
    moment = to_moment(microseconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def read_moment(text: str) -> int:
    """Return the microseconds of what `show_moment` returned; raises ValueError."""
    return to_us(datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%fZ").replace(tzinfo=UTC))
