"""What an agent can look up for a name: one shape, one register.

A check says which lookups it needs, all of which are asked at once, and takes their answers one
by one until its finding is certain; should it need more lookups on the way, it adds them. It does
no I/O. To add one: its message in the `oneof`s of
perspective.proto and observation.proto, a module here, and a line in `CHECKS` under the name of
the `oneof` member.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks.addresses import AddressCheck
from perspective_agent.checks.caa_walk import CaaWalk
from perspective_agent.wanted import Wanted


class Check(Protocol):
    """State in, finding out."""

    @property
    def lookups(self) -> Sequence[Wanted]:
        """What to look up; may become longer with an answer, never shorter."""

    def add(self, index: int, lookup: o.Lookup) -> o.Finding | None:
        """Take the answer to `lookups[index]`; return the finding once it is certain."""

    def finish(self, missing: Callable[[str], o.Lookup]) -> o.Finding:
        """Return the finding with `missing(name)` for every lookup still open."""


def _caa_walk(name: str, asked: p.Check) -> Check:
    return CaaWalk(name, prove_insecurity=asked.caa_walk.prove_insecurity)


def _addresses(name: str, asked: p.Check) -> Check:  # noqa: ARG001 - it asks nothing in particular
    return AddressCheck(name)


CHECKS: dict[str, Callable[[str, p.Check], Check]] = {
    "caa_walk": _caa_walk,
    "addresses": _addresses,
}
