"""What an agent can look up for a name: one shape, one register.

A check says which lookups it needs, all of which are asked at once, and takes their answers one
by one until its finding is certain. It does no I/O. To add one: its message in the `oneof`s of
perspective.proto and observation.proto, a module here, and a line in `CHECKS` under the name of
the `oneof` member.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from mpic.v1 import observation_pb2 as o
from perspective_agent.checks.addresses import AddressCheck
from perspective_agent.checks.caa_walk import CaaWalk


class Check(Protocol):
    """State in, finding out."""

    @property
    def lookups(self) -> Sequence[tuple[str, int]]:
        """Names and record types to look up."""

    def add(self, index: int, lookup: o.Lookup) -> o.Finding | None:
        """Take the answer to `lookups[index]`; return the finding once it is certain."""

    def finish(self, missing: Callable[[str], o.Lookup]) -> o.Finding:
        """Return the finding with `missing(name)` for every lookup still open."""


CHECKS: dict[str, Callable[[str], Check]] = {
    "caa_walk": CaaWalk,
    "addresses": AddressCheck,
}
