"""The chain: what makes it evident that records were changed, removed, inserted or reordered. Pure.

Entries are appended in batches. A batch commits to its chain, its number, its predecessor's hash,
its time, and to the digest of each of its entries in their order:

    digest  = SHA-256("mpic record entry v1" 00, the entry's octets)
    hash    = SHA-256("mpic record batch v1" 00, length of the chain's name as 2 octets, the name,
                      sequence as 8, predecessor's hash, microseconds since 1970 as 8, count of
                      entries as 4, their digests); numbers are big-endian

Every coordinator process has a chain of its own, so that none waits for another. The first batch
has number 1 and names 32 zero octets as its predecessor. No batch spans two UTC months, and the
times of a chain never go back: so a month is one stretch of every chain and can be removed whole.
What is removed leaves a `Gap`: the hash its first batch named and the hash its successor names.

The digests are stored beside the entries, 32 octets each, so that it can be said which entry was
changed and not just which batch. Whoever can write to the store can compute a new chain: that, and
a tail cut off, is found by holding the chain against a head exported earlier.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

GENESIS = bytes(32)
_ENTRY = b"mpic record entry v1\0"
_BATCH = b"mpic record batch v1\0"
_DIGEST = 32


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain has got to: worth keeping, or time-stamping, elsewhere."""

    chain: str
    sequence: int
    """Of the last batch, from 1; 0: there is none yet."""
    hash: bytes
    written_at_us: int
    """Microseconds since 1970, UTC."""


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
    """What the store has as its entries, in their order."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Batches that were removed at the end of their retention, one behind the other."""

    chain: str
    first: int
    last: int
    previous: bytes
    """What the first removed one named as its predecessor."""
    hash: bytes
    """Of the last removed one."""
    entries: int


@dataclass(frozen=True, slots=True)
class Flaw:
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
        (len(batch.digests) // _DIGEST).to_bytes(4),
        batch.digests,
    )
    return hashlib.sha256(b"".join(parts)).digest()


def month_of(written_at_us: int) -> str:
    """Return the UTC month of a moment, such as "2026-11"."""
    return f"{datetime.fromtimestamp(written_at_us // 1_000_000, UTC):%Y-%m}"


def walk_chain(
    chain: str, stored: Iterable[StoredBatch], gaps: Sequence[Gap] = (), kept: Head | None = None
) -> Iterator[Flaw]:
    """Walk a chain's batches in the order of their numbers and yield every flaw, the first first.

    `gaps` are those that the latest pruning names; `kept` is a head exported earlier.
    """
    expected = start_chain(chain)
    removed = {gap.first: gap for gap in gaps if gap.chain == chain}
    for one in stored:
        batch = one.batch
        if gap := removed.get(expected.sequence + 1):
            yield from _enter_gap(gap, expected)
            expected = Head(chain, gap.last, gap.hash, expected.written_at_us)
        yield from _find_flaws(one, expected)
        if kept and kept.sequence == batch.sequence and kept.hash != batch.hash:
            what = "is not the batch whose hash was exported: this one or one before was replaced"
            yield Flaw(chain, batch.sequence, None, None, what)
        expected = batch.head
    if (gap := removed.get(expected.sequence + 1)) and gap.chain == chain:
        expected = Head(chain, gap.last, gap.hash, expected.written_at_us)
    if kept and kept.sequence > expected.sequence:
        what = f"and all up to {kept.sequence}, whose hash was exported, are missing at the end"
        yield Flaw(chain, expected.sequence + 1, None, None, what)


def merge_gaps(gaps: Iterable[Gap]) -> list[Gap]:
    """Return gaps with those that follow each other as one, and none within another."""
    merged: list[Gap] = []
    for gap in sorted(gaps, key=lambda one: (one.chain, one.first, -one.last)):
        last = merged[-1] if merged else None
        if last and last.chain == gap.chain and gap.last <= last.last:
            continue
        if last and last.chain == gap.chain and last.last + 1 == gap.first:
            total = last.entries + gap.entries
            merged[-1] = Gap(gap.chain, last.first, gap.last, last.previous, gap.hash, total)
        else:
            merged.append(gap)
    return merged


def _enter_gap(gap: Gap, expected: Head) -> Iterator[Flaw]:
    if gap.previous != expected.hash:
        what = "and those behind it were pruned, but what is before them is not what was there"
        yield Flaw(gap.chain, gap.first, None, None, what)


def _find_flaws(one: StoredBatch, expected: Head) -> Iterator[Flaw]:
    """Yield what is wrong with one batch, given where the chain has got to."""
    batch = one.batch
    if batch.sequence <= expected.sequence:
        yield _flaw(batch, "stands where it does not belong: its number was had before")
        return
    if batch.sequence > expected.sequence + 1:
        first, last = expected.sequence + 1, batch.sequence - 1
        missing = f"batches {first} to {last} were" if first < last else f"batch {first} was"
        yield Flaw(batch.chain, first, None, None, f"{missing} removed")
    elif batch.previous != expected.hash:
        yield _flaw(batch, "does not follow from the batch before it: one of them was replaced")
    if hash_batch(batch) != batch.hash:
        yield _flaw(batch, "was changed: it has another hash than is written there")
    if batch.written_at_us < expected.written_at_us:
        yield _flaw(batch, "is older than the batch before it")
    yield from _compare_entries(one)


def _compare_entries(one: StoredBatch) -> Iterator[Flaw]:
    """Yield the first entry that is not as the batch says, with what happened to it."""
    batch = one.batch
    written = [batch.digests[n : n + _DIGEST] for n in range(0, len(batch.digests), _DIGEST)]
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
    yield Flaw(batch.chain, batch.sequence, position, content, what)


def _flaw(batch: Batch, what: str) -> Flaw:
    return Flaw(batch.chain, batch.sequence, None, None, what)
