"""The CAA walk of RFC 8659 section 3, and the proofs it may be asked for when it fails. Pure.

    RelevantCAASet(domain):
      while domain is not ".":
        if CAA(domain) is not Empty:
          return CAA(domain)
        domain = Parent(domain)
      return Empty

`dns.shared_lookups` climbs the levels. The resolver follows aliases; the walk climbs only from the
name asked. NXDOMAIN says nothing about parents, so the walk goes on.

BR 4.2.2.1 lets a CA treat a lookup failure as permission if three things hold. The lookup was
retried, the failure is outside the CA's infrastructure, and the domain is shown to be "Insecure"
(RFC 4035 section 4.3). The coordinator decides whether all three hold. The failure would permit at
that level only, and the record sets of the levels above decide then.

So a walk that has to prove goes on above each level where the resolver answered SERVFAIL. For each
such level it looks where the chain of trust ends (`insecurity`). It also looks what the servers do
when they are asked directly (`perspective_agent.diagnosis.servers`).
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from mpic.name_form import is_looked_up
from mpic.names import walk_levels
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks.insecurity import ChainOfTrust
from perspective_agent.diagnosis.shared_diagnoses import DiagnosisResult, DiagnosisTarget
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.dns.wire import CAA, CNAME
from perspective_agent.wants import Missing, Step, Want

_MOST_PROOFS = 4
"""Failed levels that a proof is looked for; a name and its zone are two."""


class CaaWalkCheck:
    """The walk from one name; its first failure ends it."""

    def __init__(self, name: str) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        self._target = LookupTarget(name, CAA, climbs=True)

    def start(self) -> Step:
        """Want the walk as a whole, unless it cannot begin there."""
        refusal = _refuse_start(self._target.name)
        return (Want(self._target, _to_finding),) if refusal is None else refusal

    def finish(self, missing: Missing) -> o.Finding:
        """Return the finding at the deadline."""
        return _to_finding(missing(self._target))


class ProvingWalkCheck:
    """The walk from one name, with the proofs that were found for each failure on the way.

    All levels are asked at once, each by itself. An alias has no proof: the zone that it leads to
    may have failed, and may be signed. So each level is asked for its CNAME too. That also happens
    at once, because servers that do not answer take long.
    """

    def __init__(self, name: str, *, ask_servers: bool = False) -> None:
        """Walk from `name` (no wildcard label) up to and including its top-level domain."""
        self._levels = [LookupTarget(level, CAA) for level in walk_levels(name)]
        self._ask_servers = ask_servers
        self._wanted: set[LookupTarget] = set()
        self._answers: dict[LookupTarget, o.Lookup] = {}
        self._diagnoses: dict[LookupTarget, o.Diagnosis] = {}
        """By the failed level."""
        self._proving: list[LookupTarget] = []
        """The levels whose failure may have a proof."""

    def start(self) -> Step:
        """Want each level, and whether it is an alias, unless the walk cannot begin there."""
        refusal = _refuse_start(self._levels[0].name)
        if refusal is not None:
            return refusal
        return self._want([*self._levels, *map(_cname_of, self._levels)])

    def finish(self, missing: Missing) -> o.Finding:
        """Return the finding at the deadline, without what was not proven by then."""
        levels: list[o.Lookup] = []
        for level in self._levels:
            found = self._answers.get(level) or missing(level).levels[0]
            levels.append(found)
            if _ends_walk(found):
                break
        return _to_finding(Answer(tuple(levels), ()))

    def _want(self, targets: Iterable[LookupTarget]) -> Sequence[Want[Answer]]:
        """Want the targets that were not wanted before."""
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
        """Return the finding if it is certain, otherwise what else is wanted."""
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
        """Want what the proof of a level needs, unless too many levels failed."""
        if len(self._proving) == _MOST_PROOFS:
            return ()
        self._proving.append(level)
        more: list[Want[Any]] = [*self._want(ChainOfTrust(level.name).wanted)]
        if self._ask_servers:
            more.append(Want(DiagnosisTarget(level.name), partial(self._take_diagnosis, level)))
        return more

    def _find_level(self, level: LookupTarget) -> o.Lookup | None:
        """Return a level with its proofs; None: it is not certain yet."""
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
    """Return the walk from where it is asked for, or else from `name`, with the proofs wanted."""
    walk = asked.caa_walk
    begin = walk.owner or name
    if walk.prove_insecurity:
        return ProvingWalkCheck(begin, ask_servers=walk.ask_servers)
    return CaaWalkCheck(begin)


def _refuse_start(begin: str) -> o.Finding | None:
    """Return the finding that a walk cannot begin at a name; None: it can."""
    if is_looked_up(begin):
        return None
    # Such a name would break the message to the resolver, and with it the whole stream.
    detail = "where the walk begins is not in the form that is looked up"
    return o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_INTERNAL, detail=detail))


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
    """Whether the answer says that there is no CNAME, or the servers answer nothing at all."""
    return cname.HasField("absence") or cname.failure.kind == o.FAILURE_KIND_SERVFAIL
