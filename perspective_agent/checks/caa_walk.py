"""The CAA walk of RFC 8659 section 3, and what it may be asked to prove when it fails. Pure.

    RelevantCAASet(domain):
      while domain is not ".":
        if CAA(domain) is not Empty:
          return CAA(domain)
        domain = Parent(domain)
      return Empty

The levels are climbed by `dns.shared_lookups`. Aliases are the resolver's business; only the
name asked is climbed. NXDOMAIN says nothing about parents: the walk goes on.

BR 4.2.2.1 lets a CA take a lookup failure for permission if three things hold. The lookup was
retried, the failure is outside the CA's infrastructure, and the domain is shown to be "Insecure"
(RFC 4035 section 4.3). Whether all three hold is for the coordinator to say. It would be permission
for that level alone, and the record sets of the levels above decide then. So a walk that has to
prove goes on above each level where the resolver answered SERVFAIL. For each such level it looks
where the chain of trust ends (`insecurity`), and what the servers do when they are asked directly
(`perspective_agent.diagnosis.servers`).
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from mpic.names import walk_levels
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks.insecurity import ChainOfTrust
from perspective_agent.diagnosis.shared_diagnoses import DiagnosisResult, DiagnosisTarget
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.dns.wire import CAA, CNAME
from perspective_agent.wants import Missing, Step, Want

_MOST_PROOFS = 4
"""Failed levels for which a proof is looked for: a name and its zone are two."""


class CaaWalkCheck:
    """The walk from one name; its first failure ends it."""

    def __init__(self, name: str) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        self._target = LookupTarget(name, CAA, climbs=True)

    def start(self) -> Sequence[Want[Answer]]:
        """Want the walk as a whole."""
        return (Want(self._target, _to_finding),)

    def finish(self, missing: Missing) -> o.Finding:
        """Return the finding at the deadline."""
        return _to_finding(missing(self._target))


class ProvingWalkCheck:
    """The walk from one name, with what could be proven of each failure that it went over.

    All levels are asked at once, each by itself. There is no proof for an alias: the zone that it
    leads to may have failed, and may be signed. So each level is asked for its CNAME as well. That
    happens at once too, since dead servers take their time with it.
    """

    def __init__(self, name: str, *, ask_servers: bool = False) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        self._levels = [LookupTarget(level, CAA) for level in walk_levels(name)]
        self._ask_servers = ask_servers
        self._wanted: set[LookupTarget] = set()
        self._answers: dict[LookupTarget, o.Lookup] = {}
        self._diagnoses: dict[LookupTarget, o.Diagnosis] = {}
        """By the level that failed."""
        self._proving: list[LookupTarget] = []
        """The levels that failed so that there may be a proof."""

    def start(self) -> Sequence[Want[Answer]]:
        """Want each level, and whether it is an alias."""
        return self._want([*self._levels, *map(_cname_of, self._levels)])

    def finish(self, missing: Missing) -> o.Finding:
        """Return the finding at the deadline, with nothing that was not proven by then."""
        levels: list[o.Lookup] = []
        for level in self._levels:
            found = self._answers.get(level) or missing(level).levels[0]
            levels.append(found)
            if _ends_walk(found):
                break
        return _to_finding(Answer(tuple(levels), ()))

    def _want(self, targets: Iterable[LookupTarget]) -> Sequence[Want[Answer]]:
        """Want what was not wanted before."""
        new = [one for one in dict.fromkeys(targets) if one not in self._wanted]
        self._wanted.update(new)
        return [Want(one, partial(self._take, one)) for one in new]

    def _take(self, target: LookupTarget, answer: Answer) -> Step:
        """Take an answer; return the finding once it is certain."""
        lookup = self._answers[target] = answer.levels[0]
        more: Sequence[Want[Any]] = ()
        if target in self._levels and _may_be_passed(lookup):
            more = self._begin_proof(target)
        return self._go_on(more)

    def _take_diagnosis(self, level: LookupTarget, result: DiagnosisResult) -> Step:
        """Take what the servers of a level did; return the finding once it is certain."""
        self._diagnoses[level] = result.diagnosis
        return self._go_on(())

    def _go_on(self, more: Sequence[Want[Any]]) -> Step:
        """Return the finding if it is certain, else what is wanted besides."""
        levels: list[o.Lookup] = []
        for level in self._levels:
            found = self._find_level(level)
            if found is None:
                return more
            levels.append(found)
            if _ends_walk(found):
                break
        return _to_finding(Answer(tuple(levels), ()))

    def _begin_proof(self, level: LookupTarget) -> Sequence[Want[Any]]:
        """Want what the proof of a level takes, unless too many failed."""
        if len(self._proving) == _MOST_PROOFS:
            return ()
        self._proving.append(level)
        more: list[Want[Any]] = [*self._want(ChainOfTrust(level.name).wanted)]
        if self._ask_servers:
            more.append(Want(DiagnosisTarget(level.name), partial(self._take_diagnosis, level)))
        return more

    def _find_level(self, level: LookupTarget) -> o.Lookup | None:
        """Return a level with what is proven of it; None: it is not certain yet."""
        lookup = self._answers.get(level)
        if lookup is None or level not in self._proving:
            return lookup
        descent = ChainOfTrust(level.name)
        ends = [
            descent.add(number, self._answers[wanted])
            for number, wanted in enumerate(descent.wanted)
            if wanted in self._answers
        ]
        cname = self._answers.get(_cname_of(level))
        diagnosis = self._diagnoses.get(level)
        if not any(ends) or cname is None or (self._ask_servers and diagnosis is None):
            return None
        proven = o.Lookup()
        proven.CopyFrom(lookup)  # others hold it too
        if descent.proof is not None and _is_no_alias(cname):
            proven.insecurity_proof.CopyFrom(descent.proof)
        if diagnosis is not None:
            proven.diagnosis.CopyFrom(diagnosis)
        return proven


def make(name: str, asked: p.Check) -> CaaWalkCheck | ProvingWalkCheck:
    """Return the walk of `name`, with the proofs that are asked for."""
    if asked.caa_walk.prove_insecurity:
        return ProvingWalkCheck(name, ask_servers=asked.caa_walk.ask_servers)
    return CaaWalkCheck(name)


def _to_finding(answer: Answer) -> o.Finding:
    """Return the finding of one level or more, from the name upwards."""
    finding = o.Finding()
    finding.caa_walk.levels.extend(answer.levels)
    return finding


def _cname_of(level: LookupTarget) -> LookupTarget:
    return LookupTarget(level.name, CNAME)


def _may_be_passed(lookup: o.Lookup) -> bool:
    """Whether the walk goes on above a failure: the resolver's answer, and no DNSSEC error."""
    return lookup.failure.kind == o.FAILURE_KIND_SERVFAIL


def _ends_walk(lookup: o.Lookup) -> bool:
    return not (lookup.HasField("absence") or _may_be_passed(lookup))


def _is_no_alias(cname: o.Lookup) -> bool:
    """Whether the answer for a CNAME is that there is none, or that nobody answers for anything."""
    return cname.HasField("absence") or cname.failure.kind == o.FAILURE_KIND_SERVFAIL
