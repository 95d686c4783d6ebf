"""The usual gRPC server metrics, under the names that ready-made boards know.

Every method of every service, with every code, is there from the start.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Hashable, Iterable
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from prometheus_client.registry import Collector

from mpic.grpc.handlers import Context, Handler, replace_behaviour
from mpic.tally import Distributions, Tally

HEALTH = "grpc.health.v1.Health"

_CODES: dict[Hashable, str] = {code.value[0]: code.name for code in grpc.StatusCode}
_CANCELLED: int = grpc.StatusCode.CANCELLED.value[0]
_UNKNOWN: int = grpc.StatusCode.UNKNOWN.value[0]
_TYPES = {
    (False, False): "unary",
    (False, True): "server_stream",
    (True, False): "client_stream",
    (True, True): "bidi_stream",
}

_Key = tuple[Hashable, ...]


class Meter:
    """Counts and times the calls of the services it is told of."""

    def __init__(self, services: Iterable[str]) -> None:
        """Take full service names."""
        pool = descriptor_pool.Default()
        self._keys: dict[tuple[str, str], _Key] = {
            (service, method.name): (_type(method), service, method.name)
            for service in services
            for method in pool.FindServiceByName(service).methods
        }
        method: dict[str, dict[Hashable, str]] = {
            name: {} for name in ("grpc_type", "grpc_service", "grpc_method")
        }
        self._started = Tally("grpc_server_started", "Calls begun.", method)
        self._handled = Tally(
            "grpc_server_handled", "Calls ended, by code.", {**method, "grpc_code": {}}
        )
        self._seconds = Distributions(
            "grpc_server_handling_seconds", "How long calls took; streams live for long.", method
        )
        self._handled.cover({**{name: {} for name in method}, "grpc_code": _CODES})
        for key in self._keys.values():
            self._started.counts[key] = 0
            self._seconds.of[key].counts[0] = 0
            self._handled.counts.update({(*key, code): 0 for code in _CODES})

    @property
    def collectors(self) -> Iterable[Collector]:
        """What there is to export."""
        return self._started, self._handled, self._seconds

    def wrap(self, service: str, name: str, handler: Handler) -> Handler:
        """Return the same handler of the method `name` of `service`, counted and timed."""
        key = self._keys[service, name]

        async def one(inner: Any, request: Any, context: Context) -> Any:  # noqa: ANN401 - any message
            call = self._start(key)
            try:
                response = await inner(request, context)
            except BaseException as error:
                self._end(call, error, context)
                raise
            self._end(call, None, context)
            return response

        async def many(inner: Any, request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - any message
            call = self._start(key)
            try:
                async for message in inner(request, context):
                    yield message
            except BaseException as error:
                self._end(call, error, context)
                raise
            self._end(call, None, context)

        return replace_behaviour(handler, one, many)

    def _start(self, key: _Key) -> tuple[_Key, float]:
        self._started.counts[key] += 1
        return key, time.perf_counter()

    def _end(self, call: tuple[_Key, float], error: BaseException | None, context: Context) -> None:
        key, started = call
        self._handled.counts[(*key, _code(error, context))] += 1
        self._seconds.of[key].observe(time.perf_counter() - started)


def _code(error: BaseException | None, context: Context) -> int:
    """Return the code that a call ended with."""
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return _CANCELLED
    code: Any = context.code()
    number: int = code.value[0] if isinstance(code, grpc.StatusCode) else code or 0
    return number if error is None or number else _UNKNOWN


def _type(method: MethodDescriptor) -> str:
    return _TYPES[method.client_streaming, method.server_streaming]
