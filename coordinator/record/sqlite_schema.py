"""The tables in SQLite, step by step: a file of an earlier version gets the steps it lacks.

`entry.number` counts through all chains in the order of writing; a batch has the numbers from
`first` on. `term` is the index records are found by (`terms`), in the order of their ids. `removed`
keeps the last batch of every stretch that was pruned, so that a chain goes on behind it. `verdict`
has the requests of the last window, by term, and the record that has the verdict of each.
"""

from collections.abc import Sequence

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
