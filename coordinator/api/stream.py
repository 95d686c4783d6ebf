"""Many questions over one stream: each is answered when it is decided, and waits for no other.

Back-pressure goes both ways. The names of a question count against the stream's bound once it is
read, until its answer has been taken. So a caller that asks too fast, or reads too slowly, is not
read. A question that is larger than its names can be counts as more names, since it is kept for as
long.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sized
from typing import Generic, Protocol, TypeVar

import grpc
import structlog
from google.protobuf.unknown_fields import UnknownFieldSet

from coordinator.api.answers import FillAnswer
from coordinator.api.response import fill_answer
from coordinator.overload.admission import weigh
from mpic.bounds import MAX_REQUEST_ID
from mpic.runtime.grpc.batching import Outbox
from mpic.runtime.grpc.errors import RequestError, Violation, invalid_argument
from mpic.runtime.in_flight import InFlight
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()

# A message of this size is sent. gRPC's clients take no more than 4 MiB by default, and a message
# takes memory until it is sent.
_MESSAGE_OCTETS = 256 * 1024
NAME_OCTETS = 16 * 1024
"""A question counts as a name for each that it has; one name at all its bounds takes a third."""


class Question(Protocol):
    """What a stream has to know of a question."""

    @property
    def request_id(self) -> str:
        """The caller's id; it is not checked yet."""

    @property
    def names(self) -> Sized:
        """The names it asks about."""


Q = TypeVar("Q", bound=Question)
Outcome = r.Record | RequestError
Decide = Callable[[c.CorroborateRequest], Awaitable[r.Record]]
Decided = tuple[c.CorroborateRequest, Outcome]
Taken = tuple[Q, int]
"""A question, and its share of the octets that were read."""


