"""What checks want, and the ways in which an agent can look: one small protocol for all of them.

A check says what it wants: each want is a target and who takes its result. There are two kinds of
target: DNS lookups (`dns.shared_lookups`) and diagnoses (`diagnosis.shared_diagnoses`). The kind
concerns the check and one way of looking. Whoever holds wants knows only what stands here.

To add a way of looking: a target with its own result type, a `PendingResult`, and a row in the
`Ways` that `servicer` makes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from mpic.v1 import observation_pb2 as o


class Timed(Protocol):
    """A result, of whatever kind."""

    @property
    def lookups_us(self) -> tuple[int, ...]:
        """As in EncodedObservation: microseconds of each part of it, 0 of what nobody awaited."""


R = TypeVar("R", bound=Timed)
R_co = TypeVar("R_co", bound=Timed, covariant=True)


class Target(Protocol[R_co]):
    """What to look at, hashable, so that equal ones may be looked at once."""

    def too_large(self, detail: str) -> R_co:
        """Return the failure of a domain whose servers made the result too large to report."""


class PendingResult(Protocol[R_co]):
    """The result of a target that was started; somebody holds it until they release it."""

    @property
    def is_open(self) -> bool:
        """Whether anything of it goes on, awaited or not."""

    @property
    def is_queued(self) -> bool:
        """Whether our own load has kept a part of it from being sent."""

    @property
    def no_times(self) -> tuple[int, ...]:
        """What stands for its `lookups_us` where nobody awaited it."""

    def cut_short(self, since: float, seconds: float) -> R_co:
        """Return the result if nothing more came: what is open has failed by a deadline.

        The deadline is that of a question that was begun at `since`, by `time.perf_counter`, and
        might take `seconds`. A failure that our own load explains has to say so.
        """

    def withdraw(self) -> None:
        """Send nothing more for a holder who wants no result, but has still to release it."""

    def release(self, receive: Callable[[Any], None]) -> None:
        """Let go of it, received or not; what nobody holds any more is given up."""


Ways = Mapping[type, Callable[[Any, Callable[[Any], None]], PendingResult[Any]]]
"""The ways in which an agent can look: for each type of target, what begins to look at one.

That is given a target and `receive`, which gets its result later, once, unless it is released
before.
"""

Step = o.Finding | Sequence["Want[Any]"]
"""What follows from a result: the finding, or what a check wants besides (nothing: it waits)."""


class Want(NamedTuple, Generic[R]):
    """A target of a check, and who takes its result."""

    target: Target[R]
    take: Callable[[R], Step]


class Missing(Protocol):
    """Gives the result of what is still open at the deadline."""

    def __call__(self, target: Target[R]) -> R:
        """Return the result of a target that the check has wanted."""
