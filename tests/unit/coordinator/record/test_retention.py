"""BR 5.4.3 and 5.5.2: how long records must be kept, and which months may go."""

from datetime import UTC, datetime

import pytest

from coordinator.record.entries import RecordEntries
from coordinator.record.retention import keep_until
from coordinator.record.timestamps import to_us
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import sample_record


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def asked(on: str, reason: c.Reason.ValueType = c.REASON_QUORUM_NOT_MET) -> r.Record:
    record = sample_record(asked_at=day(on), reason=reason)
    if reason == c.REASON_CORROBORATED:
        record.names[0].usable_until_us[:] = [to_us(day(on)) + 8 * 3600 * 1_000_000, 0]
    return record


def issuance(record: r.Record, not_after: str) -> r.RecordedIssuance:
    issued = r.RecordedIssuance(record_id=record.id)
    issued.issuance.serial_number = b"\x01"
    issued.issuance.not_after.FromDatetime(day(not_after))
    return issued


def until(record: r.Record, *not_after: str) -> str:
    entries = RecordEntries(question=record, issuances=[issuance(record, one) for one in not_after])
    end = keep_until(entries)
    assert end is not None
    return f"{end:%Y-%m-%d}"


def test_br_5_5_2_a_refusal_is_kept_for_two_years() -> None:
    assert until(asked("2026-11-23")) == "2028-11-23"
    assert until(asked("2028-02-29")) == "2030-03-01"


def test_br_5_4_3_an_approval_is_kept_for_two_years_after_the_last_certificate_expires() -> None:
    approved = asked("2026-11-23", c.REASON_CORROBORATED)
    assert until(approved, "2027-05-01") == "2029-05-01"
    assert until(approved, "2027-05-01", "2027-06-01", "2027-04-01") == "2029-06-01"
    assert until(approved, "2026-11-22") == "2028-11-23"


@pytest.mark.parametrize(
    ("on", "end"),
    [
        ("2026-11-23", "2029-06-11"),  # 200 days
        ("2027-03-14T16:00", "2029-06-23"),  # usable until 2027-03-15, then 100 days
        ("2028-01-01", "2030-04-10"),
        ("2029-03-15", "2031-05-01"),  # 47 days
    ],
)
def test_br_6_3_2_without_a_report_the_longest_lived_certificate_is_assumed(
    on: str, end: str
) -> None:
    assert until(asked(on, c.REASON_CORROBORATED)) == end


def test_nothing_can_be_issued_on_a_dry_run() -> None:
    record = asked("2026-11-23", c.REASON_CORROBORATED)
    record.dry_run = True
    assert until(record) == "2028-11-23"
