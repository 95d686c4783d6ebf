"""What is counted of calls over HTTP. Every route is there from the start."""

from collections.abc import Iterable
from typing import get_args

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from coordinator.api.http.authentication import Failure
from mpic.runtime.metrics import SECONDS

NO_ROUTE = "none"
"""The label of what no route takes: another path, another method, no HTTP."""


class HttpMetrics:
    """The metrics of the HTTP port."""

    def __init__(self) -> None:
        """Start everything at 0."""
        self.requests = Counter(
            "mpic_http_requests",
            "Calls over HTTP that ended, by route and status; 499: the caller hung up.",
            ("route", "status"),
            registry=None,
        )
        self.seconds = Histogram(
            "mpic_http_request_seconds",
            "How long calls over HTTP took; streams last long.",
            ("route",),
            buckets=SECONDS,
            registry=None,
        )
        refused = Counter(
            "mpic_http_authentication_failures",
            "Calls over HTTP that were not let in, by what was wrong.",
            ("failure",),
            registry=None,
        )
        self.failures = {one: refused.labels(one) for one in get_args(Failure)}
        self.connections = Gauge(
            "mpic_http_connections", "Connections to the HTTP port.", registry=None
        )
        self.connections_refused = Counter(
            "mpic_http_connections_refused",
            "Connections to the HTTP port that were one too many.",
            registry=None,
        )
        self._refused = refused

    def expect(self, route: str) -> None:
        """Show a route before its first call."""
        self.requests.labels(route, "200")
        self.seconds.labels(route)

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count a call that has ended."""
        self.requests.labels(route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    @property
    def collectors(self) -> Iterable[Collector]:
        """What there is to export."""
        return (
            self.requests,
            self.seconds,
            self._refused,
            self.connections,
            self.connections_refused,
        )
