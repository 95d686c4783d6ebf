"""One attempt: what is asked, of whom, and what has come so far. Knows no network.

BR 5.4.1 (2)(8): each attempt is recorded under an id of its own.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from coordinator.decision.attempt_id import make_id
from coordinator.decision.question import Question
from coordinator.decision.vote import Ballot, Reply
from coordinator.rules.roster import Roster
from mpic.v1 import corroboration_pb2 as c

Keep = Callable[["Attempt"], None]
"""Gets an attempt that every perspective has replied to."""


class Attempt:
    """One question being decided: a ballot for each name, and what has come so far."""

    def __init__(self, question: Question, roster: Roster, asked_at: datetime, keep: Keep) -> None:
        """Open the ballots; `keep` gets the attempt once every perspective has replied."""
        self.id = make_id(asked_at)
        """Under which it is recorded."""
        self.question = question
        self.roster = roster
        """Those asked, whatever becomes of them."""
        self.asked_at = asked_at
        self.decided_at: datetime | None = None
        self.ballots = [Ballot(ask, question.terms, roster) for ask in question.asks]
        self.late: list[tuple[int, Reply]] = []
        """What came after the caller had the answer: (index of the name, reply)."""
        self.is_answered = False
        self.traceparent = ""
        """The caller's trace."""
        loop = asyncio.get_running_loop()
        self.certain: asyncio.Future[None] = loop.create_future()
        self.complete: asyncio.Future[None] = loop.create_future()
        self._undecided = len(self.ballots)
        self._incomplete = len(self.ballots)
        self._keep = keep

    def receive(self, index: int, reply: Reply) -> None:
        """Count one perspective's reply about one name."""
        ballot = self.ballots[index]
        was_certain = bool(ballot.reason)
        ballot.add(reply)
        if self.is_answered:
            self.late.append((index, reply))
        self._undecided -= bool(ballot.reason) and not was_certain
        self._incomplete -= ballot.is_complete
        # One name that fails refuses the certificate, but every name gets its own verdict.
        if not self._undecided and not self.certain.done():
            self.certain.set_result(None)
        if not self._incomplete:
            self.complete.set_result(None)
            self._keep(self)

    def close(self) -> None:
        """Fix what is told; replies from now on are late."""
        self.is_answered = True
        for ballot in self.ballots:
            ballot.close()

    @property
    def approved(self) -> bool:
        """Whether every name is approved (BR 3.2.2.9 holds for each name of a certificate)."""
        return all(ballot.reason == c.REASON_CORROBORATED for ballot in self.ballots)
