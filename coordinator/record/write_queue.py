"""The queue of entries to write, and of those who wait until theirs is durable."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Self, TypeVar

import grpc

from coordinator.record.determination import is_determination
from coordinator.record.index_terms import find_terms, request_term
from coordinator.record.stores.base import Claim, Entry
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import record_pb2 as r

T = TypeVar("T")
SupersededBy = bytes | None
"""The id of the record whose verdict is told instead; None: its own verdict is told."""


class Place:
    """A place in the next batch: `async with` waits until that batch is put together.

    The holder of the place then writes at once, or the batch goes without its entry. A wait that is
    cancelled still goes on to its end. So a caller that asks again finds what was written
    (`is_cancelled`).
    """

    def __init__(self, queue: Callable[["Place"], None]) -> None:
        """Do nothing yet; `queue` takes the place when it is entered, or raises RequestError."""
        self._queue = queue
        loop = asyncio.get_running_loop()
        self._since: bytes | None = None
        self._turn: asyncio.Future[None] = loop.create_future()
        self._durable: asyncio.Future[SupersededBy] = loop.create_future()
        self.is_taken: asyncio.Future[None] = loop.create_future()
        """Done once it is known which entry stands in this place, if any."""
        self.entry: Entry | None = None

    async def __aenter__(self) -> Self:
        """Wait for the turn; raises RequestError when nothing can be written."""
        self._queue(self)
        await _outlast(self._turn)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let the batch go without an entry where none was written."""
        self._leave()

    async def write(self, record: bytes, entry: r.RecordEntry) -> SupersededBy:
        """Return once an entry is durable; raises RequestError if it cannot be made durable.

        If another record has the verdict on the same request, return its id. The caller is then
        told that verdict, and the stored entry says so.
        """
        assert self.entry is None  # noqa: S101 - it has one entry
        claim = _find_claim(entry, self._since) if self._since is not None else None
        self.entry = to_entry(record, entry, claim)
        self._leave()
        return await _outlast(self._durable)

    def give_turn(self, since: bytes | None) -> None:
        """Let its holder write; a verdict claims its request, if no other has had it `since` then.

        None: requests are not claimed.
        """
        self._since = since
        if not self._turn.done():
            self._turn.set_result(None)

    def tell_written(self, superseded: Mapping[bytes, bytes]) -> None:
        """Say that the batch is durable; `superseded` maps a record to the one told instead."""
        if self.entry is not None and not self._durable.done():
            self._durable.set_result(superseded.get(self.entry.record))

    def tell_failed(self, error: RequestError) -> None:
        """Say that the batch cannot be written, now or when its holder comes to wait for it."""
        for waits_for in (self._turn, self._durable):
            if not waits_for.done():
                waits_for.set_exception(error)
                waits_for.exception()  # it is no defect if nobody comes

    def _leave(self) -> None:
        if not self.is_taken.done():
            self.is_taken.set_result(None)


Waiting = Place | Entry
"""A place that somebody holds, or an entry that nobody waits for."""


async def take_entries(waiting: Iterable[Waiting], since: bytes | None) -> list[Entry]:
    """Give everybody who holds a place a turn, and return the entries of a batch."""
    places = [one for one in waiting if isinstance(one, Place)]
    for place in places:
        place.give_turn(since)
    for place in places:
        await place.is_taken
    written = (one.entry if isinstance(one, Place) else one for one in waiting)
    return [entry for entry in written if entry is not None]


def to_entry(record: bytes, entry: r.RecordEntry, claim: Claim | None = None) -> Entry:
    """Return an entry in the form that stores keep."""
    return Entry(record, entry.SerializeToString(), find_terms(entry), claim)


def is_cancelled() -> bool:
    """Whether this task was cancelled, and went on only while a record was written."""
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())


def not_written(why: str) -> RequestError:
    """Make the error for an entry that is not durable."""
    return RequestError(
        grpc.StatusCode.UNAVAILABLE,
        "RECORD_NOT_WRITTEN",
        f"{why}, so nothing is approved; ask again later",
    )


def supersede(entry: Entry, holder: bytes) -> Entry:
    """Return an entry that says that another record's verdict was told instead of its own."""
    written = r.RecordEntry.FromString(entry.content)
    written.question.superseded_by = holder
    return Entry(entry.record, written.SerializeToString(), entry.terms)


def is_question(entry: Entry) -> bool:
    """Say whether an entry is a request with its verdict."""
    return r.RecordEntry.FromString(entry.content).HasField("question")


def _find_claim(entry: r.RecordEntry, since: bytes) -> Claim | None:
    if entry.WhichOneof("kind") != "question" or not is_determination(entry.question):
        return None
    question = entry.question
    return Claim(request_term(question.caller, question.request_id), since)


async def _outlast(done: "asyncio.Future[T]") -> T:
    """Wait to the end, even if the task is cancelled meanwhile."""
    while not done.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(done)
    return done.result()
