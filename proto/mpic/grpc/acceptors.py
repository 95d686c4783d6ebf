"""Taking up calls many in a turn of the event loop, where grpc.aio takes up one.

grpc.aio asks gRPC's core for the next call of a method only once it has taken up the last. So a
busy server hears of one call in each turn of its loop, however many wait: each pays for a turn, and
what is sent for them goes out in small batches. Here so many are asked for at a time.

At 64 calls in flight, a name each (`tests/bench/run.sh`, two cores, record on): CPU of coordinator
and agents 1.43 -> 1.03 ms a check, 1,000 -> 1,230 checks/s; of the 0.4 ms half is the agents'.

grpc.aio has no option for it, and what is called here is not its public face. So it is done with
releases of grpcio that it was tried with, and with others calls are taken up one by one.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import structlog
from grpc import aio
from grpc._cython import cygrpc  # type: ignore[attr-defined]

from mpic.grpc.handlers import Handler

log = structlog.get_logger()

TRIED = frozenset({"1.85.1"})
"""Releases of grpcio."""
_AT_A_TIME = 16
"""More would make turns longer, of which a call needs ten: at three times capacity, when most calls
are turned away, those let in waited 430 ms with 64 and 220 with 16, as with 4 and 8."""


class Acceptors:
    """Take up the calls of one method that has one request and one response."""

    def __init__(self, server: aio.Server, service: str, name: str, handler: Handler) -> None:
        """Handle the calls of the method `name` of `service` by `handler`, once started.

        The server must not have been started yet.
        """
        server.add_registered_method_handlers(service, {name: handler})
        self._core: Any = server._server  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        self._method = f"/{service}/{name}"
        self._handler = handler
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Take up calls until the server stops; it was started."""
        if grpc.__version__ not in TRIED:
            log.warning("calls_are_taken_up_singly", grpcio=grpc.__version__, tried=sorted(TRIED))
            return
        for _ in range(_AT_A_TIME):
            self._spawn(self._accept())

    async def end(self) -> None:
        """Wait until nothing is taken up any more; the server was stopped."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self) -> None:
        """Take up one call after the other; those that wait are taken up by others meanwhile."""
        loop = asyncio.get_running_loop()
        while self._core.is_running():
            try:
                call = await self._core._request_registered_call(self._method.encode())  # noqa: SLF001
            except cygrpc._RequestCallError:  # noqa: SLF001 - the server stops, or it is to be asked again
                continue
            work = cygrpc._handle_unary_unary_rpc(self._handler, call, loop)  # noqa: SLF001
            self._spawn(cygrpc._schedule_rpc_coro(work, call, loop, self._method))  # noqa: SLF001

    def _spawn(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
