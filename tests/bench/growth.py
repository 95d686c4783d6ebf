"""How the CPU of one question grows, and with what.

    tests/bench/run.sh growth

It prints microseconds of CPU for each question, of the coordinator and of one agent. These are
varied:

- the number of remotes;
- the labels of a name;
- the names of a question (of as many domains, then "of one");
- the questions in flight.

Beside each stands the ratio of the last to the first, and the ratio of what was varied. If both are
the same, the cost is linear. If the first is 1, it is flat. Resolvers answer from their caches.
Names share nothing but "jp", except where they are of one domain.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.bench.load import Names
from tests.bench.names import WARM, Hosts, Strangers
from tests.bench.running import USUAL, Load, measure, running, us, warm_up
from tests.world.deployment import Deployment
from tests.world.internet import Internet
from tests.world.places import PLACES

REMOTES = (3, 5, 7, 10)
LABELS = (2, 4, 6, 8, 10)
NAMES = (1, 3, 10, 30, 100)
IN_FLIGHT = (1, 4, 16, 64, 256, 1024)
QUESTIONS_OF_100 = 8
"""In flight at a time, of 100 names each."""

# Three remotes are too few for the Baseline Requirements; here it is the cost that counts.
_ANY_NUMBER = """
[policy]
allow_below_baseline = true
[[policy.row]]
effective_from = 2026-01-01T00:00:00Z
minimum_remotes = 2
"""


@dataclass(frozen=True, slots=True)
class Row:
    varied: int
    coordinator: float
    agent: float
    """Both in microseconds a question."""
    per_s: float


class Meter:
    """Measures one deployment."""

    def __init__(self, internet: Internet, deployment: Deployment) -> None:
        self._internet = internet
        self._deployment = deployment
        self._strangers: dict[int, Strangers] = {}

    def row(self, varied: int, names: Names, in_flight: int = 64) -> Row:
        load = Load(names, in_flight, seconds=1.5)
        result, used = asyncio.run(measure(self._deployment, load))
        agents = len(self._deployment.agents)
        return Row(
            varied,
            us(used.coordinator, result),
            us(used.ours - used.coordinator, result) / agents,
            len(result.latencies) / result.seconds,
        )

    def names(self, count: int = 1, labels: int = 5) -> Names:
        if labels not in self._strangers:
            strangers = self._strangers[labels] = Strangers(labels)
            warm_up(self._deployment, lambda: [strangers.next()], strangers.names)
        next_name = self._strangers[labels].next
        return lambda: [next_name() for _ in range(count)]

    def names_of_one_domain(self) -> Callable[[int], Names]:
        hosts = Hosts(WARM // 2)
        self._internet.replace(hosts.zone())
        warm_up(self._deployment, lambda: [hosts.next()], hosts.hosts)
        return lambda count: lambda: [hosts.next() for _ in range(count)]


def main() -> None:
    by_remotes = []
    for remotes in REMOTES:
        plan = replace(USUAL, places=PLACES[: remotes + 1], coordinator_extra=_ANY_NUMBER)
        with running(plan) as (internet, deployment):
            meter = Meter(internet, deployment)
            by_remotes.append(meter.row(remotes, meter.names()))
            if remotes == 5:
                others = _measure_five(meter)
    _print("remotes", by_remotes)
    for what, rows in others.items():
        _print(what, rows)


def _measure_five(meter: Meter) -> dict[str, Sequence[Row]]:
    of_one_domain = meter.names_of_one_domain()
    return {
        "labels": [meter.row(n, meter.names(labels=n)) for n in LABELS],
        "names": [meter.row(n, meter.names(n), _in_flight(n)) for n in NAMES],
        "of one": [meter.row(n, of_one_domain(n), _in_flight(n)) for n in NAMES],
        "in flight": [meter.row(n, meter.names(), n) for n in IN_FLIGHT],
    }


def _in_flight(names: int) -> int:
    return max(QUESTIONS_OF_100, 64 // names)


def _print(what: str, rows: Sequence[Row]) -> None:
    print(f"\n{what:>10}{'coordinator us':>16}{'one agent us':>14}{'questions/s':>13}")
    for row in rows:
        print(f"{row.varied:>10}{row.coordinator:>16.0f}{row.agent:>14.0f}{row.per_s:>13.0f}")
    first, last = rows[0], rows[-1]
    ratio: Callable[[float, float], str] = lambda one, other: f"x {other / one:.2f}"  # noqa: E731
    print(
        f"{ratio(first.varied, last.varied):>10}"
        f"{ratio(first.coordinator, last.coordinator):>16}{ratio(first.agent, last.agent):>14}",
        flush=True,
    )


if __name__ == "__main__":
    main()