class QuestionStream(Generic[Q]):
    """The questions of one stream that are being decided, whatever they come in."""

    def __init__(
        self,
        decide: Callable[[Q], Awaitable[r.Record]],
        window: float,
        most: int,
        limit: Callable[[], int],
    ) -> None:
        """Let at most `most` names be open, or the present value of `limit()` if that is fewer.

        Answers are gathered for `window` seconds.
        """
        self._decide = decide
        self._room = _Room(most, limit)
        self._company = InFlight()
        self._outbox: Outbox[tuple[Q, Outcome, int]] = Outbox(window, most, company=self._company)
        self._running: set[asyncio.Task[None]] = set()
        self._draining = False

    async def read(self, batches: AsyncIterator[Iterable[Taken[Q]]]) -> None:
        """Take questions until the caller has no more, then wait for the answers."""
        try:
            async for questions in batches:
                for question, octets in questions:
                    weight = max(weigh(len(question.names)), -(-octets // NAME_OCTETS))
                    await self._room.take(weight)
                    self._start(question, weight)
            if self._running:
                await asyncio.wait(list(self._running))
        finally:
            self._outbox.close()

    async def answers(self) -> AsyncIterator[list[tuple[Q, Outcome]]]:
        """Yield answers as questions are decided, the first at the end of each list.

        Each list is to be emptied. Only when the next one is asked for, its answers count as taken.
        """
        async for decided in self._outbox.batches():
            weight = sum(one for *_, one in decided)
            told = [(question, outcome) for question, outcome, _ in reversed(decided)]
            decided.clear()
            yield told
            self._room.give_back(weight)

    def drain(self) -> None:
        """End once all questions that were taken are answered."""
        self._draining = True
        if not self._running:
            self._outbox.close()

    def cancel(self) -> None:
        """Stop deciding the open questions; the caller has left."""
        for task in self._running:
            task.cancel()

    def _start(self, question: Q, weight: int) -> None:
        """Decide a question in a task of its own."""
        task = asyncio.create_task(self._run(question, weight))
        self._running.add(task)
        self._company.expect()
        task.add_done_callback(self._end)

    def _end(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._company.arrive()
        if self._draining and not self._running:
            self._outbox.close()

    async def _run(self, question: Q, weight: int) -> None:
        outcome: Outcome
        try:
            outcome = await self._decide(question)
        except RequestError as error:
            outcome = error
        except Exception:
            log.exception("internal_error", request_id=question.request_id[:MAX_REQUEST_ID])
            text = "internal error; nothing was decided"
            outcome = RequestError(grpc.StatusCode.INTERNAL, "INTERNAL", text)
        self._outbox.put((question, outcome, weight))


class RequestStream:
    """The questions of one stream of gRPC."""

    def __init__(
        self,
        decide: Decide,
        window: float,
        most: int,
        limit: Callable[[], int],
        fill: FillAnswer = fill_answer,
    ) -> None:
        """Take the same as a QuestionStream, and what fills in an answer."""
        self._fill = fill
        self._questions = QuestionStream(decide, window, most, limit)
        self.drain, self.cancel = self._questions.drain, self._questions.cancel

    async def read(self, requests: AsyncIterator[c.CorroborateStreamRequest]) -> None:
        """Take questions until the caller has no more, then wait for the answers.

        Raises RequestError if a message is wrong as a whole: then the stream ends.
        """
        await self._questions.read(_share(request) async for request in requests)

    async def responses(self) -> AsyncIterator[c.CorroborateStreamResponse]:
        """Yield responses as questions are decided."""
        async for decided in self._questions.answers():
            while decided:
                yield _pack(decided, self._fill)


class _Room:
    """How many names may still be read; only the stream's reader waits for room."""

    def __init__(self, most: int, limit: Callable[[], int]) -> None:
        self._most = most
        self._limit = limit
        self._taken = 0
        self._freed = asyncio.Event()

    async def take(self, names: int) -> None:
        """Wait until this many more names fit."""
        while self._taken and self._taken + names > min(self._most, self._limit()):
            self._freed.clear()
            await self._freed.wait()
        self._taken += names

    def give_back(self, names: int) -> None:
        self._taken -= names
        self._freed.set()


def _share(request: c.CorroborateStreamRequest) -> Iterable[Taken[c.CorroborateRequest]]:
    """Return the questions of a message; each keeps the whole of it in memory.

    Raises RequestError if it has other fields: they may demand more of all its questions than is
    checked.
    """
    if len(UnknownFieldSet(request)):
        text = "has a field that this service does not know; it is older than the caller"
        raise invalid_argument([Violation("request", text)])
    count = len(request.questions)
    octets = request.ByteSize() // count if count else 0
    return [(question, octets) for question in request.questions]


def _pack(decided: list[Decided], fill: FillAnswer) -> c.CorroborateStreamResponse:
    """Return a response with the last of the decided questions.

    They are removed one by one: a record is large, and the next batch may come much later.
    """
    response = c.CorroborateStreamResponse()
    octets = 0
    while decided and octets <= _MESSAGE_OCTETS:
        octets += _fill_outcome(response.outcomes.add(), *decided.pop(), fill)
    return response


def _fill_outcome(
    outcome: c.CorroborateOutcome,
    question: c.CorroborateRequest,
    decided: r.Record | RequestError,
    fill: FillAnswer,
) -> int:
    """Fill an empty outcome, and return about how many octets it takes."""
    # A request with a longer id is refused, and its caller is told so. The whole id is not sent
    # back.
    outcome.request_id = question.request_id[:MAX_REQUEST_ID]
    if isinstance(decided, RequestError):
        _fill_error(outcome.error, decided)
        return outcome.ByteSize()
    return fill(outcome.verdict, decided)


def _fill_error(message: c.RequestError, error: RequestError) -> None:
    message.status = error.status.value[0]
    message.reason = error.reason
    message.message = error.message
    for one in error.violations:
        message.violations.add(field=one.field, description=one.description)
    if error.retry_after is not None:
        message.retry_after.FromMilliseconds(round(error.retry_after * 1000))
