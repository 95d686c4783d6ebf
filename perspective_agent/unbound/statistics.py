"""The resolver's own statistics, read before each scrape and exported under our names.

Unbound prints one `name=value` a line (unbound-control(8), stats_noreset). Its counters go on from
scrape to scrape. What it does not print is left out, for example without `extended-statistics:
yes`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from perspective_agent.unbound.control import UnboundControl

log = structlog.get_logger()

_COUNTERS: Sequence[tuple[str, str, str]] = (
    ("total.num.queries", "mpic_unbound_queries", "Queries of the agent."),
    ("total.num.cachehits", "mpic_unbound_cache_hits", "Queries answered from its cache."),
    ("total.num.cachemiss", "mpic_unbound_cache_misses", "Queries it had to recurse for."),
    ("total.num.recursivereplies", "mpic_unbound_recursive_replies", "Answers after recursion."),
    (
        "total.requestlist.exceeded",
        "mpic_unbound_request_list_exceeded",
        "Queries dropped because too many were being recursed for.",
    ),
    ("num.answer.secure", "mpic_unbound_answers_secure", "Answers proven to be secure."),
    ("num.answer.bogus", "mpic_unbound_answers_bogus", "Answers that failed validation."),
    (
        "unwanted.replies",
        "mpic_unbound_unwanted_replies",
        "Replies from the network that nobody had asked for: a sign of attempts at spoofing.",
    ),
)
_GAUGES: Sequence[tuple[str, str, str]] = (
    ("time.up", "mpic_unbound_uptime_seconds", "Seconds since the resolver started."),
    (
        "total.requestlist.current.all",
        "mpic_unbound_request_list_entries",
        "Queries that the resolver is resolving.",
    ),
    (
        "total.recursion.time.avg",
        "mpic_unbound_recursion_time_average_seconds",
        "Mean time of its recursions since its start.",
    ),
    (
        "total.recursion.time.median",
        "mpic_unbound_recursion_time_median_seconds",
        "Median time of its recursions since its start.",
    ),
)
_RCODE = "num.answer.rcode."
_RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMPL", "REFUSED")


class UnboundStatistics(Collector):
    """Exports what `refresh` fetched last, or that nothing could be fetched."""

    def __init__(self) -> None:
        """Fetch nothing, until there is a resolver to ask."""
        self.control: UnboundControl | None = None
        self._values: Mapping[str, float] = {}

    async def refresh(self) -> None:
        """Read the statistics again; nothing of an earlier scrape is kept, even if this fails."""
        self._values = {}
        if self.control is None:
            return
        try:
            self._values = read_statistics(await self.control.command("stats_noreset"))
        except (OSError, ValueError) as error:
            log.warning("unbound_statistics_failed", error=str(error) or type(error).__name__)

    def collect(self) -> Iterable[Metric]:
        """Yield what Unbound said."""
        up = GaugeMetricFamily(
            "mpic_unbound_up", "1 if the resolver told its statistics at this scrape."
        )
        up.add_metric([], bool(self._values))
        yield up
        for key, name, documentation in _COUNTERS:
            if key in self._values:
                yield CounterMetricFamily(name, documentation, value=self._values[key])
        for key, name, documentation in _GAUGES:
            if key in self._values:
                yield GaugeMetricFamily(name, documentation, value=self._values[key])
        yield self._answers()

    def _answers(self) -> Metric:
        """Return its answers by RCODE; Unbound leaves out those it never gave."""
        family = CounterMetricFamily("mpic_unbound_answers", "Answers by RCODE.", labels=["rcode"])
        if "num.answer.secure" in self._values:
            for rcode in _RCODES:
                family.add_metric([rcode], self._values.get(_RCODE + rcode, 0))
        return family


def read_statistics(text: str) -> dict[str, float]:
    """Return the statistics by name; raises ValueError where Unbound says something else. Pure."""
    values = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals:
            raise ValueError(f"no statistics: {line[:100]!r}")
        number = float(value)
        if math.isfinite(number):
            values[name] = number
    return values
