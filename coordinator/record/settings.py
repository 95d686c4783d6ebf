"""The table [record] of the coordinator's file."""

import hashlib
import socket
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from coordinator.policy import Policy
from coordinator.record.reader import Reader
from coordinator.record.recorder import Clock, Recorder, Unrecorded
from coordinator.record.repeats import Memory, Repeats
from coordinator.record.sqlite import SqliteStore
from coordinator.record.store import Store
from mpic.config import ConfigPath, ConfigTable

ChainName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,100}$")]


class RecordTable(ConfigTable):
    """Where what was decided is written down (BR 5.4.1)."""

    store: Literal["sqlite"] = "sqlite"
    path: ConfigPath = Field(
        default=Path("/var/lib/mpic/record.sqlite3"), description="the file of SQLite"
    )
    chain: ChainName = Field(
        default="", description="what this coordinator's chain is called; empty: as the host is"
    )
    auditors: list[str] = Field(
        default=[], description="callers who may read what others asked; they must be allowed too"
    )
    repeat_window: float = Field(
        default=600.0, ge=0, le=86400, description="seconds a request id gets the same verdict"
    )
    allow_unrecorded: bool = False
    """For labs and benchmarks only: decide without writing anything down."""

    def make_store(self) -> Store:
        """Return the store, not yet opened."""
        return SqliteStore(self.path)

    def make_recorder(self, worker: int, clock: Clock) -> Recorder | Unrecorded:
        """Return the recorder of one worker; each writes a chain of its own."""
        if self.allow_unrecorded:
            return Unrecorded()
        chain = f"{self.chain or socket.gethostname()}.{worker}"
        return Recorder(self.make_store(), chain, clock)

    def make_repeats(self, reader: Reader | None, is_shared: bool, clock: Clock) -> Repeats:
        """Return what knows earlier requests; others write to the store where `is_shared`."""
        if reader is None or not self.repeat_window:
            return Repeats(None)
        window = timedelta(seconds=self.repeat_window)
        return Repeats(Memory(reader, window, is_shared, clock))


def policy_version(policy: Policy) -> bytes:
    """Return 8 octets that tell one policy from another."""
    return hashlib.sha256(repr(policy).encode()).digest()[:8]
