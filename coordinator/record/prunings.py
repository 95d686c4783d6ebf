"""What prunings say was removed, and whether it could be removed. Pure.

A pruning is an entry like others, in a chain of its own that is never pruned. For each removed
month of a chain it says when that month was written and until when its entries had to be kept. So
somebody who makes up a pruning must lie about times. What it says is compared with the batches
before and behind the gap (`chain.walk_chain`), with the heads that were kept elsewhere, with its
own time, and with the required retention (BR 5.4.3, 5.5.2).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from coordinator.record.chain import ChainFlaw, Gap, Head, StoredBatch
from coordinator.record.timestamps import (
    RETENTION_YEARS,
    end_retention,
    month_of,
    show_moment,
    to_moment,
    to_us,
)
from mpic.v1 import record_pb2 as r

PRUNING_CHAIN = "pruning"


@dataclass(frozen=True, slots=True)
class Removal:
    """One pruning, and where it is written down."""

    sequence: int
    """The batch."""
    position: int
    content: bytes
    pruning: r.Pruning

    @property
    def gaps(self) -> list[Gap]:
        """What it removed."""
        return [read_gap(gap) for gap in self.pruning.gaps]


def read_gap(gap: r.Gap) -> Gap:
    """Return the value of a gap's message."""
    ends = gap.first_written_at_us, gap.last_written_at_us, gap.kept_until_us
    return Gap(gap.chain, gap.first, gap.last, gap.previous, gap.hash, gap.entries, *ends)


def write_gap(written: r.Gap, gap: Gap) -> None:
    """Fill the message of a gap."""
    written.chain = gap.chain
    written.first, written.last = gap.first, gap.last
    written.previous, written.hash = gap.previous, gap.hash
    written.entries = gap.entries
    written.first_written_at_us = gap.first_written_at_us
    written.last_written_at_us = gap.last_written_at_us
    written.kept_until_us = gap.kept_until_us


def read_removals(batches: Iterable[StoredBatch]) -> Iterator[Removal]:
    """Yield the prunings in their chain; entries of other kinds are passed over."""
    for stored in batches:
        for position, content in enumerate(stored.contents):
            try:
                entry = r.RecordEntry.FromString(content)
            except DecodeError:
                continue
            if entry.HasField("pruning"):
                yield Removal(stored.batch.sequence, position, content, entry.pruning)


def inspect_removals(removals: Sequence[Removal]) -> Iterator[ChainFlaw]:
    """Yield prunings that are impossible, or that removed something too early."""
    taken: dict[str, list[Gap]] = {}
    for one in removals:
        if one.pruning.retention_years < RETENTION_YEARS:
            yield _flaw(one, "does not say by which rule of retention it removed")
        for gap in one.gaps:
            others = taken.setdefault(gap.chain, [])
            what = _find_fault(gap, one.pruning.pruned_at_us, others)
            if what:
                yield _flaw(one, f"removed batches {gap.first} to {gap.last} of {gap.chain}{what}")
            others.append(gap)


def compare_removed(removals: Iterable[Removal], listed: Iterable[Head]) -> Iterator[ChainFlaw]:
    """Yield where a store's own list of the ends of removed stretches says anything else."""
    said = {
        Head(gap.chain, gap.last, gap.hash, gap.last_written_at_us)
        for one in removals
        for gap in one.gaps
    }
    there = set(listed)
    for head in sorted(there - said, key=_place):
        what = "is listed as the end of what was removed, and no pruning says so"
        yield ChainFlaw(head.chain, head.sequence, None, None, what)
    for head in sorted(said - there, key=_place):
        what = "was removed by a pruning, and is not listed so"
        yield ChainFlaw(head.chain, head.sequence, None, None, what)


def _find_fault(gap: Gap, pruned_at_us: int, others: Iterable[Gap]) -> str:
    """Say why a gap is impossible; "" if it is possible."""
    first, last, until = gap.first_written_at_us, gap.last_written_at_us, gap.kept_until_us
    earliest = to_us(end_retention(to_moment(last)))
    if not 0 < gap.first <= gap.last or not gap.entries:
        return ", which are none"
    if any(gap.first <= other.last and other.first <= gap.last for other in others):
        return ", some of which had been removed before"
    if not (first and last and until and pruned_at_us):
        return " and does not say when they were written, or until when they had to be kept"
    if first > last or month_of(first) != month_of(last) or until < earliest:
        return ", and what it says of their times contradicts itself"
    if until > pruned_at_us:
        ends = show_moment(until)
        return f" at {show_moment(pruned_at_us)}, and they had to be kept until {ends}"
    return ""


def _place(head: Head) -> tuple[str, int]:
    return head.chain, head.sequence


def _flaw(removal: Removal, what: str) -> ChainFlaw:
    return ChainFlaw(PRUNING_CHAIN, removal.sequence, removal.position, removal.content, what)
