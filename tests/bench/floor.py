"""The floor of the design: what gRPC over mutual TLS takes for the messages of a check, alone.

    python -m tests.bench.floor agent ADDRESS PAIR AUTHORITY
    python -m tests.bench.floor coordinator ADDRESS PAIR AUTHORITY AGENT...

A caller's question goes over a stream to six agents, as a message to each. Each answers with a
message. The last answers the caller. Nothing is read, judged, gathered, recorded or counted. The
messages are as large as those of a check of CAA and A.
"""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc import aio

from mpic.channel import TlsFiles, open_channel
from mpic.runtime.address import shift_port
from mpic.v1 import corroboration_pb2 as c
from tests.bench.meter import cpu_of
from tests.world.deployment import Deployment
from tests.world.process import Child

FLOOR = "floor"
"""The front of such a row."""

_FIRST = "127.0.0.1:7800"
_AGENTS = 6
_QUESTION, _OBSERVATION = bytes(51), bytes(300)
_ANSWER_OCTETS = 3400
_ASK, _OBSERVE = "Corroborate", "Observe"


class _Link:
    """A stream to an agent, which answers in the order of the questions."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - of octets
        self._stream = stream
        self._out: asyncio.Queue[bytes] = asyncio.Queue()
        self._open: deque[asyncio.Future[None]] = deque()
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._read())]

    def ask(self) -> "asyncio.Future[None]":
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open.append(answer)
        self._out.put_nowait(_QUESTION)
        return answer

    async def _write(self) -> None:
        while True:
            await self._stream.write(await self._out.get())

    async def _read(self) -> None:
        while await self._stream.read() is not aio.EOF:
            self._open.popleft().set_result(None)


async def _echo(requests: AsyncIterator[bytes], _context: object) -> AsyncIterator[bytes]:
    async for _ in requests:
        yield _OBSERVATION


async def _serve_agent(address: str, tls: TlsFiles) -> None:
    await _serve(address, tls, _OBSERVE, grpc.stream_stream_rpc_method_handler(_echo))


async def _serve_coordinator(address: str, tls: TlsFiles, agents: list[str]) -> None:
    channels = [open_channel(agent, tls, "localhost") for agent in agents]
    links = [_Link(one.stream_stream(f"/{FLOOR}/{_OBSERVE}")()) for one in channels]
    response = c.CorroborateResponse(corroborated=True)
    response.request_id = "x" * (_ANSWER_OCTETS - response.ByteSize())
    answer = response.SerializeToString()

    async def corroborate(_request: bytes, _context: object) -> bytes:
        for one in [link.ask() for link in links]:
            await one
        return answer

    handler: Any = grpc.unary_unary_rpc_method_handler(corroborate)
    await _serve(address, tls, _ASK, handler)


async def _serve(address: str, tls: TlsFiles, method: str, handler: Any) -> None:  # noqa: ANN401 - of octets
    certificate, key, authority = tls.read()
    server = aio.server()
    service = "mpic.v1.CorroborationService" if method == _ASK else FLOOR
    handlers = grpc.method_handlers_generic_handler(service, {method: handler})
    server.add_generic_rpc_handlers((handlers,))
    credentials = grpc.ssl_server_credentials(
        [(key, certificate)], authority, require_client_auth=True
    )
    server.add_secure_port(address, credentials)
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


@contextmanager
def run_floor(deployment: Deployment) -> Iterator[tuple[str, Callable[[], dict[str, float]]]]:
    """Run the programs with certificates of a deployment; give the address, and what reads CPU."""
    pair, authority = deployment.pki / "coordinator-main", deployment.pki / "ca.pem"
    agents = [shift_port(_FIRST, number) for number in range(1, _AGENTS + 1)]
    with ExitStack() as stack:

        def start(kind: str, address: str, *more: str) -> Child:
            files = (str(pair), str(authority))
            log = deployment.directory / f"floor-{address.rpartition(':')[2]}.log"
            command = (sys.executable, "-m", "tests.bench.floor", kind, address, *files, *more)
            child = Child(command, log, Path(__file__).parents[2])
            stack.callback(child.stop)
            child.wait_ready(lambda: "ready" in log.read_text())
            return child

        children = [start("agent", agent) for agent in agents]
        coordinator = start("coordinator", _FIRST, *agents)
        yield (
            _FIRST,
            lambda: {
                "coordinator": cpu_of(coordinator.pid),
                "agents": sum(cpu_of(one.pid) for one in children),
            },
        )


def main() -> None:
    kind, address, pair, authority, *agents = sys.argv[1:]
    own = Path(pair)
    tls = TlsFiles(own.with_suffix(".pem"), own.with_suffix(".key"), Path(authority))
    if kind == "agent":
        asyncio.run(_serve_agent(address, tls))
    else:
        asyncio.run(_serve_coordinator(address, tls, agents))


if __name__ == "__main__":
    main()
