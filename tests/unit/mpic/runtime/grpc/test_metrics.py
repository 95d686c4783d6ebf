"""The gRPC server metrics: every call is counted by how it ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc import aio
from prometheus_client import CollectorRegistry

from mpic.runtime.grpc.handlers import Handler
from mpic.runtime.grpc.metrics import Meter
from mpic.v1 import perspective_pb2

SERVICE = perspective_pb2.DESCRIPTOR.services_by_name["PerspectiveService"].full_name
UNARY, STREAM = "Describe", "Observe"


class Counted:
    """A meter over one handler."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.meter = Meter([SERVICE])
        self.registry = CollectorRegistry()
        for collector in self.meter.collectors:
            self.registry.register(collector)

    def wrapped(self, method: str) -> Any:  # noqa: ANN401 - grpc's handlers are untyped
        return self.meter.wrap(SERVICE, method, self.handler)

    def handled(self, method: str) -> dict[str, float]:
        return {
            sample.labels["grpc_code"]: sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == "grpc_server_handled_total"
            and sample.labels["grpc_method"] == method
            and sample.value
        }


def context(code: grpc.StatusCode | None = None) -> SimpleNamespace:
    return SimpleNamespace(code=lambda: code.value[0] if code else None)


@pytest.mark.parametrize(
    ("error", "code", "counted"),
    [
        (None, None, "OK"),
        (None, grpc.StatusCode.NOT_FOUND, "NOT_FOUND"),
        (aio.AbortError(), grpc.StatusCode.RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED"),
        (asyncio.CancelledError(), None, "CANCELLED"),
        (RuntimeError(), None, "UNKNOWN"),
    ],
)
async def test_a_call_is_counted_by_its_code(
    error: BaseException | None, code: grpc.StatusCode | None, counted: str
) -> None:
    async def behaviour(request: str, context: object) -> str:
        del context
        if error is not None:
            raise error
        return request

    one = Counted(grpc.unary_unary_rpc_method_handler(behaviour))
    handler = one.wrapped(UNARY)
    with suppress(type(error) if error else ValueError):
        assert await handler.unary_unary("question", context(code)) == "question"
    assert one.handled(UNARY) == {counted: 1}
    assert one.handled(STREAM) == {}


async def test_a_stream_whose_caller_goes_is_cancelled() -> None:
    async def behaviour(requests: object, context: object) -> AsyncIterator[int]:
        del requests, context
        for number in range(10):
            yield number

    one = Counted(grpc.stream_stream_rpc_method_handler(behaviour))
    handler = one.wrapped(STREAM)
    stream = handler.stream_stream(None, context())
    assert await anext(stream) == 0
    await stream.aclose()
    assert one.handled(STREAM) == {"CANCELLED": 1}
    assert [number async for number in handler.stream_stream(None, context())] == list(range(10))
    assert one.handled(STREAM) == {"CANCELLED": 1, "OK": 1}
