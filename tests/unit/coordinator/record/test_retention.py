"""BR 5.4.3 and 5.5.2: how long records must be kept, and which months may go."""

from datetime import UTC, datetime

import pytest

from coordinator.record.chain import seal_batch
from coordinator.record.entries import RecordEntries
from coordinator.record.index_terms import find_terms
from coordinator.record.prune import remove_months
from coordinator.record.retention import decide_months, keep_until
from coordinator.record.stores.base import Entry, Store
from coordinator.record.timestamps import to_us
from coordinator.record.verify import verify_store
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import fill, sample_record


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def asked(on: str, reason: c.Reason.ValueType = c.REASON_QUORUM_NOT_MET) -> r.Record:
    record = sample_record(asked_at=day(on), reason=reason)
    if reason == c.REASON_CORROBORATED:
        record.names[0].caa_usable_until_us = to_us(day(on)) + 8 * 3600 * 1_000_000
    return record


def issuance(record: r.Record, not_after: str) -> r.RecordedIssuance:
    issued = r.RecordedIssuance(record_id=record.id)
    issued.issuance.serial_number = b"\x01"
    issued.issuance.not_after.FromDatetime(day(not_after))
    return issued


def until(record: r.Record, *not_after: str) -> str:
    dossier = RecordEntries(question=record, issuances=[issuance(record, one) for one in not_after])
    end = keep_until(dossier)
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


def append(store: Store, entry: r.RecordEntry, record: bytes, on: str) -> None:
    content = entry.SerializeToString()
    batch = seal_batch(store.head("main.0"), [content], to_us(day(on)))
    store.append(batch, [Entry(record, content, find_terms(entry))])


def removable(store: Store, now: str) -> tuple[list[str], list[str]]:
    months, holds = decide_months(store, day(now))
    return [one.month for one in months], [one.month for one in holds]


def test_a_month_goes_when_all_of_it_may(store: Store) -> None:
    fill(store, [asked("2026-10-05"), asked("2026-10-20")], batch=1)
    fill(store, [asked("2026-11-05")], batch=1)
    assert removable(store, "2028-10-31") == ([], [])
    assert removable(store, "2028-11-01") == (["2026-10"], [])
    assert removable(store, "2028-12-01") == (["2026-10", "2026-11"], [])


def test_one_entry_holds_its_month_in_every_chain(store: Store) -> None:
    fill(store, [asked("2026-10-05"), asked("2026-10-20", c.REASON_CORROBORATED)], batch=1)
    fill(store, [asked("2026-10-06")], chain="other.0", batch=1)
    assert removable(store, "2028-11-01") == ([], ["2026-10"])
    assert removable(store, "2029-05-09") == (["2026-10", "2026-10"], [])


def test_a_report_holds_its_own_month_too(store: Store) -> None:
    record = asked("2026-10-05", c.REASON_CORROBORATED)
    fill(store, [record], batch=1)
    reported = r.RecordEntry(issuance=issuance(record, "2027-04-20"))
    append(store, reported, record.id, "2026-11-02")
    assert removable(store, "2029-04-19") == ([], ["2026-10", "2026-11"])
    assert removable(store, "2029-04-21") == (["2026-10", "2026-11"], [])


def test_what_is_left_is_whole_and_the_pruning_stays(store: Store) -> None:
    fill(store, [asked("2026-10-05"), asked("2026-11-05"), asked("2026-12-05")], batch=1)
    months, _ = decide_months(store, day("2028-11-15"))
    remove_months(store, months, day("2028-11-15"))
    assert list(verify_store(store)) == []
    months, _ = decide_months(store, day("2031-12-15"))
    assert [one.month for one in months] == ["2026-11", "2026-12"]
    remove_months(store, months, day("2031-12-15"))
    assert list(verify_store(store)) == []
    assert decide_months(store, day("2040-01-01")) == ([], [])
