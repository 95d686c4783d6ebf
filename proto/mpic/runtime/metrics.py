"""What both programs export of themselves, in a registry of their own.

Names follow the Prometheus conventions: `mpic_`, base units, `_total` for what only grows. The
metrics of gRPC and of the process have the usual names. No label holds what a caller or the network
can choose: no name, no request id, no address of a server.
"""

import platform
import time
from collections.abc import Iterable, Mapping

import grpc
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from mpic import __version__
from mpic.runtime.log_sink import SINK

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, 15)
"""Buckets for durations: from a cached answer to the longest that an attempt takes."""

SHED_REASONS = ("OVERLOADED", "CALLER_LIMIT", "DEADLINE_TOO_SHORT")
"""Reasons of errors that refuse a question because of load: too much is in flight, in all or of one
caller, or the caller leaves too little time."""


class _LostLines(Collector):
    """Lines of the log that could not be written."""

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(
            "mpic_log_lines_lost",
            "Log lines that could not be written: the disk is full, or the reader has ended.",
            value=SINK.lost,
        )


class ProgramMetrics:
    """The registry of a program and what is in it from the start."""

    def __init__(self, program: str) -> None:
        """Make the registry of "coordinator" or "agent"."""
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        build = Info("mpic_build", "What runs.", registry=self.registry)
        build.info(
            {
                "program": program,
                "version": __version__,
                "grpcio": grpc.__version__,
                "python": platform.python_version(),
            }
        )
        shed = self.counter(
            "mpic_requests_shed",
            "Questions rejected because of load; nothing was decided.",
            "reason",
        )
        self.shed = {reason: shed.labels(reason.lower()) for reason in SHED_REASONS}
        """The counters of refused questions, by reason."""
        self.registry.register(_LostLines())
        self._reload_succeeded = Gauge(
            "mpic_config_last_reload_successful",
            "1 if the configuration was accepted when last read, 0 if it was refused.",
            registry=self.registry,
        )
        self._reloaded_at = Gauge(
            "mpic_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was read.",
            registry=self.registry,
        )
        self._expiry = Gauge(
            "mpic_certificate_expiry_timestamp_seconds",
            "When the certificate in use ends: the program's own, or the authority of its peers.",
            ["certificate"],
            registry=self.registry,
        )
        self.show_reload(succeeded=True)

    def counter(self, name: str, documentation: str, *labels: str) -> Counter:
        """Return a counter that is exported; its name is without `_total`."""
        return Counter(name, documentation, labels, registry=self.registry)

    def seconds(self, name: str, documentation: str, *labels: str) -> Histogram:
        """Return a histogram of durations that is exported."""
        return Histogram(name, documentation, labels, buckets=SECONDS, registry=self.registry)

    def register(self, collectors: Iterable[Collector]) -> None:
        """Export more."""
        for collector in collectors:
            self.registry.register(collector)

    def show_reload(self, *, succeeded: bool) -> None:
        """Say how the configuration was last read: at the start, and by each reload."""
        self._reload_succeeded.set(succeeded)
        if succeeded:
            self._reloaded_at.set(time.time())

    def show_certificates(self, ends: Mapping[str, float]) -> None:
        """Say when the certificates just loaded end, see `certificate_check.find_ends`."""
        for shown, end in ends.items():
            self._expiry.labels(shown).set(end)
