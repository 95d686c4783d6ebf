"""Gathering single items into batches, for either side of a batched stream.

A gRPC message costs about the same whether it carries one item or fifty. So a busy stream sends few
large messages. A quiet stream sends at once, so that single checks do not wait. If it is known that
nothing more is under way, nobody waits.

There are three windows in series: question, observation, answer. So under load a check may wait for
three of them. A window that is longer than the default saves less CPU than it costs in latency
(tests/bench/RESULTS.md).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from grpc import aio

from mpic.bounds import BATCH_OCTETS
from mpic.runtime.in_flight import InFlight

T = TypeVar("T")


class OutboxFullError(Exception):
    """The other side takes the items too slowly."""


class Outbox(Generic[T]):
    """Items on their way out; `batches` is read by the stream's only writer."""

    def __init__(
        self,
        window: float,
        limit: int,
        octets: Callable[[T], int] | None = None,
        company: InFlight | None = None,
    ) -> None:
        """Gather for `window` seconds between batches; hold at most `limit` items.

        With `octets`, which says how large an item is, a batch holds about BATCH_OCTETS at most.
        With `company`, which counts the items that are under way, it gathers only while some are.
        """
        self._window = window
        self._limit = limit
        self._octets = octets
        self._company = company
        self._items: list[T] = []
        self._wake = asyncio.Event()
        self._nudged = False
        self._closed = False

    def __len__(self) -> int:
        """Return how many items wait."""
        return len(self._items)

    @property
    def is_full(self) -> bool:
        """Whether another item would not be taken."""
        return len(self._items) >= self._limit

    def put(self, item: T) -> None:
        """Add an item; it is dropped when the outbox is closed. Raises OutboxFullError."""
        if self._closed:
            return
        if self.is_full:
            raise OutboxFullError(f"{self._limit} items are waiting to be sent")
        self._items.append(item)
        self._wake.set()

    def nudge(self) -> None:
        """Let `batches` yield, even an empty batch: something other than items must be said."""
        self._nudged = True
        self._wake.set()

    def close(self) -> None:
        """End `batches` once what is in the outbox has been taken."""
        self._closed = True
        self._wake.set()

    def _take(self) -> list[T]:
        """Return what makes up the next batch."""
        if self._octets is None:
            batch, self._items = self._items, []
            return batch
        count = total = 0
        while count < len(self._items) and total < BATCH_OCTETS:
            total += self._octets(self._items[count])
            count += 1
        batch, self._items = self._items[:count], self._items[count:]
        return batch

    async def batches(self) -> AsyncIterator[list[T]]:
        """Yield what has gathered: on a quiet stream each item at once, on a busy one in windows.

        A stream is busy if a window would gather two or more items at the pace of the last batch.
        """
        loop = asyncio.get_running_loop()
        sent_at = float("-inf")
        is_busy = False
        while True:
            await self._wake.wait()
            remaining = sent_at + self._window - loop.time()
            if is_busy and remaining > 0:
                await (self._company.gather if self._company else asyncio.sleep)(remaining)
            batch = self._take()
            if not self._closed and not self._items:
                self._wake.clear()
            if batch or self._nudged:
                self._nudged = False
                now = loop.time()
                is_busy = len(batch) * self._window >= 2 * (now - sent_at)
                sent_at = now
                yield batch
            elif self._closed:
                return


async def write_batches(stream: aio.StreamStreamCall[bytes, Any], outbox: Outbox[bytes]) -> None:
    """Write batch after batch; the end of the stream is noticed by its reader."""
    with suppress(aio.AioRpcError, asyncio.InvalidStateError):
        async for batch in outbox.batches():
            await stream.write(b"".join(batch))
