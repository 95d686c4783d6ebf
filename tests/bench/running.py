"""A deployment to be measured, and one measurement of it."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.load import Front, Names, Result, open_workers, run_closed
from tests.bench.meter import Usage, read_usage
from tests.world.deployment import Deployment, Plan
from tests.world.internet import Internet

WARM_UP_SECONDS = 0.3

# As operators run it, but that answers may be kept for as long as the rules allow.
USUAL = Plan(cache_max_ttl=3600, probe_interval=30, repeat_window=600)


@dataclass(frozen=True, slots=True)
class Load:
    """So many questions in flight, over streams or by single calls."""

    names: Names
    in_flight: int = 64
    seconds: float = 2.0
    streaming: bool = True


@contextmanager
def running(plan: Plan) -> Iterator[tuple[Internet, Deployment]]:
    directory = Path(tempfile.mkdtemp(prefix="mpic-bench-"))
    with (
        Internet(directory / "internet") as internet,
        Deployment(directory, internet, plan) as deployment,
    ):
        yield internet, deployment


async def measure(deployment: Deployment, load: Load, workers: int = 1) -> tuple[Result, Usage]:
    """Return what came of a load, and the CPU it took."""
    tls = deployment.caller_tls()
    if workers > 1:
        opened = open_workers(tls, load.names, workers, streaming=load.streaming)
    else:
        opened = Front(tls, load.names, streaming=load.streaming).open()
    async with opened as ask:
        await run_closed(ask, min(load.in_flight, 16), WARM_UP_SECONDS)
        before = read_usage(deployment)
        result = await run_closed(ask, load.in_flight, load.seconds)
        used = read_usage(deployment).since(before)
    if result.wrong:
        raise SystemExit(f"{result.wrong} of {len(result.latencies)} were not approved")
    return result, used


def warm_up(deployment: Deployment, names: Names, questions: int) -> None:
    """Let every resolver learn what so many questions ask for."""
    asyncio.run(_warm_up(deployment, names, questions))


async def _warm_up(deployment: Deployment, names: Names, questions: int) -> None:
    async with Front(deployment.caller_tls(), names, streaming=True).open() as ask:
        turns = iter(range(questions))

        async def one_after_the_other() -> None:
            for _ in turns:
                await ask()

        await asyncio.gather(*(one_after_the_other() for _ in range(64)))


def us(seconds: float, result: Result) -> float:
    """Return CPU in microseconds for each question."""
    return seconds * 1e6 / len(result.latencies)
