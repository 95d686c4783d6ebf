"""Asking all perspectives at once, inside one deadline.

Every perspective of the attempt is asked every name, and for each of them exactly one reply comes
back: an observation, or why there is none. Perspectives that do not answer cost nothing but their
reply at the deadline; whoever has heard enough does not wait for it. A question carries a name and
its checks and nothing that any perspective saw (BR 3.2.2.9).
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import NamedTuple

from coordinator.decision.vote import Reply
from coordinator.perspectives.client import ClientOptions, PerspectiveClient
from coordinator.perspectives.client_pool import PerspectiveClientPool
from coordinator.perspectives.clock_watch import read_ours_us
from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.perspectives.pending import Answer
from coordinator.rules.roster import Perspective, Roster
from mpic.runtime.grpc.tls import Tls
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

Receive = Callable[[int, Reply], None]
AnyClient = PerspectiveClient | PerspectiveClientPool

_OVERDUE = 0.25
"""Seconds; a timer that comes so late says that we are too slow, not who was asked."""
_STEP_US = 1_000_000
"""By less our clock is not set, it drifts."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long an attempt may take."""

    lookup_timeout: float
    """Seconds an agent has for its lookups."""
    network_allowance: float
    """Seconds on top of that for the way there and back."""

    @property
    def attempt(self) -> float:
        """Return the seconds after which a perspective is late."""
        return self.lookup_timeout + self.network_allowance


class Inquiry(NamedTuple):
    """What every perspective of an attempt's set is asked."""

    names: Sequence[str]
    checks: Sequence[p.Check]
    budget: float | None = None
    """Seconds until the attempt must end; None: as many as it may take."""
    traceparent: str = ""
    """The caller's trace; empty: it sent none."""


class Fanout:
    """All links."""

    def __init__(self, roster: Roster, options: ClientOptions, timing: Timing) -> None:
        """Connect nothing yet; `open` does."""
        self.roster, self._options = roster, options
        self.links = _make_links(roster, options)
        self._by_id = {link.perspective.id: link for link in self.links}
        self._timing = timing
        self._ids = count(1)
        self._running: list[asyncio.Task[None]] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._ours_us = read_ours_us()

    async def open(self, patience: float) -> None:
        """Start connecting; wait at most `patience` seconds until every link was tried once."""
        self._running = await _open(self.links, patience)

    async def adopt(self, roster: Roster, tls: Tls, patience: float) -> Mapping[str, str]:
        """Link to the perspectives of another roster, or with another certificate.

        Attempts that run keep their links. Returns by id why perspectives that can be asked could
        no longer be; nothing has changed then.
        """
        if (roster, tls) == (self.roster, self._options.tls):
            return {}
        options = replace(self._options, tls=tls)
        links = _make_links(roster, options)
        running = await _open(links, patience)
        ready = self.ready()
        lost = {
            link.perspective.id: link.problem.detail
            for link in links
            if link.problem is not None and link.perspective.id in ready
        }
        if lost:
            await _cancel(running)
            return lost
        leaving = asyncio.create_task(self._leave(self._running))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        self.roster, self._options, self.links, self._running = roster, options, links, running
        self._by_id = {link.perspective.id: link for link in links}
        return {}

    async def _leave(self, running: Sequence[asyncio.Task[None]]) -> None:
        """Close links once no attempt can be waiting for them."""
        try:
            await asyncio.sleep(self._timing.attempt)
        finally:
            await _cancel(running)

    async def close(self) -> None:
        """Close every link."""
        await _cancel(list(self._leaving))
        await _cancel(self._running)

    def ready(self) -> frozenset[str]:
        """Return the ids of the perspectives that can be asked right now."""
        return frozenset(link.perspective.id for link in self.links if link.problem is None)

    def ask(self, asked: Roster, inquiry: Inquiry, receive: Receive) -> "Asking":
        """Ask the perspectives of a set about every name; `receive` gets (index, reply)."""
        self._note_step()
        links = [self._by_id[perspective.id] for perspective in asked.perspectives]
        names = len(inquiry.names)
        budget, lookup_timeout = inquiry.budget, self._timing.lookup_timeout
        if budget is None:
            asking = Asking(self._timing.attempt, names, receive)
        else:
            asking, lookup_timeout = CutAsking(budget, names, receive), min(budget, lookup_timeout)
        # Not rounded down: an agent must not give up before a budget that was cut ends here.
        timeout_ms = math.ceil(lookup_timeout * 1000)
        for index, name in enumerate(inquiry.names):
            question_id = next(self._ids)
            request = p.ObserveRequest()
            question = request.questions.add(id=question_id, name=name, timeout_ms=timeout_ms)
            question.traceparent = inquiry.traceparent
            question.checks.extend(inquiry.checks)
            asking.ask(links, index, question_id, request.SerializeToString())
        return asking

    def _note_step(self) -> None:
        """Compare clocks where ours was set since the last attempt: this one has its time by it."""
        ours_us = read_ours_us()
        if abs(ours_us - self._ours_us) > _STEP_US:
            self._ours_us = ours_us
            for link in self.links:
                link.check_clock()


