"""Speed: checks a second, latency and CPU, by front, load, fault and resolver.

    tests/bench/run.sh [--quick] [--json FILE] [--url URL]

Real programs over mutual TLS, real BIND and a real validating Unbound for each perspective all run
on this machine.

- `recursive`: every name is new in a signed zone, looked up at its servers and validated.
- `local`: the resolvers have the answers in their caches.
- Fault: one of five remotes hangs (SIGSTOP) or is dead (SIGKILL).
- Record: whether every decision is durably recorded before it is told.
- CPU: user and system time of coordinator and agents, and of their Unbounds.
- DNS queries: those that the agents send to their Unbounds.

`--url` drives another system's `POST /mpic` (the API of Open MPIC: CAA and A as two calls) in the
same run, from the network in which this is called. Its resolvers must know the names.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.bench.load import Front, run_closed, run_open
from tests.bench.meter import dns_queries, forget_zone, read_usage, resident_mb
from tests.bench.names import CHILD, WARM, Hosts
from tests.bench.rows import Load, figures
from tests.bench.running import USUAL, running, warm_up
from tests.world.deployment import Deployment, wait_serving

VICTIM = "ashburn"
# More than this machine can ask of recursing resolvers, so that no host is asked for twice.
_COLD_HOSTS_PER_S = 2500


def plan_rows(*, quick: bool) -> Iterator[Load]:
    """Yield the rows, those of one deployment together and faults last."""
    fronts = ("unary", "stream")
    for resolver in ("local", "recursive"):
        for front in fronts:
            for in_flight in (1, 64) if quick else (1, 16, 64, 256):
                yield Load(front, in_flight=in_flight, resolver=resolver)
        for rate in (20,) if quick else (20, 100, 500, 2000):
            yield Load("stream", rate=rate, resolver=resolver)
        for fault in ("hung", "dead"):
            for in_flight in (1, 64):
                yield Load("stream", in_flight=in_flight, fault=fault, resolver=resolver)
    # What recording costs.
    for front in fronts:
        for in_flight in (64,) if quick else (1, 64):
            yield Load(front, in_flight=in_flight, resolver="local", record=False)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows, within 60 s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--url", help="another system's POST /mpic, such as http://host:8000/mpic")
    arguments = parser.parse_args()
    seconds = 1.0 if arguments.quick else 5.0
    rows: list[dict[str, Any]] = []
    loads = list(plan_rows(quick=arguments.quick))
    print(_line(_HEAD))
    for _, of_one in groupby(loads, lambda load: (load.resolver, load.record)):
        rows.extend(measure_all(list(of_one), seconds))
    if arguments.url:
        for row in measure_foreign(arguments.url, quick=arguments.quick):
            rows.append(row)
            print(_line(row), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def measure_all(loads: Sequence[Load], seconds: float) -> list[dict[str, Any]]:
    """Measure the rows of one deployment."""
    local, record = loads[0].resolver == "local", loads[0].record
    hosts = Hosts(WARM if local else int(_COLD_HOSTS_PER_S * seconds))
    rows = []
    with running(replace(USUAL, record=record)) as (internet, deployment):
        internet.replace(hosts.zone())
        if local:
            warm_up(deployment, lambda: [hosts.next()], hosts.hosts)
        for load in loads:
            if not local:
                forget_zone(deployment, CHILD)
            rows.append(measure(deployment, load, hosts.next, seconds))
            print(_line(rows[-1]), flush=True)
    return rows


def measure(
    deployment: Deployment, load: Load, next_name: Callable[[], str], seconds: float
) -> dict[str, Any]:
    """Measure one row, with its fault for as long as it takes."""
    if load.fault == "hung":
        deployment.agents[VICTIM].signal(signal.SIGSTOP)
    elif load.fault == "dead":
        deployment.agents[VICTIM].stop()
    try:
        return asyncio.run(_measure(deployment, load, next_name, seconds))
    finally:
        if load.fault == "hung":
            deployment.agents[VICTIM].signal(signal.SIGCONT)
        elif load.fault == "dead":
            wait_serving(deployment.start_agent(VICTIM))
        if load.fault != "none":
            deployment.wait_ready()


def measure_foreign(url: str, *, quick: bool) -> Iterator[dict[str, Any]]:
    """Measure the rows of another system, from the network in which the bench was called."""
    command = ["nsenter", f"--net={os.environ['CALLERS_NETWORK']}", "--"]
    command += [sys.executable, "-m", "tests.bench.foreign", url, *(["--quick"] if quick else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield from map(json.loads, child.stdout)
    if child.returncode:
        sys.exit(f"{url} could not be measured")


async def _measure(
    deployment: Deployment, load: Load, next_name: Callable[[], str], seconds: float
) -> dict[str, Any]:
    # The Unbound of an agent that hangs hangs with it, and cannot be asked.
    hung = VICTIM if load.fault == "hung" else ""
    tls, streaming = deployment.caller_tls(), load.front == "stream"
    async with Front(tls, lambda: [next_name()], streaming=streaming).open() as ask:
        await run_closed(ask, min(load.in_flight or 16, 16), 0.3)
        before, queries = read_usage(deployment), dns_queries(deployment, hung)
        if load.in_flight:
            result = await run_closed(ask, load.in_flight, seconds)
        else:
            result = await run_open(ask, load.rate, seconds)
        used = read_usage(deployment).since(before)
    checks = len(result.latencies)
    return {
        **load.key(),
        **figures(result),
        "cpu_ms_per_check": used.ours * 1000 / checks,
        "coordinator_cpu_ms_per_check": used.coordinator * 1000 / checks,
        "resolver_cpu_ms_per_check": used.resolvers * 1000 / checks,
        "dns_queries_per_check": (dns_queries(deployment, hung) - queries) / checks,
        "rss_mb": resident_mb(deployment),
    }


_HEAD = {
    "front": "front",
    "load": "load",
    "fault": "fault",
    "resolver": "resolver",
    "record": "record",
    "checks_per_s": "checks/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "cpu_ms_per_check": "CPU ms",
    "coordinator_cpu_ms_per_check": "of it coord.",
    "resolver_cpu_ms_per_check": "Unbound ms",
    "dns_queries_per_check": "queries",
    "wrong": "wrong",
}


def _line(row: dict[str, Any]) -> str:
    load = row.get("load") or (
        f"{row['in_flight']} in flight" if "in_flight" in row else f"{row['rate']}/s"
    )
    cells = []
    for key in _HEAD:
        value = load if key == "load" else "-" if row[key] is None else row[key]
        cells.append(f"{value:>11.2f}" if isinstance(value, float) else f"{value!s:>13}")
    return "".join(cells)


if __name__ == "__main__":
    main()
