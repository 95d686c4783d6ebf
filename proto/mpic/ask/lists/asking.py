"""Asks about each line of a list, over one stream, and keeps what it comes to in the journal.

The client bounds how many names are under way, takes more only as the service answers, and asks
again what is unanswered. So here is only the order: what a line says, whether it is known already,
what became of it.
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from mpic.ask.lists.journal import FINAL, Journal, JournalLine, LineState
from mpic.ask.lists.line import ListError, ListLine, Remark, remark
from mpic.ask.lists.results import expire, is_over, settle, settle_malformed
from mpic.client import AsyncClient, StreamLimits
from mpic.v1 import corroboration_pb2 as c
from mpic.words import Language

T = TypeVar("T")

MOST_REMARKS = 20
"""That are shown; the others are counted."""
_AHEAD = 64
"""Lines that are read before there is room for their questions."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What holds for every line."""

    run_id: str
    template: c.CorroborateRequest
    """All of a question but its names and its id."""
    method: str = ""
    rate: float = 0.0
    """Questions a second at most; 0: as many as the service answers."""
    keeps_octets: bool = False
    """Whether the output repeats the lines."""
    lang: Language = "en"


class ListRun:
    """One pass over a list."""

    def __init__(
        self, journal: Journal, options: RunOptions, tell: Sequence[Callable[[JournalLine], None]]
    ) -> None:
        """Tell of every line that has come to its end, those from before too."""
        self._journal = journal
        self._options = options
        self._whom = tell
        self.remarks: list[tuple[int, Remark]] = []
        """The first remarks, with the numbers of their lines."""
        self.more_remarks = 0
        self.lines = 0
        """How many were read, blank ones too."""
        self._next_at = 0.0

    async def ask(
        self, client: AsyncClient, lines: Iterator[ListLine], limits: StreamLimits
    ) -> None:
        """Ask about all lines; raises ClientError and ListError. What is known by then is kept."""
        async for result in client.stream(self._questions(lines), limits):
            number = int(result.request.request_id.split("-")[2])
            line = self._journal.find(number)
            assert line is not None  # noqa: S101 - it was put there before it was asked
            self._end(settle(line, result, self._options.lang))

    def expire(self, at: datetime) -> None:
        """Take back each approval that may not be used any more; a long run may outlast some."""
        approved = self._journal.lines(LineState.APPROVED)
        for number in [line.number for line in approved if is_over(line, at)]:
            line = self._journal.find(number)
            assert line is not None  # noqa: S101 - it was there just now
            self._journal.put(expire(line, self._options.lang))

    async def _questions(self, lines: Iterator[ListLine]) -> AsyncIterator[c.CorroborateRequest]:
        async for line in iterate_in_thread(lines):
            self.lines = line.number
            known = self._take(line)
            if known.state is LineState.OPEN:
                await self._keep_rate()
                yield self._request(known)
            elif known.state is LineState.BLANK:
                self._tell(known)
            else:
                self._end(known)

    def _take(self, line: ListLine) -> JournalLine:
        """Return a line as it is known: with its result, or to be asked."""
        reading = line.reading
        request_id = make_request_id(self._options.run_id, line)
        octets = line.octets if self._options.keeps_octets else b""
        new = JournalLine(line.number, request_id, reading.names, octets)
        for note in reading.notes:
            self._note(line.number, note)
        known = self._journal.find(line.number)
        if known is not None and known.request_id != request_id:
            raise ListError("other_line", path=self._journal.path, line=line.number)
        if known is not None and known.state in FINAL and not is_over(known, datetime.now(UTC)):
            return known
        if reading.malformed is not None:
            return settle_malformed(new, reading.malformed, self._options.lang)
        if not reading.names:
            new = replace(new, state=LineState.BLANK)
            if self._options.keeps_octets:
                self._journal.put(new)
            return new
        self._journal.put(new)
        if same := self._journal.find_same(new):
            self._note(line.number, remark(0, "same_names", line=same))
        return new

    def _request(self, line: JournalLine) -> c.CorroborateRequest:
        request = c.CorroborateRequest()
        request.CopyFrom(self._options.template)
        request.request_id = line.request_id
        for name in line.names:
            request.names.add(name=name, validation_method=self._options.method)
        return request

    def _end(self, line: JournalLine) -> None:
        self._journal.put(line)
        self._journal.commit_in_time()
        self._tell(line)

    def _tell(self, line: JournalLine) -> None:
        for tell in self._whom:
            tell(line)

    def _note(self, number: int, remark: Remark) -> None:
        if len(self.remarks) < MOST_REMARKS:
            self.remarks.append((number, remark))
        else:
            self.more_remarks += 1

    async def _keep_rate(self) -> None:
        if not self._options.rate:
            return
        now = time.monotonic()
        self._next_at = max(self._next_at, now) + 1 / self._options.rate
        await asyncio.sleep(self._next_at - 1 / self._options.rate - now)


def make_request_id(run_id: str, line: ListLine) -> str:
    """Return the id under which a line is asked, however often a run is gone on with."""
    content = hashlib.sha256(line.octets).hexdigest()[:16]
    return f"list-{run_id}-{line.number}-{content}"


async def iterate_in_thread(items: Iterator[T]) -> AsyncIterator[T]:
    """Yield items of an iterator that may block, such as a pipe's; raises what it raises.

    The thread is not waited for: it may be blocked for ever.
    """
    loop, is_stopped = asyncio.get_running_loop(), threading.Event()
    room = threading.Semaphore(_AHEAD)
    taken: asyncio.Queue[tuple[T] | BaseException | None] = asyncio.Queue()

    def put(item: tuple[T] | BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(taken.put_nowait, item)

    def read() -> None:
        end: BaseException | None = None
        try:
            for item in items:
                room.acquire()
                if is_stopped.is_set():
                    return
                put((item,))
        except BaseException as error:  # noqa: BLE001 - it is raised where items are taken
            end = error
        put(end)

    threading.Thread(target=read, name="list", daemon=True).start()
    try:
        while (got := await taken.get()) is not None:
            if isinstance(got, BaseException):
                raise got
            room.release()
            yield got[0]
    finally:
        is_stopped.set()
        room.release()
