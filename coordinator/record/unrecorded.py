"""A stand-in that records nothing, only for labs and benchmarks whose configuration allows it."""

from typing import Self

import structlog

from mpic.runtime.in_flight import InFlight
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()


class Unrecorded:
    """Writes nothing, so answers carry no record id. Has what is used of RecordWriter."""

    def __init__(self) -> None:
        """Count the attempts in flight, as RecordWriter does."""
        self.company = InFlight()

    async def open(self) -> None:
        """Warn."""
        log.warning("nothing_is_recorded", mend="Remove [record] allow_unrecorded")

    def why_not_writing(self) -> str:
        """Return nothing: there is nothing to write."""
        return ""

    async def close(self) -> None:
        """Do nothing."""

    def next_batch(self) -> Self:
        """Return itself: there are no batches."""
        return self

    async def __aenter__(self) -> Self:
        """Wait for nothing."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Do nothing."""

    async def write(self, record: bytes, entry: r.RecordEntry) -> None:  # noqa: ARG002 - as Place's
        """Remove the id from the record, since nothing is stored under it."""
        entry.question.ClearField("id")

    def add(self, record: bytes, entry: r.RecordEntry) -> None:
        """Do nothing."""
