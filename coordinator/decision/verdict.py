"""What a caller is told of a decided attempt: reason, error, and how long it may be used. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from google.protobuf import timestamp_pb2

from coordinator.decision.attempt import Attempt
from coordinator.decision.name_decision import CUT_SHORT, NameDecision
from coordinator.decision.vote import Vote
from coordinator.rules.quorum import AttemptRules
from coordinator.rules.roster import Perspective
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

QUORUM_ERROR = 338
_QUORUM_REASONS = (
    c.REASON_QUORUM_NOT_MET,
    c.REASON_REGIONS_NOT_MET,
    c.REASON_TOO_FEW_REMOTES,
)


def is_quorum_error(reason: c.Reason.ValueType) -> bool:
    """Whether a reason is reported as error 338."""
    return reason in _QUORUM_REASONS


def usable_until(decision: NameDecision, attempt: Attempt) -> list[datetime | None]:
    """Return until when each check of a name may be used to issue (BR 4.2.2.1 for CAA).

    The time counts from before the primary's earliest lookup. Each lookup was answered after the
    question was asked. But it may have been sent before that, for another question. The longest
    lookup says how long before, at most. None: the check has no end of its own.
    """
    primary = decision.primary_vote
    encoded = primary.reply.encoded if primary.reply else None
    longest = max(encoded.lookups_us, default=0) if encoded else 0
    since = attempt.asked_at - timedelta(microseconds=longest)
    usable_for = primary.judged.usable_for if primary.judged else ()
    return [None if one is None else since + one for one in usable_for]


def explain_verdict(decision: NameDecision) -> str:
    """Say in one sentence why the verdict on a name is what it is."""
    rules, primary = decision.rules, decision.primary_vote
    corroborating = decision.corroborating()
    agreed = f"{len(corroborating)} of {rules.attempted} remote perspectives corroborate"
    match decision.reason:
        case c.REASON_CORROBORATED:
            return f"the primary permits and {agreed}; {rules.required} are needed"
        case c.REASON_QUORUM_NOT_MET:
            return f"{_count_possible(decision, agreed)}, {rules.required} are needed"
        case c.REASON_REGIONS_NOT_MET:
            regions = {o.Rir.Name(one.rir).removeprefix("RIR_") for one in _find_possible(decision)}
            return (
                f"{_count_possible(decision, agreed)}, but from {len(regions)} RIR service region"
                f" ({', '.join(sorted(regions))}); {rules.row.minimum_regions} are needed"
            )
        case c.REASON_TOO_FEW_REMOTES:
            return (
                f"{rules.attempted} remote perspectives were asked; from"
                f" {rules.row.effective_from:%Y-%m-%d} on {rules.row.minimum_remotes} are needed"
            )
        case c.REASON_CUT_SHORT if primary.corroborates:
            cut = [one.id for one in decision.roster.remotes if _is_cut(decision.vote_of(one))]
            return f"{agreed}, {rules.required} are needed; cut short: {', '.join(cut)}"
        case _:
            return f"the primary perspective: {primary.detail}"


def _find_possible(decision: NameDecision) -> Sequence[Perspective]:
    """Return the remotes that corroborate, and those whose vote is not known."""
    return [one for one in decision.roster.remotes if _may_corroborate(decision.vote_of(one))]


def _may_corroborate(vote: Vote) -> bool:
    return vote.corroborates or vote.dissent == c.DISSENT_NOT_AWAITED or _is_cut(vote)


def _count_possible(decision: NameDecision, agreed: str) -> str:
    """Say how many remotes corroborate; if the votes of some are not known, how many can at most.

    Nobody waits for the rest once so many dissent that the quorum cannot be met. To say that these
    do not corroborate would be wrong.
    """
    possible, attempted = len(_find_possible(decision)), decision.rules.attempted
    if possible == len(decision.corroborating()):
        return agreed
    return (
        f"{attempted - possible} dissent, so at most {possible} of {attempted} remote perspectives"
        " can corroborate"
    )


def _is_cut(vote: Vote) -> bool:
    return vote.dissent in CUT_SHORT


@lru_cache(64)  # nearly all questions have the same terms
def show_policy(rules: AttemptRules) -> c.PolicyApplied:
    """Return the policy row that was applied; callers must not change it."""
    row = rules.row
    policy = c.PolicyApplied(
        minimum_remotes=row.minimum_remotes,
        allowed_noncorroborations=row.allowed_noncorroborations(rules.attempted),
        minimum_regions=row.minimum_regions,
        minimum_distance_km=row.minimum_distance_km,
        address_agreement=rules.address_agreement,
        permit_caa_failure_in_insecure_zone=row.permit_caa_failure_in_insecure_zone,
        remotes_must_validate=row.remotes_must_validate,
        remotes_asked=rules.attempted,
        checks=row.checks,
        addresses_cover_aaaa=row.addresses_cover_aaaa,
    )
    set_timestamp(policy.effective_from, row.effective_from)
    return policy


def set_timestamp(timestamp: timestamp_pb2.Timestamp, moment: datetime) -> None:
    """Do what FromDatetime does, but faster."""
    timestamp.seconds, timestamp.nanos = int(moment.timestamp()), moment.microsecond * 1000
