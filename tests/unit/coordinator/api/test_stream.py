"""One stream's answers: packed into messages, in order, and let go of as they are."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from grpc import StatusCode
from structlog.testing import capture_logs

import coordinator.api.stream
from coordinator.api.stream import NAME_OCTETS, RequestStream
from mpic.runtime.grpc.errors import RequestError, Violation, invalid_argument
from mpic.runtime.in_flight import MANY
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import sample_record
from tests.world.requests import named

CALLER = "spiffe://mpic.test/caller/of-a-quiet-stream"


async def decide(request: c.CorroborateRequest) -> r.Record:
    record = sample_record(int(request.request_id))
    record.caller = CALLER
    return record


async def ask(count: int) -> AsyncIterator[c.CorroborateStreamRequest]:
    questions = [c.CorroborateRequest(request_id=str(n)) for n in range(count)]
    yield c.CorroborateStreamRequest(questions=questions)


async def test_answers_share_messages_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator.api.stream, "_MESSAGE_OCTETS", 3000)
    stream = RequestStream(decide, 0.0, 100, lambda: 100)
    await stream.read(ask(10))
    messages = [message async for message in stream.responses()]
    assert 2 < len(messages) < 10
    told = [outcome.request_id for message in messages for outcome in message.outcomes]
    assert told == [str(n) for n in range(10)]


async def test_a_quiet_stream_keeps_no_record() -> None:
    stream = RequestStream(decide, 0.0, 100, lambda: 100)
    await stream.read(ask(10))
    responses = stream.responses()
    assert len((await anext(responses)).outcomes) == 10
    kept = [one for one in gc.get_objects() if type(one) is r.Record and one.caller == CALLER]
    assert not kept


async def test_an_answer_waits_for_others_where_many_are_being_decided_and_while_any_is() -> None:
    go_on = {str(n): asyncio.Event() for n in range(MANY + 1)}

    async def decide_in_turn(request: c.CorroborateRequest) -> r.Record:
        await go_on[request.request_id].wait()
        return await decide(request)

    stream = RequestStream(decide_in_turn, 60.0, 100, lambda: 100)
    reading = asyncio.create_task(stream.read(ask(MANY + 1)))
    following = asyncio.ensure_future(anext(stream.responses()))
    async with asyncio.timeout(30):
        for last in (1, MANY):
            for n in range(last):
                go_on[str(n)].set()
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert not following.done()
        go_on[str(MANY)].set()
        told = [outcome.request_id for outcome in (await following).outcomes]
    assert told == [str(n) for n in range(MANY + 1)]
    await reading


async def test_an_answer_waits_for_nobody_where_few_are_being_decided() -> None:
    never = asyncio.Event()

    async def decide_the_first(request: c.CorroborateRequest) -> r.Record:
        if request.request_id != "0":
            await never.wait()
        return await decide(request)

    stream = RequestStream(decide_the_first, 60.0, 100, lambda: 100)
    reading = asyncio.create_task(stream.read(ask(MANY - 1)))
    async with asyncio.timeout(30):
        assert [one.request_id for one in (await anext(stream.responses())).outcomes] == ["0"]
    reading.cancel()
    stream.cancel()


async def test_a_request_id_of_any_length_is_not_sent_back() -> None:
    async def refuse(_: c.CorroborateRequest) -> r.Record:
        raise invalid_argument([Violation("request_id", "must be 1 to 128")])

    async def ask_badly() -> AsyncIterator[c.CorroborateStreamRequest]:
        questions = [c.CorroborateRequest(request_id="x" * 100_000) for _ in range(30)]
        yield c.CorroborateStreamRequest(questions=questions)

    stream = RequestStream(refuse, 0.0, 1000, lambda: 1000)
    await stream.read(ask_badly())
    (message,) = [message async for message in stream.responses()]
    outcomes = message.outcomes
    assert [one.request_id for one in outcomes] == ["x" * 128] * 30
    assert message.ByteSize() < 10_000


def names(request_id: str, count: int) -> c.CorroborateRequest:
    asked = [f"h{number}.example.com" for number in range(count)]
    return c.CorroborateRequest(request_id=request_id, names=named(asked))


class Decisions:
    """Begins what it is asked, and decides it when told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go_on: dict[str, asyncio.Future[r.Record]] = {}

    async def decide(self, request: c.CorroborateRequest) -> r.Record:
        self.begun.append(request.request_id)
        waiting: asyncio.Future[r.Record] = asyncio.get_running_loop().create_future()
        self.go_on[request.request_id] = waiting
        return await waiting

    def finish(self, request_id: str) -> None:
        record = sample_record()
        record.request_id = request_id
        self.go_on[request_id].set_result(record)


