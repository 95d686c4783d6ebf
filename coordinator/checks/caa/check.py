"""The check `caa_walk`: CAA permission, seen from one perspective. Pure.

A remote corroborates when its own CAA answer is permission to issue, "regardless of whether the
responses from both Perspectives are byte-for-byte identical" (BR 4.2.2.1.1). So nothing is
compared.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache

from coordinator.checks.caa.lookup_failure import CLAUSE, is_permission, missing_proofs
from coordinator.checks.caa.relevant_set import (
    Applicant,
    CaaJudgement,
    describe_lookup_failure,
    judge_walk,
)
from coordinator.checks.caa.walk import Walk, follow_walk, never
from coordinator.checks.check import (
    CheckSubject,
    Findings,
    Judgement,
    JudgingRules,
    Statuses,
    choose_dissent,
)
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

# BR 4.2.2.1: issue "within the TTL of the CAA record, or 8 hours, whichever is greater".
USABLE_FLOOR = timedelta(hours=8)

_DISSENT = {
    c.OUTCOME_PASSED: c.DISSENT_UNSPECIFIED,
    c.OUTCOME_FORBIDDEN: c.DISSENT_FORBIDS,
}
_WALK = (p.Check(caa_walk=p.CaaWalk()),)
_PROVING_WALK = (p.Check(caa_walk=p.CaaWalk(prove_insecurity=True, ask_servers=True)),)


class CaaJudge:
    """The check `caa`."""

    def is_given(self, requested: c.RequestedName) -> bool:  # noqa: ARG002 - it needs nothing
        """Return that the caller says nothing for this check alone."""
        return False

    def request(self, subject: CheckSubject, rules: JudgingRules) -> c.RequestedCheck:  # noqa: ARG002 - see `apply_rules`
        """Return the check with what the caller says."""
        check = c.RequestedCheck()
        asked = check.caa
        asked.wildcard = subject.name.wildcard
        asked.account_uri = subject.request.account_uri
        asked.validation_method = subject.requested.validation_method
        asked.SetInParent()
        return check

    def apply_rules(self, asked: c.RequestedCheck, rules: JudgingRules) -> None:
        """Fill in the issuer, the tags it understands, and whether a failure may be permission."""
        caa, issuer = asked.caa, rules.issuer
        caa.issuer_domains[:] = sorted(issuer.domains)
        caa.understood_critical_tags[:] = sorted(issuer.understood_tags)
        row = rules.attempt.row
        caa.permit_failure_in_insecure_zone = row.permit_caa_failure_in_insecure_zone

    def questions(self, asked: c.RequestedCheck, name: str) -> Sequence[p.Check]:  # noqa: ARG002 - it says it
        """Return what the perspectives are asked."""
        return _PROVING_WALK if asked.caa.permit_failure_in_insecure_zone else _WALK

    def judge(
        self, findings: Findings, name: str, asked: c.RequestedCheck, believed: Statuses
    ) -> Judgement:
        """Judge one perspective's walk alone; raises MalformedFindingError, NotValidatedError."""
        caa = asked.caa
        may_permit = caa.permit_failure_in_insecure_zone
        excuse = is_permission if may_permit else never
        walk = follow_walk(findings[0].caa_walk, name, believed, excuse)
        judged = judge_walk(walk, caa.wildcard, _read_applicant(caa))
        if walk.excused:
            judged = _add_excused(judged, walk)
        if may_permit and judged.failed is not None:
            judged = _say_missing(judged, judged.failed)
        return Judgement(
            outcome=judged.outcome,
            dissent=_dissent(judged),
            detail=judged.detail,
            found_at=judged.found_at,
            clause=judged.clause,
            record=judged.record,
            usable_for=max(_ttl(walk), USABLE_FLOOR),
        )

    def compare(
        self, remote: Findings, primary: Findings, name: str, asked: c.RequestedCheck
    ) -> None:
        """Compare nothing."""


def _read_applicant(caa: c.RequestedCaa) -> Applicant:
    return _make_applicant(
        tuple(caa.issuer_domains),
        caa.account_uri,
        caa.validation_method,
        tuple(caa.understood_critical_tags),
    )


@lru_cache(64)  # each name has one applicant for all its perspectives
def _make_applicant(
    domains: tuple[str, ...], account_uri: str, method: str, tags: tuple[str, ...]
) -> Applicant:
    return Applicant(frozenset(domains), account_uri, method, frozenset(tags))


def _add_excused(judged: CaaJudgement, walk: Walk) -> CaaJudgement:
    """Add what was excused on the walk; each excused failure permits only at its own level."""
    excused = "; ".join(map(_describe_excused, walk.excused))
    if walk.ends_excused and not walk.is_cut:
        return CaaJudgement(c.OUTCOME_PASSED, clause=CLAUSE, detail=excused)
    if judged.outcome != c.OUTCOME_PASSED:
        return judged  # whatever was below
    if not judged.found_at:
        detail = f"{excused}; no other level has a CAA record"
        return judged._replace(clause=CLAUSE, detail=detail)
    clause = f"{CLAUSE}, then {judged.clause}"
    return judged._replace(clause=clause, detail=f"{excused}; {judged.detail}")


def _describe_excused(failed: o.Lookup) -> str:
    proof = failed.insecurity_proof
    return (
        f"{describe_lookup_failure(failed)}; asked {failed.tries} times, all servers of"
        f" {failed.diagnosis.zone} fail by themselves, and {proof.zone_cut} is an insecure"
        f" delegation by the {proof.kind} record {proof.denied_by}"
    )


def _say_missing(judged: CaaJudgement, failed: o.Lookup) -> CaaJudgement:
    """Say which proofs are missing for a failure that the policy allows to be permission."""
    missing = missing_proofs(failed) or ["that no level above it forbids"]
    detail = f"{judged.detail}; it is no permission without proof {' and '.join(missing)}"
    return judged._replace(detail=detail)


def _dissent(judged: CaaJudgement) -> c.Dissent.ValueType:
    if judged.not_in_public_dns:
        return c.DISSENT_NOT_IN_PUBLIC_DNS
    if judged.failed is not None:
        return choose_dissent(judged.failed.failure)
    return _DISSENT[judged.outcome]


def _ttl(walk: Walk) -> timedelta:
    """Return the shortest TTL over the alias chain and the set; 0 when there is no set."""
    end = walk.end
    if not end.HasField("records"):
        return timedelta(0)
    return timedelta(seconds=min(end.records.ttl, *(alias.ttl for alias in end.aliases), 2**31))
