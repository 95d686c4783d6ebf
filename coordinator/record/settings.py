"""The table [record] of the coordinator's file."""

import hashlib
import socket
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints, model_validator

from coordinator.record.idempotency import Idempotency, Memory
from coordinator.record.publisher import HeadPublisher
from coordinator.record.reader import Reader
from coordinator.record.stores.base import Store, StoreError
from coordinator.record.stores.sqlite.store import SqliteStore
from coordinator.record.unrecorded import Unrecorded
from coordinator.record.writer import Clock, RecordWriter
from coordinator.rules.policy import Policy
from mpic.runtime.config import ConfigPath, ConfigTable, Flaw
from mpic.runtime.problem import explain_os_error

ChainName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,100}$")]
OtherChain = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,110}$")]


_KEYS = {"sqlite": ("path",), "postgresql": ("dsn", "dsn_file", "database_timeout")}
"""Those that one store alone has."""


class HeadsTable(ConfigTable):
    """How the heads of the chains leave the machine; the program's log has them anyway."""

    file: ConfigPath | None = Field(
        default=None, description="a file that heads are added to, where others cannot change it"
    )
    every: float = Field(default=60.0, ge=1, le=3600, description="seconds between two heads")


class RecordTable(ConfigTable):
    """Where what was decided is written down (BR 5.4.1)."""

    store: Literal["sqlite", "postgresql"] = "sqlite"
    path: ConfigPath = Field(
        default=Path("/var/lib/mpic/record.sqlite3"), description="the file of SQLite"
    )
    dsn: SecretStr | None = Field(
        default=None, description="how to reach PostgreSQL, as libpq has it"
    )
    dsn_file: ConfigPath | None = Field(
        default=None, description="a file with the dsn in it, instead of dsn; read at each connect"
    )
    database_timeout: float = Field(
        default=5.0, ge=0.5, le=60, description="seconds PostgreSQL may take for a statement"
    )
    chain: ChainName = Field(
        default="", description="what this coordinator's chain is called; empty: as the host is"
    )
    other_chains: list[OtherChain] = Field(
        default=[], description="chains of other coordinators, and under former names"
    )
    auditors: list[str] = Field(
        default=[], description="callers who may read what others asked; they must be allowed too"
    )
    repeat_window: float = Field(
        default=600.0, ge=0, le=86400, description="seconds a request id gets the same verdict"
    )
    allow_unrecorded: bool = False
    """For labs and benchmarks only: decide without writing anything down."""
    heads: HeadsTable = HeadsTable()

    @model_validator(mode="after")
    def _check_store(self) -> "RecordTable":
        for store, keys in _KEYS.items():
            for key in keys if store != self.store else ():
                if getattr(self, key) != type(self).model_fields[key].default:
                    text = f'is for store = "{store}", and store is "{self.store}"'
                    raise Flaw(text, "Take one of the two away", key)
        if self.store == "postgresql":
            _check_dsn(self.dsn, self.dsn_file)
        return self

    def find_warnings(self) -> list[str]:
        """Return warnings: what the program can run with but should not."""
        return [*self._find_exposures(), *self._find_near_heads()]

    def _find_near_heads(self) -> list[str]:
        file = self.heads.file
        if file is None or self.store != "sqlite" or file.parent != self.path.parent:
            return []
        what = f"record.heads.file: {file} is beside the record: who can change the one can both"
        return [f"{what}. Name a file on another host"]

    def _find_exposures(self) -> list[str]:
        if self.dsn is None:
            return []
        from coordinator.record.stores.postgresql.connection import find_exposures  # noqa: PLC0415 - an extra

        hosts = ", ".join(find_exposures(self.dsn.get_secret_value()))
        what = f"record.dsn: anybody on the way can pose as {hosts} and read along"
        return [f"{what}. Add sslmode=verify-full, and sslrootcert where needed"] if hosts else []

    def make_store(self) -> Store:
        """Return the store, not yet opened."""
        if self.store == "sqlite":
            return SqliteStore(self.path)
        # psycopg is an extra.
        from coordinator.record.stores.postgresql.connection import Address  # noqa: PLC0415
        from coordinator.record.stores.postgresql.store import PostgresqlStore  # noqa: PLC0415

        return PostgresqlStore(Address(self._read_dsn, self.database_timeout))

    def make_recorder(self, worker: int, clock: Clock) -> RecordWriter | Unrecorded:
        """Return the recorder of one worker; each writes a chain of its own."""
        if self.allow_unrecorded:
            return Unrecorded()
        chain = f"{self._own_chain}.{worker}"
        window = timedelta(seconds=self.repeat_window) or None
        return RecordWriter(self.make_store(), chain, clock, window)

    def make_publisher(self, record_writer: RecordWriter, clock: Clock) -> HeadPublisher:
        """Return the publisher of the heads of a writer's chain."""
        return HeadPublisher(lambda: record_writer.head, self.heads.file, self.heads.every, clock)

    def knows_chain(self, chain: str, workers: int) -> bool:
        """Whether a chain is of a worker of this coordinator, or is listed as another's.

        A listed name is a chain, or the name that the chains of all workers begin with.
        """
        base, _, number = chain.rpartition(".")
        if chain in self.other_chains or (number.isdecimal() and base in self.other_chains):
            return True
        return chain in {f"{self._own_chain}.{worker}" for worker in range(workers)}

    @property
    def _own_chain(self) -> str:
        """What the chains of all workers begin with."""
        return self.chain or socket.gethostname()

    def make_repeats(self, reader: Reader | None, is_shared: bool, clock: Clock) -> Idempotency:
        """Return the memory of earlier requests; `is_shared`: others write to the store too.

        A database is always shared.
        """
        if reader is None or not self.repeat_window:
            return Idempotency(None)
        window = timedelta(seconds=self.repeat_window)
        is_shared = is_shared or self.store == "postgresql"
        return Idempotency(Memory(reader, window, is_shared, clock))

    def _read_dsn(self) -> str:
        """Return the dsn as it is now; raises StoreError."""
        if self.dsn is not None:
            return self.dsn.get_secret_value()
        assert self.dsn_file is not None  # noqa: S101 - _check_dsn saw to it
        try:
            return self.dsn_file.read_text().strip()
        except OSError as error:
            what, mend = explain_os_error(error)
            raise StoreError(f"{self.dsn_file}: {what}", mend) from error


def _check_dsn(dsn: SecretStr | None, dsn_file: Path | None) -> None:
    """Raise Flaw where PostgreSQL cannot be reached by what is configured."""
    try:
        from coordinator.record.stores.postgresql import connection  # noqa: PLC0415 - an extra
    except ImportError as error:
        text = f"PostgreSQL needs psycopg, which cannot be loaded ({error})"
        raise Flaw(text, "Install it: pip install 'mpic[postgresql]'", "store") from error
    if (dsn is None) == (dsn_file is None):
        text = "says nowhere how to reach PostgreSQL" if dsn is None else "has dsn and dsn_file"
        raise Flaw(text, "Give one of dsn and dsn_file")
    if dsn is not None and not connection.is_dsn(dsn.get_secret_value()):
        raise Flaw("is no connection string", connection.SHAPE_OF_DSN, "dsn")


def policy_version(policy: Policy) -> bytes:
    """Return 8 octets that tell one policy from another."""
    return hashlib.sha256(repr(policy).encode()).digest()[:8]
