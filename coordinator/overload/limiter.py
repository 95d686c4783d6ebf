"""Refuses questions for want of room or time, at once or when an attempt was cut short.

A lookup that our load or the caller's short deadline cuts short is not the domain's failure. It
says nothing of the domain. So such a question ends in an RPC error, never in a refusal of the
certificate:

- Beyond a bound: RESOURCE_EXHAUSTED at once, with when to ask again (google.rpc.RetryInfo, see
  `retry_after`).
- The caller's deadline leaves no time: DEADLINE_EXCEEDED at once.
- The deadline leaves less than an attempt may take: the perspectives are asked with the time left.
  What is not certain by then is DEADLINE_EXCEEDED. Lookups that had too little time count as
  nothing.
- The verdict depends on agents that have too much to do: RESOURCE_EXHAUSTED, and fewer names are
  let in (see `adaptive_limit`).
"""

from grpc import StatusCode

from coordinator.decision.attempt import Attempt
from coordinator.overload.adaptive_limit import AdaptiveLimit
from coordinator.overload.admission import OVERLOADED, Admission
from coordinator.overload.retry_after import RetryAdvice
from mpic.runtime.grpc.errors import RequestError
from mpic.runtime.grpc.reasons import ErrorReason
from mpic.v1 import corroboration_pb2 as c

DEADLINE_MARGIN = 0.1
"""Seconds of the caller's deadline kept for the answer's way back."""


class Limiter:
    """The door to the main path."""

    def __init__(self, admission: Admission, attempt_seconds: float) -> None:
        """Let in by `admission`; an attempt with all its time takes `attempt_seconds` at most."""
        self.admission = admission
        self.adaptive_limit = AdaptiveLimit()
        self._retry_advice = RetryAdvice()
        self._attempt_seconds = attempt_seconds

    def enter(self, caller: str, names: int) -> "_Stay":
        """Count names in, and out again after `with`; raises RequestError if there is no room."""
        refusal = self.admission.admit(caller, names, self.limit)
        if refusal is not None:
            raise self._exhausted(refusal.reason, refusal.message)
        self._retry_advice.let_in()
        return _Stay(self.admission, caller, names)

    def limit_of(self, caller: str) -> int:
        """How many names of a caller may be in flight right now, if no others' are."""
        return self.admission.limit_of(caller, self.limit)

    @property
    def limit(self) -> int:
        """How many names of all callers may be in flight right now."""
        return self.adaptive_limit.limit(self.admission.bounds.names)

    def find_budget(self, remaining: float | None) -> float | None:
        """Return the seconds for an attempt, if the caller's deadline leaves less than it may take.

        None: it may take all its time. Raises RequestError if nothing is left.
        """
        if remaining is None:
            return None
        budget = remaining - DEADLINE_MARGIN
        if budget <= 0:
            text = f"the deadline leaves {remaining:.3f} s; ask with some seconds"
            raise RequestError(StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT", text)
        return budget if budget < self._attempt_seconds else None

    def explain_cut_short(self, attempt: Attempt, budget: float | None) -> RequestError | None:
        """Return the error of an attempt that decided nothing because it was cut short."""
        refused = {decision.reason for decision in attempt.decisions} - {c.REASON_CORROBORATED}
        if refused != {c.REASON_CUT_SHORT}:
            return None
        if budget is None or _has_dissent(attempt, c.DISSENT_OVERLOADED):
            self.adaptive_limit.narrow(self.admission.in_flight, self.admission.bounds.names)
            text = "perspectives the verdict hangs on have too much to do"
            return self._exhausted(OVERLOADED, text)
        text = (
            f"not certain within the {budget:.3f} s the deadline left; an attempt may take"
            f" {self._attempt_seconds:g} s"
        )
        return RequestError(StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT", text)

    def _exhausted(self, reason: ErrorReason, message: str) -> RequestError:
        text = f"{message}; nothing was decided, ask again later"
        retry_after = self._retry_advice.turn_away(self.admission.bounds.retry_after)
        return RequestError(StatusCode.RESOURCE_EXHAUSTED, reason, text, retry_after=retry_after)


class _Stay:
    """The names that were let in, until the end of a `with`. A generator would cost more CPU."""

    __slots__ = ("_admission", "_caller", "_names")

    def __init__(self, admission: Admission, caller: str, names: int) -> None:
        self._admission, self._caller, self._names = admission, caller, names

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._admission.release(self._caller, self._names)


def _has_dissent(attempt: Attempt, dissent: c.Dissent.ValueType) -> bool:
    return any(
        decision.vote_of(perspective).dissent == dissent
        for decision in attempt.decisions
        for perspective in decision.roster.perspectives
    )
