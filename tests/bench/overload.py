"""Overload: what happens to accepted questions at one, three and six times the capacity.

    tests/bench/overload.sh [--quick] [--json FILE]

Real programs over mutual TLS, real BIND, a validating Unbound for each perspective, and the load
itself all run on this machine. Capacity is measured first, with as many calls in flight as the
bound allows. Then calls begin at that rate, and at three and six times it, whether or not earlier
calls have ended. One in ten is about a name with a CAA record that forbids.

- wrong: a verdict that would be another without load.
- shed: RESOURCE_EXHAUSTED.
- failed: any other error.

The callers are several processes, as pipelines are. A single one would be late in reading the
answers, and would measure itself. The callers have half of the CPUs and the service the other half,
since callers elsewhere would not take any from it. CPU is in per cent of one CPU: of the callers,
of the coordinator and of the agents, without resolvers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from mpic.channel import TlsFiles, open_channel
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.bench.meter import Usage, read_usage
from tests.world.deployment import COORDINATOR, Deployment, Plan
from tests.world.internet import Internet
from tests.world.requests import named

BOUND = 100
CALLERS = 4
_GOOD = "host{}.child.parent.example.co.jp"
_FORBIDDEN = "host{}.deny.caa.example.co.jp"
_HEAD = (
    *("load", "asked/s", "decided/s", "p50 ms", "p99 ms", "shed", "wrong", "failed"),
    *("callers %", "coord. %", "agents %"),
)


@dataclass(slots=True)
class Result:
    """What came of one load."""

    latencies: list[float] = field(default_factory=list)
    """Seconds, of each question that was decided."""
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds that callers took of a CPU."""
    used: Usage = field(default_factory=lambda: Usage({}, 0.0))
    """What the service took."""
    used_in: float = 0.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one caller does of a load."""

    tls: TlsFiles
    number: int
    """Of the caller."""
    first: int
    """The number of its first question; names were never asked before."""
    in_flight: int
    """Calls kept in flight; 0: calls begin at a rate."""
    rate: float
    """Calls a second."""
    seconds: float
    cpus: frozenset[int]
    """On which it runs."""


class Caller:
    """Asks about names never asked before."""

    def __init__(
        self, stub: corroboration_pb2_grpc.CorroborationServiceAsyncStub, part: Part
    ) -> None:
        self._stub = stub
        self._part = part
        self._numbers = count(part.first + part.number, CALLERS)

    async def run(self) -> Result:
        """Do the part."""
        result, started = Result(), time.perf_counter()
        used = time.process_time()
        await (self._run_closed if self._part.in_flight else self._run_open)(result, started)
        result.seconds = time.perf_counter() - started
        result.cpu = time.process_time() - used
        return result

    async def _run_closed(self, result: Result, started: float) -> None:
        async def one_after_the_other() -> None:
            while time.perf_counter() - started < self._part.seconds:
                await self._ask(result)

        await asyncio.gather(*(one_after_the_other() for _ in range(self._part.in_flight)))

    async def _run_open(self, result: Result, started: float) -> None:
        running = set()
        for number in range(int(self._part.rate * self._part.seconds)):
            delay = started + number / self._part.rate - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            running.add(asyncio.create_task(self._ask(result)))
        await asyncio.gather(*running)

    async def _ask(self, result: Result) -> None:
        """Ask one question and count what came of it."""
        number = next(self._numbers)
        good = number % 10 != 0
        name = (_GOOD if good else _FORBIDDEN).format(number)
        request = c.CorroborateRequest(request_id=f"bench-{number}", names=named([name]))
        asked = time.perf_counter()
        try:
            response = await self._stub.Corroborate(request, timeout=30)
        except aio.AioRpcError as error:
            shed = error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            result.counts["shed" if shed else "failed"] += 1
            return
        result.latencies.append(time.perf_counter() - asked)
        expected = c.REASON_CORROBORATED if good else c.REASON_PRIMARY_FORBIDS
        result.counts["wrong"] += response.names[0].reason != expected


def call(part: Part) -> Result:
    """Do one caller's part; in a process of its own."""
    os.sched_setaffinity(0, part.cpus)
    return asyncio.run(_call(part))


