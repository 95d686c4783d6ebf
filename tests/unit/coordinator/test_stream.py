"""One stream's answers: packed into messages, in order, and let go of as they are."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

import coordinator.stream
from coordinator.stream import QuestionStream
from mpic.grpc.errors import Violation, invalid_argument
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import sample_record

CALLER = "spiffe://mpic.test/caller/of-a-quiet-stream"


async def decide(request: c.CorroborateRequest) -> r.Record:
    record = sample_record(int(request.request_id))
    record.caller = CALLER
    return record


async def ask(count: int) -> AsyncIterator[c.CorroborateStreamRequest]:
    questions = [c.CorroborateRequest(request_id=str(n)) for n in range(count)]
    yield c.CorroborateStreamRequest(questions=questions)


def read(message: bytes) -> c.CorroborateStreamResponse:
    return c.CorroborateStreamResponse.FromString(message)


async def test_answers_share_messages_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator.stream, "_MESSAGE_OCTETS", 3000)
    stream = QuestionStream(decide, 0.0, 100, lambda: 100)
    await stream.read(ask(10))
    messages = [message async for message in stream.responses()]
    assert 2 < len(messages) < 10
    told = [outcome.request_id for message in messages for outcome in read(message).outcomes]
    assert told == [str(n) for n in range(10)]


async def test_a_quiet_stream_keeps_no_record() -> None:
    stream = QuestionStream(decide, 0.0, 100, lambda: 100)
    await stream.read(ask(10))
    responses = stream.responses()
    assert len(read(await anext(responses)).outcomes) == 10
    kept = [one for one in gc.get_objects() if type(one) is r.Record and one.caller == CALLER]
    assert not kept


async def test_a_busy_stream_gathers_only_while_more_is_being_decided() -> None:
    """After two messages of several answers a third waits for its window, which is a long one."""
    go_on = {n: asyncio.Event() for n in (10, 11)}

    async def decide_in_turn(request: c.CorroborateRequest) -> r.Record:
        if event := go_on.get(int(request.request_id)):
            await event.wait()
        return await decide(request)

    stream = QuestionStream(decide_in_turn, 60.0, 100, lambda: 100)
    questions: asyncio.Queue[range] = asyncio.Queue()

    async def come() -> AsyncIterator[c.CorroborateStreamRequest]:
        while True:
            numbers = await questions.get()
            asked = [c.CorroborateRequest(request_id=str(n)) for n in numbers]
            yield c.CorroborateStreamRequest(questions=asked)

    reading = asyncio.create_task(stream.read(come()))
    responses = stream.responses()
    async with asyncio.timeout(30):
        for first in (0, 5):
            questions.put_nowait(range(first, first + 5))
            assert len(read(await anext(responses)).outcomes) == 5
        questions.put_nowait(range(10, 12))
        go_on[10].set()
        following = asyncio.ensure_future(anext(responses))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not following.done()
        go_on[11].set()
        told = [outcome.request_id for outcome in read(await following).outcomes]
    assert told == ["10", "11"]
    reading.cancel()


async def test_a_request_id_of_any_length_is_not_sent_back() -> None:
    async def refuse(_: c.CorroborateRequest) -> r.Record:
        raise invalid_argument([Violation("request_id", "must be 1 to 128")])

    async def ask_badly() -> AsyncIterator[c.CorroborateStreamRequest]:
        questions = [c.CorroborateRequest(request_id="x" * 100_000) for _ in range(30)]
        yield c.CorroborateStreamRequest(questions=questions)

    stream = QuestionStream(refuse, 0.0, 100, lambda: 100)
    await stream.read(ask_badly())
    (message,) = [message async for message in stream.responses()]
    outcomes = read(message).outcomes
    assert [one.request_id for one in outcomes] == ["x" * 128] * 30
    assert len(message) < 10_000
