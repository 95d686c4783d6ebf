"""What an agent can look at for a name: one shape, one register.

A check says what it wants, all of which is started at once, and takes the results one by one until
its finding is certain. Should it need more on the way, it says so then. It does no I/O. To add one:
its message in the `oneof`s of perspective.proto and observation.proto, a module here with a `make`,
and a line in `CHECKS` under the name of the `oneof` member.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from mpic.fields import discard_unknown
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import addresses, caa_walk
from perspective_agent.wants import Missing, Want


class RunningCheck(Protocol):
    """State in, finding out."""

    def start(self) -> Sequence[Want[Any]]:
        """Return what is wanted at first; the results go to each want's `take`."""

    def finish(self, missing: Missing) -> o.Finding:
        """Return the finding with `missing(target)` for what is still open."""


Make = Callable[[str, p.Check], RunningCheck]
"""Makes the check of a name, as it was asked for."""

CHECKS: dict[str, Make] = {
    "caa_walk": caa_walk.make,
    "addresses": addresses.make,
}


@lru_cache(maxsize=1024)
def read_kind(octets: bytes) -> str | o.Finding:
    """Return which check a Check asks for, or the finding that this agent is older than who asks.

    It is older too if more is demanded of a check than it knows: its finding would look as if it
    had understood that. Nearly all questions ask for the same few checks, so each is read once.
    """
    asked = p.Check.FromString(octets)
    kind = asked.WhichOneof("kind")
    if kind is None or kind not in CHECKS:
        return _unsupported(f"the check {kind or 'asked for'}")
    if discard_unknown(asked):
        return _unsupported(f"all that is asked of the check {kind}")
    return kind


def _unsupported(what: str) -> o.Finding:
    detail = f"this agent does not know {what}; it is older than the caller"
    return o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_UNSUPPORTED_CHECK, detail=detail))