async def _call(part: Part) -> Result:
    async with open_channel(COORDINATOR, part.tls, "localhost") as channel:
        await asyncio.wait_for(channel.channel_ready(), 10)
        return await Caller(corroboration_pb2_grpc.CorroborationServiceStub(channel), part).run()


class Load:
    """All callers together."""

    def __init__(
        self, deployment: Deployment, pool: ProcessPoolExecutor, cpus: frozenset[int]
    ) -> None:
        self._deployment, self._pool, self._cpus = deployment, pool, cpus
        self._first = 0

    def run(self, *, in_flight: int = 0, rate: float = 0.0, seconds: float) -> Result:
        """Keep so many calls in flight, or begin so many a second."""
        tls = self._deployment.caller_tls()
        parts = [
            Part(
                tls, number, self._first, in_flight // CALLERS, rate / CALLERS, seconds, self._cpus
            )
            for number in range(CALLERS)
        ]
        self._first += 1_000_000
        before, started = read_usage(self._deployment), time.perf_counter()
        total = Result()
        for result in self._pool.map(call, parts):
            total.latencies += result.latencies
            total.counts += result.counts
            total.cpu += result.cpu
            total.seconds = max(total.seconds, result.seconds)
        total.used = read_usage(self._deployment).since(before)
        total.used_in = time.perf_counter() - started
        return total


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="within 60 s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="mpic-bench-"))
    limits = f"[limits]\nnames_in_flight = {BOUND}\ncaller_names_in_flight = {BOUND}\n"
    plan = Plan(cache_max_ttl=60, lookup_timeout=10, coordinator_extra=limits)
    of_service, of_callers = split_cpus()
    os.sched_setaffinity(0, of_service)
    with (
        Internet(directory / "internet") as internet,
        Deployment(directory, internet, plan) as deployment,
        ProcessPoolExecutor(CALLERS, multiprocessing.get_context("spawn")) as pool,
    ):
        rows = measure(Load(deployment, pool, of_callers), 5.0 if arguments.quick else 20.0)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


def split_cpus() -> tuple[frozenset[int], frozenset[int]]:
    """Return the CPUs of the service and those of the callers; a single one is of both."""
    cpus = sorted(os.sched_getaffinity(0))
    half = len(cpus) // 2
    return frozenset(cpus[half:]), frozenset(cpus[:half] or cpus)


def measure(load: Load, seconds: float) -> list[dict[str, Any]]:
    """Measure the capacity, then the loads; print a row for each."""
    print("".join(f"{cell:>12}" for cell in _HEAD))
    load.run(in_flight=2 * CALLERS, seconds=1.0)
    full = load.run(in_flight=BOUND, seconds=seconds)
    rows = [report("full", full)]
    capacity = len(full.latencies) / full.seconds
    for times in (1, 3, 6):
        result = load.run(rate=times * capacity, seconds=seconds)
        rows.append(report(f"{times}x", result))
    return rows


def report(name: str, result: Result) -> dict[str, Any]:
    """Print one row and return it."""
    latencies = sorted(result.latencies)
    asked = len(latencies) + result.counts["shed"] + result.counts["failed"]
    ours, coordinator = result.used.ours, result.used.coordinator
    used = {"callers": result.cpu, "coordinator": coordinator, "agents": ours - coordinator}
    row = {
        "load": name,
        "asked_per_s": round(asked / result.seconds, 1),
        "decided_per_s": round(len(latencies) / result.seconds, 1),
        "p50_ms": round(statistics.median(latencies) * 1000, 1),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 1),
        **{key: result.counts[key] for key in ("shed", "wrong", "failed")},
        **{f"{who}_cpu_percent": round(100 * cpu / result.used_in) for who, cpu in used.items()},
    }
    print("".join(f"{cell:>12}" for cell in row.values()), flush=True)
    return row


if __name__ == "__main__":
    main()
