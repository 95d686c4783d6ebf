"""The usual gRPC server metrics, under the names that ready-made boards know.

Every method of every service, with every code, is there from the start.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from prometheus_client import Counter, Histogram
from prometheus_client.registry import Collector

from mpic.runtime.grpc.handlers import Context, Handler, replace_behaviour
from mpic.runtime.metrics import SECONDS

HEALTH = "grpc.health.v1.Health"
REFLECTION = "grpc.reflection.v1alpha.ServerReflection"

_CODES: dict[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}
_CANCELLED: int = grpc.StatusCode.CANCELLED.value[0]
_UNKNOWN: int = grpc.StatusCode.UNKNOWN.value[0]
_TYPES = {
    (False, False): "unary",
    (False, True): "server_stream",
    (True, False): "client_stream",
    (True, True): "bidi_stream",
}


@dataclass(frozen=True, slots=True)
class _Method:
    """What counts the calls of one method."""

    started: Counter
    seconds: Histogram
    handled: Callable[[int], Counter]
    """By the number of the code."""


class Meter:
    """Counts and times the calls of the services it is told of."""

    def __init__(self, services: Iterable[str]) -> None:
        """Take full service names."""
        of = ("grpc_type", "grpc_service", "grpc_method")
        self._started = Counter("grpc_server_started", "Calls begun.", of, registry=None)
        self._handled = Counter(
            "grpc_server_handled", "Calls ended, by code.", (*of, "grpc_code"), registry=None
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds",
            "How long calls took; streams last long.",
            of,
            buckets=SECONDS,
            registry=None,
        )
        pool = descriptor_pool.Default()
        self._methods = {
            (service, method.name): self._make(_type(method), service, method.name)
            for service in services
            for method in pool.FindServiceByName(service).methods
        }

    def _make(self, *labels: str) -> _Method:
        """Start everything of a method at 0."""
        handled = cache(lambda code: self._handled.labels(*labels, _CODES.get(code, str(code))))
        for code in _CODES:
            handled(code)
        return _Method(self._started.labels(*labels), self._seconds.labels(*labels), handled)

    @property
    def collectors(self) -> Iterable[Collector]:
        """What there is to export."""
        return self._started, self._handled, self._seconds

    def wrap(self, service: str, name: str, handler: Handler) -> Handler:
        """Return the same handler of the method `name` of `service`, counted and timed."""
        method = self._methods[service, name]

        async def one(inner: Any, request: Any, context: Context) -> Any:  # noqa: ANN401 - any message
            started = _start(method)
            try:
                response = await inner(request, context)
            except BaseException as error:
                _end(method, started, _code(error, context))
                raise
            _end(method, started, _code(None, context))
            return response

        async def many(inner: Any, request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - any message
            started = _start(method)
            try:
                async for message in inner(request, context):
                    yield message
            except BaseException as error:
                _end(method, started, _code(error, context))
                raise
            _end(method, started, _code(None, context))

        return replace_behaviour(handler, one, many)


def _start(method: _Method) -> float:
    method.started.inc()
    return time.perf_counter()


def _end(method: _Method, started: float, code: int) -> None:
    method.handled(code).inc()
    method.seconds.observe(time.perf_counter() - started)


def _code(error: BaseException | None, context: Context) -> int:
    """Return the code that a call ended with."""
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return _CANCELLED
    code: Any = context.code()
    number: int = code.value[0] if isinstance(code, grpc.StatusCode) else code or 0
    return number if error is None or number else _UNKNOWN


def _type(method: MethodDescriptor) -> str:
    return _TYPES[method.client_streaming, method.server_streaming]
