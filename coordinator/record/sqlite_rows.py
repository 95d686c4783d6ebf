"""Rows into SQLite's tables, and out of them; within a transaction."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from coordinator.record.chain import Batch, Gap
from coordinator.record.store import ChainMovedError, Claim, ClaimedError, Entry
from coordinator.record.terms import find_terms
from mpic.v1 import record_pb2 as r

# Rows to a statement; powers of two, so that few different statements are ever prepared.
_MOST_ROWS = 256
_UNLESS_HELD = " ON CONFLICT DO UPDATE SET record = excluded.record WHERE record < ?"
_BATCHES_TO_FORGET = 1_000
"""After so many batches, requests that are older than a window are forgotten."""


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
    """Insert rows, many to a statement; `otherwise` ends it and takes `more` values."""
    at, size = 0, _MOST_ROWS
    while at < len(rows):
        while size > len(rows) - at:
            size //= 2
        marks = f"({', '.join('?' * len(rows[0]))})"
        values = [value for row in rows[at : at + size] for value in row]
        db.execute(insert + ", ".join([marks] * size) + otherwise, (*values, *more))
        at += size


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
    db.execute(
        "INSERT INTO removed SELECT chain, sequence, hash, written_at FROM batch"
        " WHERE chain = ? AND sequence = ?",
        (gap.chain, gap.last),
    )
    db.execute("DELETE FROM batch WHERE chain = ? AND sequence BETWEEN ? AND ?", chosen)
