"""The state of the limiter, read at each scrape."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coordinator.overload.limiter import Limiter


class LimiterCollector(Collector):
    """How much is let in, read at each scrape."""

    def __init__(self, limiter: Limiter) -> None:
        """Read one limiter."""
        self._limiter = limiter

    def collect(self) -> Iterable[Metric]:
        """Yield how many names are in flight and may be."""
        yield GaugeMetricFamily(
            "mpic_names_in_flight",
            "Names being decided.",
            value=self._limiter.admission.in_flight,
        )
        yield GaugeMetricFamily(
            "mpic_names_in_flight_limit",
            "Names that may be in flight: fewer than configured under overload.",
            value=self._limiter.limit,
        )
