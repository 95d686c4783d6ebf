"""Walks a whole store: every chain, every entry, every record and what it is found by.

It shows three things, each at one moment of the store:

- What is in the chains was not changed (`chain`), and fits its place (`inspection`).
- What is gone could be removed (`prunings`).
- Whoever looks for a record, by its id or by the index, is told all that the chains have about it,
  and nothing else. So nothing that is shown to anybody rests on a column that no chain covers.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from google.protobuf.message import DecodeError

from coordinator.decision.attempt_id import microseconds_of
from coordinator.record.chain import (
    DIGEST,
    ChainFlaw,
    Gap,
    Head,
    StoredBatch,
    digest_entry,
    walk_chain,
)
from coordinator.record.entries import record_of
from coordinator.record.inspection import inspect_batch, inspect_record
from coordinator.record.prunings import (
    PRUNING_CHAIN,
    compare_removed,
    inspect_removals,
    read_removals,
)
from coordinator.record.stores.base import Search, Store, StoredRecord
from coordinator.record.timestamps import DAY_US
from mpic.v1 import record_pb2 as r

Watch = Callable[[Iterator[StoredBatch]], Iterator[StoredBatch]]
_MOST_NAMED = 100_000
"""How many records are remembered for which a flaw was already named."""


def verify_store(
    store: Store, kept: Sequence[Head] = (), watch: Watch = iter
) -> Iterator[ChainFlaw]:
    """Yield every flaw, the first of each chain first; raises StoreError.

    `kept` are heads that were kept elsewhere: without one, a chain cut off at its end looks whole.
    `watch` hands on the batches and may count them.
    """
    with store.snapshot():
        yield from _Audit(store, kept, watch).run()


def export_heads(store: Store) -> list[Head]:
    """Return where every chain has got to."""
    return [store.head(chain) for chain in store.chains()]


def find_gaps(store: Store) -> list[Gap]:
    """Return what was pruned from every chain."""
    removals = read_removals(store.batches(PRUNING_CHAIN))
    return [gap for removal in removals for gap in removal.gaps]


@dataclass(slots=True)
class _Sum:
    """A sum over a set of entries, whatever their order."""

    count: int = 0
    total: int = 0

    def add(self, digests: bytes) -> None:
        """Add entries by their digests, one behind the other."""
        for at in range(0, len(digests), DIGEST):
            self.count += 1
            self.total += int.from_bytes(digests[at : at + DIGEST])


class _Audit:
    """One walk over a store in which nothing may change meanwhile."""

    def __init__(self, store: Store, kept: Sequence[Head], watch: Watch) -> None:
        self._store, self._kept, self._watch = store, kept, watch
        self._in_chains, self._by_id = _Sum(), _Sum()
        self._last: StoredBatch | None = None
        self._named: set[bytes] = set()
        """Ids for which a flaw was named: what else is wrong with them follows from it."""

    def run(self) -> Iterator[ChainFlaw]:
        is_whole = True
        for flaw in self._find_all():
            is_whole = False
            yield flaw
        if is_whole and self._by_id != self._in_chains:
            what = "whoever reads records by their ids is not told what is in the chains"
            yield _flaw_of_store(what)

    def _find_all(self) -> Iterator[ChainFlaw]:
        removals = list(read_removals(self._store.batches(PRUNING_CHAIN)))
        yield from inspect_removals(removals)
        yield from compare_removed(removals, self._store.removed())
        gaps = [gap for removal in removals for gap in removal.gaps]
        for chain in sorted({*self._store.chains(), *(head.chain for head in self._kept)}):
            yield from self._walk(chain, gaps)
        for stray in self._store.strays():
            self._name(stray.record)
            what = "belongs to no batch: it was inserted"
            yield ChainFlaw("", 0, None, stray.contents[0], what)
        yield from map(_flaw_of_store, self._store.oddities())
        yield from self._read_by_id(gaps)

    def _walk(self, chain: str, gaps: Sequence[Gap]) -> Iterator[ChainFlaw]:
        batches = self._add_up(self._watch(self._store.batches(chain)))
        for flaw in walk_chain(chain, batches, gaps, self._kept, inspect_batch):
            if flaw.content is not None:
                self._name(_id_of(flaw.content))
            if self._last is not None and flaw.position is not None:
                self._name(*self._last.records[flaw.position : flaw.position + 1])
            yield flaw

    def _add_up(self, batches: Iterator[StoredBatch]) -> Iterator[StoredBatch]:
        for one in batches:
            self._in_chains.add(one.batch.digests)
            self._last = one
            yield one

    def _read_by_id(self, gaps: Sequence[Gap]) -> Iterator[ChainFlaw]:
        """Read everything as `show`, `search` and `export` do."""

        def was_pruned(record: bytes) -> bool:
            at = microseconds_of(record)
            return any(_is_about(gap, at) for gap in gaps)

        for stored, terms in pair(self._store.search(Search()), self._store.indexed()):
            self._by_id.add(b"".join(map(digest_entry, stored.contents)))
            if stored.record in self._named:
                continue
            for what in inspect_record(stored, terms, was_pruned):
                content = stored.contents[-1] if stored.contents else None
                yield ChainFlaw("", 0, None, content, what)

    def _name(self, *records: bytes) -> None:
        if len(self._named) < _MOST_NAMED:
            self._named.update(records)


def pair(
    records: Iterable[StoredRecord], indexed: Iterable[tuple[bytes, int]]
) -> Iterator[tuple[StoredRecord, list[int]]]:
    """Yield each record with its terms in the index; both are sorted, and either may be missing."""
    groups = ((one, [term for _, term in some]) for one, some in groupby(indexed, itemgetter(0)))
    group = next(groups, None)
    for stored in records:
        while group and group[0] < stored.record:
            yield StoredRecord(group[0], []), group[1]
            group = next(groups, None)
        terms: list[int] = []
        if group and group[0] == stored.record:
            terms, group = group[1], next(groups, None)
        yield stored, terms
    while group:
        yield StoredRecord(group[0], []), group[1]
        group = next(groups, None)


def _is_about(gap: Gap, at_us: int) -> bool:
    return gap.first_written_at_us - DAY_US <= at_us <= gap.last_written_at_us + DAY_US


def _id_of(content: bytes) -> bytes:
    try:
        return record_of(r.RecordEntry.FromString(content))
    except DecodeError:
        return b""


def _flaw_of_store(what: str) -> ChainFlaw:
    return ChainFlaw("", 0, None, None, what)
