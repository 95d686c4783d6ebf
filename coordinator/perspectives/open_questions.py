"""The open questions of one attempt: who has not answered, and until when they may.

For each question every perspective returns exactly one reply: its answer, why it was not asked, or
at the deadline that it has not answered.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from coordinator.decision.request import AskedName
from coordinator.decision.vote import Reply
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_pool import PerspectiveClientPool
from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.perspectives.pending import Answer
from coordinator.rules.roster import Perspective
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

Receive = Callable[[int, Reply], None]
"""Gets the index of the name, and the reply."""
AnyClient = PerspectiveClient | PerspectiveClientPool

_OVERDUE = 0.25
"""Seconds; if a timer comes so late, this coordinator is too slow, and not the perspectives."""


class EncodedQuestion(NamedTuple):
    """One name's question, as it is sent to every perspective."""

    id: int
    octets: bytes
    name: AskedName


class OpenQuestions:
    """The open questions of one attempt."""

    def __init__(self, timeout: float, names: int, receive: Receive) -> None:
        """Ask nothing yet; there will be one question for each of `names` names."""
        self._receive = receive
        self._unanswered = names
        """Names about which a perspective has not answered, or has not been asked yet."""
        self._started = time.perf_counter()
        self._open: dict[int, tuple[int, dict[str, AnyClient]]] = {}
        """By question: the index of its name, and the links that have not answered."""
        self._deadline = asyncio.get_running_loop().call_later(timeout, self._expire)
        self._late = (c.DISSENT_LATE, f"no answer within {timeout:g} s")

    def ask(self, links: Sequence[AnyClient], index: int, question: EncodedQuestion) -> None:
        """Send a question to every perspective, except those that do not know one of its checks."""
        self._open[question.id] = (index, {link.perspective.id: link for link in links})
        for link in links:
            unsupported = _find_unsupported(link, question.name)
            if unsupported is None:
                link.ask(question.id, question.octets, self._answer)
            else:
                self._answer(link.perspective, question.id, unsupported)
            if question.id not in self._open:
                break
        if self._open and self._deadline.cancelled():
            self._expire()  # the deadline has passed while an earlier name was asked about

    def close(self) -> None:
        """Ask nothing more; replies that are still to come are dropped."""
        self._deadline.cancel()
        for question_id, (_, links) in self._open.items():
            for link in links.values():
                link.forget(question_id)
        self._open.clear()

    def withdraw(self) -> None:
        """Ask nothing more, and let the agents stop looking: nobody waits."""
        links = {id(link): link for _, links in self._open.values() for link in links.values()}
        entry = p.ObserveRequest(withdrawn=self._open).SerializeToString()
        self.close()
        for link in links.values():
            link.withdraw(entry)

    def _answer(self, perspective: Perspective, question_id: int, answer: Answer) -> None:
        """Take what a link answers."""
        index, links = self._open[question_id]
        del links[perspective.id]
        if not links:
            del self._open[question_id]
            self._unanswered -= 1
            if not self._unanswered:
                self._deadline.cancel()
        if isinstance(answer, PerspectiveProblem):
            reply = Reply(perspective, None, None, answer.dissent, answer.detail, answer.check)
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
            # The answer may be here, not read yet.
            detail = f"this coordinator has too much to do: its timer is {overdue:.1f} s late"
            return c.DISSENT_OVERLOADED, detail
        return self._late


class CutShortQuestions(OpenQuestions):
    """The questions of an attempt that the caller's deadline cuts short.

    The agents' own deadlines end at the same time. What they say about lookups that had too little
    time comes after that, and must not count.
    """

    def __init__(self, budget: float, names: int, receive: Receive) -> None:
        """Ask nothing yet; end after `budget` seconds."""
        super().__init__(budget, names, receive)
        detail = f"no answer within the {budget:.3f} s that the caller's deadline left"
        self._late = (c.DISSENT_NO_TIME, detail)

    def _answer(self, perspective: Perspective, question_id: int, answer: Answer) -> None:
        """Take what a link answers, unless it comes too late."""
        if asyncio.get_running_loop().time() < self._deadline.when():
            super()._answer(perspective, question_id, answer)
        elif question_id in self._open:
            self._expire()


def _find_unsupported(link: AnyClient, name: AskedName) -> PerspectiveProblem | None:
    """Say which check an agent that can be asked does not know; None: it knows all."""
    if link.problem is not None:
        return None
    known = link.known_kinds
    for check in name.checks:
        lacking = next((kind for kind in check.kinds if kind not in known), None)
        if lacking is not None:
            version = link.description.version if link.description else "unknown"
            detail = (
                f"this agent is older: version {version} does not know the check {lacking!r}."
                " Upgrade it"
            )
            return PerspectiveProblem(c.DISSENT_UNSUPPORTED, detail, check.name)
    return None
