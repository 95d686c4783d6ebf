"""Records in PostgreSQL: for several coordinators on several hosts, each with its own chain.

A batch is one statement, so one round trip and one commit, however many entries it has. It is there
as a whole or not at all, and its hash tells which. So if a connection was lost and the result is
not known, the batch is written again on a new connection. A restarted server costs no answer.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Self, TypeVar
from uuid import UUID

import psycopg
from psycopg.errors import (
    CheckViolation,
    ReadOnlySqlTransaction,
    UniqueViolation,
)

from coordinator.decision.attempt_id import lowest_id, moment_of
from coordinator.record.chain import Batch, Gap, Head, StoredBatch, start_chain
from coordinator.record.stores.base import (
    LARGEST_NUMBER,
    LEAST_NUMBER,
    ChainMovedError,
    Entry,
    Search,
    StoredMonth,
    StoredRecord,
    StoreError,
)
from coordinator.record.stores.postgresql import schema, statements
from coordinator.record.stores.postgresql.connection import Address, PostgresqlConnection, unhurried
from coordinator.record.stores.postgresql.insert import forget, insert, insert_claiming, month_of
from coordinator.record.stores.postgresql.prune import remove_stretches
from coordinator.record.stores.postgresql.snapshot import find_oddities, hold_snapshot, read_index

T = TypeVar("T")

_PAGE = 500
_MOST_ENTRIES = 5_000
"""Of all batches that are read at once."""
_DIGEST = 32
_BATCHES_TO_FORGET = 1_000
"""After so many batches, requests that are older than a window are forgotten."""
_LATEST = lowest_id(datetime(9999, 1, 1, tzinfo=UTC))


class PostgresqlStore:
    """A `Store` in a database."""

    def __init__(self, address: Address) -> None:
        """Touch nothing yet; `open` does."""
        self._address = address
        self._connection: PostgresqlConnection | None = None
        self._is_held = False
        """Whether a snapshot is being read."""

    def open(self) -> Self:
        """Create or migrate the tables where that is needed and allowed, or raise StoreError."""
        self.close()
        with self._address.explaining():
            self._connect(migrate=True)
        return self

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def head(self, chain: str) -> Head:
        """Return where a chain has got to."""
        rows = self._fetch(statements.HEAD, {"chain": chain})
        return Head(*rows[0]) if rows else start_chain(chain)

    def chains(self) -> list[str]:
        """Return the names of all chains."""
        return [chain for (chain,) in self._fetch(statements.CHAINS)]

    def append(self, batch: Batch, entries: Sequence[Entry]) -> None:
        """Write a batch durably, all or nothing."""
        claims = [entry.claim for entry in entries if entry.claim]

        def write(db: PostgresqlConnection) -> None:
            if claims and batch.sequence % _BATCHES_TO_FORGET == 0:
                forget(db, claims)
            try:
                insert_claiming(db, batch, entries)
            except CheckViolation:  # the month has no partitions yet
                schema.open_months(db, month_of(batch))
                insert_claiming(db, batch, entries)

        self._write(batch, write)

    def read(self, record: bytes) -> StoredRecord | None:
        """Return one record."""
        return next(self._read_all([record]), None)

    def search(self, search: Search) -> Iterator[StoredRecord]:
        """Yield records page by page, so that no transaction stays open."""
        since, until, is_first = search.since, search.until, True
        while True:
            bounds = [UUID(bytes=since), UUID(bytes=until), _earliest_month(since)]
            values = [*search.terms[:1], *bounds, *search.terms[1:], _PAGE]
            page = self._fetch(statements.search_page(search, first=is_first), values)
            records = [record.bytes for (record,) in page]
            found = {one.record: one for one in self._read_all(records)}
            yield from (found[record] for record in records if record in found)
            if len(page) < _PAGE:
                return
            if search.newest_first:
                until = records[-1]
            else:
                since, is_first = records[-1], False

    def find(self, terms: Collection[int], since: bytes) -> dict[int, list[bytes]]:
        """Return the ids of the records that have each term, from `since` on."""
        values = (list(terms), UUID(bytes=since), _earliest_month(since))
        rows = self._fetch(statements.FIND, values)
        return {
            term: [record for _, record in pairs] for term, pairs in groupby(rows, itemgetter(0))
        }

    def batches(self, chain: str) -> Iterator[StoredBatch]:
        """Yield a chain's batches."""
        least = LEAST_NUMBER
        while rows := self._fetch(statements.BATCHES, (chain, least, _PAGE)):
            for some in _share_out(rows):
                numbers, months = [row[6] for row in some], list({row[7] for row in some})
                entries = self._fetch(statements.CONTENTS, (numbers, months))
                by_number = {one: [*found] for one, found in groupby(entries, itemgetter(0))}
                for row in some:
                    found = by_number.get(row[6], [])
                    contents, records = [one[2] for one in found], [one[1] for one in found]
                    yield StoredBatch(Batch(*row[:6]), contents, records)
            if rows[-1][1] == LARGEST_NUMBER:
                return
            least = rows[-1][1] + 1

    def strays(self) -> Iterator[StoredRecord]:
        """Yield entries that belong to no batch."""

        def read(db: PostgresqlConnection) -> list[tuple[Any, ...]]:
            with unhurried(db):
                return db.execute(statements.STRAYS).fetchall()

        for record, content in self._do(read):
            yield StoredRecord(record, [content])

    def months(self) -> list[StoredMonth]:
        """Return what there is by month and chain."""

        def read(db: PostgresqlConnection) -> list[tuple[Any, ...]]:
            with unhurried(db):
                return db.execute(statements.MONTHS).fetchall()

        return [StoredMonth(month, Gap(*gap)) for month, *gap in self._do(read)]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold a transaction on a new connection; if that is lost, nothing continues."""
        self.close()
        with self._address.explaining(), hold_snapshot(self._connect()):
            self._is_held = True
            try:
                yield
            finally:
                self._is_held = False

    def indexed(self) -> Iterator[tuple[bytes, int]]:
        """Yield the pairs of the index."""
        with self._address.explaining():
            yield from read_index(self._connection or self._connect())

    def removed(self) -> list[Head]:
        """Return the ends of what was removed."""
        return [Head(*row) for row in self._fetch(statements.REMOVED)]

    def oddities(self) -> Iterator[str]:
        """Say what of the tables is not as this program makes it."""
        with self._address.explaining():
            yield from find_oddities(self._connection or self._connect())

    def remove(self, months: Sequence[StoredMonth], batch: Batch, entry: Entry) -> None:
        """Remove months and write it down, both or nothing; needs the role that owns the tables."""

        def write(db: PostgresqlConnection) -> None:
            schema.open_months(db, month_of(batch))
            with unhurried(db):
                if db.execute(statements.MAY_REMOVE).fetchone() != (True,):
                    raise StoreError("the record is just being verified", "Prune it after that")
                insert(db, batch, [entry])
                remove_stretches(db, [one.gap for one in months])

        self._write(batch, write)

    def _read_all(self, records: Sequence[bytes]) -> Iterator[StoredRecord]:
        rows = self._fetch(statements.READ, ([UUID(bytes=record) for record in records],))
        for record, pairs in groupby(rows, itemgetter(0)):
            yield StoredRecord(record, [content for _, content in pairs])

    def _write(self, batch: Batch, write: Callable[[PostgresqlConnection], None]) -> None:
        """Write a batch; if it is there already, an attempt that seemed lost has written it."""

        def settle(db: PostgresqlConnection) -> None:
            try:
                write(db)
            except UniqueViolation:
                key = (batch.hash, batch.chain, batch.sequence)
                if db.execute(statements.IS_THERE, key).fetchone() != (True,):
                    raise ChainMovedError(batch.chain) from None
                with db.warnings_as_errors():
                    db.execute(statements.CATCH_UP)

        self._do(settle)

    def _fetch(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - as psycopg's
        # It is planned again each time: one plan for every term would suit none.
        return self._do(lambda db: db.execute(statement, values, prepare=False).fetchall())

    def _do(self, work: Callable[[PostgresqlConnection], T]) -> T:
        """Do something, and do it again on a new connection if the present one turns out lost."""
        with self._address.explaining():
            while True:
                had_one = self._connection is not None
                try:
                    return work(self._connection or self._connect())
                except psycopg.Error as error:
                    if self._is_held or not (self._let_go(error) and had_one):
                        raise

    def _let_go(self, error: psycopg.Error) -> bool:
        """Close a connection that is of no more use; say whether a new one may help."""
        db = self._connection
        # Read-only: the server became a standby, and another server is the one to write to.
        if db is None or (db.is_idle and not isinstance(error, ReadOnlySqlTransaction)):
            return False
        is_lost = not db.is_hung
        self.close()
        return is_lost

    def _connect(self, *, migrate: bool = False) -> PostgresqlConnection:
        """Connect; if the tables have vanished, they are not silently made again."""
        db = self._address.connect()
        try:
            schema.check_version(db, self._address, may_migrate=migrate)
        except BaseException:
            db.close()
            raise
        self._connection = db
        return db


def _earliest_month(since: bytes) -> date:
    """Return the first month in which entries about records from `since` on can be.

    What is about a record is written after the question, by the same clock. One month is allowed
    for a clock that was set back. So a search for recent records does not go through years of
    partitions.
    """
    first = moment_of(min(since, _LATEST)).date().replace(day=1)
    return (first - timedelta(days=1)).replace(day=1)


def _share_out(rows: Sequence[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield batches in groups, none with many entries unless it is alone."""
    some: list[tuple[Any, ...]] = []
    total = 0
    for row in rows:
        count = len(row[4]) // _DIGEST
        if some and total + count > _MOST_ENTRIES:
            yield some
            some, total = [], 0
        some.append(row)
        total += count
    yield some
