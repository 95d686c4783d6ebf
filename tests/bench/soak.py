"""Memory over a great many checks: what the programs keep must not grow.

    tests/bench/run.sh soak [CHECKS]

It drives a million checks, or CHECKS, over one stream with 1,024 in flight. Resolvers answer from
their caches. Ten times on the way it prints the resident memory of the coordinator and of the
largest agent, without its Unbound, and how much of it is pages of files, which processes share. A
check that is not approved ends it, for instance because of a time-out.
"""

import asyncio
import sys
import time

from tests.bench.load import Front, Result, run_closed
from tests.bench.meter import file_mb, resident_mb
from tests.bench.names import WARM, Hosts
from tests.bench.running import USUAL, running, warm_up
from tests.world.deployment import Deployment

IN_FLIGHT = 1024


def main() -> None:
    checks = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    hosts = Hosts(WARM)
    with running(USUAL) as (internet, deployment):
        internet.replace(hosts.zone())
        warm_up(deployment, lambda: [hosts.next()], hosts.hosts)
        asyncio.run(_soak(deployment, hosts, checks))


async def _soak(deployment: Deployment, hosts: Hosts, checks: int) -> None:
    front = Front(deployment.caller_tls(), lambda: [hosts.next()], streaming=True)
    done, worst = 0, 0.0
    started = time.perf_counter()
    columns = f"{'coordinator MB':>16}{'of files':>10}{'agent MB':>10}{'of files':>10}"
    print(f"{'checks':>10}{columns}{'checks/s':>10}{'worst s':>9}")
    _line(deployment, 0, (0.0, 0.0))
    async with front.open() as ask:
        for part in range(1, 11):
            while done < checks * part / 10:
                result = await run_closed(ask, IN_FLIGHT, 1.0)
                done += len(result.latencies)
                worst = max(worst, *result.latencies)
                _require_approval(result)
            _line(deployment, done, (done / (time.perf_counter() - started), worst))


def _require_approval(result: Result) -> None:
    if result.wrong:
        raise SystemExit(f"{result.wrong} checks were not approved")


def _line(deployment: Deployment, done: int, pace: tuple[float, float]) -> None:
    memory, of_files = resident_mb(deployment), file_mb(deployment)
    coordinator = memory.pop("coordinator")
    agent = max(memory, key=memory.__getitem__)
    print(
        f"{done:>10}{coordinator:>16.1f}{of_files['coordinator']:>10.1f}"
        f"{memory[agent]:>10.1f}{of_files[agent]:>10.1f}{pace[0]:>10.0f}{pace[1]:>9.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
