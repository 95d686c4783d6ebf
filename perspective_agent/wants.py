"""What checks want, and the ways in which an agent can look: one small protocol for all of them.

A check says what it wants. Each want is a target, and a function that takes its result. There are
two kinds of target: DNS lookups (`dns.shared_lookups`) and diagnoses
(`diagnosis.shared_diagnoses`). Only the check and one way of looking know the kind. Code that holds
wants uses only this protocol.

To add a way of looking: a target with its own result type, a `PendingResult`, and a row in the
`Ways` that `servicer` makes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from mpic.v1 import observation_pb2 as o


class Timed(Protocol):
    """A result, of any kind."""

    @property
    def lookups_us(self) -> tuple[int, ...]:
        """As in EncodedObservation: microseconds of each part, 0 for a part that nobody awaited."""


R = TypeVar("R", bound=Timed)
R_co = TypeVar("R_co", bound=Timed, covariant=True)


class Target(Protocol[R_co]):
    """What to look at; it is hashable, so that equal targets may be looked at once."""

    def too_large(self, detail: str) -> R_co:
        """Return the failure of a domain whose servers made the result too large to report."""


class PendingResult(Protocol[R_co]):
    """The result of a target that was started; its holders keep it until they release it."""

    @property
    def is_open(self) -> bool:
        """Whether any part of it is still in progress, awaited or not."""

    @property
    def is_queued(self) -> bool:
        """Whether our own load has kept a part of it from being sent."""

    @property
    def no_times(self) -> tuple[int, ...]:
        """The value for its `lookups_us` if nobody awaited it."""

    def cut_short(self, since: float, seconds: float) -> R_co:
        """Return the result as if nothing more came: its open parts have failed by a deadline.

        The deadline belongs to a question that began at `since`, by `time.perf_counter`, and might
        take `seconds`. If our own load explains a failure, the failure has to say so.
        """

    def withdraw(self) -> None:
        """Send nothing more for a holder that wants no result, but still has to release it."""

    def release(self, receive: Callable[[Any], None]) -> None:
        """Let go of it, with or without a result; it is given up once nobody holds it."""


Ways = Mapping[type, Callable[[Any, Callable[[Any], None]], PendingResult[Any]]]
"""The ways in which an agent can look: for each type of target, a function that begins to look.

The function is given a target and `receive`. `receive` gets the result later, once, unless the
target is released before.
"""

Step = o.Finding | Sequence["Want[Any]"]
"""What follows from a result: the finding, or what else a check wants (nothing: it waits)."""


class Want(NamedTuple, Generic[R]):
    """A target of a check, and the function that takes its result."""

    target: Target[R]
    take: Callable[[R], Step]


class Missing(Protocol):
    """Gives the result of what is still open at the deadline."""

    def __call__(self, target: Target[R]) -> R:
        """Return the result of a target that the check has wanted."""
