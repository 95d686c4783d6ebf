"""Looks that need a connection, as ways of looking (`perspective_agent.wants`).

Questions that want the same at nearly the same time share one look: a server is then asked once.
Nothing is kept, and a look that has lasted a while is not joined: who asks again wants it anew.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import structlog

from mpic.v1 import observation_pb2 as o

log = structlog.get_logger()

SECONDS = 10.0
"""For a look from its beginning to its end; a question's deadline may be earlier."""
JOINED_SECONDS = 1.0
"""How old a look may be to be joined."""

F = TypeVar("F")
F_co = TypeVar("F_co", covariant=True)
T = TypeVar("T", bound=Hashable)


class Seen(NamedTuple, Generic[F]):
    """What came of a look."""

    finding: F
    """Shared with others, so it is never changed."""
    lookups_us: tuple[int, ...]
    """How long it took, in microseconds."""


class Look(Protocol[F_co]):
    """A look that is made once."""

    @property
    def is_queued(self) -> bool:
        """Whether our own load keeps it from going on."""

    async def run(self) -> F_co:
        """Look, and return what came of it; whatever the other end does is a finding."""

    def cut_short(self, since: float, seconds: float) -> F_co:
        """Return how far it has come, failed by the deadline of a question (`wants`)."""

    def fail(self, failure: o.Failure) -> F_co:
        """Return the finding of a look that ended in this failure."""


class PendingLook(Generic[T, F]):
    """A look in progress, and all who wait for it."""

    no_times = (0,)

    def __init__(self, target: T, look: Look[F], shared: "SharedLooks[T, F]") -> None:
        """Begin with nobody who waits."""
        self.target = target
        self.waiting: list[Callable[[Seen[F]], None]] = []
        self.started = time.perf_counter()
        self._look = look
        self._shared = shared
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(SECONDS, self._expire)
        self._task = loop.create_task(self._run())

    @property
    def is_open(self) -> bool:
        """Whether somebody waits for it."""
        return bool(self.waiting)

    @property
    def is_queued(self) -> bool:
        """Whether our own load keeps it from going on."""
        return self.is_open and self._look.is_queued

    def cut_short(self, since: float, seconds: float) -> Seen[F]:
        """Return how far it has come, failed by a deadline."""
        return Seen(self._look.cut_short(since, seconds), (0,))

    def withdraw(self) -> None:
        """Close its connection at once, unless others wait for it too."""
        if len(self.waiting) == 1:
            self.release(self.waiting[0])

    def release(self, receive: Callable[[Seen[F]], None]) -> None:
        """Let go of it; close its connection if nobody waits any more."""
        if receive in self.waiting:
            self.waiting.remove(receive)
            if not self.waiting:
                self._end(self._look.cut_short(self.started, self._elapsed()))

    async def _run(self) -> None:
        try:
            finding = await self._look.run()
        except Exception:
            log.exception("look_broken", target=str(self.target))
            detail = "the look broke in this agent; its log says how"
            finding = self._look.fail(o.Failure(kind=o.FAILURE_KIND_INTERNAL, detail=detail))
        self._end(finding)

    def _expire(self) -> None:
        self._end(self._look.cut_short(self.started, SECONDS))

    def _end(self, finding: F) -> None:
        """Hand out what came of it, once, and stop."""
        self._deadline.cancel()
        self._task.cancel()  # if it ends by itself, nothing is left to cancel
        self._shared.forget(self, finding, self._elapsed())
        waiting, self.waiting = self.waiting, []
        seen = Seen(finding, (max(int(self._elapsed() * 1e6), 1),))
        for receive in waiting:
            receive(seen)

    def _elapsed(self) -> float:
        return time.perf_counter() - self.started


class SharedLooks(Generic[T, F]):
    """The looks of one kind that are in progress at one agent."""

    def __init__(
        self, begin: Callable[[T], Look[F]], count: Callable[[F, float], None] | None = None
    ) -> None:
        """Make looks by `begin`; `count` is told of each once, with the seconds that it took."""
        self._begin = begin
        self._count = count
        self._under_way: dict[T, PendingLook[T, F]] = {}
        """The newest for each target."""

    def start(self, target: T, receive: Callable[[Seen[F]], None]) -> PendingLook[T, F]:
        """Join or begin a look; `receive` gets what came of it, unless it is released before."""
        pending = self._under_way.get(target)
        if pending is None or time.perf_counter() - pending.started > JOINED_SECONDS:
            pending = self._under_way[target] = PendingLook(target, self._begin(target), self)
        pending.waiting.append(receive)
        return pending

    def forget(self, pending: PendingLook[T, Any], finding: F, seconds: float) -> None:
        """Forget a look that has ended."""
        if self._under_way.get(pending.target) is pending:
            del self._under_way[pending.target]
        if self._count is not None:
            self._count(finding, seconds)
