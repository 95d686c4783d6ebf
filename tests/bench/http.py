"""What HTTP/JSON costs beside gRPC, at the same coordinator and in turns.

    tests/bench/run.sh http [PAIRS]

It prints checks a second and the coordinator's CPU for each check, by single calls and over one
stream, with 1 and with 64 in flight. Resolvers answer from their caches. Each pair of runs is of
gRPC and of HTTP, one after the other; the ratio is the median of the pairs'.
"""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from statistics import median
from typing import Any

import aiohttp

from tests.bench.load import Ask, Front, Names, run_closed
from tests.bench.meter import read_usage
from tests.bench.names import WARM, Hosts
from tests.bench.running import USUAL, WARM_UP_SECONDS, running, us, warm_up
from tests.world.deployment import Deployment
from tests.world.http_caller import CORROBORATIONS, PORT, TOKEN, HttpCaller, http_table

_SECONDS = 3.0
_URL = f"https://localhost:{PORT}{CORROBORATIONS}"
_HEADERS = {"Authorization": f"Bearer {TOKEN}"}
_PLAN = replace(USUAL, coordinator_extra=http_table("accepted", TOKEN))

Measured = tuple[float, float]
"""Checks a second, and microseconds of CPU of the coordinator a check."""


class HttpFront:
    """Asks by single calls on connections that stay, or by lines of one body."""

    def __init__(self, deployment: Deployment, names: Names) -> None:
        self._context = HttpCaller(deployment.caller_tls()).context()
        self._names = names
        self._numbers = count()
        self._run = secrets.token_hex(4)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()

    @asynccontextmanager
    async def open(self, *, streaming: bool) -> AsyncIterator[Ask]:
        connector = aiohttp.TCPConnector(limit=0, ssl=self._context)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            if not streaming:
                yield lambda: self._ask_alone(session)
                return
            conversing = asyncio.create_task(self._converse(session))
            yield self._ask_by_line
            self._lines.put_nowait(None)
            await conversing

    def _next(self) -> tuple[str, bytes]:
        request_id = f"{self._run}-{next(self._numbers)}"
        names = [{"name": name} for name in self._names()]
        return request_id, json.dumps({"requestId": request_id, "names": names}).encode()

    async def _ask_alone(self, session: aiohttp.ClientSession) -> bool:
        _, body = self._next()
        kind = {"Content-Type": "application/json"}
        async with session.post(_URL, data=body, headers=_HEADERS | kind) as response:
            return bool((await response.json())["corroborated"])

    async def _ask_by_line(self) -> bool:
        request_id, body = self._next()
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        self._lines.put_nowait(body + b"\n")
        return bool((await answer)["verdict"]["corroborated"])

    async def _body(self) -> AsyncIterator[bytes]:
        while line := await self._lines.get():
            lines = [line]
            while not self._lines.empty() and (more := self._lines.get_nowait()):
                lines.append(more)
            yield b"".join(lines)

    async def _converse(self, session: aiohttp.ClientSession) -> None:
        """Send and read; aiohttp sends the headers with the first line."""
        kind = {"Content-Type": "application/x-ndjson"}
        buffer = b""
        async with session.post(_URL, data=self._body(), headers=_HEADERS | kind) as response:
            async for part in response.content.iter_any():
                *lines, buffer = (buffer + part).split(b"\n")
                for line in lines:
                    told = json.loads(line)
                    self._waiting.pop(told["requestId"]).set_result(told)


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    hosts = Hosts(WARM)
    with running(_PLAN) as (internet, deployment):
        internet.replace(hosts.zone())
        warm_up(deployment, lambda: [hosts.next()], hosts.hosts)
        print(
            f"{'':>8}{'in flight':>10}{'gRPC/s':>8}{'HTTP/s':>8}{'gRPC us':>9}{'HTTP us':>9}"
            f"{'CPU ratio':>11}"
        )
        for streaming in (False, True):
            for in_flight in (1, 64):
                _row(deployment, hosts, pairs, streaming=streaming, in_flight=in_flight)


def _row(
    deployment: Deployment, hosts: Hosts, pairs: int, *, streaming: bool, in_flight: int
) -> None:
    def names() -> list[str]:
        return [hosts.next()]

    def over_grpc() -> Awaitable[Measured]:
        front = Front(deployment.caller_tls(), names, streaming=streaming)
        return _measure(deployment, front.open, in_flight)

    def over_http() -> Awaitable[Measured]:
        front = HttpFront(deployment, names)
        return _measure(deployment, lambda: front.open(streaming=streaming), in_flight)

    runs = [(asyncio.run(_await(over_grpc)), asyncio.run(_await(over_http))) for _ in range(pairs)]
    of_grpc, of_http = zip(*runs, strict=True)
    ratio = median(http[1] / grpc[1] for grpc, http in runs)
    print(
        f"{'stream' if streaming else 'calls':>8}{in_flight:>10}"
        f"{median(one[0] for one in of_grpc):>8.0f}{median(one[0] for one in of_http):>8.0f}"
        f"{median(one[1] for one in of_grpc):>9.0f}{median(one[1] for one in of_http):>9.0f}"
        f"{ratio:>11.2f}",
        flush=True,
    )


async def _await(begin: Callable[[], Awaitable[Measured]]) -> Measured:
    return await begin()


async def _measure(deployment: Deployment, open_front: Any, in_flight: int) -> Measured:  # noqa: ANN401 - of either kind
    async with open_front() as ask:
        await run_closed(ask, min(in_flight, 16), WARM_UP_SECONDS)
        before = read_usage(deployment)
        result = await run_closed(ask, in_flight, _SECONDS)
        used = read_usage(deployment).since(before)
    if result.wrong:
        raise SystemExit(f"{result.wrong} of {len(result.latencies)} were not approved")
    return len(result.latencies) / result.seconds, us(used.coordinator, result)


if __name__ == "__main__":
    main()
