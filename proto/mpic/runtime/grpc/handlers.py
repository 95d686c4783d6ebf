"""Wraps the handlers of a server, whatever the kind of their method."""

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
    around: Any = many if handler.response_streaming else one
    return _make(make, partial(around, _behaviour(handler)), handler)


def read_late(handler: Handler, around: Many) -> Handler:
    """Return a handler with `around` what it does, as a stream: that fits every method.

    Its messages are read only when they are asked for. If a method has one request, grpc.aio itself
    would read it, however large it is, before anybody can check who calls.
    """
    respond = _respond if handler.request_streaming else _respond_to_one
    inner = partial(respond, _behaviour(handler), handler.response_streaming)
    return _make(grpc.stream_stream_rpc_method_handler, partial(around, inner), handler)


def _behaviour(handler: Handler) -> Any:  # noqa: ANN401 - of any kind
    return (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )


def _make(make: Any, behaviour: Any, like: Handler) -> Handler:  # noqa: ANN401 - of any kind
    """Return a handler with another behaviour.

    It must be a `partial`: grpcio runs a behaviour in a thread if it does not see a coroutine
    function.
    """
    return make(  # type: ignore[no-any-return]
        behaviour,
        request_deserializer=like.request_deserializer,
        response_serializer=like.response_serializer,
    )


async def _respond_to_one(
    inner: Any,  # noqa: ANN401 - of any kind
    has_many: bool,
    requests: AsyncIterator[Any],
    context: Context,
) -> AsyncIterator[Any]:
    """Respond to the first request, and read no other."""
    async for request in requests:
        async for response in _respond(inner, has_many, request, context):
            yield response
        return
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the call has no message")


async def _respond(
    inner: Any,  # noqa: ANN401 - of any kind
    has_many: bool,
    request: Any,  # noqa: ANN401 - any message, or a stream of them
    context: Context,
) -> AsyncIterator[Any]:
    if not has_many:
        yield await inner(request, context)
    elif iscoroutinefunction(inner):
        await inner(request, context)  # it writes its responses to the context, as grpcio allows
    else:
        async for response in inner(request, context):
            yield response
