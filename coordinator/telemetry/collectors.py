"""The state of a coordinator that is read at each scrape: its connections, its roster."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coordinator.perspectives.open_questions import AnyClient
from coordinator.rules.perspective_selection import find_set_breaches
from coordinator.rules.policy import NoPolicyRowError, PolicyRow
from coordinator.rules.roster import Rules, find_breaches


class TakingUpCollector(Collector):
    """How calls are taken up, which does not change while a program runs."""

    def __init__(self, lacking: str) -> None:
        """Say that they are taken up one by one if grpcio is lacking something."""
        self._lacking = lacking

    def collect(self) -> Iterable[Metric]:
        """Yield whether many are taken up at a time."""
        yield GaugeMetricFamily(
            "mpic_calls_taken_up_together",
            "1 if waiting calls are accepted many at a time, 0 if grpcio cannot do that.",
            value=not self._lacking,
        )


class LinkCollector(Collector):
    """The state of the links, read at each scrape."""

    def __init__(self, links: Callable[[], Sequence[AnyClient]]) -> None:
        """Read those that there are at the time."""
        self._links = links

    def collect(self) -> Iterable[Metric]:
        """Yield a family for each thing that a link knows of itself."""
        links = self._links()
        for name, documentation, read in _LINK_GAUGES:
            family = GaugeMetricFamily(name, documentation, labels=["perspective"])
            for link in links:
                family.add_metric([link.perspective.id], read(link))
            yield family
        connections = CounterMetricFamily(
            "mpic_link_connections",
            "How often a link to a worker of the perspective's agent was established.",
            labels=["perspective"],
        )
        for link in links:
            connections.add_metric([link.perspective.id], link.connections)
        yield connections
        yield _show_clocks(links)


def _show_clocks(links: Sequence[AnyClient]) -> Metric:
    family = GaugeMetricFamily(
        "mpic_clock_difference_seconds",
        "The agent's clock minus the coordinator's, without what a slow network can explain;"
        " missing: an older agent that does not tell the time.",
        labels=["perspective"],
    )
    for link in links:
        difference = link.clock_difference
        if difference is not None:
            family.add_metric([link.perspective.id], difference)
    return family


_LINK_GAUGES: Sequence[tuple[str, str, Callable[[AnyClient], float]]] = (
    (
        "mpic_links_up",
        "Links to the perspective's agent that can be asked: one for each of its workers, at most.",
        lambda link: link.up,
    ),
    (
        "mpic_links_configured",
        "Links to the perspective's agent that there should be.",
        lambda link: link.perspective.workers,
    ),
    (
        "mpic_link_questions_in_flight",
        "Questions put to the perspective that it has not answered.",
        lambda link: link.pending,
    ),
    (
        "mpic_link_queue_depth",
        "Questions of those that wait to be sent.",
        lambda link: link.waiting,
    ),
)


class RosterCollector(Collector):
    """Whether the roster satisfies the policy, now and once the next dated row is in force."""

    def __init__(self, rules: Callable[[], Rules], clock: Callable[[], datetime]) -> None:
        """Judge the rules in force at each scrape; each roster is judged once by each row."""
        self._rules, self._clock = rules, clock
        self._judged: dict[tuple[int, PolicyRow], bool] = {}

    def collect(self) -> Iterable[Metric]:
        """Yield validity and dates; a next row that is missing is satisfied, its date infinite."""
        rules, now = self._rules(), self._clock()
        satisfied = GaugeMetricFamily(
            "mpic_roster_satisfies_policy",
            "1 if the roster can satisfy the policy row, 0 if nothing can be approved under it.",
            labels=["row"],
        )
        effective = GaugeMetricFamily(
            "mpic_policy_row_effective_timestamp_seconds",
            "When the policy row begins to apply; +Inf: no row is to come.",
            labels=["row"],
        )
        coming = rules.policy.rows_between(now, datetime.max.replace(tzinfo=now.tzinfo))
        for shown, row in (("in_force", _row_at(rules, now)), ("next", next(iter(coming), None))):
            holds = self._is_satisfied(rules, row) if row else shown == "next"
            satisfied.add_metric([shown], holds)
            effective.add_metric([shown], row.effective_from.timestamp() if row else float("inf"))
        yield satisfied
        yield effective

    def _is_satisfied(self, rules: Rules, row: PolicyRow) -> bool:
        key = (id(rules.roster), row)
        if key not in self._judged:
            self._judged = {one: holds for one, holds in self._judged.items() if one[0] == key[0]}
            self._judged[key] = not (
                find_breaches(rules.roster, row) or find_set_breaches(rules.roster, row)
            )
        return self._judged[key]


def _row_at(rules: Rules, now: datetime) -> PolicyRow | None:
    try:
        return rules.policy.row_at(now)
    except NoPolicyRowError:
        return None
