"""The CAA walk of RFC 8659 section 3, and what it may be asked to prove when it fails. Pure.

    RelevantCAASet(domain):
      while domain is not ".":
        if CAA(domain) is not Empty:
          return CAA(domain)
        domain = Parent(domain)
      return Empty

The levels are climbed by `dns.shared_lookups`. Aliases are the resolver's business; only the
name asked is climbed. NXDOMAIN says nothing about parents: the walk goes on.

A walk that has to prove more is in `proving_walk`.
"""

from collections.abc import Callable, Sequence

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.lookup_request import Answer, LookupRequest
from perspective_agent.dns.wire import CAA


class CaaWalk:
    """The walk from one name; its first failure ends it."""

    def __init__(self, name: str) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        self.wanted = [LookupRequest(name, CAA, climbs=True)]

    def add(self, index: int, answer: Answer) -> o.Finding:  # noqa: ARG002 - there is only one
        """Return the finding."""
        return to_finding(answer.levels)

    def finish(self, missing: Callable[[int], Answer]) -> o.Finding:
        """Return the finding at the deadline."""
        return self.add(0, missing(0))


def to_finding(levels: Sequence[o.Lookup]) -> o.Finding:
    """Return the finding of one level or more, from the name upwards."""
    finding = o.Finding()
    finding.caa_walk.levels.extend(levels)
    return finding
