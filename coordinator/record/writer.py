"""Write records in groups: entries queue, and one writer appends them as one batch with one fsync.

A single verdict waits for one fsync. Under load thousands share one, since entries that come during
an fsync go into the next batch. A batch waits a moment for the entries of attempts in progress
(`InFlight`), because handing it to its thread costs more than writing it.

When a batch cannot be written, everybody who waits for it is told, and none of it counts. The next
batch tries again, so the writer recovers with its store. Late replies, which nobody waits for, are
kept and go into the next batch.

A request first waits for a place in the next batch, and freezes its verdict then. So a reply that
comes meanwhile is in the record and in the answer, and needs no entry of its own. Under load nearly
every request has such a reply, from the perspective that the verdict does not need.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from prometheus_client import Histogram

from coordinator.decision.attempt_id import lowest_id
from coordinator.record.chain import Head
from coordinator.record.chain_writer import ChainWriter
from coordinator.record.stores.base import Entry, Store, StoreError
from coordinator.record.write_queue import (
    Place,
    Waiting,
    is_question,
    not_written,
    take_entries,
    to_entry,
)
from mpic.runtime.in_flight import GATHER_SECONDS, InFlight
from mpic.runtime.metrics import SECONDS
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()

MOST_WAITING = 20_000
"""Entries; as many as come in a minute while the disk is slow."""
MOST_IN_BATCH = 2_000
_UNHURRIED_SECONDS = 0.25
"""How long an entry that nobody waits for is held back: a batch of its own costs an fsync."""
_PAUSE = 0.2
"""Seconds after a batch that could not be written."""
_REMEMBER_SECONDS = 10.0
_MOST_UNWRITTEN = 4_096
"""As many questions as may be in flight."""
_HUNG_SECONDS = 10.0
"""A batch that takes longer is not just slow; PostgreSQL ends a statement earlier."""

_ENDED = "what writes the record has ended"

Clock = Callable[[], datetime]
T = TypeVar("T")


class RecordWriter:
    """Writes one chain."""

    def __init__(
        self, store: Store, chain: str, clock: Clock, window: timedelta | None = None
    ) -> None:
        """Write nothing yet; call `open` first. A request has one verdict within `window`."""
        self._store = store
        self._writer = ChainWriter(store, chain, clock)
        self._window = window
        self._clock = clock
        self._queue: list[Waiting] = []
        self._wake = asyncio.Event()
        self._patience: asyncio.TimerHandle | None = None
        """Runs while an entry that nobody waits for is held back."""
        self._unwritten: deque[bytes] = deque(maxlen=_MOST_UNWRITTEN)
        """Questions whose record could not be written; late replies to them are dropped."""
        self._closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="record")
        self._running: asyncio.Task[None] | None = None
        self.company = InFlight()
        """The attempts whose entries are still to come."""
        self._began: float | None = None
        """When the batch that is being written began; None: none is."""
        self.failure = ""
        """Why the last batch could not be written; "" when it was."""
        self._failed_at = 0.0
        self.entries = {True: 0, False: 0}
        """How many were written, and how many could not be, since the start."""
        self.seconds = Histogram(
            "mpic_record_write_duration_seconds",
            "How long a batch took to become durable; verdicts wait for it.",
            buckets=SECONDS,
            registry=None,
        )
        """How long the batches took that were written."""

    @property
    def waiting(self) -> int:
        """How many entries are not written yet."""
        return len(self._queue)

    @property
    def head(self) -> Head:
        """The end of the chain, as far as it is durable."""
        return self._writer.head

    def why_not_writing(self) -> str:
        """Say why records cannot be written, or could not a moment ago; "" when they can.

        A coordinator sees that it can write again only if it is asked again. So a failure is soon
        forgotten.
        """
        is_recent = time.monotonic() - self._failed_at < _REMEMBER_SECONDS
        return self._why_stuck() or (self.failure if is_recent else "")

    @property
    def is_failing(self) -> bool:
        """Whether the last batch could not be written, or no batch can be any more."""
        return bool(self.failure or self._why_stuck())

    def _why_stuck(self) -> str:
        if self._running is not None and self._running.done():
            return f"{_ENDED}. Restart this coordinator"
        seconds = 0.0 if self._began is None else time.monotonic() - self._began
        if seconds > _HUNG_SECONDS:
            return f"a batch has been under way for {seconds:.0f} s. See whether its disk hangs"
        return ""

    async def open(self) -> None:
        """Open the store and start writing; raises StoreError."""
        await self._in_thread(self._store.open)
        await self._in_thread(self._writer.open)
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write what waits, then close the store."""
        if self._closing:
            return
        self._closing = True
        self._wake.set()
        if self._running is not None:
            await self._running
        await self._in_thread(self._store.close)
        self._thread.shutdown()

    def next_batch(self) -> Place:
        """Return a place in the next batch; entering it waits until that batch is put together."""
        return Place(self._queue_place)

    def _queue_place(self, place: Place) -> None:
        self._put(place)
        self._wake.set()

    async def write(self, record: bytes, entry: r.RecordEntry) -> bytes | None:
        """Write one entry as `Place.write` does; raises RequestError."""
        async with self.next_batch() as place:
            return await place.write(record, entry)

    def add(self, record: bytes, entry: r.RecordEntry) -> None:
        """Queue an entry that nobody waits for, unless its question was not written."""
        if record in self._unwritten:
            return
        try:
            self._put(to_entry(record, entry))
        except Exception as error:  # noqa: BLE001 - nobody is there to be told
            log.warning("record_entry_dropped", error=str(error))
            return
        if self._patience is None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(_UNHURRIED_SECONDS, self._wake.set)

    def _put(self, waiting: Waiting) -> None:
        if self._running is None or self._running.done():
            raise not_written(_ENDED)
        if len(self._queue) >= MOST_WAITING or self._closing:
            raise not_written("too many records wait to be written")
        self._queue.append(waiting)

    async def _run(self) -> None:
        """Write until closed; if this ends for another reason, everybody who waits is told."""
        try:
            while not self._closing or self._queue:
                await self._gather()
                if self._queue and not await self._append(self._take()):
                    await asyncio.sleep(_PAUSE)
                    if self._closing and not any(isinstance(one, Place) for one in self._queue):
                        log.error("record_entries_lost", count=len(self._queue))
                        return
                    self._wake.set()
        finally:
            _tell_failed(self._queue, _ENDED)

    async def _gather(self) -> None:
        """Wait until there is something to write, then for its company."""
        await self._wake.wait()
        if not self._closing:
            # Twice as long as a message: a batch costs a thread's turn and an fsync.
            await self.company.gather(2 * GATHER_SECONDS)
        self._wake.clear()
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if len(self._queue) > MOST_IN_BATCH or self._closing:
            self._wake.set()

    def _take(self) -> Sequence[Waiting]:
        """Return what makes up the next batch, and remove it from the queue."""
        waiting, self._queue = self._queue[:MOST_IN_BATCH], self._queue[MOST_IN_BATCH:]
        return waiting

    async def _append(self, waiting: Sequence[Waiting]) -> bool:
        """Write one batch, tell everybody who waits how it went, and return whether it was written.

        Those who wait are told first: what goes wrong after that does not concern them.
        """
        self._began = started = time.monotonic()
        entries: Sequence[Entry] = ()
        try:
            since = lowest_id(self._clock() - self._window) if self._window else None
            entries = await take_entries(waiting, since)
            if not entries:
                return True
            superseded = await self._in_thread(lambda: self._writer.append(entries))
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            _tell_failed(waiting, "its record could not be written")
            self.entries[False] += len(entries)
            self._put_back(waiting, entries)
            self._complain(error)
            return False
        except asyncio.CancelledError:  # the program ends
            _tell_failed(waiting, _ENDED)
            raise
        finally:
            self._began = None
        for one in waiting:
            if isinstance(one, Place):
                one.tell_written(superseded)
        self.entries[True] += len(entries)
        self.seconds.observe(time.monotonic() - started)
        if self.failure:
            self.failure = ""
            log.info("record_written_again")
        return True

    def _put_back(self, waiting: Sequence[Waiting], entries: Sequence[Entry]) -> None:
        """Keep the entries that nobody waits for, if their question was not lost with the batch."""
        kept = [one for one in waiting if not isinstance(one, Place)]
        told = {id(one) for one in kept}
        failed = [one.record for one in entries if id(one) not in told and is_question(one)]
        self._unwritten.extend(failed)
        queue = kept[: MOST_WAITING // 2] + self._queue
        self._queue = [one for one in queue if not self._is_of_unwritten(one)]

    def _is_of_unwritten(self, waiting: Waiting) -> bool:
        return not isinstance(waiting, Place) and waiting.record in self._unwritten

    def _complain(self, error: Exception) -> None:
        """Say once why nothing can be written, and what to do."""
        self._failed_at = time.monotonic()
        if self.failure:
            return
        self.failure = str(error) or type(error).__name__
        if isinstance(error, StoreError):
            log.error("record_not_written", error=str(error), mend=error.mend)
        else:
            log.error("record_not_written", mend="Report this as a defect", exc_info=error)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _tell_failed(waiting: Sequence[Waiting], why: str) -> None:
    """Say that a batch could not be written."""
    error = not_written(why)
    for one in waiting:
        if isinstance(one, Place):
            one.tell_failed(error)
