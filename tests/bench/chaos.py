"""Agents that hang, vanish, slow down and come back, under steady load: what callers notice.

    tests/bench/chaos.sh [--quick] [--json FILE]

A primary and five remotes run as real programs over mutual TLS, each with a real validating
Unbound. Every name is new. Each fault is measured twice: in its first seconds, and once the
coordinator knows of it.

- `known`: seconds from the fault until the coordinator counts the agent as away.
- `back`: seconds from the end of the fault until the coordinator asks the agent again.
- `ratio`: the p50 compared with that of the healthy phase before.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grpc import aio

from mpic.channel import open_channel
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.bench.load import Ask, Front, Result, run_closed
from tests.bench.names import NewHosts
from tests.world import network
from tests.world.deployment import COORDINATOR, Deployment, Plan, wait_serving
from tests.world.internet import Internet
from tests.world.places import PLACES

VICTIM, SECOND = "ashburn", "singapore"
IN_FLIGHT = 8
_POLL_SECONDS = 0.02
_LONGEST_WAIT = 20.0

Inflict = Callable[[Deployment], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds that each kind of phase is measured."""

    healthy: float
    first: float
    known: float


QUICK = Durations(healthy=1.5, first=2.5, known=1.5)
FULL = Durations(healthy=5, first=3, known=5)


@asynccontextmanager
async def hang(deployment: Deployment, *victims: str) -> AsyncIterator[None]:
    """Stop agents and their Unbounds: connections stand and kernels acknowledge."""
    for victim in victims:
        deployment.agents[victim].signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for victim in victims:
            deployment.agents[victim].signal(signal.SIGCONT)


@asynccontextmanager
async def cut_off(deployment: Deployment) -> AsyncIterator[None]:  # noqa: ARG001 - as the others
    """Lose every packet to and from an agent."""
    network.cut_off(network.perspective_address([place.id for place in PLACES].index(VICTIM)))
    try:
        yield
    finally:
        network.heal()


@asynccontextmanager
async def kill(deployment: Deployment) -> AsyncIterator[None]:
    """Kill an agent; its end is that of a new one's start."""
    deployment.agents[VICTIM].signal(signal.SIGKILL)
    try:
        yield
    finally:
        deployment.agents[VICTIM].stop()
        wait_serving(deployment.start_agent(VICTIM))


