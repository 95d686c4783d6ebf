"""Many questions over streams that break: nothing is lost, and nothing is asked under two ids."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
import pytest
from grpc import aio
from grpc.aio import Metadata

from mpic.client import ClientError, NoConnectionError, NoTimeError, RetryPolicy, StreamLimits
from mpic.client.conversation import Conversation
from mpic.client.request import Question
from mpic.client.result import Result
from mpic.v1 import corroboration_pb2 as c

AT_ONCE = RetryPolicy(first_delay=0.0)
Respond = Callable[["FakeStream", c.CorroborateRequest], None]


def broken(
    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE, text: str = "it broke"
) -> aio.AioRpcError:
    return aio.AioRpcError(code, Metadata(), Metadata(), text)


class FakeStream:
    """A stream whose service is a function: it is given each question, and may put responses."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self._responses: asyncio.Queue[Any] = asyncio.Queue()
        self.asked: list[str] = []
        self.is_cancelled = False
        self.is_done = False

    async def write(self, message: c.CorroborateStreamRequest) -> None:
        for question in message.questions:
            self.asked.append(question.request_id)
            self._respond(self, question)
        await asyncio.sleep(0)

    async def done_writing(self) -> None:
        self.is_done = True
        self._responses.put_nowait(aio.EOF)

    async def read(self) -> Any:  # noqa: ANN401 - a message or EOF
        response = await self._responses.get()
        if isinstance(response, Exception):
            raise response
        return response

    def cancel(self) -> bool:
        self.is_cancelled = True
        return True

    def put(self, *outcomes: c.CorroborateOutcome) -> None:
        self._responses.put_nowait(c.CorroborateStreamResponse(outcomes=outcomes))

    def end(self, error: Exception | object = aio.EOF) -> None:
        self._responses.put_nowait(error)


class Service:
    """Opens streams, one behaviour after the other; the last stays."""

    def __init__(self, *behaviours: Respond) -> None:
        self._behaviours = list(behaviours)
        self.streams: list[FakeStream] = []

    def open(self) -> Any:  # noqa: ANN401 - a stream, as far as is needed
        behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
        self.streams.append(FakeStream(behaviour))
        return self.streams[-1]

    @property
    def asked(self) -> list[str]:
        return [one for stream in self.streams for one in stream.asked]


def verdict(request_id: str, **fields: Any) -> c.CorroborateOutcome:  # noqa: ANN401 - of a response
    answer = c.CorroborateResponse(request_id=request_id, **fields)
    return c.CorroborateOutcome(request_id=request_id, verdict=answer)


def failure(request_id: str, status: int, reason: str, seconds: float = -1) -> c.CorroborateOutcome:
    error = c.RequestError(status=status, reason=reason, message="no")
    if seconds >= 0:
        error.retry_after.FromMilliseconds(int(seconds * 1000))
    return c.CorroborateOutcome(request_id=request_id, error=error)


def approve(stream: FakeStream, question: c.CorroborateRequest) -> None:
    stream.put(verdict(question.request_id, approved=True))


def say_nothing(stream: FakeStream, question: c.CorroborateRequest) -> None:
    del stream, question


def break_off(stream: FakeStream, question: c.CorroborateRequest) -> None:
    del question
    stream.end(broken())


def end_in_order(stream: FakeStream, question: c.CorroborateRequest) -> None:
    del question
    stream.end()


def questions(count: int) -> Iterator[c.CorroborateRequest]:
    for number in range(count):
        names = [c.RequestedName(name="www.example.com")]
        yield c.CorroborateRequest(request_id=f"q{number}", names=names)


async def leave(error: ClientError) -> ClientError:
    return error


async def run(
    service: Service,
    asked: Any = None,  # noqa: ANN401 - any questions
    retry: RetryPolicy = AT_ONCE,
    limits: StreamLimits | None = None,
) -> list[Result]:
    given = questions(3) if asked is None else asked
    conversation = Conversation(given, retry, limits or StreamLimits())
    batches = conversation.results(service.open, leave)
    return [result async for batch in batches for result in batch]


def ids(results: list[Result]) -> list[str]:
    return sorted(one.request.request_id for one in results)


async def test_every_question_has_a_result_and_the_stream_ends() -> None:
    service = Service(approve)
    results = await run(service, questions(200))
    assert ids(results) == sorted(f"q{number}" for number in range(200))
    assert all(one.verdict is not None and one.error is None for one in results)
    (stream,) = service.streams
    assert stream.is_done
    assert stream.is_cancelled


async def test_no_question_opens_no_stream() -> None:
    service = Service(approve)
    assert await run(service, iter(())) == []
    assert service.streams == []


