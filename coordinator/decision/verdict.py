"""What is said of a decided attempt: why, with which error, and until when it holds. Pure."""

from datetime import datetime, timedelta
from functools import lru_cache

from google.protobuf import timestamp_pb2

from coordinator.decision.attempt import Attempt
from coordinator.decision.vote import CUT_SHORT, Ballot, Standing
from coordinator.rules.quorum import Terms
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

QUORUM_ERROR = 338
_QUORUM_REASONS = (
    c.REASON_QUORUM_NOT_MET,
    c.REASON_REGIONS_NOT_MET,
    c.REASON_TOO_FEW_REMOTES,
)

# BR 4.2.2.1: issue "within the TTL of the CAA record, or 8 hours, whichever is greater".
CAA_FLOOR = timedelta(hours=8)


def is_quorum_error(reason: c.Reason.ValueType) -> bool:
    """Whether a reason is one of error 338."""
    return reason in _QUORUM_REASONS


def caa_usable_until(ballot: Ballot, attempt: Attempt) -> datetime:
    """Return until when the CAA check may be used to issue (BR 4.2.2.1).

    The shortest TTL over the alias chain and the set, but at least 8 hours; 8 hours where there is
    no record. Counted from before the primary's earliest lookup: each was answered after the
    question, but may have been sent for another one before, by as much as it took.
    """
    primary = ballot.standing(attempt.roster.primary)
    ttl = timedelta(seconds=primary.caa.ttl or 0) if primary.caa else timedelta(0)
    encoded = primary.reply.encoded if primary.reply else None
    longest = max(encoded.lookups_us, default=0) if encoded else 0
    return attempt.asked_at - timedelta(microseconds=longest) + max(ttl, CAA_FLOOR)


def explain_verdict(ballot: Ballot) -> str:
    """Say in one sentence why the verdict on a name is what it is."""
    terms, primary = ballot.terms, ballot.standing(ballot.roster.primary)
    corroborating = ballot.corroborating()
    agreed = f"{len(corroborating)} of {terms.attempted} remote perspectives corroborate"
    match ballot.reason:
        case c.REASON_CORROBORATED:
            return f"the primary permits and {agreed}; {terms.required} are needed"
        case c.REASON_QUORUM_NOT_MET:
            return f"{agreed}, {terms.required} are needed"
        case c.REASON_REGIONS_NOT_MET:
            regions = {o.Rir.Name(one.rir).removeprefix("RIR_") for one in corroborating}
            return (
                f"{agreed}, but from {len(regions)} RIR service region"
                f" ({', '.join(sorted(regions))}); {terms.row.minimum_regions} are needed"
            )
        case c.REASON_TOO_FEW_REMOTES:
            return (
                f"{terms.attempted} remote perspectives were asked; from"
                f" {terms.row.effective_from:%Y-%m-%d} on {terms.row.minimum_remotes} are needed"
            )
        case c.REASON_CUT_SHORT if primary.corroborates:
            cut = [one.id for one in ballot.roster.remotes if _is_cut(ballot.standing(one))]
            return f"{agreed}, {terms.required} are needed; cut short: {', '.join(cut)}"
        case _:
            return f"the primary perspective: {primary.detail}"


def _is_cut(standing: Standing) -> bool:
    return standing.dissent in CUT_SHORT


@lru_cache(64)  # nearly all questions have the same terms
def show_policy(terms: Terms) -> c.PolicyApplied:
    """Return the policy row that was applied; it is not to be changed."""
    row = terms.row
    policy = c.PolicyApplied(
        minimum_remotes=row.minimum_remotes,
        allowed_noncorroborations=row.allowed_noncorroborations(terms.attempted),
        minimum_regions=row.minimum_regions,
        minimum_distance_km=row.minimum_distance_km,
        address_agreement=terms.address_agreement,
        permit_caa_failure_in_insecure_zone=row.permit_caa_failure_in_insecure_zone,
        remotes_must_validate=row.remotes_must_validate,
        remotes_asked=terms.attempted,
    )
    set_timestamp(policy.effective_from, row.effective_from)
    return policy


def set_timestamp(timestamp: timestamp_pb2.Timestamp, moment: datetime) -> None:
    """Do what FromDatetime does, in a fifth of its time."""
    timestamp.seconds, timestamp.nanos = int(moment.timestamp()), moment.microsecond * 1000
