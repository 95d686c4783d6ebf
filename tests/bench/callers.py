"""Independent callers: several processes that do not march in step.

`Front` asks from one event loop: many answers come in one message, and the next questions go in
one. Here every process asks one question in a message, and pauses for a random moment before each.
In an open loop, questions come as a Poisson process.

A process gets its orders in a line of JSON, says "ready", begins at the next line, and ends with
its input. It then tells when each check ended, and how long it took.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Self

from mpic.channel import TlsFiles
from mpic.v1 import corroboration_pb2 as c
from tests.bench.load import Ask, Front, Result
from tests.bench.names import CHILD
from tests.bench.rows import Load
from tests.world.deployment import COORDINATOR

_PAUSE_SECONDS = 0.002
"""On average, before each question of a closed loop."""
_PROCESSES = 6

Measure = Callable[[], Awaitable[None]]
"""Asks once, and notes what came of it."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What all processes together, or one of them, is to do."""

    tls: Sequence[str]
    """Files: certificate, key, authority."""
    streaming: bool
    template: str
    """A request, in hexadecimal; each question has a name and an id of its own."""
    hosts: int
    """Names are of so many hosts."""
    in_flight: int = 0
    rate: float = 0.0
    """Questions a second; 0: `in_flight` of them at a time."""
    first: int = 0
    step: int = 1
    """Every such host, from the first on."""
    address: str = COORDINATOR

    @classmethod
    def of(cls, tls: TlsFiles, template: c.CorroborateRequest, hosts: int, load: Load) -> Self:
        """Return the orders of a row."""
        return cls(
            tls=[str(one) for one in (tls.certificate, tls.private_key, tls.authority)],
            streaming=load.front == "stream",
            template=template.SerializeToString().hex(),
            hosts=hosts,
            in_flight=load.in_flight,
            rate=load.rate,
        )


class Callers:
    """The processes, while they ask."""

    def __init__(self, children: Sequence[subprocess.Popen[str]]) -> None:
        self._children = children

    def finish(self, began: float, ended: float) -> Result:
        """End, and return what came of the checks that ended between two times."""
        result = Result(seconds=ended - began)
        for child in self._children:
            assert child.stdin is not None
            child.stdin.close()
        for child in self._children:
            assert child.stdout is not None
            for at, seconds, approved in json.loads(child.stdout.read()):
                if began <= at < ended:
                    result.latencies.append(seconds)
                    result.wrong += not approved
        return result


def start_callers(stack: ExitStack, orders: Orders, address: str = COORDINATOR) -> Callers:
    """Start the processes; they ask at once, until `finish`."""
    many = min(_PROCESSES, orders.in_flight or _PROCESSES)
    children = []
    for number in range(many):
        own = asdict(orders) | {
            "in_flight": (orders.in_flight + many - 1 - number) // many,
            "rate": orders.rate / many,
            "first": orders.first + number,
            "step": many,
            "address": address,
        }
        command = [sys.executable, "-m", "tests.bench.callers", json.dumps(own)]
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        children.append(stack.enter_context(child))
    for child in children:
        assert child.stdout is not None
        if child.stdout.readline() != "ready\n":
            raise SystemExit("a caller could not ask")
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
    return Callers(children)


@asynccontextmanager
async def _opened(orders: Orders) -> AsyncIterator[Ask]:
    tls = TlsFiles(*map(Path, orders.tls))
    template = c.CorroborateRequest.FromString(bytes.fromhex(orders.template))
    hosts = count(orders.first, orders.step)

    def request() -> c.CorroborateRequest:
        one = c.CorroborateRequest()
        one.CopyFrom(template)
        (name,) = one.names
        name.name = f"host{next(hosts) % orders.hosts}.{CHILD}"
        if name.HasField("domain_control"):
            name.domain_control.challenge_created_at.FromSeconds(int(time.time()))
        return one

    front = Front(tls, list, streaming=orders.streaming, address=orders.address, request=request)
    async with front.open(gather=False) as ask:
        yield ask


async def _run(orders: Orders) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    checks: list[tuple[float, float, bool]] = []
    async with _opened(orders) as ask:
        await ask()
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        loop.run_in_executor(None, sys.stdin.readline).add_done_callback(lambda _: over.set())

        async def measure() -> None:
            asked = time.monotonic()
            approved = await ask()
            ended = time.monotonic()
            checks.append((ended, ended - asked, approved))

        if orders.rate:
            await _ask_open(measure, over, orders.rate)
        else:
            await _ask_closed(measure, over, orders.in_flight)
    print(json.dumps(checks))


async def _ask_closed(measure: Measure, over: asyncio.Event, in_flight: int) -> None:
    async def one_after_the_other() -> None:
        while not over.is_set():
            await asyncio.sleep(random.expovariate(1 / _PAUSE_SECONDS))
            await measure()

    await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))


async def _ask_open(measure: Measure, over: asyncio.Event, rate: float) -> None:
    running: list[asyncio.Task[None]] = []
    due = time.monotonic()
    while not over.is_set():
        due += random.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        running.append(asyncio.create_task(measure()))
    await asyncio.gather(*running)


if __name__ == "__main__":
    asyncio.run(_run(Orders(**json.loads(sys.argv[1]))))
