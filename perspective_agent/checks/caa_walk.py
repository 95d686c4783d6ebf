"""The CAA walk of RFC 8659 section 3, and what it may be asked to prove when it fails. Pure.

    RelevantCAASet(domain):
      while domain is not ".":
        if CAA(domain) is not Empty:
          return CAA(domain)
        domain = Parent(domain)
      return Empty

The levels are climbed by `perspective_agent.walks`. Aliases are the resolver's business; only the
name asked is climbed. NXDOMAIN says nothing about parents: the walk goes on.

A walk that has to prove more is in `proving_walk`.
"""

from collections.abc import Callable

from perspective_agent.encoding import Answer, encode_finding
from perspective_agent.wanted import Wanted
from perspective_agent.wire import CAA


class CaaWalk:
    """The walk from one name; its first failure ends it."""

    def __init__(self, name: str) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        self.wanted = [Wanted(name, CAA, climbs=True)]

    def add(self, index: int, answer: Answer) -> bytes:  # noqa: ARG002 - there is only one
        """Return the finding."""
        return encode_finding("caa_walk", answer.entries)

    def finish(self, missing: Callable[[int], Answer]) -> bytes:
        """Return the finding at the deadline."""
        return self.add(0, missing(0))
