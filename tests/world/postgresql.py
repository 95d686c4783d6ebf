"""A PostgreSQL server of the tests' own: one cluster, and databases to begin with."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from tests.world.process import Child, WorldError, wait_until

_USER = "postgres"
_ROLES = Path(__file__).parents[2] / "deploy/postgresql/roles.sql"
_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "timezone": "Asia/Tokyo",  # a month of the record is one of UTC, whatever the server's
}


def find_programs() -> Path:
    """Return where Debian keeps the server's programs; the latest version's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise WorldError("PostgreSQL's server is not installed: apt-get install postgresql")
    return found[-1].parent


class PostgresqlServer:
    """A running cluster in a directory of its own, reached by a socket there."""

    def __init__(self, directory: Path, options: dict[str, str] | None = None) -> None:
        """Make the cluster, if there is none; its user must be able to reach the directory.

        The server's fsync is on: it is what is under test.
        """
        self._programs = find_programs()
        self.directory = directory
        self._options = _OPTIONS | (options or {})
        self._databases: set[str] = set()
        self._child: Child | None = None
        if self.data.exists():
            return
        directory.mkdir(exist_ok=True)
        shutil.chown(directory, _USER)
        command = ("initdb", "--no-sync", "-A", "trust", "-D", str(self.data), "-E", "UTF8")
        subprocess.run(
            [*_AS_USER, self._programs / command[0], *command[1:], "--locale=C"],
            check=True,
            capture_output=True,
            cwd="/",
        )

    @property
    def data(self) -> Path:
        """Where the cluster is."""
        return self.directory / "data"

    def start(self) -> Self:
        """Start the server; returns when it can be asked."""
        options = [f"--{name}={value}" for name, value in self._options.items()]
        program = str(self._programs / "postgres")
        command = (*_AS_USER, program, "-D", str(self.data), "-k", str(self.directory), *options)
        self._child = Child(command, self.directory / "server.log", Path("/"))
        self._child.wait_ready(self._answers, 60)
        return self

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it, fast; SIGQUIT ends it as a crash would."""
        if self._child is not None and self._child.is_running():
            os.kill(self._child.pid, how)
            child = self._child
            wait_until(lambda: not child.is_running(), 60, lambda: "PostgreSQL does not end")

    def pause(self) -> None:
        """Let every process of the server hang."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def empty_database(self, name: str = "record") -> str:
        """Return the dsn, as its superuser, of a database with nothing in it."""
        if name in self._databases:
            # Much less to write than a new one.
            self.run("DROP SCHEMA IF EXISTS mpic CASCADE", database=name)
        else:
            self.run(f"CREATE DATABASE {name}")
            self._databases.add(name)
        return self.dsn(name)

    def create_roles(self) -> None:
        """Create the roles and their database, as an operator would; once."""
        if "mpic" not in self._databases:
            text = "".join(
                line
                for line in _ROLES.read_text().splitlines(keepends=True)
                if not line.startswith("--")
            )
            self.run(*[one for one in text.split(";") if one.strip()])
            self._databases.add("mpic")

    def dsn(self, database: str, user: str = _USER) -> str:
        """Return how to reach a database."""
        return f"host={self.directory} dbname={database} user={user}"

    def run(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements as the superuser; return what the last one selected."""
        with psycopg.connect(self.dsn(database), autocommit=True) as db:
            for statement in statements:
                cursor = db.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.resume()
        self.stop(signal.SIGQUIT)

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _signal_all(self, number: signal.Signals) -> None:
        """Every backend has a process group of its own, so the children are looked up."""
        assert self._child is not None
        pids = [self._child.pid, *_children_of(self._child.pid)]
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def _children_of(pid: int) -> Sequence[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


# The server refuses to run as root.
_AS_USER = ("setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups")
