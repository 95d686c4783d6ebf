"""Records in one SQLite file: no server, no set-up. WAL, and every commit is fsynced.

Several worker processes may share a file, each with its own chain. A write transaction takes the
file's lock when it begins, and waits while another has it.

The entries of a batch have consecutive numbers. So a batch names its first, and needs no index over
entries. Rows are inserted many to a statement. The interpreter's lock is released and taken again
for every statement, and to take it again costs most when the event loop is busiest.
"""

import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Self

from coordinator.record.chain import Batch, Head, StoredBatch, start_chain
from coordinator.record.stores.base import (
    LARGEST_NUMBER,
    LEAST_NUMBER,
    Entry,
    Search,
    StoredMonth,
    StoredRecord,
    StoreError,
)
from coordinator.record.stores.sqlite import rows as sqlite_rows
from coordinator.record.stores.sqlite.schema import MIGRATIONS, find_oddities

BUSY_SECONDS = 5.0
_PAGE = 500
_AT_ONCE = 50
"""Records that are read together."""
# For each of a process's two connections. What does not fit is in the kernel's cache. A larger one
# would save little CPU (tests/bench/RESULTS.md).
_CACHE_KIB = 2 * 1024
_MENDS = {
    "SQLITE_FULL": "Free space on its disk; writing goes on by itself",
    "SQLITE_READONLY": "Make the file and its directory writable; writing goes on by itself",
    "SQLITE_CANTOPEN": "Put the file back; where there never was one, make its directory writable",
    "SQLITE_BUSY": "See which process holds the file; writing goes on by itself",
    "SQLITE_CORRUPT": "Move the file away, keep it, and restore it from a backup",
    "SQLITE_NOTADB": "Name a file that SQLite made, or one that does not exist yet",
}


