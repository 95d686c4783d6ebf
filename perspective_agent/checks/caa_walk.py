"""The CAA walk of RFC 8659 section 3, and what it may be asked to prove when it fails. Pure.

    RelevantCAASet(domain):
      while domain is not ".":
        if CAA(domain) is not Empty:
          return CAA(domain)
        domain = Parent(domain)
      return Empty

The levels are climbed by `perspective_agent.walks`. Aliases are the resolver's business; only the
name asked is climbed. NXDOMAIN says nothing about parents: the walk goes on.

If asked to, a walk that failed goes on to look for proof that the name lies in an insecure zone
(BR 4.2.2.1: what must be confirmed before such a failure may be permission). Of an alias there is
none: the failure may be that of the zone it leads to, signed or not. So each level is asked for its
CNAME as well, at once, since dead servers take their time with that too.
"""

from collections.abc import Callable

from mpic.names import walk_levels
from mpic.v1 import observation_pb2 as o
from perspective_agent.checks.insecurity import Descent
from perspective_agent.encoding import Answer, encode_finding, encode_levels
from perspective_agent.wanted import Wanted
from perspective_agent.wire import CAA, CNAME


class CaaWalk:
    """The walk from one name."""

    def __init__(self, name: str, *, prove_insecurity: bool = False) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        self.wanted = [Wanted(name, CAA, climbs=True)]
        self._prove_insecurity = prove_insecurity
        if prove_insecurity:
            self.wanted += [Wanted(level, CNAME) for level in walk_levels(name)]
        self._at_once = len(self.wanted)
        self._levels: tuple[o.Lookup, ...] = ()
        """Of the walk that failed."""
        self._cnames: dict[int, o.Lookup] = {}
        """By level."""
        self._descent: Descent | None = None
        self._descended = False

    def add(self, index: int, answer: Answer) -> bytes | None:
        """Take the answer to `wanted[index]`; return the finding once it is certain."""
        if index == 0:
            failed = answer.levels[-1]
            if self._prove_insecurity and failed.failure.kind == o.FAILURE_KIND_SERVFAIL:
                self._levels = answer.levels
                self._descent = Descent(failed.name)
                self.wanted = [*self.wanted, *self._descent.wanted]
                return None
            return encode_finding("caa_walk", answer.entries)
        if index < self._at_once:
            self._cnames[index - 1] = answer.levels[0]
        else:
            assert self._descent is not None  # noqa: S101 - it asked for this lookup
            found = self._descent.add(index - self._at_once, answer.levels[0])
            self._descended = found or self._descended
        return self._conclude()

    def finish(self, missing: Callable[[int], Answer]) -> bytes:
        """Return the finding at the deadline: of a walk that failed before, without a proof."""
        entries = encode_levels(self._levels) if self._levels else missing(0).entries
        return encode_finding("caa_walk", entries)

    def _conclude(self) -> bytes | None:
        """Return the finding of a walk that failed, once its proof is found or known to lack."""
        cname = self._cnames.get(len(self._levels) - 1)
        if not self._descended or cname is None or self._descent is None:
            return None
        last = o.Lookup()
        last.CopyFrom(self._levels[-1])  # others hold it too
        if self._descent.proof is not None and _is_no_alias(cname):
            last.insecurity_proof.CopyFrom(self._descent.proof)
        return encode_finding("caa_walk", encode_levels([*self._levels[:-1], last]))


def _is_no_alias(cname: o.Lookup) -> bool:
    """Whether the answer for a CNAME is that there is none, or that nobody answers for anything."""
    return cname.HasField("absence") or cname.failure.kind == o.FAILURE_KIND_SERVFAIL
