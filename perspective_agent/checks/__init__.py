"""What an agent can look up for a name: one shape, one register.

A check says which lookups and walks it needs, all of which are asked at once, and takes their
answers one by one until its finding is certain; should it need more on the way, it adds them. It
does no I/O. To add one: its message in the `oneof`s of
perspective.proto and observation.proto, a module here, and a line in `CHECKS` under the name of
the `oneof` member.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks.addresses import AddressCheck
from perspective_agent.checks.caa_walk import CaaWalk
from perspective_agent.checks.proving_walk import ProvingWalk
from perspective_agent.dns.lookup_request import Answer, LookupRequest


class Check(Protocol):
    """State in, finding out."""

    @property
    def wanted(self) -> Sequence[LookupRequest]:
        """What to look up; may become longer with an answer, never shorter."""

    def add(self, index: int, answer: Answer) -> o.Finding | None:
        """Take the answer to `wanted[index]`; return the finding once it is certain."""

    def finish(self, missing: Callable[[int], Answer]) -> o.Finding:
        """Return the finding with `missing(index)` for what is still open."""


def _caa_walk(name: str, asked: p.Check) -> Check:
    if asked.caa_walk.prove_insecurity:
        return ProvingWalk(name, ask_servers=asked.caa_walk.ask_servers)
    return CaaWalk(name)


def _addresses(name: str, asked: p.Check) -> Check:  # noqa: ARG001 - it asks nothing in particular
    return AddressCheck(name)


CHECKS: dict[str, Callable[[str, p.Check], Check]] = {
    "caa_walk": _caa_walk,
    "addresses": _addresses,
}
