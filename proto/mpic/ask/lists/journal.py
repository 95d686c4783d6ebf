"""What a run of a list has come to so far, in a file beside the output, so that it can go on later.

It is a database of SQLite: it survives being killed at any moment, and takes little memory however
long the list is. A line's answer is written before it is told, within `SECONDS`.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from mpic.ask.lists.line import ListError, Phrase
from mpic.ask.lists.own_file import check_own, refuse_foreign

SECONDS = 0.5
"""Between two writes to the disk."""
_APPLICATION = 0x4D504943  # "MPIC"
_SCHEMA = 1
_CACHE_KIB = 4096
_TABLES = """
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE line (
    number INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    names TEXT NOT NULL,
    octets BLOB NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    result TEXT NOT NULL
);
CREATE INDEX same_names ON line (names, number);
"""


class LineState(StrEnum):
    """What became of a line."""

    APPROVED = "approved"
    REFUSED = "refused"
    UNDETERMINED = "undetermined"
    """The service replied, or did not, and nothing is known of the names."""
    MALFORMED = "malformed"
    """It is no question, as is found here or as the service says."""
    BLANK = "blank"
    OPEN = "open"
    """It is asked, or will be."""


FINAL = (LineState.APPROVED, LineState.REFUSED, LineState.MALFORMED, LineState.BLANK)
"""What is not asked again."""
_ANSWERED = (LineState.APPROVED, LineState.REFUSED, LineState.UNDETERMINED)


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line, and what became of it."""

    number: int
    request_id: str
    names: tuple[str, ...]
    octets: bytes = b""
    """As in the file; empty if the output does not repeat it."""
    state: LineState = LineState.OPEN
    reason: str = ""
    """The reason that counts: of the first name that is not approved, or of an error."""
    result: Mapping[str, Any] | None = None


