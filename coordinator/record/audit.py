"""Walking a whole store: every chain, every entry, and what stands beside them."""

from collections.abc import Callable, Iterator, Sequence

from coordinator.record.chain import Flaw, Gap, Head, StoredBatch, merge_gaps, walk_chain
from coordinator.record.dossier import read_dossier
from coordinator.record.store import Store
from coordinator.record.terms import pruning_term
from mpic.v1 import record_pb2 as r


def verify_store(
    store: Store,
    kept: Sequence[Head] = (),
    watch: Callable[[Iterator[StoredBatch]], Iterator[StoredBatch]] = iter,
) -> Iterator[Flaw]:
    """Yield every flaw, the first of each chain first; raises StoreError.

    `kept` are heads exported earlier: without one, a chain cut off at its end looks whole. `watch`
    hands on the batches and may count them.
    """
    gaps = find_gaps(store)
    expected = {head.chain: head for head in kept}
    for chain in sorted({*store.chains(), *expected}):
        yield from walk_chain(chain, watch(store.batches(chain)), gaps, expected.get(chain))
    for stray in store.strays():
        what = "belongs to no batch: it was inserted"
        yield Flaw("", 0, None, stray.contents[0], what)


def export_heads(store: Store) -> list[Head]:
    """Return where every chain has got to."""
    return [store.head(chain) for chain in store.chains()]


def find_gaps(store: Store) -> list[Gap]:
    """Return what was pruned from every chain."""
    term = pruning_term()
    gaps: list[Gap] = []
    for record in store.find([term], bytes(16)).get(term, []):
        stored = store.read(record)
        dossier = read_dossier(stored.contents if stored else ())
        gaps.extend(read_gap(gap) for pruning in dossier.prunings for gap in pruning.gaps)
    return merge_gaps(gaps)


def read_gap(gap: r.Gap) -> Gap:
    """Return the value of a gap's message."""
    return Gap(gap.chain, gap.first, gap.last, gap.previous, gap.hash, gap.entries)
