"""What several processes bring: of the coordinator, and of each agent.

    tests/bench/run.sh workers

It prints checks a second and CPU for each check, over streams with 256 in flight. Resolvers answer
from their caches. It also prints how much of one core the busiest process of each kind used. If
that is well below 1 and the machine is busy, the machine is the limit, not the process.
"""

import asyncio
import os
from dataclasses import replace
from itertools import product

from tests.bench.names import WARM, Hosts
from tests.bench.running import USUAL, Load, measure, running, us, warm_up
from tests.world.deployment import Deployment

COUNTS = (1, 2)


def main() -> None:
    print(f"{os.cpu_count()} cores, shared with the load, the resolvers and the name servers")
    print(
        f"{'coordinators':>12}{'agent workers':>15}{'checks/s':>10}{'CPU us':>9}"
        f"{'coord. busy':>13}{'agent busy':>12}{'Unbound busy':>14}"
    )
    for agents, coordinators in product(COUNTS, COUNTS):
        _measure(agents, coordinators)


def _measure(agents: int, coordinators: int) -> None:
    hosts = Hosts(WARM)
    plan = replace(USUAL, workers=agents, coordinator_workers=coordinators)
    with running(plan) as (internet, deployment):
        internet.replace(hosts.zone())
        warm_up(deployment, lambda: [hosts.next()], hosts.hosts * agents)
        _row(deployment, hosts, coordinators, agents)


def _row(deployment: Deployment, hosts: Hosts, coordinators: int, agents: int) -> None:
    load = Load(lambda: [hosts.next()], in_flight=256, seconds=4.0)
    result, used = asyncio.run(measure(deployment, load, coordinators))
    of_agents = [cpu for name, cpu in used.programs.items() if name != "coordinator"]
    busy = (
        used.coordinator / coordinators / result.seconds,
        max(of_agents) / agents / result.seconds,
        used.resolvers / len(of_agents) / agents / result.seconds,
    )
    print(
        f"{coordinators:>12}{agents:>15}{len(result.latencies) / result.seconds:>10.0f}"
        f"{us(used.ours, result):>9.0f}{busy[0]:>13.2f}{busy[1]:>12.2f}{busy[2]:>14.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
