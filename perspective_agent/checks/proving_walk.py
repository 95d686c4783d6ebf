"""The CAA walk that goes on above a failure, and says what could be proven of it. Pure.

BR 4.2.2.1 lets a CA take a lookup failure for permission if it was retried, is outside the CA's
infrastructure, and the domain is shown to be "Insecure" (RFC 4035 section 4.3). Whether it does is
not known here, and it would be permission for that level alone: the record sets of the levels above
decide then. So a walk that has to prove goes on above each level where the resolver answered
SERVFAIL, and looks for the proofs of each: where the chain of trust ends (`insecurity`), and what
the servers do when they are asked directly (`perspective_agent.diagnosis.servers`).

All levels are asked at once, each by itself. Of an alias there is no proof: the failure may be
that of the zone it leads to, signed or not. So each level is asked for its CNAME as well, also at
once, since dead servers take their time with that too.
"""

from collections.abc import Callable

from mpic.names import walk_levels
from mpic.v1 import observation_pb2 as o
from perspective_agent.checks.caa_walk import to_finding
from perspective_agent.checks.insecurity import Descent
from perspective_agent.dns.lookup_request import Answer, LookupRequest
from perspective_agent.dns.wire import CAA, CNAME

_MOST_PROOFS = 4
"""Levels that failed for which a proof is looked for: a name and the zone it is in are two."""


class ProvingWalk:
    """The walk from one name, with what could be proven of each failure that it went over."""

    def __init__(self, name: str, *, ask_servers: bool = False) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        self._levels = [LookupRequest(level, CAA) for level in walk_levels(name)]
        self.wanted = [*self._levels, *map(_cname_of, self._levels)]
        self._ask_servers = ask_servers
        self._answers: dict[LookupRequest, o.Lookup] = {}
        self._proving: list[LookupRequest] = []
        """The levels that failed so that there may be a proof."""

    def add(self, index: int, answer: Answer) -> o.Finding | None:
        """Take the answer to `wanted[index]`; return the finding once it is certain."""
        wanted = self.wanted[index]
        lookup = self._answers[wanted] = answer.levels[0]
        if index < len(self._levels) and _may_be_passed(lookup):
            self._begin_proof(wanted)
        levels: list[o.Lookup] = []
        for level in self._levels:
            found = self._find_level(level)
            if found is None:
                return None
            levels.append(found)
            if _ends_walk(found):
                break
        return to_finding(levels)

    def finish(self, missing: Callable[[int], Answer]) -> o.Finding:
        """Return the finding at the deadline: what was not proven by then is not."""
        levels: list[o.Lookup] = []
        for index, level in enumerate(self._levels):
            found = self._answers.get(level) or missing(index).levels[0]
            levels.append(found)
            if _ends_walk(found):
                break
        return to_finding(levels)

    def _begin_proof(self, level: LookupRequest) -> None:
        """Want what the proof of a level takes, unless too many failed."""
        if len(self._proving) == _MOST_PROOFS:
            return
        self._proving.append(level)
        more = list(Descent(level.name).wanted)
        if self._ask_servers:
            more.append(_servers_of(level))
        self.wanted = list(dict.fromkeys([*self.wanted, *more]))

    def _find_level(self, level: LookupRequest) -> o.Lookup | None:
        """Return a level with what is proven of it; None: it is not certain yet."""
        lookup = self._answers.get(level)
        if lookup is None or level not in self._proving:
            return lookup
        descent = Descent(level.name)
        ends = [
            descent.add(number, self._answers[wanted])
            for number, wanted in enumerate(descent.wanted)
            if wanted in self._answers
        ]
        cname = self._answers.get(_cname_of(level))
        servers = self._answers.get(_servers_of(level))
        if not any(ends) or cname is None or (self._ask_servers and servers is None):
            return None
        proven = o.Lookup()
        proven.CopyFrom(lookup)  # others hold it too
        if descent.proof is not None and _is_no_alias(cname):
            proven.insecurity_proof.CopyFrom(descent.proof)
        if servers is not None:
            proven.diagnosis.CopyFrom(servers.diagnosis)
        return proven


def _cname_of(level: LookupRequest) -> LookupRequest:
    return LookupRequest(level.name, CNAME)


def _servers_of(level: LookupRequest) -> LookupRequest:
    return LookupRequest(level.name, CAA, direct=True)


def _may_be_passed(lookup: o.Lookup) -> bool:
    """Whether the walk goes on above a failure: the resolver's answer, and no DNSSEC error."""
    return lookup.failure.kind == o.FAILURE_KIND_SERVFAIL


def _ends_walk(lookup: o.Lookup) -> bool:
    return not (lookup.HasField("absence") or _may_be_passed(lookup))


def _is_no_alias(cname: o.Lookup) -> bool:
    """Whether the answer for a CNAME is that there is none, or that nobody answers for anything."""
    return cname.HasField("absence") or cname.failure.kind == o.FAILURE_KIND_SERVFAIL