@asynccontextmanager
async def hang_resolver(deployment: Deployment) -> AsyncIterator[None]:
    """Stop the Unbound of an agent that itself goes on."""
    lines = deployment.agents[VICTIM].log_file.read_text().splitlines()
    started = [json.loads(line) for line in lines if '"unbound_started"' in line]
    os.kill(started[-1]["pid"], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(started[-1]["pid"], signal.SIGCONT)


@asynccontextmanager
async def slow_down(deployment: Deployment) -> AsyncIterator[None]:
    """Let an agent run a quarter of the time only."""
    victim = deployment.agents[VICTIM]

    async def stutter() -> None:
        while True:
            victim.signal(signal.SIGSTOP)
            await asyncio.sleep(0.3)
            victim.signal(signal.SIGCONT)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(stutter())
    try:
        yield
    finally:
        task.cancel()
        victim.signal(signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to whom, and whether the coordinator should count them as away."""

    name: str
    inflict: Inflict
    victims: Sequence[str] = (VICTIM,)
    is_away: bool = True


FAULTS = (
    Fault("one hung", lambda deployment: hang(deployment, VICTIM)),
    Fault("one cut off", cut_off),
    Fault("one killed", kill),
    Fault("one's resolver hung", hang_resolver),
    Fault("one slow", slow_down, is_away=False),
    Fault("two hung", lambda deployment: hang(deployment, VICTIM, SECOND), (VICTIM, SECOND)),
)


class WatchedFront(Front):
    """Asks by single calls and counts what it is told."""

    def __init__(self, deployment: Deployment) -> None:
        hosts = NewHosts()
        super().__init__(deployment.caller_tls(), lambda: [hosts.next()], streaming=False)
        self.told: Counter[str] = Counter()

    async def _ask_alone(self) -> bool:
        assert self._stub is not None
        try:
            response = await self._stub.Corroborate(self._next(), timeout=30)
        except aio.AioRpcError as error:
            self.told[f"RPC {error.code().name}"] += 1
            return False
        (verdict,) = response.names
        self.told[f"{c.Reason.Name(verdict.reason).removeprefix('REASON_')} {verdict.quorum}"] += 1
        return response.approved


async def run_all(deployment: Deployment, durations: Durations) -> list[dict[str, Any]]:
    """Measure every phase; return the rows."""
    front = WatchedFront(deployment)
    tls = deployment.caller_tls()
    async with open_channel(COORDINATOR, tls, "localhost") as channel, front.open() as ask:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        run = Run(deployment, durations, front, ask, stub)
        await run_closed(ask, IN_FLIGHT, 1.0)
        healthy = await run.measure("all well", durations.healthy)
        for fault in FAULTS:
            await run.suffer(fault, healthy["p50_ms"])
            healthy = await run.measure("all well again", durations.healthy)
        return run.rows


@dataclass(slots=True)
class Run:
    """The load, the deployment it is put on, and what was measured so far."""

    deployment: Deployment
    durations: Durations
    front: WatchedFront
    ask: Ask
    stub: "corroboration_pb2_grpc.CorroborationServiceAsyncStub"
    rows: list[dict[str, Any]] = field(default_factory=list)

    async def suffer(self, fault: Fault, healthy_ms: float) -> None:
        """Measure a fault while it is found out, once it is known, and its healing."""
        started = time.perf_counter()
        async with fault.inflict(self.deployment):
            waiting = asyncio.create_task(self.wait(fault.victims, ready=False))
            name = f"{fault.name}, first {self.durations.first:g} s"
            first = await self.measure(name, self.durations.first, healthy_ms)
            if fault.is_away:
                first["known_after_s"] = round(await waiting - started, 2)
                print(f"{'':<28}known after {first['known_after_s']:.2f} s", flush=True)
                known = await self.measure(f"{fault.name}, known", self.durations.known, healthy_ms)
            else:
                known = first
                known["was_away"] = waiting.done()
                waiting.cancel()
        healed = time.perf_counter()
        known["back_after_s"] = round(await self.wait(fault.victims, ready=True) - healed, 2)
        print(f"{'':<28}back after {known['back_after_s']:.2f} s", flush=True)

    async def wait(self, victims: Sequence[str], *, ready: bool) -> float:
        """Return the moment at which the coordinator counts them all as away, or as back."""
        deadline = time.perf_counter() + _LONGEST_WAIT
        while True:
            listed = await self.stub.ListPerspectives(c.ListPerspectivesRequest(), timeout=5)
            states = {one.perspective_id: one.ready for one in listed.perspectives}
            now = time.perf_counter()
            if all(states[victim] == ready for victim in victims) or now > deadline:
                return now
            await asyncio.sleep(_POLL_SECONDS)

    async def measure(
        self, phase: str, seconds: float, healthy_ms: float | None = None
    ) -> dict[str, Any]:
        """Measure one phase and print its row."""
        self.front.told.clear()
        result = await run_closed(self.ask, IN_FLIGHT, seconds)
        figures = _figures(result)
        row: dict[str, Any] = {"phase": phase, **figures, "verdicts": dict(self.front.told)}
        row["healthy_p50_ratio"] = None if healthy_ms is None else figures["p50_ms"] / healthy_ms
        self.rows.append(row)
        print(_line(row), flush=True)
        return row


def _figures(result: Result) -> dict[str, float]:
    quantiles = statistics.quantiles(result.latencies, n=100)
    return {
        "checks_per_s": len(result.latencies) / result.seconds,
        "p50_ms": quantiles[49] * 1000,
        "p99_ms": quantiles[98] * 1000,
    }


def _line(row: dict[str, Any]) -> str:
    ratio = row["healthy_p50_ratio"]
    verdicts = ", ".join(f"{told} x{n}" for told, n in sorted(row["verdicts"].items()))
    return (
        f"{row['phase']:<28}{row['checks_per_s']:>9.0f}{row['p50_ms']:>9.1f}{row['p99_ms']:>9.1f}"
        f"{'' if ratio is None else f'{ratio:.2f}':>7}  {verdicts}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="shorter phases, within 60 s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="mpic-chaos-"))
    plan = Plan(lookup_timeout=10, cache_max_ttl=60, own_addresses=True)
    print(f"{'phase':<28}{'checks/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>7}  verdicts")
    with (
        Internet(directory / "internet") as internet,
        Deployment(directory, internet, plan) as deployment,
    ):
        rows = asyncio.run(run_all(deployment, QUICK if arguments.quick else FULL))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
