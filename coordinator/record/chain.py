"""The chain: it shows that records were changed, removed, inserted or reordered. Pure.

Entries are appended in batches. A batch commits to its chain, its number, its predecessor's hash,
its time, and the digest of each of its entries in their order:

    digest  = SHA-256("mpic record entry v1" 00, the entry's octets)
    hash    = SHA-256("mpic record batch v1" 00, length of the chain's name as 2 octets, the name,
                      sequence as 8, predecessor's hash, microseconds since 1970 as 8, count of
                      entries as 4, their digests); numbers are big-endian

Every coordinator process has a chain of its own, so that none waits for another. The first batch
has number 1 and names 32 zero octets as its predecessor. No batch spans two UTC months, and the
times of a chain never go back. So a month is one stretch of every chain and can be removed as a
whole. A removed stretch leaves a `Gap`: the hash that its first batch named, the hash that its
successor names, and when the first and the last batch of it were written.

The digests are stored beside the entries, 32 octets each. So it can be said which entry was
changed, not only which batch. Somebody who can write to the store can compute a new chain, or cut
off its tail. Heads that were kept elsewhere show both.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from coordinator.record.timestamps import LATEST_US, month_of

GENESIS = bytes(32)
_ENTRY = b"mpic record entry v1\0"
_BATCH = b"mpic record batch v1\0"
DIGEST = 32
"""Octets."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain has got: worth keeping, or time-stamping, elsewhere."""

    chain: str
    sequence: int
    """Of the last batch, from 1; 0: there is none yet."""
    hash: bytes
    written_at_us: int
    """Microseconds since 1970, UTC."""


def find_lead(head: Head, now_us: int) -> float:
    """Return by how many seconds a chain's last batch is dated after this moment; 0: it is not."""
    return max(head.written_at_us - now_us, 0) / 1e6


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch without its entries."""

    chain: str
    sequence: int
    previous: bytes
    written_at_us: int
    digests: bytes
    """Of the entries in their order, 32 octets each."""
    hash: bytes

    @property
    def head(self) -> Head:
        """Return the head of a chain that ends with this batch."""
        return Head(self.chain, self.sequence, self.hash, self.written_at_us)


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch as it was found in a store."""

    batch: Batch
    contents: Sequence[bytes]
    """The entries that the store has, in their order."""
    records: Sequence[bytes] = ()
    """The ids under which the store has them."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Batches of one month that were removed at the end of their retention."""

    chain: str
    first: int
    last: int
    previous: bytes
    """The hash that the first removed batch named as its predecessor."""
    hash: bytes
    """Of the last removed one."""
    entries: int
    first_written_at_us: int = 0
    last_written_at_us: int = 0
    kept_until_us: int = 0
    """Until when its longest-kept entry had to be kept; 0: not known yet."""


@dataclass(frozen=True, slots=True)
class ChainFlaw:
    """Something that is not as it was written."""

    chain: str
    sequence: int
    """The batch."""
    position: int | None
    """The entry in it, counted from 0; None: the batch itself."""
    content: bytes | None
    """The entry, where there is one to show."""
    what: str
    """In one sentence."""


def start_chain(chain: str) -> Head:
    """Return the head of a chain without batches."""
    return Head(chain, 0, GENESIS, 0)


def seal_batch(head: Head, contents: Sequence[bytes], now_us: int) -> Batch:
    """Make the batch that follows a head."""
    written_at_us = max(now_us, head.written_at_us)
    digests = b"".join(map(digest_entry, contents))
    sealed = Batch(head.chain, head.sequence + 1, head.hash, written_at_us, digests, b"")
    return Batch(head.chain, sealed.sequence, head.hash, written_at_us, digests, hash_batch(sealed))


def digest_entry(content: bytes) -> bytes:
    """Return the digest of one entry."""
    return hashlib.sha256(_ENTRY + content).digest()