@pytest.mark.parametrize("end", [break_off, end_in_order])
async def test_what_is_unanswered_is_asked_again_with_the_same_ids(end: Respond) -> None:
    def answer_one_then_end(stream: FakeStream, question: c.CorroborateRequest) -> None:
        if question.request_id == "q0":
            approve(stream, question)
        elif question.request_id == "q2":
            end(stream, question)

    service = Service(answer_one_then_end, approve)
    assert ids(await run(service)) == ["q0", "q1", "q2"]
    assert service.streams[1].asked == ["q1", "q2"]


async def test_what_was_answered_before_is_passed_over() -> None:
    def answer_twice(stream: FakeStream, question: c.CorroborateRequest) -> None:
        stream.put(verdict(question.request_id), verdict(question.request_id), verdict("other"))

    assert ids(await run(Service(answer_twice))) == ["q0", "q1", "q2"]


async def test_a_service_that_never_answered_is_given_up_after_the_attempts() -> None:
    service = Service(break_off)
    with pytest.raises(NoConnectionError, match="it broke"):
        await run(service)
    assert len(service.streams) == AT_ONCE.attempts


async def test_a_service_that_answered_is_waited_for_longer() -> None:
    def answer_q0(stream: FakeStream, question: c.CorroborateRequest) -> None:
        if question.request_id == "q0":
            approve(stream, question)
        else:
            break_off(stream, question)

    service = Service(answer_q0, *[break_off] * 20, approve)
    assert ids(await run(service)) == ["q0", "q1", "q2"]
    assert len(service.streams) == 22


async def test_what_does_not_pass_ends_it_at_once() -> None:
    def refuse(stream: FakeStream, question: c.CorroborateRequest) -> None:
        del question
        stream.end(broken(grpc.StatusCode.PERMISSION_DENIED, "on no list"))

    service = Service(refuse)
    with pytest.raises(ClientError, match="on no list"):
        await run(service)
    assert len(service.streams) == 1


async def test_a_service_that_says_nothing_is_given_up_in_time() -> None:
    service = Service(say_nothing)
    with pytest.raises(NoTimeError, match="no question of 3 was answered"):
        await run(service, limits=StreamLimits(timeout=0.05))
    (stream,) = service.streams
    assert stream.is_cancelled


async def test_who_reads_slowly_is_not_taken_for_a_silent_service() -> None:
    limits = StreamLimits(open_names=1, timeout=0.2)
    conversation = Conversation(questions(3), AT_ONCE, limits)
    count = 0
    async for batch in conversation.results(Service(approve).open, leave):
        count += len(batch)
        await asyncio.sleep(0.3)
    assert count == 3


async def test_only_so_many_names_are_open() -> None:
    taken: list[int] = []

    def source() -> Iterator[c.CorroborateRequest]:
        for number, question in enumerate(questions(20)):
            taken.append(number)
            yield question

    service = Service(say_nothing)
    limits = StreamLimits(open_names=5, timeout=0.05)
    with pytest.raises(NoTimeError):
        await run(service, source(), limits=limits)
    assert len(service.asked) == 5
    assert len(taken) == 6  # one waits


async def test_as_many_are_open_again_when_some_are_answered() -> None:
    waiting: list[str] = []

    def answer_five_together(stream: FakeStream, question: c.CorroborateRequest) -> None:
        waiting.append(question.request_id)
        if len(waiting) == 5:
            stream.put(*map(verdict, waiting))
            waiting.clear()

    limits = StreamLimits(open_names=5, timeout=5)
    assert len(await run(Service(answer_five_together), questions(20), limits=limits)) == 20


async def test_a_question_that_is_larger_than_the_bound_goes_alone() -> None:
    large = ["www.example.com"] * 30
    results = await run(
        Service(approve), [large, large, ["www.example.com"]], limits=StreamLimits(open_names=10)
    )
    assert len(results) == 3
    assert len({one.request.request_id for one in results}) == 3


@pytest.mark.parametrize(
    "outcome",
    [
        ("RECORD_NOT_WRITTEN", 14, -1),
        ("OVERLOADED", 8, 0),
        ("CALLER_LIMIT", 8, 0),
    ],
)
async def test_a_question_that_may_pass_is_asked_again(outcome: tuple[str, int, float]) -> None:
    reason, status, seconds = outcome
    seen: list[str] = []

    def refuse_first(stream: FakeStream, question: c.CorroborateRequest) -> None:
        if seen.count(question.request_id) < 6:
            seen.append(question.request_id)
            stream.put(failure(question.request_id, status, reason, seconds))
        else:
            approve(stream, question)

    results = await run(Service(refuse_first))
    assert ids(results) == ["q0", "q1", "q2"]
    assert all(one.verdict for one in results)
    assert sorted(seen) == ["q0"] * 6 + ["q1"] * 6 + ["q2"] * 6


