"""Writes rows into SQLite's tables and reads them, within a transaction."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from coordinator.record.chain import Batch, Gap
from coordinator.record.index_terms import find_terms
from coordinator.record.stores.base import (
    LARGEST_NUMBER,
    ChainMovedError,
    Claim,
    ClaimedError,
    Entry,
    Search,
    StoredMonth,
    StoredRecord,
)
from coordinator.record.timestamps import month_of
from mpic.v1 import record_pb2 as r

# Rows to a statement; powers of two, so that few different statements are ever prepared.
_MOST_ROWS = 256
_UNLESS_HELD = " ON CONFLICT DO UPDATE SET record = excluded.record WHERE record < ?"
_BATCHES_TO_FORGET = 1_000
"""After so many batches, requests that are older than a window are forgotten."""
_PAGE = 500


def insert_batch(db: sqlite3.Connection, batch: Batch, entries: Sequence[Entry]) -> None:
    """Insert a batch, its entries, their terms and claims; raises ChainMovedError, ClaimedError."""
    (first,) = db.execute("SELECT coalesce(max(number), 0) + 1 FROM entry").fetchone()
    month = (batch.chain, batch.sequence, batch.previous, batch.written_at_us)
    try:
        db.execute(
            "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*month, batch.digests, batch.hash, first, len(entries)),
        )
    except sqlite3.IntegrityError as error:
        raise ChainMovedError(batch.chain) from error
    rows = [(first + n, entry.record, entry.content) for n, entry in enumerate(entries)]
    _insert_rows(db, "INSERT INTO entry VALUES ", rows)
    terms = [(term, entry.record) for entry in entries for term in entry.terms]
    _insert_rows(db, "INSERT OR IGNORE INTO term VALUES ", terms)
    claims = [(entry.claim, entry.record) for entry in entries if entry.claim]
    if claims:
        _claim_requests(db, claims)
        if batch.sequence % _BATCHES_TO_FORGET == 0:
            db.execute("DELETE FROM verdict WHERE record < ?", (claims[0][0].since,))


def _claim_requests(db: sqlite3.Connection, claims: Sequence[tuple[Claim, bytes]]) -> None:
    """Let records have the verdicts of their requests; raises ClaimedError where others do."""
    before = db.total_changes
    rows = [(claim.term, record) for claim, record in claims]
    _insert_rows(db, "INSERT INTO verdict VALUES ", rows, _UNLESS_HELD, claims[0][0].since)
    if db.total_changes - before == len(rows):
        return
    ours = {record for _, record in rows}
    found = [
        db.execute("SELECT term, record FROM verdict WHERE term = ?", (term,)).fetchone()
        for term, _ in rows
    ]
    raise ClaimedError({term: record for term, record in found if record not in ours})


def _insert_rows(
    db: sqlite3.Connection,
    insert: str,
    rows: Sequence[tuple[Any, ...]],
    otherwise: str = "",
    *more: bytes,
) -> None:
    """Insert rows, many to a statement. `otherwise` ends the statement and takes `more` values."""
    at, size = 0, _MOST_ROWS
    while at < len(rows):
        while size > len(rows) - at:
            size //= 2
        marks = f"({', '.join('?' * len(rows[0]))})"
        values = [value for row in rows[at : at + size] for value in row]
        db.execute(insert + ", ".join([marks] * size) + otherwise, (*values, *more))
        at += size


def _index_what_is_left(db: sqlite3.Connection, record: bytes) -> None:
    """Put back the terms that entries of another month share with the removed ones."""
    left = db.execute("SELECT content FROM entry WHERE record = ?", (record,)).fetchall()
    terms = {term for (content,) in left for term in find_terms(r.RecordEntry.FromString(content))}
    _insert_rows(db, "INSERT OR IGNORE INTO term VALUES ", [(term, record) for term in terms])


def remove_stretch(db: sqlite3.Connection, gap: Gap) -> None:
    """Remove a stretch of a chain: entries, their terms, batches."""
    chosen = (gap.chain, gap.first, gap.last)
    stretches = db.execute(
        "SELECT first, count FROM batch WHERE chain = ? AND sequence BETWEEN ? AND ?", chosen
    ).fetchall()
    for first, count in stretches:
        bounds = (first, first + count - 1)
        rows = db.execute(
            "SELECT record, content FROM entry WHERE number BETWEEN ? AND ?", bounds
        ).fetchall()
        terms = [
            (term, record)
            for record, content in rows
            for term in find_terms(r.RecordEntry.FromString(content))
        ]
        db.executemany("DELETE FROM term WHERE term = ? AND record = ?", terms)
        db.execute("DELETE FROM entry WHERE number BETWEEN ? AND ?", bounds)
        for record in {record for record, _ in rows}:
            _index_what_is_left(db, record)
            db.execute("DELETE FROM verdict WHERE record = ?", (record,))
    db.execute(
        "INSERT INTO removed SELECT chain, sequence, hash, written_at FROM batch"
        " WHERE chain = ? AND sequence = ?",
        (gap.chain, gap.last),
    )
    db.execute("DELETE FROM batch WHERE chain = ? AND sequence BETWEEN ? AND ?", chosen)


def read_entries(db: sqlite3.Connection, first: int, count: int) -> list[tuple[bytes, bytes]]:
    """Return the records and contents of so many entries."""
    bounds = first, min(first + count, LARGEST_NUMBER)
    select = "SELECT record, content FROM entry WHERE number >= ? AND number < ? ORDER BY number"
    return db.execute(select, bounds).fetchall()


def read_records(db: sqlite3.Connection, records: Sequence[bytes]) -> list[StoredRecord]:
    """Return those of some records that exist, in the order in which they are named."""
    marks = ", ".join("?" * len(records))
    found: dict[bytes, list[bytes]] = {record: [] for record in records}
    select = f"SELECT record, content FROM entry WHERE record IN ({marks}) ORDER BY number"  # noqa: S608 - question marks
    for record, content in db.execute(select, records):
        found[record].append(content)
    return [StoredRecord(record, contents) for record, contents in found.items() if contents]


# There must be no entry between the batches, in the order of their entries, nor behind the last.
_STRAYS = """
WITH free (since, until) AS (
    SELECT max(first + count) OVER (
        ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), first FROM batch
    UNION ALL SELECT max(first + count), NULL FROM batch
)
SELECT record, content FROM free JOIN entry ON number >= coalesce(since, -9223372036854775808)
    AND number <= coalesce(until - 1, 9223372036854775807)
