"""Putting something around the handlers of a server, whatever the kind of their method."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, TypeAlias

import grpc
from grpc import aio

Context: TypeAlias = "aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

One = Callable[[Any, Any, Context], Awaitable[Any]]
"""Behaviour of a method with one response: gets the inner behaviour, the request, the context."""
Many = Callable[[Any, Any, Context], AsyncIterator[Any]]
"""The same of a method with a stream of responses."""


def replace_behaviour(handler: Handler, one: One, many: Many) -> Handler:
    """Return the same handler with `one` or `many` around what it does."""
    make: Any = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[handler.request_streaming, handler.response_streaming]
    inner: Any = (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )

    if handler.response_streaming and iscoroutinefunction(inner):
        inner = partial(_await_writer, inner)
    # By `partial`, because grpcio runs what is not seen to be a coroutine function in a thread.
    return make(  # type: ignore[no-any-return]
        partial(many if handler.response_streaming else one, inner),
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


async def _await_writer(inner: Any, request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - any message
    """Run a handler that yields no responses but writes them to its context, as grpcio allows."""
    await inner(request, context)
    none: tuple[Any, ...] = ()
    for message in none:  # which makes it a stream
        yield message
