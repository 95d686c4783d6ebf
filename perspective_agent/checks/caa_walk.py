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

If asked to, a walk that failed goes on to look for proof that the name lies in an insecure zone
(BR 4.2.2.1: what must be confirmed before such a failure may be permission). Of an alias there is
none: the failure may be that of the zone it leads to, signed or not. So each level is asked for its
CNAME as well, at once, since dead servers take their time with that too.
"""

from collections.abc import Callable

from mpic.names import walk_levels
from mpic.v1 import observation_pb2 as o
from perspective_agent.checks.insecurity import Descent
from perspective_agent.wanted import Wanted
from perspective_agent.wire import CAA, CNAME


class CaaWalk:
    """The walk from one name."""

    def __init__(self, name: str, *, prove_insecurity: bool = False) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        levels = walk_levels(name)
        self.lookups = [Wanted(level, CAA) for level in levels]
        self._answers: list[o.Lookup | None] = [None] * len(levels)
        self._lowest_open = 0
        self._prove_insecurity = prove_insecurity
        if prove_insecurity:
            self.lookups += [Wanted(level, CNAME) for level in levels]
        self._cnames: list[o.Lookup | None] = [None] * len(levels)
        self._descent: Descent | None = None
        self._descended = False

    def add(self, index: int, lookup: o.Lookup) -> o.Finding | None:
        """Take one level's answer; return the finding once no open level can change it."""
        asked = len(self._answers)
        if index >= 2 * asked:
            return self._add_to_descent(index - 2 * asked, lookup)
        if index >= asked:
            self._cnames[index - asked] = lookup
            return self._conclude()
        self._answers[index] = lookup
        if index != self._lowest_open or self._descent is not None:
            return None
        levels = self._levels()
        if levels is None:
            return None
        if self._prove_insecurity and levels[-1].failure.kind == o.FAILURE_KIND_SERVFAIL:
            self._descent = Descent(levels[-1].name)
            self.lookups = [*self.lookups, *self._descent.lookups]
            return None
        return _finding(levels)

    def finish(self, missing: Callable[[str], o.Lookup]) -> o.Finding:
        """Fail the lowest open level; a level below it would have ended the walk already."""
        levels = self._levels()
        if levels is None:
            index = self._answers.index(None)
            self._answers[index] = missing(self.lookups[index].name)
            levels = self._levels()
        assert levels is not None  # noqa: S101 - a failure ends the walk
        return _finding(levels)

    def _levels(self) -> list[o.Lookup] | None:
        """Return the levels up to where the walk ends; None while an open one could end it."""
        position = self._lowest_open
        for answer in self._answers[position:]:
            if answer is None:
                self._lowest_open = position
                return None
            if not answer.HasField("absence"):
                return self._answers[: position + 1]  # type: ignore[return-value] # none is None
            position += 1
        return self._answers  # type: ignore[return-value] # none is None

    def _add_to_descent(self, index: int, lookup: o.Lookup) -> o.Finding | None:
        assert self._descent is not None  # noqa: S101 - it asked for this lookup
        self._descended = self._descent.add(index, lookup) or self._descended
        return self._conclude()

    def _conclude(self) -> o.Finding | None:
        """Return the finding of a walk that failed, once its proof is found or known to lack."""
        levels = self._levels()
        if not self._descended or levels is None or self._descent is None:
            return None
        cname = self._cnames[len(levels) - 1]
        if cname is None:
            return None
        if self._descent.proof is not None and _is_no_alias(cname):
            levels[-1].insecurity_proof.CopyFrom(self._descent.proof)
        return _finding(levels)


def _is_no_alias(cname: o.Lookup) -> bool:
    """Whether the answer for a CNAME is that there is none, or that nobody answers for anything."""
    return cname.HasField("absence") or cname.failure.kind == o.FAILURE_KIND_SERVFAIL


def _finding(levels: list[o.Lookup]) -> o.Finding:
    return o.Finding(caa_walk=o.CaaFinding(levels=levels))
