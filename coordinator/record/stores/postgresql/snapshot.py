"""Reads a whole PostgreSQL store as it is at one moment, and what only PostgreSQL has in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from coordinator.decision.attempt_id import show_id
from coordinator.record.stores.postgresql import statements
from coordinator.record.stores.postgresql.connection import PostgresqlConnection, unhurried

_ISOLATION = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_NO_TIMEOUT = "SET LOCAL idle_in_transaction_session_timeout = 0"
_AT_ONCE = 5_000
"""Rows of the index that are fetched together."""


@contextmanager
def hold_snapshot(db: PostgresqlConnection) -> Iterator[None]:
    """Read what is committed by now, and keep prunings away; raises psycopg.Error."""
    with unhurried(db):
        db.execute(_ISOLATION)
        db.execute(_NO_TIMEOUT)
        db.execute(statements.SHARE)
        yield


def read_index(db: PostgresqlConnection) -> Iterator[tuple[bytes, int]]:
    """Yield the pairs of the index, sorted; within a snapshot. Raises psycopg.Error."""
    with db.cursor(name="mpic_index") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(statements.INDEXED)
        yield from cursor


def find_oddities(db: PostgresqlConnection) -> Iterator[str]:
    """Say what in the tables is not as it was made and follows from no entry."""
    for name, kind, has_policies in db.execute(statements.TABLES).fetchall():
        if kind != statements.KINDS.get(name, "r") or has_policies:
            yield f"mpic.{name} is not the table that this program makes, or hides rows of it"
    for chain, sequence in db.execute(statements.FALSE_MONTHS).fetchall():
        yield f"batch {sequence} of chain {chain} is kept under a month that is not its own"
    for (record,) in db.execute(statements.FALSE_TERMS).fetchall():
        where = "under a month in which nothing was written about it"
        yield f"record {show_id(record)} is in the index {where}: some searches do not find it"
    for (record,) in db.execute(statements.FALSE_VERDICTS).fetchall():
        yield f"a request is said to have its verdict in record {show_id(record)}, not one of it"
