"""A coordinator's stream: where much is open, what is ready waits for it, and for nothing else."""

import asyncio
from typing import Any

import pytest

from mpic.runtime.in_flight import MANY
from mpic.v1 import perspective_pb2 as p
from perspective_agent.stream import ObservationStream, StreamOptions


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


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("last", ["reported", "withdrawn"])
async def test_where_much_is_open_a_report_waits_until_nothing_is(last: str) -> None:
    stream = ObservationStream(StreamOptions(window=60))
    async with asyncio.timeout(30):
        examine(stream, *range(MANY + 1))
        report(stream, 0)
        following = asyncio.ensure_future(anext(stream.outbox.batches()))
        await settle()
        report(stream, *range(1, MANY))
        await settle()
        assert not following.done()
        if last == "reported":
            report(stream, MANY)
        else:
            stream.withdraw([MANY, MANY + 1])
        told = [one.question_id for one in await following]
        assert told == list(range(MANY + (last == "reported")))


async def test_where_little_is_open_a_report_waits_for_nobody() -> None:
    stream = ObservationStream(StreamOptions(window=60))
    async with asyncio.timeout(30):
        examine(stream, *range(MANY))
        report(stream, 0)
        assert [one.question_id for one in await anext(stream.outbox.batches())] == [0]


async def test_what_was_withdrawn_before_its_report_is_counted_once() -> None:
    stream = ObservationStream(StreamOptions(window=60))
    async with asyncio.timeout(30):
        examine(stream, *range(MANY + 3))
        stream.withdraw([0])
        report(stream, 0, 1)
        following = asyncio.ensure_future(anext(stream.outbox.batches()))
        await settle()
        report(stream, *range(2, MANY + 2))
        await settle()
        assert not following.done()
        report(stream, MANY + 2)
        assert [one.question_id for one in await following] == list(range(MANY + 3))


async def test_the_time_is_told_to_who_asked_for_it_and_once() -> None:
    stream = ObservationStream(StreamOptions())
    assert stream.take_clock_asked() == 0
    stream.ask_clock(1234)
    assert await asyncio.wait_for(anext(stream.outbox.batches()), 30) == []
    assert [stream.take_clock_asked() for _ in range(2)] == [1234, 0]
