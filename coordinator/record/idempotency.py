"""Give a repeated request the same verdict, without asking the perspectives again.

A caller that lost its connection asks again with the same request id. Within a window it gets the
recorded verdict. That also holds while the first call is still being decided, and after a restart.
The same id with another body is refused. An attempt that determined nothing (`determination`) is
not remembered. The request is decided again, and both attempts are recorded.

A request id that this process has not seen for a whole window is new. To know that is nearly free.
At the start the process reads the ids of the last window from the store, if there are not too many.
Then it asks the store only while the previous process may still be ending. Otherwise it asks the
store during the first window. It always asks if other processes write to the same store. One query
serves all questions that wait meanwhile.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import grpc
import structlog

from coordinator.decision.attempt_id import lowest_id
from coordinator.record.bloom_filter import BloomFilter
from coordinator.record.determination import NEWEST, is_determination
from coordinator.record.index_terms import request_term
from coordinator.record.reader import Reader
from coordinator.record.write_queue import is_cancelled
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()

MOST_REMEMBERED = 4_000_000
"""Requests in each half of the memory; with more, too many new ones would be looked up."""
MOST_RECALLED = 20_000
"""Requests from before the start that are read; more would delay the start."""
ENDING = timedelta(minutes=2)
"""For this long after our start, the previous process may still decide what it has taken."""
_MOST_LOOKED_UP = 500

Decided = asyncio.Future["r.Record | None"]
Found = dict[int, list[bytes]]
"""The ids of records, by term."""
Wanted = asyncio.Future[list[bytes]]


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key by which two requests are the same."""

    caller: str
    request_id: str
    digest: bytes
    """SHA-256 over the request."""
    term: int = field(init=False)
    """The term by which the request is found in the record."""

    def __post_init__(self) -> None:
        """Compute the term."""
        object.__setattr__(self, "term", request_term(self.caller, self.request_id))


@dataclass(frozen=True, slots=True)
class Memory:
    """The store in which earlier requests are looked up."""

    reader: Reader
    window: timedelta
    is_shared: bool
    """Whether other processes answer the same callers from the same store."""
    clock: Callable[[], datetime]


class Idempotency:
    """Knows which requests were asked before."""

    def __init__(self, memory: Memory | None) -> None:
        """Know nothing yet: requests from before the start are in the store.

        Without a memory only requests that are being decided now are known.
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
        """Read which requests came before the start; if that fails now, look them up later."""
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
        """Return the claim on a request; once it is entered, nobody else decides the request."""
        return RequestClaim(self, key)

    async def begin(self, key: RequestKey, decided: Decided) -> r.Record | None:
        """Return the record of an equal request, or None once all others await `decided`.

        Raises RequestError if the request id was used for another request.
        """
        while running := self._running.get(key.term):
            _check_same(key, running[0].digest)
            # None: that call ended without a verdict, so this call decides.
            if found := await asyncio.shield(running[1]):
                return found
        self._running[key.term] = key, decided
        return await self._find(key, self._memory) if self._memory else None

    def end(self, key: RequestKey, decided: Decided, record: r.Record | None) -> None:
        """Tell those who wait for the same request its record; None: it was not decided."""
        if self._running.get(key.term, (key, None))[1] is not decided:
            return  # it was found, not decided
        del self._running[key.term]
        decided.set_result(record)
        if record is not None and self._memory is not None:
            self._recent.add(key.term)

    async def read_first(self, key: RequestKey, record: bytes) -> r.Record:
        """Return the record of another coordinator that decided the same request first.

        Its verdict is the one that is told. Raises RequestError.
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
        """Forget requests that are older than a window."""
        is_full = len(self._recent) >= MOST_REMEMBERED
        if now - self._turned_at < window and not is_full:
            return
        if is_full:
            self._complete_at = now + window
        self._older, self._recent = self._recent, BloomFilter()
        self._turned_at = now

    async def _look_up(self, term: int, memory: Memory) -> list[bytes]:
        """Ask the store, together with all others who ask meanwhile."""
        # Nobody else waits for the same term: one request of each term is decided at a time.
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
                except Exception:
                    log.exception("record_not_read")
                    text = "the audit record cannot be read; ask again later"
                    found = RequestError(grpc.StatusCode.UNAVAILABLE, "RECORD_NOT_READ", text)
                _hand_out(found, waiting)
        finally:
            self._looking = None


class RequestClaim:
    """A request while it is decided: `async with` waits for an equal one, and looks it up.

    `record` is its verdict, if there is one already; otherwise the decider sets it. A call that is
    cancelled while its record is written ends only after that. So a caller that asks again
    meanwhile waits and is told the same.
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
        """Tell those who wait for the same request."""
        self._idempotency.end(self._key, self._decided, self.record)
        if is_cancelled():  # it was held back while the record was written
            raise asyncio.CancelledError


def _hand_out(found: Found | RequestError, waiting: Mapping[int, Wanted]) -> None:
    """Give everybody who still waits for a term the records that were found for it."""
    for term, wanted in waiting.items():
        if wanted.done():  # it no longer waits
            continue
        if isinstance(found, RequestError):
            wanted.set_exception(found)
        else:
            wanted.set_result(found.get(term, []))


def _check_same(key: RequestKey, digest: bytes) -> None:
    if key.digest != digest:
        text = f"request id {key.request_id!r} was used for another request; use a new one"
        raise RequestError(grpc.StatusCode.ALREADY_EXISTS, "DUPLICATE_REQUEST_ID", text)
