"""Counts the names in flight, in this process and of each caller, and refuses beyond a bound. Pure.

Names are counted, not questions: a name costs about the same in any question, and a question may
have a hundred of them. What is beyond a bound is refused at once. Otherwise everything in flight
would become slower, until our own load cut lookups short.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from coordinator.overload.retry_after import RetryAfter
from mpic.bounds import MAX_NAMES
from mpic.runtime.grpc.reasons import ErrorReason

OVERLOADED: Final = "OVERLOADED"
CALLER_LIMIT: Final = "CALLER_LIMIT"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many names may be in flight at a time."""

    names: int = 4096
    """In this process."""
    caller_names: int = 2048
    """Of one caller in this process."""
    by_caller: Mapping[str, int] = field(default_factory=dict)
    """By identity: the callers that have a bound of their own."""
    retry_after: RetryAfter = RetryAfter()  # noqa: RUF009 - it cannot be changed
    """What those are told that are beyond."""

    def of(self, caller: str) -> int:
        """Return the bound of one caller."""
        return min(self.by_caller.get(caller, self.caller_names), self.names)


class Refusal(NamedTuple):
    """Why names are not let in: a stable reason and a sentence."""

    reason: ErrorReason
    message: str


def weigh(names: int) -> int:
    """Return how many names a question counts as; one with too many names is refused anyway."""
    return min(max(names, 1), MAX_NAMES)


class Admission:
    """What is in flight."""

    def __init__(self, bounds: Bounds) -> None:
        """Start with nothing. `bounds` may be replaced; new ones apply to what comes after."""
        self.bounds = bounds
        self.in_flight = 0
        """Names."""
        self._by_caller: Counter[str] = Counter()

    def name_caller(self, identities: Sequence[str]) -> str:
        """Return the identity a caller is counted under: one with its own bound, or the first."""
        own = (one for one in identities if one in self.bounds.by_caller)
        return next(own, identities[0] if identities else "")

    def admit(self, caller: str, names: int, limit: int = sys.maxsize) -> Refusal | None:
        """Let this many names of a caller in, until `release`; or say why not."""
        refusal = self.find_refusal(caller, names, limit)
        if refusal is None:
            self.in_flight += names
            self._by_caller[caller] += names
        return refusal

    def find_refusal(self, caller: str, names: int, limit: int = sys.maxsize) -> Refusal | None:
        """Say why this many names of a caller may not come in; None: they may.

        `limit` is how many names of all callers may be in flight right now. If it is below the
        bound, one more question is let in while fewer names than that are in flight, however many
        names it has. Otherwise small questions would keep out the large ones.
        """
        here, bound = self._by_caller[caller], self.bounds.of(caller)
        if here + names > bound:
            text = f"{here} names of {caller!r} are in flight here; {bound} may be"
            return Refusal(CALLER_LIMIT, text)
        inside, room = self.in_flight, self.bounds.names
        most = min(limit, room)
        if inside + names > room or inside >= most:
            may_be = room if inside < most else most
            return Refusal(OVERLOADED, f"{inside} names are in flight here; {may_be} may be")
        return None

    def limit_of(self, caller: str, limit: int) -> int:
        """Return how many names of a caller may be in flight, if no others' are."""
        return min(limit, self.bounds.of(caller))

    def release(self, caller: str, names: int) -> None:
        """Give back what was let in."""
        self.in_flight -= names
        self._by_caller[caller] -= names
        if not self._by_caller[caller]:
            del self._by_caller[caller]
