"""Overload: what becomes of accepted questions at one and at three times what the service can do.

    tests/bench/overload.sh [--quick] [--json FILE]

Real programs over mutual TLS, real BIND and a validating Unbound for each perspective, and the load
itself, all on this machine. Capacity is measured first, by as many calls in flight as the bound
lets in. Then calls begin at that rate, and at three times it, whether or not earlier ones have
ended. One in ten is about a name whose CAA forbids. A wrong verdict is one that would be another on
a quiet day; shed is RESOURCE_EXHAUSTED; failed is any other error.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from mpic.grpc.transport import open_channel
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import COORDINATOR, Deployment, Plan
from tests.world.internet import Internet

BOUND = 100
_GOOD = "host{}.child.parent.example.co.jp"
_FORBIDDEN = "host{}.deny.caa.example.co.jp"
_HEAD = ("load", "asked/s", "decided/s", "p50 ms", "p99 ms", "shed", "wrong", "failed")


@dataclass(slots=True)
class Result:
    """What came of one load."""

    latencies: list[float] = field(default_factory=list)
    """Seconds, of each question that was decided."""
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


class Load:
    """Asks about names never asked before."""

    def __init__(self, stub: corroboration_pb2_grpc.CorroborationServiceAsyncStub) -> None:
        self._stub = stub
        self._numbers = count()

    async def ask(self, result: Result) -> None:
        """Ask one question and count what came of it."""
        number = next(self._numbers)
        good = number % 10 != 0
        name = (_GOOD if good else _FORBIDDEN).format(number)
        request = c.CorroborateRequest(request_id=f"bench-{number}", names=[name])
        asked = time.perf_counter()
        try:
            response = await self._stub.Corroborate(request, timeout=30)
        except aio.AioRpcError as error:
            shed = error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            result.counts["shed" if shed else "failed"] += 1
            return
        result.latencies.append(time.perf_counter() - asked)
        expected = c.REASON_CORROBORATED if good else c.REASON_PRIMARY_CAA_FORBIDS
        result.counts["wrong"] += response.names[0].reason != expected

    async def run_closed(self, in_flight: int, seconds: float) -> Result:
        """Keep so many calls in flight."""
        result, started = Result(), time.perf_counter()

        async def one_after_the_other() -> None:
            while time.perf_counter() - started < seconds:
                await self.ask(result)

        await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
        result.seconds = time.perf_counter() - started
        return result

    async def run_open(self, rate: float, seconds: float) -> Result:
        """Begin so many calls a second."""
        result, started, running = Result(), time.perf_counter(), set()
        for number in range(int(rate * seconds)):
            delay = started + number / rate - time.perf_counter()
            if delay > 0:
                await asyncio.sleep(delay)
            running.add(asyncio.create_task(self.ask(result)))
        await asyncio.gather(*running)
        result.seconds = time.perf_counter() - started
        return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="within 60 s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="mpic-bench-"))
    limits = f"[limits]\nnames_in_flight = {BOUND}\ncaller_names_in_flight = {BOUND}\n"
    plan = Plan(cache_max_ttl=60, lookup_timeout=10, coordinator_extra=limits)
    with (
        Internet(directory / "internet") as internet,
        Deployment(directory, internet, plan) as deployment,
    ):
        rows = asyncio.run(measure(deployment, 5.0 if arguments.quick else 20.0))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


async def measure(deployment: Deployment, seconds: float) -> list[dict[str, Any]]:
    """Measure the capacity, then the loads; print a row for each."""
    print("".join(f"{cell:>12}" for cell in _HEAD))
    rows = []
    async with open_channel(COORDINATOR, deployment.caller_tls(), "localhost") as channel:
        load = Load(corroboration_pb2_grpc.CorroborationServiceStub(channel))
        await load.run_closed(8, 1.0)
        full = await load.run_closed(BOUND, seconds)
        rows.append(report("full", full))
        capacity = len(full.latencies) / full.seconds
        for times in (1, 3):
            result = await load.run_open(times * capacity, seconds)
            rows.append(report(f"{times}x", result))
    return rows


def report(name: str, result: Result) -> dict[str, Any]:
    """Print one row and return it."""
    latencies = sorted(result.latencies)
    asked = len(latencies) + result.counts["shed"] + result.counts["failed"]
    row = {
        "load": name,
        "asked_per_s": round(asked / result.seconds, 1),
        "decided_per_s": round(len(latencies) / result.seconds, 1),
        "p50_ms": round(statistics.median(latencies) * 1000, 1),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 1),
        **{key: result.counts[key] for key in ("shed", "wrong", "failed")},
    }
    print("".join(f"{cell:>12}" for cell in row.values()), flush=True)
    return row


if __name__ == "__main__":
    main()
