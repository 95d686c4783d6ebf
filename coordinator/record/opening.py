"""Opens the record as the configuration says, and closes it in the right order."""

from contextlib import AsyncExitStack

import structlog

from coordinator.record.chain import Head, find_lead
from coordinator.record.metrics import HeadsCollector
from coordinator.record.reader import Reader
from coordinator.record.settings import RecordTable
from coordinator.record.timestamps import to_us
from coordinator.record.unrecorded import Unrecorded
from coordinator.record.writer import Clock, RecordWriter
from mpic.runtime.metrics import ProgramMetrics

log = structlog.get_logger()

_LEAD_SECONDS = 1.0
_SET_CLOCK = (
    "This host's clock is behind, or was ahead when the record was written: run `mpic doctor`, and"
    " let a time service keep it. It goes on writing, dated as the last batch until that has passed"
)


async def open_writer(
    table: RecordTable, worker: int, clock: Clock, program: ProgramMetrics, stack: AsyncExitStack
) -> RecordWriter | Unrecorded:
    """Return the writer of the record, and start publishing its heads."""
    record_writer = table.make_recorder(worker, clock)
    await record_writer.open()
    if isinstance(record_writer, RecordWriter):
        _warn_of_lead(record_writer.head, clock)
        publisher = table.make_publisher(record_writer, clock)
        program.register((HeadsCollector(publisher),))
        # The publisher ends after the writer: only then is the last batch written.
        stack.push_async_callback(publisher.close)
        publisher.start()
    stack.push_async_callback(record_writer.close)
    return record_writer


def open_reader(table: RecordTable, stack: AsyncExitStack) -> Reader | None:
    """Return what reads the record, if there is one."""
    if table.allow_unrecorded:
        return None
    reader = Reader(table.make_store())
    stack.push_async_callback(reader.close)
    return reader


def _warn_of_lead(head: Head, clock: Clock) -> None:
    """Warn if the record's last batch is dated later than this host's clock."""
    lead = find_lead(head, to_us(clock()))
    if lead > _LEAD_SECONDS:
        log.warning("record_ahead_of_clock", chain=head.chain, seconds=round(lead), mend=_SET_CLOCK)
