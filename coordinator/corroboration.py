"""THE MAIN PATH: one certificate's names in, one verdict out. Read this first.

    question -> terms by the policy row in force -> the set of perspectives that are asked
             -> each of them is asked every name -> each reply is judged into its name's ballot
             -> the verdict, once it is certain

BR 3.2.2.9: what each remote must corroborate, how many of them, from how many regions.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from secrets import SystemRandom

import grpc

from coordinator.checks import request_checks
from coordinator.decision.attempt import Attempt, Keep
from coordinator.decision.question import Question
from coordinator.perspectives.fanout import Fanout, Inquiry
from coordinator.rules.perspective_selection import choose_set
from coordinator.rules.policy import NoPolicyRowError, PolicyRow
from coordinator.rules.roster import Rules, find_distance_breaches
from mpic.runtime.grpc.errors import RequestError
from mpic.runtime.grpc.reasons import ErrorReason

# Which networks an attempt looks from is nobody's to know before.
_LOT = SystemRandom()

Clock = Callable[[], datetime]


class Corroborator:
    """Decides questions."""

    def __init__(self, rules: Rules, fanout: Fanout, clock: Clock, keep: Keep) -> None:
        """Decide by `rules`, asking through `fanout`; `keep` gets every finished attempt."""
        self._fanout = fanout
        self._clock = clock
        self._keep = keep
        self.adopt(rules)

    def adopt(self, rules: Rules) -> None:
        """Decide what is asked from now on by other rules."""
        self.roster = rules.roster
        self.policy = rules.policy
        rows = self.policy.rows
        self._checks = {row: request_checks(row) for row in rows}
        self._breaches = {
            row: "; ".join(map(str, find_distance_breaches(self.roster, row))) for row in rows
        }

    def row_in_force(self) -> PolicyRow:
        """Return the policy row of this moment.

        Raises RequestError when the roster breaks its distances, or when there is none. Too few
        remotes or regions is left to the quorum, whose answer then says who saw what.
        """
        try:
            row = self.policy.row_at(self._clock())
        except NoPolicyRowError as error:
            raise _not_ready("NO_POLICY_ROW", str(error)) from error
        if self._breaches[row]:
            raise _not_ready("ROSTER_BREAKS_POLICY", self._breaches[row])
        return row

    async def corroborate(
        self, question: Question, budget: float | None = None, traceparent: str = ""
    ) -> Attempt:
        """Ask every perspective of the attempt's set and return once the verdict is certain.

        Replies that come later are still counted until the attempt's deadline; they cannot change
        the verdict, and are told too until the attempt is closed. `budget` is the seconds the
        caller leaves, if an attempt may take more: who has not answered by then had no time.
        `traceparent` is the caller's trace.
        """
        row = question.terms.row
        asked = choose_set(self.roster, row, self._fanout.ready(), _LOT)
        attempt = Attempt(question, asked, self._clock(), self._keep)
        attempt.traceparent = traceparent
        names = [ask.name for ask in question.asks]
        inquiry = Inquiry(names, self._checks[row], budget, traceparent)
        asking = self._fanout.ask(asked, inquiry, attempt.receive)
        try:
            await attempt.certain
            attempt.decided_at = self._clock()
            await _wait_for_stragglers(attempt, question.linger)
        except asyncio.CancelledError:
            asking.withdraw()
            raise
        return attempt


def _not_ready(reason: ErrorReason, message: str) -> RequestError:
    return RequestError(grpc.StatusCode.FAILED_PRECONDITION, reason, message)


async def _wait_for_stragglers(attempt: Attempt, seconds: float) -> None:
    """Wait until every perspective has replied, at most so long."""
    if seconds > 0:
        await asyncio.wait([attempt.complete], timeout=seconds)
