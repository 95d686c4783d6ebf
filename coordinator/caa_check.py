"""The check `caa_walk`: CAA permission, seen from one perspective. Pure.

A remote corroborates when its own CAA answer is permission to issue, "regardless of whether the
responses from both Perspectives are byte-for-byte identical" (BR 4.2.2.1.1): nothing is compared.
"""

from coordinator.caa import Applicant, Determination, determine_caa
from coordinator.caa_failure import CLAUSE, missing_proofs
from coordinator.judging import Ask, Judgement, choose_dissent
from coordinator.policy import PolicyRow
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

_DISSENT = {
    c.CAA_OUTCOME_PERMITTED: c.DISSENT_UNSPECIFIED,
    c.CAA_OUTCOME_FORBIDDEN: c.DISSENT_CAA_FORBIDS,
    c.CAA_OUTCOME_FAILED: c.DISSENT_CAA_FAILED,
}


class CaaCheck:
    """The check `caa_walk`."""

    def request(self, row: PolicyRow) -> p.Check:
        """Return the message that asks for it."""
        prove = row.permit_caa_failure_in_insecure_zone
        return p.Check(caa_walk=p.CaaWalk(prove_insecurity=prove))

    def judge(self, finding: o.Finding, ask: Ask) -> Judgement:
        """Judge one perspective's walk alone; raises MalformedFindingError."""
        applicant = Applicant(ask.issuer_domains, ask.account_uri, ask.validation_method)
        walk = finding.caa_walk
        determination = determine_caa(walk, ask.name, ask.wildcard, applicant, ask.believed)
        if ask.permit_caa_failure_in_insecure_zone and determination.failed is not None:
            determination = _excuse(determination, determination.failed)
        return Judgement(
            _dissent(determination), determination.detail, _to_message(determination), _ttl(walk)
        )

    def compare(self, remote: o.Finding, primary: o.Finding, ask: Ask) -> Judgement:  # noqa: ARG002 - nothing is compared
        """Nothing is compared."""
        return Judgement(c.DISSENT_UNSPECIFIED, "")


def _excuse(determination: Determination, failed: o.Lookup) -> Determination:
    """Make a failure permission where all that BR 4.2.2.1 asks for is proven."""
    if missing := missing_proofs(failed):
        detail = (
            f"{determination.detail}; it is no permission without proof {' and '.join(missing)}"
        )
        return determination._replace(detail=detail)
    proof = failed.insecurity_proof
    return determination._replace(
        outcome=c.CAA_OUTCOME_PERMITTED,
        clause=CLAUSE,
        detail=(
            f"{determination.detail}; asked {failed.tries} times, and {proof.zone_cut} is an"
            f" insecure delegation by the {proof.kind} record {proof.denied_by}"
        ),
    )


def _dissent(determination: Determination) -> c.Dissent.ValueType:
    if determination.not_in_public_dns:
        return c.DISSENT_NOT_IN_PUBLIC_DNS
    dissent = _DISSENT[determination.outcome]
    if dissent == c.DISSENT_CAA_FAILED and determination.failed is not None:
        return choose_dissent(determination.failed.failure, dissent)
    return dissent


def _ttl(walk: o.CaaFinding) -> int | None:
    """Return the shortest TTL over the alias chain and the set; None when there is no set."""
    last = walk.levels[-1]
    if not last.HasField("records"):
        return None
    return min(last.records.ttl, *(alias.ttl for alias in last.aliases), 2**31)


def _to_message(determination: Determination) -> c.CaaDetermination:
    return c.CaaDetermination(
        outcome=determination.outcome,
        found_at=determination.found_at,
        clause=determination.clause,
        record=determination.record,
    )