async def each(*questions: c.CorroborateRequest) -> AsyncIterator[c.CorroborateStreamRequest]:
    for question in questions:
        yield c.CorroborateStreamRequest(questions=[question])


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_more_names_are_open_than_there_is_room_for_until_answers_are_taken() -> None:
    decisions = Decisions()
    stream = RequestStream(decisions.decide, 0.0, 100, lambda: 50)
    reading = asyncio.create_task(stream.read(each(names("a", 30), names("b", 20), names("c", 1))))
    responses = stream.responses()
    await settle()
    assert decisions.begun == ["a", "b"]
    decisions.finish("a")
    assert [one.request_id for one in (await anext(responses)).outcomes] == ["a"]
    await settle()
    assert decisions.begun == ["a", "b"], "who does not take the next has not taken this one"
    following = asyncio.ensure_future(anext(responses))
    await settle()
    assert decisions.begun == ["a", "b", "c"]
    for request_id in ("b", "c"):
        decisions.finish(request_id)
    await following
    async for _ in responses:
        pass
    await reading


async def test_a_question_with_more_names_than_there_is_room_for_is_read_alone() -> None:
    decisions = Decisions()
    stream = RequestStream(decisions.decide, 0.0, 4096, lambda: 10)
    reading = asyncio.create_task(stream.read(each(names("large", 100), names("small", 1))))
    await settle()
    assert decisions.begun == ["large"]
    reading.cancel()
    stream.cancel()


async def test_large_questions_whose_answers_are_not_taken_fill_no_memory() -> None:
    """Each is refused at once, and kept until its answer is taken: thousands would be gigabytes."""
    begun = 0

    async def refuse(_: c.CorroborateRequest) -> r.Record:
        nonlocal begun
        begun += 1
        raise invalid_argument([Violation("names[0]", "is far too long")])

    async def ask_much() -> AsyncIterator[c.CorroborateStreamRequest]:
        for _ in range(1000):
            question = c.CorroborateRequest(names=named(["x" * (512 * 1024)]))
            yield c.CorroborateStreamRequest(questions=[question])

    stream = RequestStream(refuse, 0.0, 4096, lambda: 4096)
    reading = asyncio.create_task(stream.read(ask_much()))
    for _ in range(3000):
        await asyncio.sleep(0)
    assert 100 < begun <= 4096 * NAME_OCTETS // (512 * 1024) + 1
    reading.cancel()
    stream.cancel()


async def fail(request: c.CorroborateRequest) -> r.Record:
    if request.request_id == "defect":
        raise RuntimeError("hush-hush")
    if request.request_id == "wrong":
        raise invalid_argument([Violation("names[1]", "is no name")])
    if request.request_id == "later":
        text = "ask again later"
        raise RequestError(StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", text, retry_after=2.5)
    return await decide(request)


async def test_what_one_question_comes_to_is_told_of_it_alone() -> None:
    stream = RequestStream(fail, 0.0, 100, lambda: 100)
    asked = each(*(names(one, 1) for one in ("defect", "wrong", "later", "7")))
    with capture_logs() as lines:
        await stream.read(asked)
        outcomes = [outcome async for message in stream.responses() for outcome in message.outcomes]
    told = {one.request_id: one for one in outcomes}
    assert told["7"].verdict.request_id == "request-7"
    defect, wrong, later = (told[one].error for one in ("defect", "wrong", "later"))
    assert (defect.status, defect.reason) == (StatusCode.INTERNAL.value[0], "INTERNAL")
    assert "hush" not in defect.message
    assert [line["event"] for line in lines] == ["internal_error"]
    assert wrong.status == StatusCode.INVALID_ARGUMENT.value[0]
    assert [(one.field, one.description) for one in wrong.violations] == [
        ("names[1]", "is no name")
    ]
    assert not wrong.HasField("retry_after")
    assert later.reason == "OVERLOADED"
    assert later.retry_after.ToMilliseconds() == 2500
