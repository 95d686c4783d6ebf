"""Calls that wait are taken up many in a turn of the event loop, and none when the server ends."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from grpc import aio
from structlog.testing import capture_logs

from mpic.grpc import acceptors
from mpic.grpc.acceptors import TRIED, Acceptors
from mpic.grpc.handlers import Handler

SERVICE, METHOD = "mpic.test.Busy", "Ask"
CALLS = 64


class Turns:
    """Knows in which turns of the loop a handler begins."""

    def __init__(self) -> None:
        self._turn = 0
        self.begun: set[int] = set()

    async def watch(self) -> None:
        while True:
            self._turn += 1
            await asyncio.sleep(0)

    async def ask(self, request: bytes, context: object) -> bytes:
        del context
        self.begun.add(self._turn)
        time.sleep(0.01)  # noqa: ASYNC251 - the loop is kept busy, so that calls have to wait
        return request


@contextmanager
def calling(port: int) -> Iterator[list["grpc.Future[bytes]"]]:
    """Call from gRPC's own threads, so that the calls come however busy the loop is."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask: Any = channel.unary_unary(f"/{SERVICE}/{METHOD}")
        yield [ask.future(str(number).encode(), timeout=60) for number in range(CALLS)]


async def serve(turns: Turns) -> None:
    """Answer all calls of a caller, and end."""
    server = aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    handler: Handler = grpc.unary_unary_rpc_method_handler(turns.ask)
    accepting = Acceptors(server, SERVICE, METHOD, handler)
    await server.start()
    accepting.start()
    watching = asyncio.create_task(turns.watch())
    with calling(port) as calls:
        answers = [await asyncio.to_thread(call.result) for call in calls]
    assert answers == [str(number).encode() for number in range(CALLS)]
    await server.stop(0)
    watching.cancel()
    await accepting.end()


async def test_many_are_taken_up_in_a_turn() -> None:
    turns = Turns()
    await asyncio.wait_for(serve(turns), 60)
    # One by one it is as many as there are calls, but for one or two.
    assert len(turns.begun) < CALLS / 4


async def test_with_a_release_not_tried_all_are_answered_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(acceptors, "TRIED", frozenset())
    with capture_logs() as logs:
        await asyncio.wait_for(serve(Turns()), 60)
    assert [line["event"] for line in logs] == ["calls_are_taken_up_singly"]


def test_the_release_in_use_was_tried() -> None:
    assert grpc.__version__ in TRIED
