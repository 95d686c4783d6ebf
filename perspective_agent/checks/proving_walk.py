"""The CAA walk that goes on above a failure, and says what could be proven of it. Pure.

BR 4.2.2.1 lets a CA take a lookup failure for permission if, among others, the domain is shown to
be "Insecure" (RFC 4035 section 4.3). Whether it does is not known here, and it would be permission
for that level alone: the record sets of the levels above decide then. So a walk that has to prove
goes on above each level where the resolver answered SERVFAIL, and looks for the proof of each.

All levels are asked at once, each by itself. Of an alias there is no proof: the failure may be
that of the zone it leads to, signed or not. So each level is asked for its CNAME as well, also at
once, since dead servers take their time with that too.
"""

from collections.abc import Callable, Sequence

from mpic.names import walk_levels
from mpic.v1 import observation_pb2 as o
from perspective_agent.checks.insecurity import Descent
from perspective_agent.encoding import Answer, encode_finding, encode_levels
from perspective_agent.wanted import Wanted
from perspective_agent.wire import CAA, CNAME


class ProvingWalk:
    """The walk from one name, with a proof of each failure that it went over."""

    def __init__(self, name: str) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        levels = walk_levels(name)
        self._height = len(levels)
        self.wanted = [Wanted(level, rdtype) for rdtype in (CAA, CNAME) for level in levels]
        self._answers: dict[int, o.Lookup] = {}
        """By want: those of the levels, then those of their CNAMEs."""
        self._proofs: dict[int, _Proof] = {}
        """By level: of those that failed so that there may be one."""

    def add(self, index: int, answer: Answer) -> bytes | None:
        """Take the answer to `wanted[index]`; return the finding once it is certain."""
        lookup = answer.levels[0]
        if index < 2 * self._height:
            self._answers[index] = lookup
        else:
            for proof in self._proofs.values():
                proof.add(index, lookup)
        if index < self._height and _may_be_passed(lookup):
            self._proofs[index] = _Proof(lookup.name, len(self.wanted))
            self.wanted = [*self.wanted, *self._proofs[index].wanted]
        return self._conclude()

    def _conclude(self) -> bytes | None:
        """Return the finding, once each level up to the end of the walk is certain."""
        levels: list[o.Lookup] = []
        for level in range(self._height):
            lookup = self._answers.get(level)
            if lookup is None:
                return None
            proof = self._proofs.get(level)
            cname = self._answers.get(self._height + level)
            if proof is not None:
                if cname is None or not proof.is_certain:
                    return None
                lookup = proof.put_into(lookup, cname)
            levels.append(lookup)
            if _ends_walk(lookup):
                break
        return _encode(levels)

    def finish(self, missing: Callable[[int], Answer]) -> bytes:
        """Return the finding at the deadline: what was not proven by then is not."""
        levels: list[o.Lookup] = []
        for level in range(self._height):
            lookup = self._answers.get(level) or missing(level).levels[0]
            levels.append(lookup)
            if _ends_walk(lookup):
                break
        return _encode(levels)


class _Proof:
    """What is looked for to prove of one level that failed."""

    def __init__(self, name: str, first: int) -> None:
        """Look for it; its wants are those of the walk from number `first` on."""
        self._descent = Descent(name)
        self._first = first
        self.wanted = self._descent.wanted
        self.is_certain = False

    def add(self, index: int, lookup: o.Lookup) -> None:
        """Take the answer to a want of the walk, if it is one of this proof's."""
        own = index - self._first
        if 0 <= own < len(self.wanted) and self._descent.add(own, lookup):
            self.is_certain = True

    def put_into(self, lookup: o.Lookup, cname: o.Lookup) -> o.Lookup:
        """Return the level with what was proven of it."""
        proven = o.Lookup()
        proven.CopyFrom(lookup)  # others hold it too
        if self._descent.proof is not None and _is_no_alias(cname):
            proven.insecurity_proof.CopyFrom(self._descent.proof)
        return proven


def _may_be_passed(lookup: o.Lookup) -> bool:
    """Whether the walk goes on above a failure: the resolver's answer, and no DNSSEC error."""
    return lookup.failure.kind == o.FAILURE_KIND_SERVFAIL


def _ends_walk(lookup: o.Lookup) -> bool:
    return not (lookup.HasField("absence") or _may_be_passed(lookup))


def _is_no_alias(cname: o.Lookup) -> bool:
    """Whether the answer for a CNAME is that there is none, or that nobody answers for anything."""
    return cname.HasField("absence") or cname.failure.kind == o.FAILURE_KIND_SERVFAIL


def _encode(levels: Sequence[o.Lookup]) -> bytes:
    return encode_finding("caa_walk", encode_levels(levels))