class SqliteStore:
    """A `Store` in a file."""

    def __init__(self, path: Path) -> None:
        """Touch nothing yet; `open` does."""
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    def open(self) -> Self:
        """Create or migrate the file, or raise StoreError."""
        with self._explained(create=True):
            return self

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def head(self, chain: str) -> Head:
        """Return where a chain has got to."""
        with self._explained() as db:
            row = db.execute(
                "SELECT chain, sequence, hash, written_at FROM batch WHERE chain = ?"
                " ORDER BY sequence DESC LIMIT 1",
                (chain,),
            ).fetchone()
            removed = db.execute(
                "SELECT chain, last, hash, written_at FROM removed WHERE chain = ?"
                " ORDER BY last DESC LIMIT 1",
                (chain,),
            ).fetchone()
        heads = [Head(*one) for one in (row, removed) if one]
        return max(heads, key=lambda head: head.sequence, default=start_chain(chain))

    def chains(self) -> list[str]:
        """Return the names of all chains."""
        with self._explained() as db:
            # One look at the index for each chain instead of a walk over all batches.
            rows = db.execute(
                "WITH RECURSIVE one(chain) AS (SELECT min(chain) FROM batch UNION ALL"
                " SELECT (SELECT min(chain) FROM batch WHERE chain > one.chain) FROM one"
                " WHERE one.chain IS NOT NULL)"
                " SELECT chain FROM one WHERE chain IS NOT NULL"
                " UNION SELECT chain FROM removed ORDER BY 1"
            ).fetchall()
        return [chain for (chain,) in rows]

    def append(self, batch: Batch, entries: Sequence[Entry]) -> None:
        """Write a batch durably, all or nothing."""
        with self._transaction() as db:
            sqlite_rows.insert_batch(db, batch, entries)

    def read(self, record: bytes) -> StoredRecord | None:
        """Return one record."""
        return next(iter(self._read_all([record])), None)

    def search(self, search: Search) -> Iterator[StoredRecord]:
        """Yield records page by page, so that no transaction stays open."""
        since, until = search.since, search.until
        while page := self._find_page(search, since, until):
            for first in range(0, len(page), _AT_ONCE):
                yield from self._read_all(page[first : first + _AT_ONCE])
            if search.newest_first:
                until = page[-1]
            else:
                since = page[-1] + b"\0"  # the least that sorts behind it

    def find(self, terms: Collection[int], since: bytes) -> dict[int, list[bytes]]:
        """Return the ids of the records that have each term, from `since` on."""
        marks = ", ".join("?" * len(terms))
        with self._explained() as db:
            rows = db.execute(
                f"SELECT term, record FROM term WHERE term IN ({marks}) AND record >= ?"  # noqa: S608 - question marks
                " ORDER BY term, record",
                (*terms, since),
            ).fetchall()
        return {
            term: [record for _, record in pairs]
            for term, pairs in groupby(rows, lambda row: row[0])
        }

    def batches(self, chain: str) -> Iterator[StoredBatch]:
        """Yield a chain's batches."""
        least = LEAST_NUMBER
        while least <= LARGEST_NUMBER:
            with self._explained() as db:
                rows = db.execute(
                    "SELECT sequence, previous, written_at, digests, hash, first, count FROM batch"
                    " WHERE chain = ? AND sequence >= ? ORDER BY sequence LIMIT ?",
                    (chain, least, _PAGE),
                ).fetchall()
            for sequence, previous, written_at, digests, hash_, first, count in rows:
                batch = Batch(chain, sequence, previous, written_at, digests, hash_)
                with self._explained() as db:
                    found = sqlite_rows.read_entries(db, first, count)
                yield StoredBatch(batch, [one for _, one in found], [one for one, _ in found])
            if not rows:
                return
            least = rows[-1][0] + 1

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold a read transaction: it does not see what is written meanwhile."""
        with self._explained() as db:
            db.execute("BEGIN")
            try:
                yield
            finally:
                with suppress(sqlite3.Error):
                    db.execute("COMMIT")

    def indexed(self) -> Iterator[tuple[bytes, int]]:
        """Yield the pairs of the index; SQLite sorts them in a temporary file."""
        with self._explained() as db:
            yield from db.execute("SELECT record, term FROM term ORDER BY record, term")

    def removed(self) -> list[Head]:
        """Return the ends of what was removed."""
        with self._explained() as db:
            rows = db.execute("SELECT chain, last, hash, written_at FROM removed").fetchall()
        return [Head(*row) for row in rows]

    def oddities(self) -> Iterator[str]:
        """Say what of the file is not as this program makes it."""
        with self._explained() as db:
            yield from find_oddities(db)

    def strays(self) -> Iterator[StoredRecord]:
        """Yield entries that belong to no batch."""
        with self._explained() as db:
            rows = sqlite_rows.read_strays(db)
        for record, content in rows:
            yield StoredRecord(record, [content])

    def months(self) -> list[StoredMonth]:
        """Return what there is by month and chain."""
        with self._explained() as db:
            return sqlite_rows.read_months(db)

    def remove(self, months: Sequence[StoredMonth], batch: Batch, entry: Entry) -> None:
        """Remove months and say so, both or nothing."""
        with self._transaction() as db:
            for one in months:
                sqlite_rows.remove_stretch(db, one.gap)
            sqlite_rows.insert_batch(db, batch, [entry])

    def _read_all(self, records: Sequence[bytes]) -> list[StoredRecord]:
        with self._explained() as db:
            return sqlite_rows.read_records(db, records)

    def _find_page(self, search: Search, since: bytes, until: bytes) -> list[bytes]:
        with self._explained() as db:
            return sqlite_rows.find_page(db, search, (since, until))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Let others wait, and commit durably at the end."""
        with self._explained() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise
            if self._inode != _inode_of(self._path):
                self.close()
                raise StoreError(f"{self._path} was moved or deleted", "Put the file back")

    @contextmanager
    def _explained(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        """Lend the connection, open it again if necessary, and turn every error into StoreError."""
        if self._connection is not None and self._inode != _inode_of(self._path):
            self.close()
        try:
            yield self._connection or self._connect(create=create)
        except sqlite3.Error as error:
            self.close()
            raise self._explain(error) from error

    def _connect(self, *, create: bool) -> sqlite3.Connection:
        """Open the file; if it has vanished, it is not silently made again."""
        db = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}",
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # it is used by one thread at a time
            uri=True,
        )
        self._connection = db
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if not _use_wal(db):
            text = f"{self._path}: no write-ahead log is possible there"
            raise StoreError(text, "Keep it on a local disk")
        _migrate(db)
        self._inode = _inode_of(self._path)
        return db

    def _explain(self, error: sqlite3.Error) -> StoreError:
        name = getattr(error, "sqlite_errorname", "")
        known = next((mend for start, mend in _MENDS.items() if name.startswith(start)), None)
        mend = known or "See whether its disk is in order; writing goes on by itself"
        return StoreError(f"{self._path}: {error} ({name or type(error).__name__})", mend)


def _inode_of(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _use_wal(db: sqlite3.Connection) -> bool:
    """Switch to write-ahead logging; return whether that is possible.

    Only here SQLite does not wait for another connection, such as that of a worker that creates the
    file at the same moment.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return bool(db.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _migrate(db: sqlite3.Connection) -> None:
    """Bring the tables up to date, under the file's lock."""
    (done,) = db.execute("PRAGMA user_version").fetchone()
    if done == len(MIGRATIONS):
        return
    if done > len(MIGRATIONS):
        raise sqlite3.DatabaseError(f"the file is of a later version of this program ({done})")
    db.execute("BEGIN IMMEDIATE")
    (done,) = db.execute("PRAGMA user_version").fetchone()
    for statement in (one for step in MIGRATIONS[done:] for one in step):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    db.execute("COMMIT")