class Journal:
    """The lines of a run."""

    def __init__(self, path: str) -> None:
        """Open or create it; empty: in memory and on a disk that is cleared. Raises ListError."""
        self.path = path
        if path:
            check_own(Path(path))
            # What SQLite undoes after a crash.
            refuse_foreign(Path(f"{path}-journal"))
        self._written = time.monotonic()
        self._is_open = True
        with self._explaining():
            self._database = sqlite3.connect(path, timeout=0.0, isolation_level=None)
        try:
            with self._explaining():
                self._prepare()
        except ListError:
            self._database.close()
            raise

    def _prepare(self) -> None:
        run = self._database.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run(f"PRAGMA cache_size = -{_CACHE_KIB}")
        run("PRAGMA temp_store = FILE")
        if not self.path:
            run("PRAGMA synchronous = OFF")
        run("BEGIN EXCLUSIVE")
        ((application,),) = run("PRAGMA application_id").fetchall()
        ((tables,),) = run("SELECT count(*) FROM sqlite_master").fetchall()
        if not application and not tables:
            run(f"PRAGMA application_id = {_APPLICATION}")
            run(f"PRAGMA user_version = {_SCHEMA}")
            for statement in _TABLES.split(";"):
                run(statement)
            return
        ((schema,),) = run("PRAGMA user_version").fetchall()
        if (application, schema) != (_APPLICATION, _SCHEMA):
            raise ListError("other_program", path=self.path)

    def describe(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Remember what the run is, if it is new; return what it is."""
        with self._explaining():
            known = dict(self._database.execute("SELECT key, value FROM run"))
            if known:
                return known
            self._database.executemany("INSERT INTO run VALUES (?, ?)", facts.items())
            self.commit()
        return dict(facts)

    def find(self, number: int) -> JournalLine | None:
        """Return a line, if it is known."""
        with self._explaining():
            rows = self._database.execute("SELECT * FROM line WHERE number = ?", (number,))
            row = rows.fetchone()
        return None if row is None else _from_row(row)

    def find_same(self, line: JournalLine) -> int:
        """Return the number of the first line before it with the same names; 0: there is none."""
        query = "SELECT min(number) FROM line WHERE names = ? AND number < ?"
        with self._explaining():
            ((number,),) = self._database.execute(query, (_join(line.names), line.number))
        return number or 0

    def put(self, line: JournalLine) -> None:
        """Write what became of a line; it is on the disk after `commit`."""
        row = (
            line.number,
            line.request_id,
            _join(line.names),
            line.octets,
            line.state,
            line.reason,
            json.dumps(line.result) if line.result is not None else "",
        )
        with self._explaining():
            self._database.execute("INSERT OR REPLACE INTO line VALUES (?,?,?,?,?,?,?)", row)

    def commit(self) -> None:
        """Write everything to the disk."""
        with self._explaining():
            self._end_transaction()
            self._database.execute("BEGIN EXCLUSIVE")
        self._written = time.monotonic()

    def commit_in_time(self) -> None:
        """Write everything to the disk if that was last done some time ago."""
        if time.monotonic() - self._written >= SECONDS:
            self.commit()

    def lines(self, *states: LineState) -> Iterator[JournalLine]:
        """Yield the lines in their order: of these states, or all."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE state IN ({marks})" if states else ""
        with self._explaining():
            query = f"SELECT * FROM line {where} ORDER BY number"  # noqa: S608 - marks alone
            yield from map(_from_row, self._database.execute(query, states))

    def count(self) -> dict[LineState, int]:
        """Return how many lines are in each state."""
        with self._explaining():
            rows = self._database.execute("SELECT state, count(*) FROM line GROUP BY state")
            return {LineState(state): number for state, number in rows}

    def last_number(self) -> int:
        """Return the number of the last line that is known; 0: none is."""
        with self._explaining():
            ((number,),) = self._database.execute("SELECT max(number) FROM line")
        return number or 0

    def is_empty(self) -> bool:
        """Whether there is no line but blank ones."""
        return not self.count().keys() - {LineState.BLANK}

    def has_answers(self) -> bool:
        """Whether the service has answered about a line."""
        return not self.count().keys().isdisjoint(_ANSWERED)

    def is_open(self) -> bool:
        """Whether there is a line to be asked, or asked again."""
        return not self.count().keys().isdisjoint((LineState.OPEN, LineState.UNDETERMINED))

    def forget(self) -> None:
        """Become as new."""
        with self._explaining():
            self._database.execute("DELETE FROM run")
            self._database.execute("DELETE FROM line")

    def count_reasons(self, state: LineState) -> dict[str, int]:
        """Return how often each reason stands with lines in a state, the most frequent first."""
        query = (
            "SELECT reason, count(*) FROM line WHERE state = ?"
            " GROUP BY reason ORDER BY count(*) DESC, reason"
        )
        with self._explaining():
            return dict(self._database.execute(query, (state,)))

    def close(self) -> None:
        """Write everything and close; do nothing if it is closed."""
        if self._is_open:
            self._is_open = False
            with self._explaining():
                self._end_transaction()
                self._database.close()

    def remove(self) -> None:
        """Close, and remove the file: nothing is left to be done."""
        self._is_open = False
        self._database.close()
        if self.path:
            Path(self.path).unlink(missing_ok=True)
            Path(f"{self.path}-journal").unlink(missing_ok=True)

    def _end_transaction(self) -> None:
        # A full disk ends it: what was not on the disk yet is asked again.
        if self._database.in_transaction:
            self._database.execute("COMMIT")

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            name = self.path or Phrase("list.temporary_file")
            raise ListError("in", name=name, said=_explain(error)) from error


def _explain(error: sqlite3.Error) -> Phrase:
    """Say what an operator can do about an error of SQLite."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith("SQLITE_BUSY"):
        return Phrase("list.error.busy")
    if name.startswith("SQLITE_FULL"):
        return Phrase("list.error.disk_full")
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return Phrase("list.error.no_journal")
    return Phrase("list.error.sqlite", {"error": str(error)})


def _join(names: tuple[str, ...]) -> str:
    return " ".join(names)


def _from_row(row: tuple[Any, ...]) -> JournalLine:
    number, request_id, names, octets, state, reason, result = row
    told = json.loads(result) if result else None
    return JournalLine(
        number,
        request_id,
        tuple(filter(None, names.split(" "))),
        octets,
        LineState(state),
        reason,
        told,
    )
