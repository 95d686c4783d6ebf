"""Ask all perspectives at once, within one deadline.

Every perspective of the attempt is asked about every name. Each of them returns exactly one reply:
an observation, or why there is none. A perspective that does not answer costs only its reply at the
deadline. A caller that knows enough does not wait for it. A question carries a name and its checks,
and nothing that any perspective saw (BR 3.2.2.9).
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import NamedTuple

from coordinator.decision.request import AskedName
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.client_pool import PerspectiveClientPool
from coordinator.perspectives.clock_watch import read_ours_us
from coordinator.perspectives.open_questions import (
    AnyClient,
    CutShortQuestions,
    EncodedQuestion,
    OpenQuestions,
    Receive,
)
from coordinator.rules.roster import Perspective, Roster
from mpic.channel import Tls
from mpic.v1 import perspective_pb2 as p

_STEP_US = 1_000_000
"""A smaller difference is drift: our clock was not set."""


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


class AttemptQuestions(NamedTuple):
    """What every perspective of an attempt's set is asked."""

    names: Sequence[AskedName]
    budget: float | None = None
    """Seconds until the attempt must end; None: as many as it may take."""
    traceparent: str = ""
    """The caller's trace; empty: it sent none."""


class Fanout:
    """The links to all perspectives."""

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

        Attempts that run keep their links. Returns, by id, why perspectives that could be asked
        cannot be asked over the new links. If there are any, nothing has changed.
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

    def ready(self, names: Sequence[AskedName] = ()) -> frozenset[str]:
        """Return the ids of the perspectives that can be asked right now about all these names."""
        kinds = {kind for name in names for check in name.checks for kind in check.kinds}
        return frozenset(
            link.perspective.id
            for link in self.links
            if link.problem is None and link.known_kinds >= kinds
        )

    def ask(self, asked: Roster, questions: AttemptQuestions, receive: Receive) -> OpenQuestions:
        """Ask the perspectives of a set about every name; `receive` gets (index, reply)."""
        self._note_step()
        links = [self._by_id[perspective.id] for perspective in asked.perspectives]
        names = len(questions.names)
        budget, lookup_timeout = questions.budget, self._timing.lookup_timeout
        if budget is None:
            asking = OpenQuestions(self._timing.attempt, names, receive)
        else:
            asking = CutShortQuestions(budget, names, receive)
            lookup_timeout = min(budget, lookup_timeout)
        # Rounded up: an agent must not give up before a budget that was cut ends here.
        timeout_ms = math.ceil(lookup_timeout * 1000)
        for index, name in enumerate(questions.names):
            question_id = next(self._ids)
            request = p.ObserveRequest(failure_causes=True)
            question = request.questions.add(id=question_id, timeout_ms=timeout_ms)
            question.name, question.traceparent = name.looked_up, questions.traceparent
            question.checks.extend([one for check in name.checks for one in check.questions])
            asking.ask(
                links, index, EncodedQuestion(question_id, request.SerializeToString(), name)
            )
        return asking

    def _note_step(self) -> None:
        """Compare clocks again if ours was set: attempts from now on are dated by it."""
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
