"""Removing months so that the rest stays verifiable.

Whoever removes writes that down in a chain of its own, so that no coordinator has to be running.
Each pruning names all stretches ever removed, so that the latest alone is needed to verify.
"""

from collections.abc import Sequence
from datetime import datetime

from coordinator.record.audit import find_gaps
from coordinator.record.chain import merge_gaps, seal_batch
from coordinator.record.ids import make_id
from coordinator.record.store import Entry, Store, StoredMonth
from coordinator.record.terms import find_terms
from mpic.v1 import record_pb2 as r

PRUNING_CHAIN = "pruning"


def remove_months(store: Store, months: Sequence[StoredMonth], now: datetime) -> r.Pruning:
    """Remove months and write a pruning, both or nothing; raises StoreError.

    Raises ChainMovedError when another has pruned meanwhile: look again what there is.
    """
    head = store.head(PRUNING_CHAIN)
    gaps = merge_gaps([*find_gaps(store), *(month.gap for month in months)])
    entry = r.RecordEntry()
    entry.pruning.id = make_id(now)
    for gap in gaps:
        entry.pruning.gaps.add(
            chain=gap.chain,
            first=gap.first,
            last=gap.last,
            previous=gap.previous,
            hash=gap.hash,
            entries=gap.entries,
        )
    content = entry.SerializeToString()
    batch = seal_batch(head, [content], int(now.timestamp() * 1_000_000))
    store.remove(months, batch, Entry(entry.pruning.id, content, find_terms(entry)))
    return entry.pruning
