"""Speed as independent callers find it, by their load, and what it costs when nobody asks.

    tests/bench/run.sh independent [--quick] [--json FILE]

The callers are processes (`callers.py`), each with a connection of its own. They ask one question
in a message, and not in step. Rows with a rate are an open loop: a Poisson process. `table.py` has
the rows of a caller that asks and hears in step (`lock-step`).

- `floor`: the messages of a check alone (`floor.py`).
- `open_mpic`: Open MPIC asked for CAA alone, if `run.sh open_mpic` has made its environment.
- `idle`: CPU and voluntary switches a second of all processes; `--json` has each.

The resolvers have the answers in their caches, and every decision is recorded.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mpic.v1 import corroboration_pb2 as c
from tests.bench.callers import Orders, start_callers
from tests.bench.floor import FLOOR, run_floor
from tests.bench.load import Result
from tests.bench.meter import cpu_of, read_switches, read_usage
from tests.bench.names import WARM, Hosts
from tests.bench.open_mpic import ENVIRONMENT, THEIR_URL, System, open_api, theirs
from tests.bench.open_mpic import Load as TheirLoad
from tests.bench.open_mpic import measure as measure_theirs
from tests.bench.rows import INDEPENDENT, Load, figures
from tests.bench.running import USUAL, running, warm_up
from tests.world.deployment import COORDINATOR, Deployment
from tests.world.http_caller import HttpCaller

_WARM_UP_SECONDS = 1.0
_FEWEST = 20
"""Checks of a row, however seldom one is asked for."""

Row = dict[str, Any]
ReadCpu = Callable[[], dict[str, float]]
"""Returns CPU seconds so far, by program."""


def plan_rows(*, quick: bool) -> Iterator[Load]:
    """Yield the rows of the service."""
    for front in ("unary", "stream"):
        for in_flight in (1, 64) if quick else (1, 16, 64, 256):
            yield Load(front, in_flight=in_flight, resolver="local", callers=INDEPENDENT)
        for rate in (20,) if quick else (1, 20, 100, 500):
            yield Load(front, rate=rate, resolver="local", callers=INDEPENDENT)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows, and shorter ones")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    arguments = parser.parse_args()
    rows = []
    print(_line(_HEAD))
    for row in measure_all(quick=arguments.quick):
        rows.append(row)
        print(_line(row), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def measure_all(*, quick: bool) -> Iterator[Row]:
    """Yield every row once it is measured."""
    seconds = 3.0 if quick else 8.0
    hosts = Hosts(WARM)
    with running(USUAL) as (internet, deployment):
        internet.replace(hosts.zone())
        warm_up(deployment, lambda: [hosts.next()], hosts.hosts)
        yield measure_idle(deployment, seconds)
        for load in plan_rows(quick=quick):
            yield measure(deployment, load, seconds)
        with run_floor(deployment) as (address, read_cpu):
            for in_flight in (1, 64):
                load = Load(FLOOR, in_flight=in_flight, resolver="none", callers=INDEPENDENT)
                yield measure(deployment, load, seconds, address, read_cpu)
        if ENVIRONMENT.exists():
            yield from measure_open_mpic(deployment, hosts, seconds)


def measure(
    deployment: Deployment,
    load: Load,
    seconds: float,
    address: str = COORDINATOR,
    read_cpu: ReadCpu | None = None,
) -> Row:
    """Measure one row: of the service, or of what else listens at an address."""
    read_cpu = read_cpu or (lambda: read_usage(deployment).programs)
    request = c.CorroborateRequest(names=[c.RequestedName()])
    with ExitStack() as stack:
        orders = Orders.of(deployment.caller_tls(), request, WARM, load)
        callers = start_callers(stack, orders, address)
        time.sleep(_WARM_UP_SECONDS)
        began, before = time.monotonic(), read_cpu()
        time.sleep(max(seconds, _FEWEST / load.rate) if load.rate else seconds)
        ended, after = time.monotonic(), read_cpu()
        result = callers.finish(began, ended)
    return {**load.key(), **_show(result, {name: after[name] - before[name] for name in before})}


def _show(result: Result, used: dict[str, float]) -> Row:
    if result.wrong:
        raise SystemExit(f"{result.wrong} of {len(result.latencies)} were not approved")
    checks = len(result.latencies)
    return {
        **figures(result),
        "cpu_ms_per_check": sum(used.values()) * 1000 / checks,
        "coordinator_cpu_ms_per_check": used["coordinator"] * 1000 / checks,
    }


def measure_idle(deployment: Deployment, seconds: float) -> Row:
    """Measure what each program does in a second, while nobody asks."""
    time.sleep(_WARM_UP_SECONDS)
    before, switches = read_usage(deployment), read_switches(deployment)
    time.sleep(seconds)
    used, after = read_usage(deployment).since(before), read_switches(deployment)
    cpu = {name: spent * 1000 / seconds for name, spent in used.programs.items()}
    switched = {name: (after[name] - switches[name]) / seconds for name in after}
    return {
        "front": "idle",
        "cpu_ms_per_s": sum(cpu.values()),
        "switches_per_s": sum(switched.values()),
        "by_program": {name: (cpu[name], switched[name]) for name in cpu},
    }


def measure_open_mpic(deployment: Deployment, hosts: Hosts, seconds: float) -> Iterator[Row]:
    """Measure Open MPIC with the resolvers of our remotes."""
    context = HttpCaller(deployment.caller_tls()).context()
    with theirs(deployment) as pids:
        system = System("Open MPIC", THEIR_URL, lambda: sum(map(cpu_of, pids)))
        for in_flight in (1, 64):
            asking = open_api(system.url, context, hosts)
            shown = asyncio.run(measure_theirs(system, asking, TheirLoad(in_flight, seconds)))
            keys = ("checks_per_s", "p50_ms", "p99_ms", "cpu_ms_per_check")
            row = dict(zip(keys, shown, strict=True))
            yield {**Load("open_mpic", in_flight=in_flight, resolver="local").key(), **row}


_HEAD = {
    "front": "front",
    "load": "load",
    "callers": "callers",
    "checks_per_s": "checks/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "cpu_ms_per_check": "CPU ms",
    "coordinator_cpu_ms_per_check": "of it coord.",
    "cpu_ms_per_s": "ms/s",
    "switches_per_s": "switches/s",
}


def _line(row: Row) -> str:
    load = row.get("load") or (
        f"{row['in_flight']} in flight" if "in_flight" in row else f"{row.get('rate', 0)}/s"
    )
    cells = [load if key == "load" else row.get(key, "-") for key in _HEAD]
    return "".join(
        f"{cell:>13.2f}" if isinstance(cell, float) else f"{cell!s:>13}" for cell in cells
    )


if __name__ == "__main__":
    main()
