"""The check `caa_walk`: CAA permission, seen from one perspective. Pure.

A remote corroborates when its own CAA answer is permission to issue, "regardless of whether the
responses from both Perspectives are byte-for-byte identical" (BR 4.2.2.1.1): nothing is compared.
"""

from coordinator.checks.caa.lookup_failure import CLAUSE, is_permission, missing_proofs
from coordinator.checks.caa.relevant_set import (
    Applicant,
    Determination,
    describe_lookup_failure,
    judge_walk,
)
from coordinator.checks.caa.walk import Walk, follow_walk, never
from coordinator.checks.check import Ask, Judgement, choose_dissent
from coordinator.rules.policy import PolicyRow
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

_DISSENT = {
    c.CAA_OUTCOME_PERMITTED: c.DISSENT_UNSPECIFIED,
    c.CAA_OUTCOME_FORBIDDEN: c.DISSENT_CAA_FORBIDS,
    c.CAA_OUTCOME_FAILED: c.DISSENT_CAA_FAILED,
}


class CaaJudge:
    """The check `caa_walk`."""

    def request(self, row: PolicyRow) -> p.Check:
        """Return the message that asks for it."""
        prove = row.permit_caa_failure_in_insecure_zone
        return p.Check(caa_walk=p.CaaWalk(prove_insecurity=prove, ask_servers=prove))

    def judge(self, finding: o.Finding, ask: Ask) -> Judgement:
        """Judge one perspective's walk alone; raises MalformedFindingError."""
        applicant = Applicant(
            ask.issuer_domains, ask.account_uri, ask.validation_method, ask.understood_tags
        )
        excuse = is_permission if ask.permit_caa_failure_in_insecure_zone else never
        walk = follow_walk(finding.caa_walk, ask.name, ask.believed, excuse)
        determination = judge_walk(walk, ask.wildcard, applicant)
        if walk.excused:
            determination = _add_excused(determination, walk)
        if ask.permit_caa_failure_in_insecure_zone and determination.failed is not None:
            determination = _say_missing(determination, determination.failed)
        return Judgement(
            _dissent(determination), determination.detail, _to_message(determination), _ttl(walk)
        )

    def compare(self, remote: o.Finding, primary: o.Finding, ask: Ask) -> Judgement:  # noqa: ARG002 - nothing is compared
        """Nothing is compared."""
        return Judgement(c.DISSENT_UNSPECIFIED, "")


def _add_excused(determination: Determination, walk: Walk) -> Determination:
    """Say what a walk went over; each excused failure is permission at its own level alone."""
    excused = "; ".join(map(_describe_excused, walk.excused))
    if walk.ends_excused and not walk.is_cut:
        return Determination(c.CAA_OUTCOME_PERMITTED, clause=CLAUSE, detail=excused)
    if determination.outcome != c.CAA_OUTCOME_PERMITTED:
        return determination  # whatever was below
    if not determination.found_at:
        detail = f"{excused}; no other level has a CAA record"
        return determination._replace(clause=CLAUSE, detail=detail)
    clause = f"{CLAUSE}, then {determination.clause}"
    return determination._replace(clause=clause, detail=f"{excused}; {determination.detail}")


def _describe_excused(failed: o.Lookup) -> str:
    proof = failed.insecurity_proof
    return (
        f"{describe_lookup_failure(failed)}; asked {failed.tries} times, all servers of"
        f" {failed.diagnosis.zone} fail by themselves, and {proof.zone_cut} is an insecure"
        f" delegation by the {proof.kind} record {proof.denied_by}"
    )


def _say_missing(determination: Determination, failed: o.Lookup) -> Determination:
    """Say why a failure is no permission, where the policy would allow it to be."""
    missing = missing_proofs(failed) or ["that no level above it forbids"]
    detail = f"{determination.detail}; it is no permission without proof {' and '.join(missing)}"
    return determination._replace(detail=detail)


def _dissent(determination: Determination) -> c.Dissent.ValueType:
    if determination.not_in_public_dns:
        return c.DISSENT_NOT_IN_PUBLIC_DNS
    dissent = _DISSENT[determination.outcome]
    if dissent == c.DISSENT_CAA_FAILED and determination.failed is not None:
        return choose_dissent(determination.failed.failure, dissent)
    return dissent


def _ttl(walk: Walk) -> int | None:
    """Return the shortest TTL over the alias chain and the set; None when there is no set."""
    end = walk.end
    if not end.HasField("records"):
        return None
    return min(end.records.ttl, *(alias.ttl for alias in end.aliases), 2**31)


def _to_message(determination: Determination) -> c.CaaDetermination:
    return c.CaaDetermination(
        outcome=determination.outcome,
        found_at=determination.found_at,
        clause=determination.clause,
        record=determination.record,
    )
