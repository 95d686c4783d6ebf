"""Calls that wait are taken up many in a turn of the event loop, and none when the server ends.

Those that are not let in are turned away unread, and leave nothing behind.
"""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import grpc
import pytest
from grpc import aio
from grpc_status import rpc_status
from structlog.testing import capture_logs

from mpic.runtime.grpc import acceptors
from mpic.runtime.grpc.acceptors import Acceptors, Reception, refuse
from mpic.runtime.grpc.errors import RequestError, abort
from mpic.runtime.grpc.handlers import Context, Handler

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


@asynccontextmanager
async def serving(
    turns: Turns, find_refusal: Callable[[Context], RequestError | None]
) -> AsyncIterator[int]:
    """Answer calls at a port, but for those that are not let in."""

    async def turn_away(error: Exception, context: Context) -> None:
        try:
            await refuse(error, context)
        except Exception as raised:  # noqa: BLE001 - as the gate does
            await abort(context, raised)

    server = aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    handler: Handler = grpc.unary_unary_rpc_method_handler(turns.ask)
    reception = Reception(handler, find_refusal, turn_away)
    accepting = Acceptors(server, (SERVICE, METHOD), handler, reception)
    await server.start()
    accepting.start()
    watching = asyncio.create_task(turns.watch())
    yield port
    await server.stop(0)
    watching.cancel()
    await accepting.end()


async def serve(turns: Turns) -> None:
    """Answer all calls of a caller, and end."""
    async with serving(turns, lambda _: None) as port:
        with calling(port) as calls:
            answers = [await asyncio.to_thread(call.result) for call in calls]
    assert answers == [str(number).encode() for number in range(CALLS)]


async def test_many_are_taken_up_in_a_turn() -> None:
    turns = Turns()
    await asyncio.wait_for(serve(turns), 60)
    # One by one it is as many as there are calls, but for one or two.
    assert len(turns.begun) < CALLS / 4


def full(context: Context) -> RequestError:
    del context
    return RequestError(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "full", retry_after=2)


async def turn_away_all(turns: Turns) -> int:
    """Call where there is no room; return how many more calls gRPC holds after the second time."""
    held = []
    async with serving(turns, full) as port:
        for _ in range(2):
            with calling(port) as calls:
                errors = [await asyncio.to_thread(call.exception) for call in calls]
            told = [rpc_status.from_call(cast("grpc.Call", error)) for error in errors if error]
            # grpc.aio itself may have taken up one.
            assert len(told) >= CALLS - 1
            for status in told:
                assert status is not None
                assert status.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
                assert len(status.details) == 2, "why, and when to ask again"
            held.append(count_calls())
    return held[1] - held[0]


def count_calls() -> int:
    return sum(type(one).__name__ == "RPCState" for one in gc.get_objects())


async def test_what_is_turned_away_is_not_read_and_leaves_nothing_to_collect() -> None:
    turns = Turns()
    gc.disable()
    try:
        left = await asyncio.wait_for(turn_away_all(turns), 60)
    finally:
        gc.enable()
    assert len(turns.begun) <= 2
    assert left < CALLS / 4


async def test_callers_that_are_gone_take_nobody_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptors, "_AT_A_TIME", 4)
    gone = threading.Event()

    def find_refusal(context: Context) -> RequestError:
        if gone.wait(5):
            time.sleep(0.01)  # in which gRPC hears of it
        return full(context)

    def leave(calls: Sequence["grpc.Future[bytes]"]) -> None:
        for call in calls:
            call.cancel()
        gone.set()

    async with serving(Turns(), find_refusal) as port:
        with calling(port) as calls:
            threading.Timer(0.2, leave, [calls]).start()
            await asyncio.sleep(0.1)
        with calling(port) as calls:
            errors = [await asyncio.to_thread(call.exception) for call in calls]
    # Where nobody is left who turns away, grpc.aio itself takes them all up, and they are answered.
    assert sum(error is not None for error in errors) > CALLS / 2


async def test_an_error_at_the_door_ends_that_call_and_no_other() -> None:
    answers = iter([RuntimeError("planted"), *[None] * CALLS])

    def find_refusal(context: Context) -> None:
        del context
        answer = next(answers)
        if answer is not None:
            raise answer

    with capture_logs() as logs:
        async with serving(Turns(), find_refusal) as port:
            with calling(port) as calls:
                errors = [await asyncio.to_thread(call.exception) for call in calls]
    assert sum(error is not None for error in errors) == 1
    assert [line["event"] for line in logs] == ["internal_error"]


async def test_the_end_waits_for_what_was_taken_up() -> None:
    handler: Handler = grpc.unary_unary_rpc_method_handler(Turns().ask)
    server = aio.server()
    reception = Reception(handler, lambda _: None, refuse)
    accepting = Acceptors(server, (SERVICE, METHOD), handler, reception)
    go_on = asyncio.Event()
    accepting._spawn(go_on.wait())
    ending = asyncio.create_task(accepting.end())
    await asyncio.sleep(0.01)
    assert not ending.done()
    go_on.set()
    await ending
    await server.stop(0)
