"""One attempt: what is asked of which perspectives, and their replies so far. Uses no network.

BR 5.4.1 (2)(8): each attempt is recorded under an id of its own.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from coordinator.decision.attempt_id import make_id
from coordinator.decision.name_decision import NameDecision
from coordinator.decision.request import IssuanceRequest
from coordinator.decision.vote import Reply
from coordinator.rules.roster import Roster
from mpic.v1 import corroboration_pb2 as c

Keep = Callable[["Attempt"], None]
"""Gets an attempt that every perspective has replied to."""


class Attempt:
    """One request being decided: a decision for each name, and the replies so far."""

    def __init__(
        self, request: IssuanceRequest, roster: Roster, asked_at: datetime, keep: Keep
    ) -> None:
        """Begin; `keep` gets the attempt once every perspective has replied."""
        self.id = make_id(asked_at)
        """The id under which it is recorded."""
        self.request = request
        self.roster = roster
        """The perspectives that are asked, also those that never reply."""
        self.asked_at = asked_at
        self.decided_at: datetime | None = None
        self.decisions = [NameDecision(name, request.rules, roster) for name in request.names]
        self.late: list[tuple[int, Reply]] = []
        """Replies after the verdict was frozen: (index of the name, reply)."""
        self.is_frozen = False
        self.traceparent = ""
        """The caller's trace."""
        loop = asyncio.get_running_loop()
        self.certain: asyncio.Future[None] = loop.create_future()
        self.complete: asyncio.Future[None] = loop.create_future()
        self._undecided = len(self.decisions)
        self._incomplete = len(self.decisions)
        self._keep = keep

    def receive(self, index: int, reply: Reply) -> None:
        """Count one perspective's reply about one name."""
        decision = self.decisions[index]
        was_certain = bool(decision.reason)
        decision.add(reply)
        if self.is_frozen:
            self.late.append((index, reply))
        self._undecided -= bool(decision.reason) and not was_certain
        self._incomplete -= decision.is_complete
        # One name that fails refuses the certificate, but every name gets its own verdict.
        if not self._undecided and not self.certain.done():
            self.certain.set_result(None)
        if not self._incomplete:
            self.complete.set_result(None)
            self._keep(self)

    def freeze(self) -> None:
        """Fix what the caller is told; replies from now on are late."""
        self.is_frozen = True
        for decision in self.decisions:
            decision.freeze()

    @property
    def is_corroborated(self) -> bool:
        """Whether every name is corroborated (BR 3.2.2.9 holds for each name of a certificate)."""
        return all(decision.reason == c.REASON_CORROBORATED for decision in self.decisions)

    @property
    def approved(self) -> bool:
        """Whether the certificate may be issued; a validation alone never permits that."""
        return self.request.may_permit and self.is_corroborated
