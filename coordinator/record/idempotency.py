"""The same request again: the same verdict, without asking again.

A caller that lost its connection asks anew under the same request id. Within a window it gets the
verdict that is recorded, also while the first is still being decided and also after a restart. The
same id with another body is refused. What determined nothing (`determination`) is not remembered:
it is decided anew, and both attempts are recorded.

What costs next to nothing: a request id that this process has not seen for a whole window is new.
At the start it learns what the store has of the last window, if that is not too much, and asks the
store only as long as the process before it may still be ending. Otherwise the store is asked during
the first window, and always where other processes write to it too, once for all questions that wait
meanwhile. To ask costs 0.3 ms of CPU at 20 checks a second.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import grpc

from coordinator.decision.attempt_id import lowest_id
from coordinator.record.bloom_filter import BloomFilter
from coordinator.record.determination import NEWEST, is_determination
from coordinator.record.index_terms import request_term
from coordinator.record.reader import Reader
from coordinator.record.write_queue import is_cancelled
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import record_pb2 as r

MOST_REMEMBERED = 4_000_000
"""Requests of each half of the memory; with more, too many new ones would be looked up."""
MOST_RECALLED = 20_000
"""Requests of before the start; to read so many takes half a second."""
ENDING = timedelta(minutes=2)
"""So long after our start, whoever served before us may still decide what it has taken."""
_MOST_LOOKED_UP = 500

Decided = asyncio.Future["r.Record | None"]
Found = dict[int, list[bytes]]
"""By term the ids of records."""
Wanted = asyncio.Future[list[bytes]]


@dataclass(frozen=True, slots=True)
class RequestKey:
    """By which two requests are the same."""

    caller: str
    request_id: str
    digest: bytes
    """SHA-256 over the request."""
    term: int = field(init=False)
    """By which it is found in the record."""

    def __post_init__(self) -> None:
        """Work out the term."""
        object.__setattr__(self, "term", request_term(self.caller, self.request_id))


@dataclass(frozen=True, slots=True)
class Memory:
    """Where earlier requests are looked for."""

    reader: Reader
    window: timedelta
    is_shared: bool
    """Whether other processes answer the same callers out of the same store."""
    clock: Callable[[], datetime]


class Idempotency:
    """Tells what was asked before."""

    def __init__(self, memory: Memory | None) -> None:
        """Know nothing yet: what was before the start is in the store.

        Without a memory only what is being decided right now is known.
        """
        self._memory = memory
        self._running: dict[int, tuple[RequestKey, Decided]] = {}
        self._recent, self._older = BloomFilter(), BloomFilter()
        if memory is not None:
            self._turned_at = memory.clock()
            self._complete_at = self._turned_at + memory.window
        self._wanted: dict[int, Wanted] = {}
        self._looking: asyncio.Task[None] | None = None

    async def recall(self) -> None:
        """Learn what was asked before the start; what cannot be read now is asked for later."""
        memory = self._memory
        if memory is None or memory.is_shared:
            return
        now = memory.clock()
        with suppress(RequestError):
            terms = await memory.reader.recall(lowest_id(now - memory.window), MOST_RECALLED)
            if terms is not None:
                for term in terms:
                    self._recent.add(term)
                self._complete_at = min(now + ENDING, self._complete_at)

    def claim(self, key: RequestKey) -> "RequestClaim":
        """Return the claim on a request, to be entered: nobody else decides it meanwhile."""
        return RequestClaim(self, key)

    async def begin(self, key: RequestKey, decided: Decided) -> r.Record | None:
        """Return the record of an equal request, or None once `decided` is awaited by all others.

        Raises RequestError where the request id was used for another request.
        """
        while running := self._running.get(key.term):
            _check_same(key, running[0].digest)
            # None: it ended without a verdict, so this one decides.
            if found := await asyncio.shield(running[1]):
                return found
        self._running[key.term] = key, decided
        return await self._find(key, self._memory) if self._memory else None

    def end(self, key: RequestKey, decided: Decided, record: r.Record | None) -> None:
        """Tell who waits for the same request what came of it; None: it was not decided."""
        if self._running.get(key.term, (key, None))[1] is not decided:
            return  # it was found, not decided
        del self._running[key.term]
        decided.set_result(record)
        if record is not None and self._memory is not None:
            self._recent.add(key.term)

    async def read_first(self, key: RequestKey, record: bytes) -> r.Record:
        """Return the record whose verdict is told, of another coordinator's; raises RequestError.

        It decided the same request first.
        """
        assert self._memory is not None  # noqa: S101 - only a store knows of others
        question = (await self._memory.reader.read(record)).question
        if question is None:
            text = "the audit record has no verdict where it says that there is one"
            raise RequestError(grpc.StatusCode.UNAVAILABLE, "RECORD_NOT_READ", text)
        _check_same(key, question.request_digest)
        return question

    async def _find(self, key: RequestKey, memory: Memory) -> r.Record | None:
        """Return the verdict on an equal request within the window, if there is one."""
        term = key.term
        now = memory.clock()
        self._turn(now, memory.window)
        is_known = term in self._recent or term in self._older
        if not (is_known or memory.is_shared or now < self._complete_at):
            return None
        for record in reversed((await self._look_up(term, memory))[-NEWEST:]):
            question = (await memory.reader.read(record)).question
            if question is None or question.caller != key.caller or not is_determination(question):
                continue
            if question.request_id == key.request_id:
                _check_same(key, question.request_digest)
                return question
        return None

    def _turn(self, now: datetime, window: timedelta) -> None:
        """Forget what is older than a window."""
        is_full = len(self._recent) >= MOST_REMEMBERED
        if now - self._turned_at < window and not is_full:
            return
        if is_full:
            self._complete_at = now + window
        self._older, self._recent = self._recent, BloomFilter()
        self._turned_at = now

    async def _look_up(self, term: int, memory: Memory) -> list[bytes]:
        """Ask the store, together with all who ask meanwhile."""
        # Nobody else waits for the same term: of each, one request is decided at a time.
        wanted: Wanted = asyncio.get_running_loop().create_future()
        self._wanted[term] = wanted
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_up_all(memory))
        return await wanted

    async def _look_up_all(self, memory: Memory) -> None:
        try:
            while self._wanted:
                terms = list(self._wanted)[:_MOST_LOOKED_UP]
                waiting = {term: self._wanted.pop(term) for term in terms}
                since = lowest_id(memory.clock() - memory.window)
                try:
                    found: Found | RequestError = await memory.reader.find_all(terms, since)
                except RequestError as error:
                    found = error
                _hand_out(found, waiting)
        finally:
            self._looking = None


class RequestClaim:
    """A request while it is decided: `async with` waits for an equal one, and looks for earlier.

    `record` is its verdict if there is one already; whoever decides it sets it. A call that is
    cancelled while its record is written ends when that is done, so that who asks again meanwhile
    waits and is told the same.
    """

    def __init__(self, idempotency: Idempotency, key: RequestKey) -> None:
        """Claim nothing yet."""
        self._idempotency = idempotency
        self._key = key
        self._decided: Decided = asyncio.get_running_loop().create_future()
        self.record: r.Record | None = None

    async def __aenter__(self) -> Self:
        """Wait until nobody else decides it; raises RequestError."""
        try:
            self.record = await self._idempotency.begin(self._key, self._decided)
        except BaseException:
            self._idempotency.end(self._key, self._decided, None)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Tell who waits for the same."""
        self._idempotency.end(self._key, self._decided, self.record)
        if is_cancelled():  # it was put off while the record was written
            raise asyncio.CancelledError


def _hand_out(found: Found | RequestError, waiting: Mapping[int, Wanted]) -> None:
    """Give everybody who still waits for a term what was found of it."""
    for term, wanted in waiting.items():
        if wanted.done():  # he has gone
            continue
        if isinstance(found, RequestError):
            wanted.set_exception(found)
        else:
            wanted.set_result(found.get(term, []))


def _check_same(key: RequestKey, digest: bytes) -> None:
    if key.digest != digest:
        text = f"request id {key.request_id!r} was used for another request; use a new one"
        raise RequestError(grpc.StatusCode.ALREADY_EXISTS, "DUPLICATE_REQUEST_ID", text)
