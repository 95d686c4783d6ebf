"""Appends batches to one chain, each behind the one before, in the thread of its store."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from coordinator.record.chain import Head, seal_batch
from coordinator.record.stores.base import ChainMovedError, ClaimedError, Entry, Store
from coordinator.record.timestamps import to_us
from coordinator.record.write_queue import supersede


class ChainWriter:
    """Knows where its chain has got to."""

    def __init__(self, store: Store, chain: str, clock: Callable[[], datetime]) -> None:
        """Read nothing yet."""
        self._store = store
        self._chain = chain
        self._clock = clock
        self._head: Head | None = None
        """None: to be read from the store."""
        self._last = Head(chain, 0, b"", 0)
        """The last batch that is known to be durable."""

    @property
    def head(self) -> Head:
        """How far the chain has got, as far as is known to be durable."""
        return self._last

    def open(self) -> None:
        """Read how far the chain has got; raises StoreError."""
        self._last = self._store.head(self._chain)

    def append(self, entries: Sequence[Entry]) -> Mapping[bytes, bytes]:
        """Append a batch; return, by record, which other record has the verdict of its request.

        An attempt is recorded even if its verdict came second. Every turn except the last removes
        at least one claim. Raises StoreError if nothing was written.
        """
        superseded: dict[bytes, bytes] = {}
        while True:
            try:
                self._append_now(entries)
            except ClaimedError as error:
                lost = {
                    one.record: error.holders[one.claim.term]
                    for one in entries
                    if one.claim is not None and one.claim.term in error.holders
                }
                if not lost:
                    raise
                superseded |= lost
                entries = [
                    supersede(one, lost[one.record]) if one.record in lost else one
                    for one in entries
                ]
            else:
                return superseded

    def _append_now(self, entries: Sequence[Entry]) -> None:
        """Seal and append."""
        try:
            self._append_to(self._head or self._find_head(), entries)
        except ChainMovedError:
            # Another process writes under the same name, such as the one before this that is just
            # ending.
            self._append_to(self._find_head(), entries)

    def _append_to(self, head: Head, entries: Sequence[Entry]) -> None:
        self._head = None
        batch = seal_batch(head, [entry.content for entry in entries], to_us(self._clock()))
        self._store.append(batch, entries)
        self._head = self._last = batch.head

    def _find_head(self) -> Head:
        """Return the head to continue from.

        If the store has less than was made durable, it has lost some. The chain then continues from
        what was durable, so that verifying shows what is missing.
        """
        stored = self._store.head(self._chain)
        return stored if stored.sequence >= self._last.sequence else self._last
