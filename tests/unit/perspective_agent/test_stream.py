"""A coordinator's stream: a busy one gathers what is open, and nothing that is not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mpic.v1 import perspective_pb2 as p
from perspective_agent.stream import ObservationStream, StreamOptions

Batches = AsyncIterator[list[p.EncodedObservation]]


class Examining:
    """Stands for an examination that takes until its report is made by the test."""

    def start(self) -> None: ...

    def withdraw(self) -> None: ...


def examine(stream: ObservationStream, *ids: int) -> None:
    for one in ids:
        examination: Any = Examining()
        stream.examine(examination, one)


def report(stream: ObservationStream, *ids: int) -> None:
    for one in ids:
        stream.report(p.EncodedObservation(question_id=one))


async def make_busy(stream: ObservationStream, batches: Batches) -> None:
    """Send twice several at once: a third message waits for its window, which is a long one."""
    for start in (0, 3):
        ids = range(start, start + 3)
        examine(stream, *ids)
        report(stream, *ids)
        assert len(await anext(batches)) == 3


@pytest.mark.parametrize("last", ["reported", "withdrawn"])
async def test_a_busy_stream_gathers_until_nothing_is_open(last: str) -> None:
    stream = ObservationStream(StreamOptions(window=60))
    batches = stream.outbox.batches()
    async with asyncio.timeout(30):
        await make_busy(stream, batches)
        examine(stream, 6, 7)
        report(stream, 6)
        following = asyncio.ensure_future(anext(batches))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not following.done()
        if last == "reported":
            report(stream, 7)
        else:
            stream.withdraw([7, 8])
        assert [one.question_id for one in await following] == [6, 7][: 1 + (last == "reported")]


async def test_what_was_withdrawn_before_its_report_is_counted_once() -> None:
    stream = ObservationStream(StreamOptions(window=60))
    batches = stream.outbox.batches()
    async with asyncio.timeout(30):
        await make_busy(stream, batches)
        examine(stream, 6, 7, 8)
        stream.withdraw([6])
        report(stream, 6, 7)
        following = asyncio.ensure_future(anext(batches))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not following.done()
        report(stream, 8)
        assert [one.question_id for one in await following] == [6, 7, 8]


async def test_the_time_is_told_to_who_asked_for_it_and_once() -> None:
    stream = ObservationStream(StreamOptions())
    assert stream.take_clock_asked() == 0
    stream.ask_clock(1234)
    assert await asyncio.wait_for(anext(stream.outbox.batches()), 30) == []
    assert [stream.take_clock_asked() for _ in range(2)] == [1234, 0]