WHERE until IS NULL OR since IS NULL OR since < until ORDER BY number
"""


def read_strays(db: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
    """Return the records and contents of entries that no batch has."""
    return db.execute(_STRAYS).fetchall()


def read_months(db: sqlite3.Connection) -> list[StoredMonth]:
    """Return what there is by month and chain."""
    found: dict[tuple[str, str], Gap] = {}
    rows = db.execute(
        "SELECT chain, sequence, previous, hash, written_at, count FROM batch"
        " ORDER BY chain, sequence"
    )
    for chain, sequence, previous, hash_, at, count in rows:
        key = month_of(at), chain
        gap = found.get(key) or Gap(chain, sequence, sequence, previous, hash_, 0, at)
        total = gap.entries + count
        found[key] = replace(gap, last=sequence, hash=hash_, entries=total, last_written_at_us=at)
    return [StoredMonth(month, gap) for (month, _), gap in sorted(found.items(), key=_key)]


def _key(item: tuple[tuple[str, str], Gap]) -> tuple[str, str]:
    return item[0]


def find_page(db: sqlite3.Connection, search: Search, bounds: tuple[bytes, bytes]) -> list[bytes]:
    """Return the ids of the first records of a search within bounds."""
    order = "DESC" if search.newest_first else "ASC"
    table, where, extra = "entry AS found", "", ""
    values: tuple[Any, ...] = bounds
    if search.terms:
        first, *others = search.terms
        table, where = "term AS found", "term = ? AND "
        extra = " AND EXISTS (SELECT 1 FROM term WHERE term = ? AND record = found.record)"
        extra *= len(others)
        values = (first, *bounds, *others)
    rows = db.execute(
        f"SELECT DISTINCT record FROM {table} WHERE {where}"  # noqa: S608 - it stands above
        f" record >= ? AND record < ?{extra} ORDER BY record {order} LIMIT ?",
        (*values, _PAGE),
    ).fetchall()
    return [record for (record,) in rows]
