"""The tables in PostgreSQL, step by step, and who may do what with them.

    entry, term   partitioned by the month of their batch: to prune a month drops two tables
                  instead of deleting millions of rows
    batch         not partitioned: only an index over all months can keep a number of a chain
                  unique; `batch.number` counts through all chains in the order of writing
    removed       the last batch of every stretch that was pruned, so that a chain goes on behind it
    verdict       the requests of the last window, by term, each with the record that has its
                  verdict: if two coordinators decide the same request at once, its key lets one
                  append

A coordinator runs as the role `mpic_writer`. It can insert and read, nothing else. `open_month`
makes the partitions of a month, with the rights of the tables' owner. So the writer can have a
month opened and still owns no table. `forget_verdicts` removes requests that are older than a
window, in the same way. `mpic_reader`, for auditors, reads.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from psycopg.errors import InsufficientPrivilege

from coordinator.record.stores.base import StoreError
from coordinator.record.stores.postgresql.connection import Address, PostgresqlConnection, unhurried

MIGRATIONS: Sequence[Sequence[str]] = (
    (
        """
        CREATE TABLE mpic.batch (
            chain text COLLATE "C" NOT NULL,
            sequence bigint NOT NULL,
            previous bytea NOT NULL,
            written_at bigint NOT NULL,
            digests bytea NOT NULL,
            hash bytea NOT NULL,
            number bigint GENERATED ALWAYS AS IDENTITY,
            month date NOT NULL,
            PRIMARY KEY (chain, sequence)
        )
        """,
        # Digests cannot be compressed.
        "ALTER TABLE mpic.batch ALTER COLUMN digests SET STORAGE EXTERNAL",
        """
        CREATE TABLE mpic.entry (
            batch bigint NOT NULL,
            record uuid NOT NULL,
            month date NOT NULL,
            position integer NOT NULL,
            content bytea NOT NULL
        ) PARTITION BY LIST (month)
        """,
        "CREATE INDEX entry_batch ON mpic.entry (batch, month)",
        "CREATE INDEX entry_record ON mpic.entry (record)",
        """
        CREATE TABLE mpic.term (
            term bigint NOT NULL,
            record uuid NOT NULL,
            month date NOT NULL
        ) PARTITION BY LIST (month)
        """,
        "CREATE INDEX term_record ON mpic.term (term, record)",
        """
        CREATE TABLE mpic.removed (
            chain text COLLATE "C" NOT NULL,
            last bigint NOT NULL,
            hash bytea NOT NULL,
            written_at bigint NOT NULL,
            PRIMARY KEY (chain, last)
        )
        """,
        # Attaching a table that exists already keeps nobody from writing meanwhile.
        """
        CREATE FUNCTION mpic.open_month(wanted date) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            month date := date_trunc('month', wanted);
            whole text;
            part text;
        BEGIN
            PERFORM pg_advisory_xact_lock(7304961);
            FOREACH whole IN ARRAY ARRAY['entry', 'term'] LOOP
                part := whole || to_char(month, '_YYYY_MM');
                CONTINUE WHEN EXISTS (
                    SELECT FROM pg_tables WHERE schemaname = 'mpic' AND tablename = part);
                EXECUTE format('CREATE TABLE mpic.%I (LIKE mpic.%I INCLUDING ALL)', part, whole);
                EXECUTE format('ALTER TABLE mpic.%I ATTACH PARTITION mpic.%I FOR VALUES IN (%L)',
                               whole, part, month);
            END LOOP;
        END $$
        """,
        "REVOKE ALL ON FUNCTION mpic.open_month FROM PUBLIC",
    ),
    (
        "CREATE TABLE mpic.verdict (term bigint PRIMARY KEY, record uuid NOT NULL)",
        # One at a time, so that two that forget the same requests never wait for each other.
        """
        CREATE FUNCTION mpic.forget_verdicts(before uuid) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(7304962);
            DELETE FROM mpic.verdict WHERE record < before;
        END $$
        """,
        "REVOKE ALL ON FUNCTION mpic.forget_verdicts FROM PUBLIC",
    ),
)
"""One tuple of statements for each version."""

VERSION = len(MIGRATIONS)

# Not by to_regclass, which may answer out of a cache from before the lock was had.
_HAS_TABLES = """
SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'mpic' AND tablename = 'version')
"""
_READ_VERSION = "SELECT coalesce(max(number), 0) FROM mpic.version"
_WRITE_VERSION = "INSERT INTO mpic.version (number) VALUES (%s)"
_FOUNDATION = (
    "CREATE SCHEMA IF NOT EXISTS mpic",
    """
    CREATE TABLE mpic.version (
        number integer PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
    """,
)
# These rights are given again whenever the owner opens the store, to the roles that exist then.
_GRANTS = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'mpic_writer') THEN
        GRANT USAGE ON SCHEMA mpic TO mpic_writer;
        GRANT SELECT ON mpic.version, mpic.removed TO mpic_writer;
        GRANT SELECT, INSERT ON mpic.batch, mpic.entry, mpic.term, mpic.verdict TO mpic_writer;
        GRANT EXECUTE ON FUNCTION mpic.open_month, mpic.forget_verdicts TO mpic_writer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'mpic_reader') THEN
        GRANT USAGE ON SCHEMA mpic TO mpic_reader;
        GRANT SELECT ON mpic.version, mpic.removed, mpic.batch, mpic.entry, mpic.term, mpic.verdict
            TO mpic_reader;
    END IF;
END $$
"""
_MAY_MIGRATE = """
SELECT coalesce((SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'mpic'),
                true)
"""
# Whoever migrates holds this lock to the end of the transaction; others wait.
_LOCK = "SELECT pg_advisory_xact_lock(7304960)"
_OPEN_MONTHS = (
    "SELECT mpic.open_month(%(month)s), mpic.open_month((%(month)s + interval '1 month')::date)"
)


def check_version(db: PostgresqlConnection, address: Address, *, may_migrate: bool) -> None:
    """Raise StoreError, or psycopg.Error, unless the tables are or can be made this program's."""
    version = find_version(db)
    if version > VERSION:
        raise _other_version(address, version)
    if may_migrate and is_owner(db):
        try:
            migrate(db)
        except InsufficientPrivilege as error:
            raise _other_version(address, version) from error
    elif version < VERSION:
        raise _other_version(address, version)


def _other_version(address: Address, version: int) -> StoreError:
    if version > VERSION:
        text = f"{address}: its tables are of version {version}, later than this program's"
        return StoreError(f"{text} {VERSION}", "Run the program that made them, or a later")
    what = f"are of version {version}" if version else "are not there"
    text = f"{address}: its tables {what}, this program needs version {VERSION}"
    return StoreError(
        text, "Run `mpic record migrate` as the role that owns them (its user in the dsn)"
    )


def find_version(db: PostgresqlConnection) -> int:
    """Return the version of the tables; 0: there are none. Raises psycopg.Error."""
    if not _fetch_one(db, _HAS_TABLES):
        return 0
    return int(_fetch_one(db, _READ_VERSION))


def is_owner(db: PostgresqlConnection) -> bool:
    """Whether this role owns the tables, or there are none; raises psycopg.Error."""
    return bool(_fetch_one(db, _MAY_MIGRATE))


def migrate(db: PostgresqlConnection) -> None:
    """Bring the tables up to date, one process at a time; raises psycopg.Error."""
    with unhurried(db):
        db.execute("SET LOCAL lock_timeout = 0")
        db.execute(_LOCK)
        if not _fetch_one(db, _HAS_TABLES):
            for statement in _FOUNDATION:
                db.execute(statement)
        done = int(_fetch_one(db, _READ_VERSION))
        for number, step in enumerate(MIGRATIONS[done:], done + 1):
            for statement in step:
                db.execute(statement)
            db.execute(_WRITE_VERSION, (number,))
        open_months(db, datetime.now(UTC).date())
        db.execute(_GRANTS)


def open_months(db: PostgresqlConnection, month: date) -> None:
    """Make the partitions of a month and of the one after it; raises psycopg.Error."""
    db.execute(_OPEN_MONTHS, {"month": month})


def _fetch_one(db: PostgresqlConnection, statement: str) -> Any:  # noqa: ANN401 - whatever was selected
    row = db.execute(statement).fetchone()
    return row[0] if row else None
