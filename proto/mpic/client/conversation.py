"""Many questions over streams: what is unanswered is asked again with the same ids, until answered.

A stream may break, or end when the service shuts down. A question is kept from when it is taken
until its result is handed out. So nothing is lost, and nothing is asked under two ids.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
)
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from grpc import aio

from mpic.bounds import MAX_NAMES, MAX_REQUEST_ID, REQUEST_OCTETS
from mpic.client.errors import ClientError, Failure, NoTimeError, read_call
from mpic.client.request import Question, make_request
from mpic.client.result import Result, StreamLimits, read_result
from mpic.client.retry import RetryPolicy, may_pass
from mpic.v1 import corroboration_pb2 as c

_MESSAGE_QUESTIONS = 64
_MESSAGE_OCTETS = 256 * 1024
"""Of one message; the last question may go beyond."""

Stream: TypeAlias = "aio.StreamStreamCall[Any, Any]"
Explain = Callable[[ClientError], Awaitable[ClientError]]
"""Finds out why there is no connection."""


@dataclass(slots=True)
class _Open:
    """A question without a result."""

    request: c.CorroborateRequest
    asked_at: float
    calls: int = 0
    """How many answers it had that were not its result."""
    is_waiting: bool = False
    """Whether it is to be asked again, but not yet."""

    @property
    def weight(self) -> int:
        """Names, as the service counts them."""
        return min(max(len(self.request.names), 1), MAX_NAMES)


class Conversation:
    """The questions of one caller of `stream`, over as many streams as it takes."""

    def __init__(
        self,
        questions: AsyncIterable[Question] | Iterable[Question],
        retry: RetryPolicy,
        limits: StreamLimits,
    ) -> None:
        """Take no question yet."""
        self._questions = questions
        self._retry = retry
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._open: dict[str, _Open] = {}
        self._unsent: deque[_Open] = deque()
        self._names = 0
        """Of the open questions."""
        self._room = asyncio.Event()
        self._changed = asyncio.Event()
        """Set when there is something to write, or when there will be nothing more."""
        self._is_exhausted = False
        self._since = self._loop.time()
        """When there was the last answer, or the first question without one."""
        self._was_answered = False
        self._trouble: ClientError | None = None
        """Why the last stream broke, if there was no answer since."""

    async def results(
        self, open_stream: Callable[[], Stream], explain: Explain
    ) -> AsyncGenerator[list[Result]]:
        """Yield results as they come; raises ClientError, and what the questions raise."""
        taking = asyncio.create_task(self._take())
        failures = 0
        try:
            while await self._has_work(taking):
                answered_before = self._since
                try:
                    async with aclosing(self._converse(open_stream(), taking)) as batches:
                        async for batch in batches:
                            yield batch
                            self._since = self._loop.time()  # the reader may be slow, not we
                except aio.AioRpcError as found:
                    self._trouble = read_call(found)
                except NoTimeError as found:
                    raise await explain(self._trouble or found) from None
                if not self._open:
                    continue
                failures = 1 if self._since > answered_before else failures + 1
                self._ask_unanswered()
                if self._is_hopeless(failures):
                    raise await explain(self._trouble or self._no_time())
                await asyncio.sleep(self._retry.back_off(failures, _chance()))
        finally:
            taking.cancel()

    async def _take(self) -> None:
        """Take questions as there is room for them."""
        async for question in _iterate(self._questions):
            opened = _Open(make_request(question), self._loop.time())
            while self._open and self._names + opened.weight > self._limits.open_names:
                self._room.clear()
                await self._room.wait()
            self._add(opened)
        self._is_exhausted = True
        self._changed.set()

    def _add(self, opened: _Open) -> None:
        request_id = opened.request.request_id
        if request_id in self._open:
            raise ValueError(f"request id {request_id!r} is under way already")
        if len(request_id) > MAX_REQUEST_ID or opened.request.ByteSize() > REQUEST_OCTETS // 2:
            raise ValueError(f"request {request_id[:MAX_REQUEST_ID]!r} or its id is too long")
        if not self._open:
            self._since = self._loop.time()
        opened.asked_at = self._loop.time()
        self._open[request_id] = opened
        self._names += opened.weight
        self._unsent.append(opened)
        self._changed.set()

    async def _has_work(self, taking: asyncio.Task[None]) -> bool:
        """Wait for a question; False: there is none any more. Raises what the questions raise."""
        while not self._unsent and not self._open and not taking.done():
            changing = asyncio.ensure_future(self._changed.wait())
            await asyncio.wait({changing, taking}, return_when=asyncio.FIRST_COMPLETED)
            changing.cancel()
        _raise_from(taking)
        return bool(self._open)

    async def _converse(
        self, stream: Stream, taking: asyncio.Task[None]
    ) -> AsyncGenerator[list[Result]]:
        """Write and read one stream until it ends; raises AioRpcError and NoTimeError."""
        writing = asyncio.create_task(self._write(stream))
        try:
            while (response := await self._read(stream, taking)) is not aio.EOF:
                if batch := self._settle(response):
                    yield batch
        finally:
            writing.cancel()
            stream.cancel()

    async def _write(self, stream: Stream) -> None:
        """Write questions until all have results; that the stream has ended, its reader hears."""
        with suppress(aio.AioRpcError, asyncio.InvalidStateError):
            while True:
                await self._changed.wait()
                if batch := self._take_batch():
                    await stream.write(c.CorroborateStreamRequest(questions=batch))
                elif self._is_exhausted and not self._open:
                    await stream.done_writing()
                    return
                else:
                    self._changed.clear()

    def _take_batch(self) -> list[c.CorroborateRequest]:
        batch: list[c.CorroborateRequest] = []
        octets = 0
        while self._unsent and len(batch) < _MESSAGE_QUESTIONS and octets < _MESSAGE_OCTETS:
            batch.append(self._unsent.popleft().request)
            octets += batch[-1].ByteSize()
        return batch

    async def _read(self, stream: Stream, taking: asyncio.Task[None]) -> Any:  # noqa: ANN401 - or EOF
        """Return the next message; raises what the questions raise, and NoTimeError."""
        reading = asyncio.ensure_future(stream.read())
        try:
            while not reading.done():
                left = self._limits.timeout
                if self._open and (left := self._since + left - self._loop.time()) <= 0:
                    raise self._no_time()
                waiting = {reading} if taking.done() else {reading, taking}
                await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                _raise_from(taking)
        finally:
            reading.cancel()
        return reading.result()

    def _settle(self, response: c.CorroborateStreamResponse) -> list[Result]:
        """Return what is final of a message; ask the rest again."""
        results = []
        for outcome in response.outcomes:
            opened = self._open.get(outcome.request_id)
            if opened is None:
                continue  # it was answered before, over a stream that broke
            self._since, self._was_answered, self._trouble = self._loop.time(), True, None
            result = read_result(opened.request, outcome)
            delay = self._wait_again(opened, result)
            if delay is None:
                self._close(opened)
                results.append(result)
            else:
                opened.calls += 1
                opened.is_waiting = True
                self._loop.call_later(delay, self._ask_again, opened)
        return results

    def _wait_again(self, opened: _Open, result: Result) -> float | None:
        """Return the seconds until a question is asked again; None: this is its result."""
        calls = opened.calls + 1
        if result.verdict is not None:
            return self._retry.wait_undetermined(result.verdict, calls, _chance())
        assert result.error is not None  # noqa: S101 - one of the two
        delay = self._retry.delay(result.error, calls, _chance())
        if delay is None:
            return None
        is_in_time = self._loop.time() + delay < opened.asked_at + self._limits.timeout
        return delay if is_in_time else None

    def _close(self, opened: _Open) -> None:
        del self._open[opened.request.request_id]
        self._names -= opened.weight
        self._room.set()
        self._changed.set()

    def _ask_again(self, opened: _Open) -> None:
        opened.is_waiting = False
        self._since = self._loop.time()
        self._unsent.append(opened)
        self._changed.set()

    def _ask_unanswered(self) -> None:
        """Let the next stream begin with what this one left unanswered."""
        self._unsent = deque(one for one in self._open.values() if not one.is_waiting)
        self._changed.set()

    def _is_hopeless(self, failures: int) -> bool:
        """Whether another stream would not help, or has not for too long."""
        if self._retry.attempts == 1 or (self._trouble and not may_pass(self._trouble)):
            return True
        if not self._was_answered and failures >= self._retry.attempts:
            return True
        return self._loop.time() - self._since >= self._limits.timeout

    def _no_time(self) -> NoTimeError:
        text = f"no question of {len(self._open)} was answered for {self._limits.timeout:g} s"
        return NoTimeError(Failure(grpc.StatusCode.DEADLINE_EXCEEDED, text))


async def _iterate(
    questions: AsyncIterable[Question] | Iterable[Question],
) -> AsyncIterator[Question]:
    if isinstance(questions, AsyncIterable):
        async for question in questions:
            yield question
    else:
        for question in questions:
            yield question


def _raise_from(taking: asyncio.Task[None]) -> None:
    if taking.done() and not taking.cancelled() and (error := taking.exception()):
        raise error


def _chance() -> float:
    return random.random()  # noqa: S311 - it spreads callers
