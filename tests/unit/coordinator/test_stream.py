"""One stream's answers: packed into messages, in order, and let go of as they are."""

import gc
from collections.abc import AsyncIterator

import pytest

import coordinator.stream
from coordinator.stream import QuestionStream
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
