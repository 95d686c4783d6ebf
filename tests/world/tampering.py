"""The tables of a store in the hands of somebody who may do with them whatever SQL can."""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql

Row = Mapping[str, Any]
TABLES = ("batch", "entry", "term", "removed", "verdict")
"""Those of every store that have anything about records in them."""


class RefusedError(Exception):
    """The database itself does not let this be done."""


class Tables(Protocol):
    """Rows of a store's tables, past the store."""

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of a table."""

    def delete(self, table: str, row: Row) -> None:
        """Delete a row."""

    def insert(self, table: str, row: Row) -> None:
        """Insert a row; raises RefusedError."""

    def undo(self) -> None:
        """Let all be as it was when it was taken in hand."""

    def together(self) -> Any:  # noqa: ANN401 - a context
        """Let what is done within be one transaction; raises RefusedError."""


def update(tables: Tables, table: str, row: Row, **changes: object) -> None:
    """Change a row."""
    tables.delete(table, row)
    tables.insert(table, {**row, **changes})


class SqliteTables:
    """Those of a file that nobody else has open."""

    def __init__(self, file: Path) -> None:
        """Keep a copy of the file."""
        self._file, self._copy = file, file.with_suffix(".pristine")
        with closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(file, self._copy)
        self._db: sqlite3.Connection | None = None

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of a table."""
        with closing(sqlite3.connect(self._file)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(f"SELECT * FROM {table}")]  # noqa: S608

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do all within by one transaction."""
        self._db = sqlite3.connect(self._file)
        try:
            with self._db:
                yield
        except (sqlite3.Error, OverflowError) as error:
            raise RefusedError(str(error)) from error
        finally:
            self._db.close()
            self._db = None

    def delete(self, table: str, row: Row) -> None:
        """Delete a row."""
        where = " AND ".join(f"{column} IS ?" for column in row)
        self._run(f"DELETE FROM {table} WHERE {where}", row.values())  # noqa: S608

    def insert(self, table: str, row: Row) -> None:
        """Insert a row."""
        marks = ", ".join("?" * len(row))
        names = ", ".join(row)
        self._run(f"INSERT INTO {table} ({names}) VALUES ({marks})", row.values())  # noqa: S608

    def undo(self) -> None:
        """Put the copy in place."""
        for suffix in ("-wal", "-shm"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
        shutil.copy(self._copy, self._file)

    def _run(self, statement: str, values: Iterable[Any]) -> None:
        assert self._db is not None
        self._db.execute(statement, tuple(values))


class PostgresqlTables:
    """Those of a database, as its superuser."""

    def __init__(self, dsn: str) -> None:
        """Keep copies of the tables."""
        self._db = psycopg.connect(dsn, autocommit=True)
        self._db.execute("SET synchronous_commit = off")
        self._touched: set[str] = set()
        self._db.execute("DROP SCHEMA IF EXISTS pristine CASCADE")
        self._db.execute("CREATE SCHEMA pristine")
        for table in TABLES:
            self._run("CREATE TABLE pristine.{0} AS SELECT * FROM mpic.{0}", [table])

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of a table."""
        cursor = self._db.execute(sql.SQL("SELECT * FROM mpic.{}").format(sql.Identifier(table)))
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do all within by one transaction."""
        try:
            with self._db.transaction():
                yield
        except (psycopg.Error, OverflowError) as error:
            raise RefusedError(str(error)) from error

    def delete(self, table: str, row: Row) -> None:
        """Delete a row."""
        self._touched.add(table)
        where = " AND ".join(["{} IS NOT DISTINCT FROM %s"] * len(row))
        statement = "DELETE FROM mpic.{} WHERE " + where  # noqa: S608 - see `_run`
        self._run(statement, [table, *row], row.values())

    def insert(self, table: str, row: Row) -> None:
        """Insert a row."""
        self._touched.add(table)
        names, marks = ", ".join(["{}"] * len(row)), ", ".join(["%s"] * len(row))
        statement = f"INSERT INTO mpic.{{}} ({names}) OVERRIDING SYSTEM VALUE VALUES ({marks})"  # noqa: S608
        self._run(statement, [table, *row], row.values())

    def undo(self) -> None:
        """Put the copies back, with partitions as they are."""
        with self._db.transaction():
            for table in self._touched:
                # In so small a table faster than TRUNCATE.
                self._run("DELETE FROM mpic.{}", [table])
                again = "INSERT INTO mpic.{0} OVERRIDING SYSTEM VALUE SELECT * FROM pristine.{0}"
                self._run(again, [table])
        self._touched.clear()

    def _run(self, statement: str, names: Sequence[str], values: Iterable[Any] = ()) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))
        self._db.execute(query, tuple(values))
