"""What a place to keep records must do. SQLite and PostgreSQL do it.

The calls block, and one thread uses a store at a time. The writer gives its store a thread of its
own and opens a second store for reading, so that reads never wait for an fsync. The command line
just calls. A store knows nothing of an entry but its record's id and its terms (`index_terms`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

from coordinator.record.chain import Batch, Gap, Head, StoredBatch

# The range of a number column, whatever this program writes there.
LEAST_NUMBER, LARGEST_NUMBER = -(2**63), 2**63 - 1


class StoreError(Exception):
    """The store cannot do what it must; the text says what failed, and `mend` what to do."""

    def __init__(self, message: str, mend: str) -> None:
        super().__init__(message, mend)
        self.message, self.mend = message, mend

    def __str__(self) -> str:
        """Return both."""
        return f"{self.message}. {self.mend}"


class ChainMovedError(StoreError):
    """Another process has appended to this chain; nothing of the batch was written."""

    def __init__(self, chain: str) -> None:
        super().__init__(
            f"another process writes to the chain {chain!r}",
            "Give each coordinator its own [record] chain",
        )


class ClaimedError(StoreError):
    """Requests already have a verdict; nothing of the batch was written.

    Another process has decided them meanwhile. `holders` has the ids of the records with their
    verdicts, by the requests' terms.
    """

    def __init__(self, holders: Mapping[int, bytes]) -> None:
        super().__init__("another coordinator has decided the same request", "Tell its verdict")
        self.holders = holders


class Claim(NamedTuple):
    """The claim that an entry is the one verdict on its request."""

    term: int
    """The request's."""
    since: bytes
    """A record with a lower id than this has lost its claim; one value for a whole batch."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry on its way into a store."""

    record: bytes
    """The id of the record it is about, 16 octets."""
    content: bytes
    """A serialized RecordEntry."""
    terms: Sequence[int]
    """The terms that its record is found by: 64-bit signed numbers, each once."""
    claim: Claim | None = None
    """None: it is no verdict, or none that is remembered. All terms in a batch differ."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """All that is stored about one record."""

    record: bytes
    contents: Sequence[bytes]
    """Its entries in the order they were written; the question first, unless it was removed."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which records are wanted. The bounds are record ids, see `attempt_id.lowest_id`."""

    terms: Sequence[int] = ()
    """All must hold. The rarest comes first, since it is the one that is looked up."""
    since: bytes = bytes(16)
    """Not before this."""
    until: bytes = b"\xff" * 16
    """Before this."""
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class StoredMonth:
    """One month of one chain."""

    month: str
    """Such as "2026-11", UTC."""
    gap: Gap
    """What would be missing if it were removed."""


class Store(Protocol):
    """A place to keep records. Every method raises StoreError when it cannot do its work."""

    def open(self) -> Self:
        """Open; create or migrate what is not up to date, one process at a time."""

    def close(self) -> None:
        """Let go of everything."""

    def head(self, chain: str) -> Head:
        """Return how far a chain has got; `chain.start_chain` if there is none yet.

        If its last batches were removed: the end of the latest gap.
        """

    def chains(self) -> list[str]:
        """Return the names of all chains."""

    def append(self, batch: Batch, entries: Sequence[Entry]) -> None:
        """Write a batch with all its entries, or nothing; return once it is durable.

        Raises ChainMovedError if the chain already has a batch of this number. Raises ClaimedError
        if another record has the claim of an entry. If two processes append at once, one succeeds.
        """

    def read(self, record: bytes) -> StoredRecord | None:
        """Return one record."""

    def search(self, search: Search) -> Iterator[StoredRecord]:
        """Yield records in the order of their ids, however many; nothing is locked meanwhile."""

    def find(self, terms: Collection[int], since: bytes) -> dict[int, list[bytes]]:
        """Return, by term, the ids of the records from `since` on, the oldest first."""

    def batches(self, chain: str) -> Iterator[StoredBatch]:
        """Yield a chain's batches in the order of their numbers."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Within this, everything is read as it was at one moment, whoever writes meanwhile."""

    def strays(self) -> Iterator[StoredRecord]:
        """Yield entries that belong to no batch: they were inserted past the chain."""

    def indexed(self) -> Iterator[tuple[bytes, int]]:
        """Yield the records of the index with their terms, sorted, each pair once.

        Within a snapshot.
        """

    def removed(self) -> list[Head]:
        """Return the last batch of every stretch that was removed, as it is listed."""

    def oddities(self) -> Iterator[str]:
        """Say, one sentence each, what in the store's own tables is not as the store made it.

        This is about what follows from no entry: columns that only the store uses, and the tables
        themselves.
        """

    def months(self) -> list[StoredMonth]:
        """Return what there is by month and chain, the oldest month first."""

    def remove(self, months: Sequence[StoredMonth], batch: Batch, entry: Entry) -> None:
        """Remove months and append the batch with the pruning that says so: both or nothing.

        Raises ChainMovedError as `append` does.
        """
