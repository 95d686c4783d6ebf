"""Sample records, and stores to keep them in."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from coordinator.decision.attempt_id import make_id
from coordinator.record.chain import Batch, seal_batch
from coordinator.record.index_terms import find_terms, request_term
from coordinator.record.stores.base import Claim, Entry, Store, StoredMonth
from coordinator.record.timestamps import to_us
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r
from tests.world.places import PLACES
from tests.world.samples import ADDRESS, NAME, addresses, asked_name, caa

CALLER = "spiffe://mpic.test/caller/pipeline"
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def sample_record(
    number: int = 0,
    *,
    name: str = NAME,
    reason: c.Reason.ValueType = c.REASON_CORROBORATED,
    dissenting: Sequence[str] = (),
    asked_at: datetime | None = None,
) -> r.Record:
    """Return a record of one name, asked so many seconds after START."""
    asked_at = asked_at or START + timedelta(seconds=number)
    record = r.Record(
        id=make_id(asked_at),
        caller=CALLER,
        request_id=f"request-{number}",
        request_digest=bytes(32),
        issuer="example",
        asked_at_us=to_us(asked_at),
        decided_at_us=to_us(asked_at) + 40_000,
        coordinator_version="0.1.0",
        policy_version=bytes(8),
    )
    record.policy.minimum_remotes = 4
    written = record.names.add(asked=name, reason=reason, quorum="5/5", required=4)
    observation = o.Observation(name=name, findings=[caa(), addresses(ADDRESS)])
    written.observations.append(observation.SerializeToString())
    written.checks.extend([check.asked for check in asked_name().checks])
    written.determinations.add(outcome=c.OUTCOME_PASSED, check="caa")
    written.determinations.add(outcome=c.OUTCOME_PASSED, check="addresses")
    if reason in (c.REASON_PRIMARY_FORBIDS, c.REASON_PRIMARY_FAILED):
        written.check = "caa"
    for place in PLACES[:6]:
        role = c.ROLE_PRIMARY if place is PLACES[0] else c.ROLE_REMOTE
        record.perspectives.add(id=place.id, role=role, rir=o.Rir.Value(f"RIR_{place.rir}"))
        reply = written.replies.add(observation=1, determinations=[1, 2], elapsed_us=30_000)
        if place.id in dissenting:
            reply.dissent, reply.check = c.DISSENT_DIFFERS, "addresses"
    return record


def to_entry(record: r.Record, *, claims: bool = False) -> Entry:
    """Return a record as it goes into a store; it may claim to be the one of its request."""
    entry = r.RecordEntry(question=record)
    claim = Claim(request_term(record.caller, record.request_id), bytes(16)) if claims else None
    return Entry(record.id, entry.SerializeToString(), find_terms(entry), claim)


def fill(
    store: Store,
    records: Sequence[r.Record],
    chain: str = "main.0",
    batch: int = 3,
    *,
    claims: bool = False,
) -> list[Batch]:
    """Append records, so many to a batch, each batch when its first was asked."""
    batches = []
    for first in range(0, len(records), batch):
        some = records[first : first + batch]
        entries = [to_entry(record, claims=claims) for record in some]
        head = store.head(chain)
        sealed = seal_batch(head, [one.content for one in entries], some[0].asked_at_us)
        store.append(sealed, entries)
        batches.append(sealed)
    return batches


def samples(count: int) -> list[r.Record]:
    """Return so many records, a second apart."""
    return [sample_record(number) for number in range(count)]


def ids(found: Iterator[object]) -> list[bytes]:
    """Return the ids of what a search yields."""
    return [one.record for one in found]  # type: ignore[attr-defined]


def may_go(months: Sequence[StoredMonth], since: datetime) -> list[StoredMonth]:
    """Return months as those that had to be kept until a moment."""
    return [replace(one, gap=replace(one.gap, kept_until_us=to_us(since))) for one in months]
