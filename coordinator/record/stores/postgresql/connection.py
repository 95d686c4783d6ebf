"""One connection to PostgreSQL: how it is made, how long it may take, what its errors mean.

It is psycopg 3, for two reasons. One thread that may block calls a store, so no second event loop
is needed. And psycopg uses libpq, so an operator's connection string, certificates, password file,
several hosts and their fail-over work as in every other PostgreSQL tool. It is an extra of the
package (`mpic[postgresql]`): whoever keeps the record in SQLite needs no libpq.

A server that hangs, or a network that loses everything, must not hold up an answer. The server
itself ends a statement that takes too long (`statement_timeout`). If it cannot even do that, this
side stops waiting a second later. No password is ever part of an error's text.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from coordinator.record.stores.base import StoreError

T = TypeVar("T")

CONNECT_SECONDS = 3
_GRACE = 1.0
"""Seconds for the server to say that it has ended a statement by itself."""

# Defaults that a connection string may change. After a fail-over, the host that can be written to
# is looked for among those named. Keepalives notice a peer that has vanished.
_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": CONNECT_SECONDS,
    "target_session_attrs": "read-write",
    "application_name": "mpic",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
# A commit is durable at least on the server itself, whatever it is configured to wait for.
_SESSION = """
SELECT set_config('statement_timeout', %(milliseconds)s, false),
       set_config('lock_timeout', %(milliseconds)s, false),
       set_config('idle_in_transaction_session_timeout', %(milliseconds)s, false),
       set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                  WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
       current_setting('fsync')
"""
_GOES_ON = "writing goes on by itself"
_UNREACHABLE = f"See whether the server runs and can be reached; {_GOES_ON}"
_NO_CONNECTION = (
    "See whether the server runs and can be reached, and lets this user in (pg_hba.conf, password,"
    f" dbname); {_GOES_ON}"
)
_BUSY = f"See in pg_stat_activity what keeps the server busy; {_GOES_ON}"
# By SQLSTATE, the longest that fits: https://www.postgresql.org/docs/current/errcodes-appendix.html
_MENDS = {
    "53100": f"Free space on the database server's disk; {_GOES_ON}",
    "53": f"Give the database server more memory or connections; {_GOES_ON}",
    "57014": _BUSY,
    "55P03": _BUSY,
    "40": _BUSY,
    "57P": _UNREACHABLE,
    "08": _UNREACHABLE,
    "25006": f"Name the host that can be written to, or all of them; {_GOES_ON}",
    "28": _NO_CONNECTION,
    "3D000": _NO_CONNECTION,
    "42501": "Use the role that owns the tables, or let it run `mpic record migrate`",
    "42P01": "Restore the tables from a backup, or run `mpic record migrate` to begin anew",
    "3F000": "Restore the tables from a backup, or run `mpic record migrate` to begin anew",
    "58": f"See whether the database server's disk is in order; {_GOES_ON}",
    "XX00": "Stop writing to the server and restore it from a backup",
}
_OTHER = f"See the database server's log; {_GOES_ON}"


class PostgresqlConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that does not wait for ever."""

    patience: float | None = CONNECT_SECONDS
    """Seconds a statement may take."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for the server, but not for ever; every statement and commit passes here."""
        return super().wait(gen, interval, timeout or self.patience)

    @property
    def is_idle(self) -> bool:
        """Say whether it can take another statement."""
        return self.pgconn.transaction_status == TransactionStatus.IDLE

    @property
    def is_hung(self) -> bool:
        """Say whether the server has not answered the last statement."""
        return self.pgconn.transaction_status == TransactionStatus.ACTIVE

    @contextmanager
    def warnings_as_errors(self) -> Iterator[None]:
        """Raise psycopg.Error for a warning too: it may mean that no standby has a commit."""
        warnings: list[str] = []

        def keep(notice: psycopg.errors.Diagnostic) -> None:
            if notice.severity_nonlocalized == "WARNING":
                warnings.append(notice.message_primary or "")

        self.add_notice_handler(keep)
        try:
            yield
        finally:
            self.remove_notice_handler(keep)
        if warnings:
            raise psycopg.OperationalError(warnings[0])


@contextmanager
def unhurried(db: PostgresqlConnection) -> Iterator[None]:
    """Let one transaction take as long as it takes."""
    patience, db.patience = db.patience, None
    try:
        with db.transaction():
            db.execute("SET LOCAL statement_timeout = 0")
            yield
    finally:
        db.patience = patience


class Address:
    """Where the database is. It is read again for every connection: its password may change."""

    def __init__(self, read_dsn: Callable[[], str], timeout: float) -> None:
        """Let the server take `timeout` seconds for a statement."""
        self._read_dsn = read_dsn
        self._timeout = timeout
        self._name = "PostgreSQL"

    def connect(self) -> PostgresqlConnection:
        """Return a new connection, in autocommit; raises psycopg.Error or StoreError."""
        params: dict[str, Any] = _DEFAULTS | self._read()
        connection = PostgresqlConnection.connect(autocommit=True, **params)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: PostgresqlConnection) -> None:
        connection.patience = self._timeout + _GRACE
        milliseconds = str(round(self._timeout * 1000))
        row = connection.execute(_SESSION, {"milliseconds": milliseconds}).fetchone()
        if row is None or row[-1] != "on":
            text = f"{self._name} runs with fsync = off: what it calls written may be lost"
            raise StoreError(text, "Set fsync = on in its postgresql.conf")

    def __str__(self) -> str:
        """Return where it is, without secrets."""
        return self._name

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn psycopg's errors into StoreError."""
        try:
            yield
        except psycopg.Error as error:
            raise self._explain(error) from error

    def _explain(self, error: psycopg.Error) -> StoreError:
        code = error.sqlstate or ""
        lines = (error.diag.message_primary or str(error)).strip().splitlines()
        text = f"{self._name}: {lines[0] if lines else type(error).__name__}"
        fits = sorted((start for start in _MENDS if code.startswith(start)), key=len)
        if fits:
            return StoreError(f"{text} ({code})", _MENDS[fits[-1]])
        # Without a code the error is libpq's: the server was not reached, or let nobody in.
        return StoreError(f"{text} ({code})", _OTHER) if code else StoreError(text, _NO_CONNECTION)

    def _read(self) -> dict[str, Any]:
        dsn = self._read_dsn()
        try:
            params = conninfo_to_dict(dsn)
        except psycopg.ProgrammingError:
            # The error quotes what it could not read, and that may be the password.
            text = "the dsn of [record] is no connection string"
            raise StoreError(text, SHAPE_OF_DSN) from None
        place = params.get("host") or "the local socket"
        self._name = f"PostgreSQL at {place}, database {params.get('dbname') or 'by default'}"
        return dict(params)


_HERE = {"localhost", "127.0.0.1", "::1"}
SHAPE_OF_DSN = (
    'Write it as libpq has it: "host=db.example.net dbname=mpic user=mpic_writer'
    ' sslmode=verify-full", or a postgresql:// URL'
)


def is_dsn(text: str) -> bool:
    """Say whether a text is a connection string with something in it."""
    try:
        return bool(conninfo_to_dict(text))
    except psycopg.ProgrammingError:
        return False


def find_exposures(dsn: str) -> list[str]:
    """Return the hosts that are reached over a network without proof of who they are."""
    params = conninfo_to_dict(dsn)
    if params.get("sslmode") in {"verify-full", "verify-ca"}:
        return []
    hosts = str(params.get("host") or params.get("hostaddr") or "").split(",")
    return [host for host in hosts if host and host[0] not in "/@" and host not in _HERE]