def _make_links(roster: Roster, options: ClientOptions) -> Sequence[AnyClient]:
    return [_make_link(one, options) for one in roster.perspectives]


async def _open(links: Sequence[AnyClient], patience: float) -> list[asyncio.Task[None]]:
    """Start connecting; wait at most `patience` seconds until every link was tried once."""
    running = [asyncio.create_task(link.run()) for link in links]
    tries = [asyncio.create_task(link.first_attempt()) for link in links]
    _, late = await asyncio.wait(tries, timeout=patience)
    for task in late:
        task.cancel()
    return running


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _make_link(perspective: Perspective, options: ClientOptions) -> AnyClient:
    if perspective.workers == 1:
        return PerspectiveClient(perspective, options)
    return PerspectiveClientPool(perspective, options)


class Asking:
    """One attempt's questions on their way."""

    def __init__(self, timeout: float, names: int, receive: Receive) -> None:
        """Ask nothing yet; there will be a question for each of so many names."""
        self._receive = receive
        self._unanswered = names
        """Names about which somebody has not answered, or has not been asked yet."""
        self._started = time.perf_counter()
        self._open: dict[int, tuple[int, dict[str, AnyClient]]] = {}
        """By question: the index of its name, and who has not answered."""
        self._deadline = asyncio.get_running_loop().call_later(timeout, self._expire)
        self._late = (c.DISSENT_LATE, f"no answer within {timeout:g} s")

    def ask(self, links: Sequence[AnyClient], index: int, question_id: int, entry: bytes) -> None:
        """Send every perspective one question."""
        self._open[question_id] = (index, {link.perspective.id: link for link in links})
        for link in links:
            link.ask(question_id, entry, self._answer)

    def close(self) -> None:
        """Ask no further: replies that are still to come are dropped."""
        self._deadline.cancel()
        for question_id, (_, links) in self._open.items():
            for link in links.values():
                link.forget(question_id)
        self._open.clear()

    def withdraw(self) -> None:
        """Ask no further, and let the agents stop looking: nobody waits."""
        links = {id(link): link for _, links in self._open.values() for link in links.values()}
        entry = p.ObserveRequest(withdrawn=self._open).SerializeToString()
        self.close()
        for link in links.values():
            link.withdraw(entry)

    def _answer(self, perspective: Perspective, question_id: int, answer: Answer) -> None:
        """Take what a link has to say."""
        index, links = self._open[question_id]
        del links[perspective.id]
        if not links:
            del self._open[question_id]
            self._unanswered -= 1
            if not self._unanswered:
                self._deadline.cancel()
        if isinstance(answer, PerspectiveProblem):
            reply = Reply(perspective, None, None, answer.dissent, answer.detail)
        else:
            reply = Reply(perspective, answer, time.perf_counter() - self._started)
        self._receive(index, reply)

    def _expire(self) -> None:
        """Reply for every perspective that has not answered."""
        late = [(index, link) for index, links in self._open.values() for link in links.values()]
        self.close()
        dissent, detail = self._explain()
        for index, link in late:
            self._receive(index, Reply(link.perspective, None, None, dissent, detail))

    def _explain(self) -> tuple[c.Dissent.ValueType, str]:
        """Say why there is no answer."""
        overdue = asyncio.get_running_loop().time() - self._deadline.when()
        if overdue > _OVERDUE:
            # The answer may lie here unread.
            detail = f"this coordinator has too much to do: its timer is {overdue:.1f} s late"
            return c.DISSENT_OVERLOADED, detail
        return self._late


class CutAsking(Asking):
    """An attempt that the caller's deadline cuts short.

    The agents' own deadlines end at the same time, so what they say of lookups that had too little
    time comes after that, and must not count.
    """

    def __init__(self, budget: float, names: int, receive: Receive) -> None:
        """Ask nothing yet; end after `budget` seconds."""
        super().__init__(budget, names, receive)
        detail = f"no answer within the {budget:.3f} s that the caller's deadline left"
        self._late = (c.DISSENT_NO_TIME, detail)

    def _answer(self, perspective: Perspective, question_id: int, answer: Answer) -> None:
        """Take what a link has to say, unless it comes too late."""
        if asyncio.get_running_loop().time() < self._deadline.when():
            super()._answer(perspective, question_id, answer)
        elif question_id in self._open:
            self._expire()
