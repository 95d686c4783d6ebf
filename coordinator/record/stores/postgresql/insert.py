"""Inserts batches into PostgreSQL's tables: one statement each, whole or not at all."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from psycopg.errors import UniqueViolation

from coordinator.record.chain import Batch
from coordinator.record.stores.base import Claim, ClaimedError, Entry
from coordinator.record.stores.postgresql import statements
from coordinator.record.stores.postgresql.connection import PostgresqlConnection

_VERDICT_KEY = "verdict_pkey"


def insert_claiming(db: PostgresqlConnection, batch: Batch, entries: Sequence[Entry]) -> None:
    """Write a batch; raises ClaimedError where other records have the verdicts of requests."""
    try:
        insert(db, batch, entries)
    except UniqueViolation as error:
        if error.diag.constraint_name != _VERDICT_KEY:
            raise
        claims = [entry.claim for entry in entries if entry.claim]
        values = (UUID(bytes=claims[0].since), [claim.term for claim in claims])
        holders = db.execute(statements.HOLDERS, values).fetchall()
        if held := {term: record for term, record, is_old in holders if not is_old}:
            raise ClaimedError(held) from None
        forget(db, claims)
        insert(db, batch, entries)


def forget(db: PostgresqlConnection, claims: Sequence[Claim]) -> None:
    """Forget the requests that are older than a window."""
    db.execute(statements.FORGET, (UUID(bytes=claims[0].since),))


def insert(db: PostgresqlConnection, batch: Batch, entries: Sequence[Entry]) -> None:
    """Write a batch by one statement; raises psycopg.Error."""
    values = {
        "chain": batch.chain,
        "sequence": batch.sequence,
        "previous": batch.previous,
        "written_at": batch.written_at_us,
        "digests": batch.digests,
        "hash": batch.hash,
        "month": month_of(batch),
        "records": [UUID(bytes=entry.record) for entry in entries],
        "contents": [entry.content for entry in entries],
        "terms": [term for entry in entries for term in entry.terms],
        "owners": [n for n, entry in enumerate(entries, 1) for _ in entry.terms],
        "claims": [entry.claim.term for entry in entries if entry.claim],
        "claimants": [UUID(bytes=entry.record) for entry in entries if entry.claim],
    }
    with db.warnings_as_errors():
        db.execute(statements.INSERT, values)


def month_of(batch: Batch) -> date:
    """Return the first day of the month of the partitions that a batch goes into."""
    return datetime.fromtimestamp(batch.written_at_us // 1_000_000, UTC).date().replace(day=1)
