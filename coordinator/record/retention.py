"""How long records must be kept, and which months may be removed.

BR 5.4.3: records of a certificate's life, "for at least two (2) years after" it expires. BR 5.5.2:
archived audit logs "for at least two (2) years from their record creation timestamp", or as in
5.4.3, "whichever is longer". So a refusal is kept for two years. An approval is kept for two years
after the certificates that were issued on it have expired. If the pipeline has not said what it
issued, the longest-lived certificate that was possible is assumed.

Only whole months are removed, so that the rest can be verified. A month stays as long as one of its
entries must.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from coordinator.decision.attempt_id import show_id
from coordinator.record.basis import find_last_end
from coordinator.record.chain import StoredBatch
from coordinator.record.entries import RecordEntries, read_entries, record_of
from coordinator.record.prunings import PRUNING_CHAIN
from coordinator.record.stores.base import Store, StoredMonth
from coordinator.record.timestamps import end_retention, to_moment, to_us
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

# BR 6.3.2: the longest a certificate issued from a date on may live, in days.
LONGEST_VALIDITY = (
    (datetime(2029, 3, 15, tzinfo=UTC), 47),
    (datetime(2027, 3, 15, tzinfo=UTC), 100),
    (datetime(2026, 3, 15, tzinfo=UTC), 200),
    (datetime.min.replace(tzinfo=UTC), 398),
)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a month stays."""

    month: str
    until: datetime
    why: str
    """Which entry, in one sentence."""


def keep_until(entries: RecordEntries) -> datetime | None:
    """Return until when all about a question must be kept; None when its record is not there."""
    record = entries.question
    if record is None:
        return None
    decided = to_moment(record.decided_at_us)
    ends = [one.issuance.not_after.ToDatetime(UTC) for one in entries.issuances]
    is_approved = all(name.reason == c.REASON_CORROBORATED for name in record.names)
    if not ends and is_approved and not (record.dry_run or record.superseded_by):
        issued = max(decided, to_moment(find_last_end(record)))
        ends = [issued + _longest_validity(issued)]
    return end_retention(max([decided, *ends]))


def keep_entry_until(
    entry: r.RecordEntry, entries: RecordEntries, written_at: datetime
) -> datetime:
    """Return until when one entry must be kept: two years, and as long as its record."""
    ends = [end_retention(written_at), keep_until(entries)]
    if entry.WhichOneof("kind") == "issuance":
        ends.append(end_retention(entry.issuance.issuance.not_after.ToDatetime(UTC)))
    return max(end for end in ends if end is not None)


def decide_months(store: Store, now: datetime) -> tuple[list[StoredMonth], list[Hold]]:
    """Return the months that may be removed, and why others of that age stay; raises StoreError.

    The chain of prunings is not among them: it is needed to verify the rest.
    """
    months = [one for one in store.months() if one.gap.chain != PRUNING_CHAIN]
    old = [one for one in months if end_retention(_end_of(one.month)) <= now]
    removable: list[StoredMonth] = []
    holds: dict[str, Hold] = {}
    for one in old:
        last = _find_last(store, one)
        removable.append(replace(one, gap=replace(one.gap, kept_until_us=to_us(last.until))))
        if last.until > now:
            holds[one.month] = max(last, holds.get(one.month, last), key=_until)
    return [one for one in removable if one.month not in holds], list(holds.values())


def _find_last(store: Store, month: StoredMonth) -> Hold:
    """Return the entry of a month that must stay longest."""
    batches = (
        stored
        for stored in store.batches(month.gap.chain)
        if month.gap.first <= stored.batch.sequence <= month.gap.last
    )
    return max((_find_hold(store, month.month, one) for one in batches), key=_until)


def _find_hold(store: Store, month: str, stored: StoredBatch) -> Hold:
    """Return the entry of a batch that must stay longest."""
    written_at = to_moment(stored.batch.written_at_us)
    ends = [(_keep_until(store, content, written_at), content) for content in stored.contents]
    until, content = max(ends)
    record = record_of(r.RecordEntry.FromString(content))
    return Hold(month, until, f"record {show_id(record)}")


def _keep_until(store: Store, content: bytes, written_at: datetime) -> datetime:
    entry = r.RecordEntry.FromString(content)
    record = record_of(entry)
    stored = store.read(record)
    entries = read_entries(stored.contents if stored else [content], record)
    return keep_entry_until(entry, entries, written_at)


def _until(hold: Hold) -> datetime:
    return hold.until


def _longest_validity(issued: datetime) -> timedelta:
    return timedelta(days=next(days for start, days in LONGEST_VALIDITY if issued >= start))


def _end_of(month: str) -> datetime:
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return (start + timedelta(days=32)).replace(day=1)
