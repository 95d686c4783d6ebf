"""The CAA walk of RFC 8659 section 3. Pure.

    RelevantCAASet(domain):
      while domain is not ".":
        if CAA(domain) is not Empty:
          return CAA(domain)
        domain = Parent(domain)
      return Empty

All levels are asked at once; their answers are read from the name upwards, and the first level
that is no absence ends the walk: its set is the relevant one, its failure fails the walk (the lost
answer could have been a prohibition). Aliases are the resolver's business; only the name asked is
climbed. NXDOMAIN says nothing about parents: the walk goes on.
"""

from collections.abc import Callable

from mpic.names import walk_levels
from mpic.v1 import observation_pb2 as o
from perspective_agent.wire import CAA


class CaaWalk:
    """The walk from one name."""

    def __init__(self, name: str) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        self.lookups = [(level, CAA) for level in walk_levels(name)]
        self._answers: list[o.Lookup | None] = [None] * len(self.lookups)

    def add(self, index: int, lookup: o.Lookup) -> o.Finding | None:
        """Take one level's answer; return the finding once no open level can change it."""
        self._answers[index] = lookup
        levels: list[o.Lookup] = []
        for answer in self._answers:
            if answer is None:
                return None
            levels.append(answer)
            if not answer.HasField("absence"):
                break
        return o.Finding(caa_walk=o.CaaFinding(levels=levels))

    def finish(self, missing: Callable[[str], o.Lookup]) -> o.Finding:
        """Fail the lowest open level; a level below it would have ended the walk already."""
        index = self._answers.index(None)
        finding = self.add(index, missing(self.lookups[index][0]))
        assert finding is not None  # noqa: S101 - a failure ends the walk
        return finding
