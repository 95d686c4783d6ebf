"""The tables in SQLite, step by step: a file of an earlier version gets the steps it lacks.

What each table has:

    entry     `entry.number` counts through all chains in the order of writing; a batch has the
              numbers from `first` on
    term      the index that records are found by (`index_terms`), in the order of their ids
    removed   the last batch of every stretch that was pruned, so that a chain goes on behind it
    verdict   the requests of the last window, by term, each with the record that has its verdict
"""

import sqlite3
from collections.abc import Iterator, Sequence

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        """
        CREATE TABLE batch (
            chain TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            previous BLOB NOT NULL,
            written_at INTEGER NOT NULL,
            digests BLOB NOT NULL,
            hash BLOB NOT NULL,
            first INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (chain, sequence)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX batch_first ON batch (first)",
        """
        CREATE TABLE entry (
            number INTEGER PRIMARY KEY,
            record BLOB NOT NULL,
            content BLOB NOT NULL
        ) STRICT
        """,
        "CREATE INDEX entry_record ON entry (record)",
        """
        CREATE TABLE term (
            term INTEGER NOT NULL,
            record BLOB NOT NULL,
            PRIMARY KEY (term, record)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE removed (
            chain TEXT NOT NULL,
            last INTEGER NOT NULL,
            hash BLOB NOT NULL,
            written_at INTEGER NOT NULL,
            PRIMARY KEY (chain, last)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    ("CREATE TABLE verdict (term INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT",),
)
"""One tuple of statements for each version."""

_TABLES = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
_FALSE_VERDICTS = """
SELECT record FROM verdict WHERE NOT EXISTS (
    SELECT 1 FROM term WHERE term.term = verdict.term AND term.record = verdict.record)
"""
_MOST = 20
"""Damages that are named."""


def find_oddities(db: sqlite3.Connection) -> Iterator[str]:
    """Say what in a file is not as this program makes it; raises sqlite3.Error."""
    expected, found = _read_tables(_make_tables()), _read_tables(db)
    for kind, name in sorted(expected.keys() | found.keys()):
        if expected.get((kind, name)) != found.get((kind, name)):
            yield f"the {kind} {name} of the file is not as this program makes it"
    for (damage,) in db.execute(f"PRAGMA integrity_check({_MOST})").fetchall():
        if damage != "ok":
            yield f"the file is damaged: {damage}"
    rows = db.execute("SELECT chain, sequence FROM batch WHERE count * 32 <> length(digests)")
    for chain, sequence in rows:
        yield f"batch {sequence} of chain {chain} is said to have more or fewer entries than it has"
    for (record,) in db.execute(_FALSE_VERDICTS):
        yield f"a request is said to have its verdict in record {record.hex()}, which is not of it"


def _make_tables() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    for statement in (one for step in MIGRATIONS for one in step):
        db.execute(statement)
    return db


def _read_tables(db: sqlite3.Connection) -> dict[tuple[str, str], str]:
    return {(kind, name): " ".join(sql.split()) for kind, name, sql in db.execute(_TABLES)}
