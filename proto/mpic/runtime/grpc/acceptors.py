"""Takes up many calls in one turn of the event loop; grpc.aio takes up one.

grpc.aio asks gRPC's core for the next call of a method only after it has taken up the last. So a
busy server hears of one call in each turn of its loop, however many wait. Each call pays for a
turn, and answers go out in small batches. Here many calls are asked for at a time. Under load this
saves more than a quarter of the CPU of a check (tests/bench/RESULTS.md).

A stranger is refused before its message is read. An acceptor waits until gRPC has taken the
refusal. A stranger may let many refusals pile up unread. It then holds acceptors until its
connection is given up. Meanwhile grpc.aio itself takes up other calls, one by one.

grpc.aio has no option for this, and the functions that are called here are private. So
`find_lacking` checks that all of them are there. If one is missing, calls are taken up one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import signature
from typing import Any, NamedTuple, NoReturn

from grpc import aio

from mpic.runtime.grpc.errors import RequestError
from mpic.runtime.grpc.handlers import Context, Handler

try:
    from grpc._cython import cygrpc  # type: ignore[attr-defined, unused-ignore]
except ImportError:  # then all of it is lacking
    cygrpc = None

_AT_A_TIME = 256
"""How many calls are asked for at a time. With far fewer, calls wait too long under overload."""


class Reception(NamedTuple):
    """What is done with a call."""

    handler: Handler
    """Of those let in."""
    find_refusal: Callable[[Context], RequestError | None]
    """Says why a caller is refused, before its message is read; None: it is let in."""
    turn_away: Callable[[Exception, Context], Awaitable[None]]
    """Ends a call with an error."""


async def refuse(error: Exception, _context: Context) -> NoReturn:
    """Refuse a call: the behaviour of a handler that takes the error for the request."""
    raise error


def find_lacking(server: aio.Server) -> str:
    """Say which part used here this grpcio lacks, or wants used otherwise; "": none.

    It looks at a server that need not be started; an event loop must run.
    """
    try:
        core: Any = server._server  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        used = (
            (core.is_running, ()),
            (core._request_registered_call, ("method",)),  # noqa: SLF001
            (cygrpc._handle_unary_unary_rpc, ("method_handler", "rpc_state", "loop")),  # noqa: SLF001
            (cygrpc._schedule_rpc_coro, ("rpc_coro", "rpc_state", "loop", "method_name")),  # noqa: SLF001
        )
        for part, parameters in used:
            found = tuple(signature(part).parameters)
            if found != parameters:
                return f"{part.__qualname__} takes {found}, not {parameters}"
        for error in (cygrpc._RequestCallError, cygrpc.ExecuteBatchError):  # noqa: SLF001
            if not issubclass(error, Exception):
                return f"{error.__qualname__} is no exception"
        loop = asyncio.get_running_loop()
        cygrpc._ServicerContext(cygrpc.RPCState(core), None, None, loop)  # noqa: SLF001
    except (AttributeError, TypeError, ValueError) as error:
        return str(error)
    return ""


class Acceptors:
    """Take up the calls of one method."""

    def __init__(
        self, server: aio.Server, method: tuple[str, str], handler: Handler, reception: Reception
    ) -> None:
        """Receive the calls of a method (its service and its name), once started.

        `handler` gets the calls that grpc.aio itself takes up. The server must not have been
        started yet, and must lack nothing, see `find_lacking`.
        """
        service, name = method
        server.add_registered_method_handlers(service, {name: handler})
        self._core: Any = server._server  # type: ignore[attr-defined]  # noqa: SLF001 - see above
        self._method = f"/{service}/{name}"
        self._reception = reception
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Take up calls until the server stops; it was started."""
        for _ in range(_AT_A_TIME):
            self._spawn(self._accept())

    async def end(self) -> None:
        """Wait until nothing is taken up any more; the server was stopped."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self) -> None:
        """Take up one call after the other; other acceptors take up those that wait meanwhile."""
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
            # The caller has heard it, or has gone. The exception and the call refer to each other:
            # without this they would stay until garbage is collected.
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
