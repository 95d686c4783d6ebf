"""Taking up calls many in a turn of the event loop, where grpc.aio takes up one; or turning away.

grpc.aio asks gRPC's core for the next call of a method only once it has taken up the last. So a
busy server hears of one call in each turn of its loop, however many wait: each pays for a turn, and
what is sent for them goes out in small batches. Here so many are asked for at a time.

At 64 calls in flight, a name each (`tests/bench/run.sh`, two cores, record on): CPU of coordinator
and agents 1.43 -> 1.03 ms a check, 1,000 -> 1,230 checks/s; of the 0.4 ms half is the agents'.

A call that finds no room is turned away before its message is read, at half the cost. At three
times what a coordinator could do (`tests/bench/overload.sh`), half of the calls let in took 1.3 s
and more with 16 asked for at a time and no such door, nearly all of it in gRPC's core before they
were looked at; now 0.2 s, about as at what it can do. An acceptor waits until gRPC has taken the
refusal: a caller that lets a megabyte of them pile up unread holds acceptors until its connection
is given up, and other calls are meanwhile taken up by grpc.aio itself, one by one.

grpc.aio has no option for it, and what is called here is not its public face. So it is done with
releases of grpcio that it was tried with; with others calls are taken up one by one and none is
turned away unread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, NoReturn

import grpc
import structlog
from grpc import aio
from grpc._cython import cygrpc  # type: ignore[attr-defined]

from mpic.grpc.errors import RequestError
from mpic.grpc.handlers import Context, Handler

log = structlog.get_logger()

TRIED = frozenset({"1.85.1"})
"""Releases of grpcio."""
_AT_A_TIME = 256
"""At six times capacity 64 are too few: calls waited a second for being looked at."""


FindRefusal = Callable[[Context], RequestError | None]
"""Says why a call is turned away, whose message is not read yet; None: it is not."""


class Busiest(NamedTuple):
    """The method of a service that most calls are of; it has one request and one response."""

    name: str
    find_no_room: FindRefusal


class Reception(NamedTuple):
    """What is done with a call."""

    handler: Handler
    """Of those let in."""
    find_refusal: FindRefusal
    turn_away: Callable[[Exception, Context], Awaitable[None]]
    """Ends a call with an error."""


async def refuse(error: Exception, _context: Context) -> NoReturn:
    """Refuse a call: the behaviour of a handler that takes the error for the request."""
    raise error


class Acceptors:
    """Take up the calls of one method."""

    def __init__(
        self, server: aio.Server, method: tuple[str, str], handler: Handler, reception: Reception
    ) -> None:
        """Receive the calls of a method (its service and its name), once started.

        What grpc.aio itself takes up is for `handler`. The server must not have been started yet.
        """
        service, name = method
        server.add_registered_method_handlers(service, {name: handler})
        self._core: Any = server._server  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        self._method = f"/{service}/{name}"
        self._reception = reception
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
        while self._core.is_running():
            try:
                call = await self._core._request_registered_call(self._method.encode())  # noqa: SLF001
            except cygrpc._RequestCallError:  # noqa: SLF001 - the server stops, or it is to be asked again
                continue
            await self._receive(call)
            del call  # which would live until the next

    async def _receive(self, call: Any) -> None:  # noqa: ANN401 - an RPCState
        """Have a call handled, or turn it away."""
        loop = asyncio.get_running_loop()
        context = cygrpc._ServicerContext(call, None, None, loop)  # noqa: SLF001
        error = self._find_refusal(context)
        if error is None:
            work = cygrpc._handle_unary_unary_rpc(self._reception.handler, call, loop)  # noqa: SLF001
            self._spawn(cygrpc._schedule_rpc_coro(work, call, loop, self._method))  # noqa: SLF001
            return
        try:
            await self._reception.turn_away(error, context)
        except (aio.AbortError, cygrpc.ExecuteBatchError) as ended:
            # The caller has heard it, or is gone. What was raised and the call hold each other: it
            # would stay until garbage is collected.
            ended.__traceback__ = error.__traceback__ = None

    def _find_refusal(self, context: Context) -> Exception | None:
        try:
            return self._reception.find_refusal(context)
        except Exception as error:  # noqa: BLE001 - this call must end, and others be taken up
            return error

    def _spawn(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
