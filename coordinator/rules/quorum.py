"""The quorum of BR 3.2.2.9. Pure.

    # of distinct remote network perspectives used | # of allowed non-corroborations
    2-5                                            | 1
    6+                                             | 2

and "the remote Network Perspectives that corroborate [...] fall within the service regions of at
least two (2) distinct Regional Internet Registries". "Used" means asked: a perspective that is
down, late or wrong does not corroborate and stays in the denominator.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from coordinator.rules.policy import PolicyRow
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

Rirs = Sequence["o.Rir.ValueType"]


@dataclass(frozen=True, slots=True)
class AttemptRules:
    """What one attempt must meet; fixed before anybody is asked."""

    row: PolicyRow
    attempted: int
    """Remote perspectives asked."""
    tightened_to: int = 0
    """The least number of corroborating remotes that the caller demands; 0: only the policy
    counts."""
    address_agreement: c.AddressAgreement.ValueType = c.ADDRESS_AGREEMENT_EXACT
    """The policy's, or the caller's stricter one."""

    required: int = field(init=False)
    """Corroborating remotes needed."""

    def __post_init__(self) -> None:
        """Compute once how many must corroborate."""
        by_policy = required_by_policy(self.row, self.attempted)
        object.__setattr__(self, "required", max(by_policy, self.tightened_to))


def required_by_policy(row: PolicyRow, attempted: int) -> int:
    """Return how many of `attempted` remotes must corroborate by a policy row."""
    by_table = attempted - row.allowed_noncorroborations(attempted)
    return max(by_table, row.minimum_corroborating)


def judge_quorum(corroborating: Rirs, rules: AttemptRules) -> c.Reason.ValueType:
    """Judge the remotes that corroborate, given by their RIRs, one for each."""
    if rules.attempted < rules.row.minimum_remotes:
        return c.REASON_TOO_FEW_REMOTES
    if len(corroborating) < rules.required:
        return c.REASON_QUORUM_NOT_MET
    if len(set(corroborating)) < rules.row.minimum_regions:
        return c.REASON_REGIONS_NOT_MET
    return c.REASON_CORROBORATED


def foresee_quorum(
    corroborating: Rirs, still_open: Rirs, rules: AttemptRules
) -> c.Reason.ValueType:
    """Judge as far as it is certain; REASON_UNSPECIFIED while open remotes can change the result.

    Approval is certain if it stands even when every open remote dissents. Refusal is certain if it
    stands even when every open remote corroborates.
    """
    if judge_quorum(corroborating, rules) == c.REASON_CORROBORATED:
        return c.REASON_CORROBORATED
    best = judge_quorum([*corroborating, *still_open], rules)
    return c.REASON_UNSPECIFIED if best == c.REASON_CORROBORATED else best