def hash_batch(batch: Batch) -> bytes:
    """Return what a batch's hash must be."""
    name = batch.chain.encode()
    parts = (
        _BATCH,
        len(name).to_bytes(2),
        name,
        batch.sequence.to_bytes(8),
        batch.previous,
        batch.written_at_us.to_bytes(8),
        (len(batch.digests) // DIGEST).to_bytes(4),
        batch.digests,
    )
    return hashlib.sha256(b"".join(parts)).digest()


def _nothing(stored: StoredBatch) -> Iterator[ChainFlaw]:  # noqa: ARG001 - it finds nothing
    return iter(())


def walk_chain(
    chain: str,
    stored: Iterable[StoredBatch],
    gaps: Sequence[Gap] = (),
    kept: Sequence[Head] = (),
    inspect: Callable[[StoredBatch], Iterator[ChainFlaw]] = _nothing,
) -> Iterator[ChainFlaw]:
    """Walk a chain's batches in the order of their numbers and yield every flaw, in that order.

    `gaps` are those that the prunings name. `kept` are heads that were kept elsewhere. `inspect`
    finds what is wrong with the entries of a batch that is as it was written.
    """
    expected = start_chain(chain)
    removed = {gap.first: gap for gap in gaps if gap.chain == chain and gap.first <= gap.last}
    heads = [head for head in kept if head.chain == chain]
    by_number: dict[int, list[Head]] = {}
    for head in heads:
        by_number.setdefault(head.sequence, []).append(head)
    behind: Gap | None = None
    for one in stored:
        batch = one.batch
        while gap := removed.get(expected.sequence + 1):
            yield from _enter_gap(gap, expected, heads)
            expected, behind = _end_of(gap), gap
        flaws = [*_find_flaws(one, expected), *_leave_gap(behind, batch)]
        yield from flaws or inspect(one)
        if any(head.hash != batch.hash for head in by_number.get(batch.sequence, ())):
            what = "is not the batch whose head was kept: this one or one before was replaced"
            yield _flaw(batch, what)
        expected, behind = batch.head, None
    while gap := removed.get(expected.sequence + 1):
        yield from _enter_gap(gap, expected, heads)
        expected = _end_of(gap)
    last = max(by_number, default=0)
    if last > expected.sequence:
        what = f"and all up to {last}, whose head was kept, are missing at the end"
        yield ChainFlaw(chain, expected.sequence + 1, None, None, what)


def _end_of(gap: Gap) -> Head:
    return Head(gap.chain, gap.last, gap.hash, gap.last_written_at_us)


def _enter_gap(gap: Gap, expected: Head, kept: Sequence[Head]) -> Iterator[ChainFlaw]:
    """Yield where a pruned stretch does not fit the batch before it, or kept heads."""
    what = f"and all up to {gap.last} were pruned, but"
    if gap.previous != expected.hash:
        yield ChainFlaw(
            gap.chain, gap.first, None, None, f"{what} what is before them is not what was"
        )
    if expected.sequence and not _are_months_apart(expected.written_at_us, gap.first_written_at_us):
        yield ChainFlaw(
            gap.chain, gap.first, None, None, f"{what} they were not the whole of a month"
        )
    for head in kept:
        if head.sequence == gap.last and head.hash != gap.hash:
            yield ChainFlaw(
                gap.chain, gap.last, None, None, f"{what} the head kept of it is another"
            )
        elif gap.first <= head.sequence <= gap.last and not _is_within(head, gap):
            text = f"{what} the head kept of {head.sequence} was written at another time"
            yield ChainFlaw(gap.chain, head.sequence, None, None, text)


def _leave_gap(gap: Gap | None, batch: Batch) -> Iterator[ChainFlaw]:
    if gap and not _are_months_apart(gap.last_written_at_us, batch.written_at_us):
        yield _flaw(batch, "is of the month that was pruned before it, so not all of that went")


def _are_months_apart(earlier_us: int, later_us: int) -> bool:
    return earlier_us <= later_us and month_of(earlier_us) != month_of(later_us)


def _is_within(head: Head, gap: Gap) -> bool:
    """Whether a kept head falls into the time of a gap; heads are kept to the millisecond."""
    first, last = gap.first_written_at_us // 1000, gap.last_written_at_us // 1000
    return head.written_at_us == 0 or first <= head.written_at_us // 1000 <= last


def _find_flaws(one: StoredBatch, expected: Head) -> Iterator[ChainFlaw]:
    """Yield what is wrong with one batch, given how far the chain has got."""
    batch = one.batch
    if batch.sequence <= expected.sequence:
        yield _flaw(batch, "stands where it does not belong: its number was had before")
        return
    if batch.sequence > expected.sequence + 1:
        first, last = expected.sequence + 1, batch.sequence - 1
        missing = f"batches {first} to {last} were" if first < last else f"batch {first} was"
        yield ChainFlaw(batch.chain, first, None, None, f"{missing} removed")
    elif batch.previous != expected.hash:
        yield _flaw(batch, "does not follow from the batch before it: one of them was replaced")
    if not 0 <= batch.written_at_us <= LATEST_US or hash_batch(batch) != batch.hash:
        yield _flaw(batch, "was changed: it has another hash than is written there")
    if batch.written_at_us < expected.written_at_us:
        yield _flaw(batch, "is older than the batch before it")
    yield from _compare_entries(one)


def _compare_entries(one: StoredBatch) -> Iterator[ChainFlaw]:
    """Yield the first entry that differs from what the batch says, and how it differs."""
    batch = one.batch
    written = [batch.digests[n : n + DIGEST] for n in range(0, len(batch.digests), DIGEST)]
    found = [digest_entry(content) for content in one.contents]
    if written == found:
        return
    pairs = zip(written, found, strict=False)
    position = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(written), len(found)))
    content = one.contents[position] if position < len(found) else None
    if sorted(written) == sorted(found):
        what = "stands where another one was: entries were reordered"
    elif len(found) < len(written) and found[position:] == written[position + 1 :][: len(found)]:
        what, content = "was removed", None
    elif len(found) < len(written):
        what = "is the first that was changed or removed"
    elif len(found) > len(written):
        what = "was inserted"
    else:
        what = "was changed"
    yield ChainFlaw(batch.chain, batch.sequence, position, content, what)


def _flaw(batch: Batch, what: str) -> ChainFlaw:
    return ChainFlaw(batch.chain, batch.sequence, None, None, what)
