"""Gathering single items into batches, for either side of a batched stream.

`InFlight` says when an item waits for others.
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
        """Let an item wait for its company for at most `window` seconds; hold `limit` items.

        With `octets`, which says how large an item is, a batch holds about BATCH_OCTETS at most.
        `company` counts what is under way; without it, nobody waits.
        """
        self._window = window
        self._limit = limit
        self._octets = octets
        self._company = company or InFlight()
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
        """Yield what has gathered."""
        while True:
            await self._wake.wait()
            await self._company.gather(self._window)
            batch = self._take()
            if not self._closed and not self._items:
                self._wake.clear()
            if batch or self._nudged:
                self._nudged = False
                yield batch
            elif self._closed:
                return


async def write_batches(stream: aio.StreamStreamCall[bytes, Any], outbox: Outbox[bytes]) -> None:
    """Write batch after batch; the end of the stream is noticed by its reader."""
    with suppress(aio.AioRpcError, asyncio.InvalidStateError):
        async for batch in outbox.batches():
            await stream.write(b"".join(batch))
