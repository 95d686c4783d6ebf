"""What identifies a row of the table, and the figures of one row."""

import statistics
from dataclasses import dataclass
from typing import Any

from tests.bench.load import Result

LOCK_STEP, INDEPENDENT = "lock-step", "independent"
"""How callers move: one that asks and hears in step, or many that do not know of each other."""


@dataclass(frozen=True, slots=True)
class Load:
    """One row to be measured: so many in flight, or so many a second."""

    front: str
    in_flight: int = 0
    rate: float = 0
    fault: str = "none"
    resolver: str = "recursive"
    record: bool = True
    """Whether the coordinator records."""
    callers: str = LOCK_STEP

    def key(self) -> dict[str, Any]:
        """Return what the row is known by."""
        load = {"in_flight": self.in_flight} if self.in_flight else {"rate": self.rate}
        return {
            "front": self.front,
            **load,
            "fault": self.fault,
            "resolver": self.resolver,
            "record": self.record,
            "callers": self.callers,
        }


def figures(result: Result) -> dict[str, Any]:
    ordered = sorted(result.latencies)
    quantiles = statistics.quantiles(ordered, n=100) if len(ordered) > 1 else ordered * 99
    return {
        "checks_per_s": len(ordered) / result.seconds,
        "p50_ms": quantiles[49] * 1000,
        "p99_ms": quantiles[98] * 1000,
        "wrong": result.wrong,
    }
