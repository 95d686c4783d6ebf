"""Removes stretches of chains from PostgreSQL: a whole month is dropped, not emptied."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from psycopg import sql

from coordinator.record.chain import Gap
from coordinator.record.index_terms import find_terms
from coordinator.record.stores.postgresql import statements
from coordinator.record.stores.postgresql.connection import PostgresqlConnection
from mpic.v1 import record_pb2 as r


def remove_stretches(db: PostgresqlConnection, gaps: Sequence[Gap]) -> None:
    """Remove stretches, within the transaction there is; raises psycopg.Error."""
    numbers: dict[date, list[int]] = defaultdict(list)
    for gap in gaps:
        db.execute(statements.REMEMBER, (gap.chain, gap.last))
        rows = db.execute(statements.REMOVE_BATCHES, (gap.chain, gap.first, gap.last))
        for number, month in rows:
            numbers[month].append(number)
    whole = [month for month in numbers if _is_empty(db, month)]
    for month, some in numbers.items():
        if month not in whole:
            _remove_entries(db, month, some)
    # This comes last: everybody else waits for it until the commit.
    for table in ("entry", "term"):
        for month in whole:
            part = sql.Identifier("mpic", f"{table}_{month:%Y_%m}")
            db.execute(sql.SQL("DROP TABLE {}").format(part))
    db.execute(statements.FORGET_REMOVED)


def _is_empty(db: PostgresqlConnection, month: date) -> bool:
    return db.execute(statements.IS_EMPTY, (month,)).fetchone() == (True,)


def _remove_entries(db: PostgresqlConnection, month: date, numbers: list[int]) -> None:
    """Remove the entries of batches from a month that other batches are in, and their terms."""
    rows = db.execute(statements.REMOVE_ENTRIES, (numbers, month)).fetchall()
    pairs = [
        (term, UUID(bytes=record))
        for record, content in rows
        for term in find_terms(r.RecordEntry.FromString(content))
    ]
    db.execute(statements.REMOVE_TERMS, (*_columns(pairs), month))
    # Entries of other chains in the same month may have some of these terms too.
    about = [UUID(bytes=record) for record in {record for record, _ in rows}]
    left = db.execute(statements.ENTRIES_LEFT, (about, month)).fetchall()
    kept = {
        (term, UUID(bytes=record))
        for record, content in left
        for term in find_terms(r.RecordEntry.FromString(content))
    }
    db.execute(statements.INDEX_AGAIN, (month, *_columns([*kept])))


def _columns(pairs: Sequence[tuple[int, UUID]]) -> tuple[list[int], list[UUID]]:
    return [term for term, _ in pairs], [record for _, record in pairs]