@pytest.mark.parametrize(
    "outcome", [("INVALID_REQUEST", 3, 0), ("DUPLICATE_REQUEST_ID", 6, 0), ("OVERLOADED", 8, -1)]
)
async def test_a_question_that_stays_wrong_is_told_and_harms_no_other(
    outcome: tuple[str, int, float],
) -> None:
    reason, status, seconds = outcome

    def refuse_one(stream: FakeStream, question: c.CorroborateRequest) -> None:
        if question.request_id == "q1":
            stream.put(failure("q1", status, reason, seconds))
        else:
            approve(stream, question)

    service = Service(refuse_one)
    results = {one.request.request_id: one for one in await run(service)}
    assert results["q0"].verdict
    assert results["q2"].verdict
    error = results["q1"].error
    assert error is not None
    assert error.reason == reason
    assert service.asked.count("q1") == 1


async def test_a_question_is_not_asked_again_beyond_its_time() -> None:
    def later(stream: FakeStream, question: c.CorroborateRequest) -> None:
        stream.put(failure(question.request_id, 8, "OVERLOADED", 100))

    service = Service(later)
    results = await run(service, limits=StreamLimits(timeout=50))
    assert [one.error.retry_after for one in results if one.error] == [100.0] * 3
    assert len(service.asked) == 3


async def test_a_question_that_waits_is_not_asked_early_because_a_stream_breaks() -> None:
    def wait_then_break(stream: FakeStream, question: c.CorroborateRequest) -> None:
        if question.request_id == "q0":
            stream.put(failure("q0", 8, "OVERLOADED", 0.2))
        else:
            break_off(stream, question)

    service = Service(wait_then_break, approve)
    results = await run(service, questions(2))
    assert ids(results) == ["q0", "q1"]
    assert service.streams[1].asked == ["q1", "q0"]


@pytest.mark.parametrize(("undetermined", "calls"), [(False, 1), (True, 4)])
async def test_an_undetermined_refusal_is_asked_again_if_that_is_wanted(
    undetermined: bool, calls: int
) -> None:
    def blame_service(stream: FakeStream, question: c.CorroborateRequest) -> None:
        name = c.NameVerdict(responsible=c.RESPONSIBLE_SERVICE)
        stream.put(verdict(question.request_id, names=[name]))

    service = Service(blame_service)
    retry = RetryPolicy(first_delay=0.0, undetermined=undetermined)
    (result,) = await run(service, questions(1), retry)
    assert result.verdict is not None
    assert len(service.asked) == calls


async def test_a_policy_of_one_attempt_asks_nothing_twice() -> None:
    once = RetryPolicy(attempts=1)
    with pytest.raises(NoConnectionError):
        await run(Service(break_off, approve), retry=once)

    def answer_q0(stream: FakeStream, question: c.CorroborateRequest) -> None:
        (approve if question.request_id == "q0" else break_off)(stream, question)

    with pytest.raises(NoConnectionError):
        await run(Service(answer_q0, approve), retry=once)

    def busy(stream: FakeStream, question: c.CorroborateRequest) -> None:
        stream.put(failure(question.request_id, 8, "OVERLOADED", 0))

    service = Service(busy)
    assert all(one.error for one in await run(service, retry=once))
    assert len(service.asked) == 3


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ([c.CorroborateRequest(request_id="a")] * 2, "'a' is under way already"),
        ([c.CorroborateRequest(request_id="a" * 129)], "is too long"),
        ([["a" * 3_000_000]], "is too long"),
        (["www.example.com"], "give a list of names"),
        ([[c.RequestedName(name="www.example.com")]], "give a list of names"),
    ],
)
async def test_what_cannot_be_asked_is_said(wrong: list[Question], text: str) -> None:
    with pytest.raises((ValueError, TypeError), match=text):
        await run(Service(say_nothing), wrong, limits=StreamLimits(timeout=5))


async def test_an_asynchronous_source_may_wait_and_fail() -> None:
    async def source() -> AsyncIterator[Question]:
        for question in questions(2):
            await asyncio.sleep(0.01)
            yield question
        raise RuntimeError("the file is torn")

    with pytest.raises(RuntimeError, match="the file is torn"):
        await run(Service(approve), source())


async def test_who_stops_reading_ends_the_stream_and_the_source() -> None:
    service = Service(approve)
    batches = Conversation(questions(1000), AT_ONCE, StreamLimits(open_names=2)).results(
        service.open, leave
    )
    assert await anext(batches)
    await batches.aclose()
    await asyncio.sleep(0)
    assert service.streams[0].is_cancelled
    assert len(asyncio.all_tasks()) == 1
