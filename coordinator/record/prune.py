"""Removes months so that the rest can still be verified.

Each removal is written down in a chain of its own, so that no coordinator has to run. It says what
was removed, when that was written, and until when it had to be kept (`prunings`).
"""

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version

from coordinator.decision.attempt_id import make_id
from coordinator.record.chain import seal_batch
from coordinator.record.index_terms import find_terms
from coordinator.record.prunings import PRUNING_CHAIN, write_gap
from coordinator.record.stores.base import Entry, Store, StoredMonth
from coordinator.record.timestamps import RETENTION_YEARS, to_us
from mpic.v1 import record_pb2 as r


def remove_months(store: Store, months: Sequence[StoredMonth], now: datetime) -> r.Pruning:
    """Remove months and write a pruning, both or nothing; raises StoreError.

    The months are those that `retention.decide_months` found. It says until when each had to be
    kept. Raises ChainMovedError if somebody else has pruned meanwhile: look again what there is.
    """
    head = store.head(PRUNING_CHAIN)
    entry = r.RecordEntry()
    pruning = entry.pruning
    pruning.id, pruning.pruned_at_us = make_id(now), to_us(now)
    pruning.retention_years = RETENTION_YEARS
    pruning.coordinator_version = version("mpic")
    for month in months:
        write_gap(pruning.gaps.add(), month.gap)
    content = entry.SerializeToString()
    batch = seal_batch(head, [content], to_us(now))
    store.remove(months, batch, Entry(pruning.id, content, find_terms(entry)))
    return pruning
