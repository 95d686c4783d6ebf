"""Asking all perspectives at once, inside one deadline.

Every perspective of the attempt is asked every name, and for each of them exactly one reply comes
back: an observation, or why there is none. Perspectives that do not answer cost nothing but their
reply at the deadline; whoever has heard enough does not wait for it. A question carries a name and
its checks and nothing that any perspective saw (BR 3.2.2.9).
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from coordinator.ballot import Reply
from coordinator.link import Answer, Link, LinkOptions, Problem
from coordinator.pool import LinkPool
from coordinator.roster import Perspective, Roster
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

Receive = Callable[[int, Reply], None]
AnyLink = Link | LinkPool


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


class Fanout:
    """All links."""

    def __init__(self, roster: Roster, options: LinkOptions, timing: Timing) -> None:
        """Connect nothing yet; `open` does."""
        self.links: Sequence[AnyLink] = [_make_link(one, options) for one in roster.perspectives]
        self._by_id = {link.perspective.id: link for link in self.links}
        self._timing = timing
        self._ids = count(1)
        self._running: list[asyncio.Task[None]] = []

    async def open(self, patience: float) -> None:
        """Start connecting; wait at most `patience` seconds until every link was tried once."""
        self._running = [asyncio.create_task(link.run()) for link in self.links]
        tries = [asyncio.create_task(link.first_attempt()) for link in self.links]
        _, late = await asyncio.wait(tries, timeout=patience)
        for task in late:
            task.cancel()

    async def close(self) -> None:
        """Close every link."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def ready(self) -> frozenset[str]:
        """Return the ids of the perspectives that can be asked right now."""
        return frozenset(link.perspective.id for link in self.links if link.problem is None)

    def ask(
        self, asked: Roster, names: Iterable[str], checks: Sequence[p.Check], receive: Receive
    ) -> "Asking":
        """Ask the perspectives of a set about every name; `receive` gets (index, reply)."""
        links = [self._by_id[perspective.id] for perspective in asked.perspectives]
        asking = Asking(self._timing.attempt, receive)
        timeout_ms = round(self._timing.lookup_timeout * 1000)
        for index, name in enumerate(names):
            question_id = next(self._ids)
            question = p.Question(id=question_id, name=name, timeout_ms=timeout_ms, checks=checks)
            entry = p.ObserveRequest(questions=[question]).SerializeToString()
            asking.ask(links, index, question_id, entry)
        return asking


def _make_link(perspective: Perspective, options: LinkOptions) -> AnyLink:
    if perspective.workers == 1:
        return Link(perspective, options)
    return LinkPool(perspective, options)


class Asking:
    """One attempt's questions on their way."""

    def __init__(self, timeout: float, receive: Receive) -> None:
        """Ask nothing yet."""
        self._receive = receive
        self._timeout = timeout
        self._started = time.perf_counter()
        self._open: dict[int, tuple[int, dict[str, AnyLink]]] = {}
        """By question: the index of its name, and who has not answered."""
        self._deadline = asyncio.get_running_loop().call_later(timeout, self._expire)

    def ask(self, links: Sequence[AnyLink], index: int, question_id: int, entry: bytes) -> None:
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

    def _answer(self, perspective: Perspective, question_id: int, answer: Answer) -> None:
        """Take what a link has to say."""
        index, links = self._open[question_id]
        del links[perspective.id]
        if not links:
            del self._open[question_id]
            if not self._open:
                self._deadline.cancel()
        if isinstance(answer, Problem):
            reply = Reply(perspective, None, None, answer.dissent, answer.detail)
        else:
            reply = Reply(perspective, answer, time.perf_counter() - self._started)
        self._receive(index, reply)

    def _expire(self) -> None:
        """Reply for every perspective that has not answered."""
        late = [(index, link) for index, links in self._open.values() for link in links.values()]
        self.close()
        detail = f"no answer within {self._timeout:g} s"
        for index, link in late:
            self._receive(index, Reply(link.perspective, None, None, c.DISSENT_LATE, detail))
