"""Load for a running coordinator: closed loop (N in flight) or open loop (N a second).

One check is CAA and A of one new name at the primary and five remotes.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, cycle

from grpc import aio

from mpic.channel import TlsFiles, open_channel
from mpic.runtime.address import shift_port
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import COORDINATOR
from tests.world.requests import named

Ask = Callable[[], Awaitable[bool]]
Names = Callable[[], Sequence[str]]
"""Makes the names of the next question."""

_TIMEOUT = 30.0


@dataclass(slots=True)
class Result:
    """What a run measured."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds, of each check."""
    wrong: int = 0
    """Checks that did not come to their good end."""


class Front:
    """Asks by single calls, or over one stream."""

    def __init__(
        self,
        tls: TlsFiles,
        names: Names,
        *,
        streaming: bool,
        address: str = COORDINATOR,
        request: Callable[[], c.CorroborateRequest] | None = None,
    ) -> None:
        """Ask about `names`, or the requests that `request` makes."""
        self._request = request
        self._tls = tls
        self._address = address
        self._names = names
        self._streaming = streaming
        self._numbers = count()
        self._run = secrets.token_hex(4)  # no question is the repetition of an earlier one
        self._waiting: dict[str, asyncio.Future[c.CorroborateOutcome]] = {}
        self._out: list[c.CorroborateRequest] = []
        self._wake = asyncio.Event()
        self._stub: corroboration_pb2_grpc.CorroborationServiceAsyncStub | None = None

    @asynccontextmanager
    async def open(self, *, gather: bool = True) -> AsyncIterator[Ask]:
        """Connect; over a stream, let the questions of one turn of the loop share a message."""
        async with open_channel(self._address, self._tls, "localhost") as channel:
            self._stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
            if not self._streaming:
                yield self._ask_alone
                return
            call = self._stub.CorroborateStream()
            most = None if gather else 1
            tasks = [
                asyncio.create_task(self._write(call, most)),
                asyncio.create_task(self._read(call)),
            ]
            yield self._ask_on_stream
            call.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _next(self) -> c.CorroborateRequest:
        number = next(self._numbers)
        request = self._request() if self._request else c.CorroborateRequest()
        if self._request is None:
            request.names.extend(named(self._names()))
        request.request_id = f"{self._run}-{number}"
        return request

    async def _ask_alone(self) -> bool:
        assert self._stub is not None
        response = await self._stub.Corroborate(self._next(), timeout=_TIMEOUT)
        return response.corroborated

    async def _ask_on_stream(self) -> bool:
        request = self._next()
        answer: asyncio.Future[c.CorroborateOutcome] = asyncio.get_running_loop().create_future()
        self._waiting[request.request_id] = answer
        self._out.append(request)
        self._wake.set()
        return (await answer).verdict.corroborated

    async def _write(self, call: aio.StreamStreamCall, most: int | None) -> None:  # type: ignore[type-arg]
        """Write what there is, at most so many questions in a message."""
        while True:
            await self._wake.wait()
            questions, self._out = self._out[:most], self._out[most:] if most else []
            if not self._out:
                self._wake.clear()
            await call.write(c.CorroborateStreamRequest(questions=questions))

    async def _read(self, call: aio.StreamStreamCall) -> None:  # type: ignore[type-arg]
        async for response in call:
            for outcome in response.outcomes:
                self._waiting.pop(outcome.request_id).set_result(outcome)


@asynccontextmanager
async def open_workers(
    tls: TlsFiles, names: Names, workers: int, *, streaming: bool
) -> AsyncIterator[Ask]:
    """Ask the workers of a coordinator in turn."""
    async with AsyncExitStack() as stack:
        asks = [
            await stack.enter_async_context(
                Front(
                    tls, names, streaming=streaming, address=shift_port(COORDINATOR, worker)
                ).open()
            )
            for worker in range(workers)
        ]
        turns = cycle(asks)

        async def ask() -> bool:
            return await next(turns)()

        yield ask


async def run_closed(ask: Ask, in_flight: int, seconds: float) -> Result:
    """Keep so many checks in flight for so long."""
    result = Result()
    started = time.perf_counter()

    async def one_after_the_other() -> None:
        while time.perf_counter() - started < seconds:
            await _measure(ask, result)

    await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
    result.seconds = time.perf_counter() - started
    return result


async def run_open(ask: Ask, rate: float, seconds: float) -> Result:
    """Begin so many checks a second, whether or not earlier ones have ended."""
    result = Result()
    started = time.perf_counter()
    running = []
    for number in range(int(rate * seconds)):
        delay = started + number / rate - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        running.append(asyncio.create_task(_measure(ask, result)))
    await asyncio.gather(*running)
    result.seconds = time.perf_counter() - started
    return result


async def _measure(ask: Ask, result: Result) -> None:
    asked = time.perf_counter()
    approved = await ask()
    result.latencies.append(time.perf_counter() - asked)
    result.wrong += not approved
