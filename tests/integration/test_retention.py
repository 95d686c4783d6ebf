"""Which months of a store may go, and that what is left is whole: on each store."""

from coordinator.record.chain import seal_batch
from coordinator.record.index_terms import find_terms
from coordinator.record.prune import remove_months
from coordinator.record.retention import decide_months
from coordinator.record.stores.base import Entry, Store
from coordinator.record.timestamps import to_us
from coordinator.record.verify import verify_store
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.unit.coordinator.record.test_retention import asked, day, issuance
from tests.world.records import fill


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
