"""From an attempt to the caller's answer: who saw what, the verdict and why. Pure."""

from datetime import datetime, timedelta

from google.protobuf import duration_pb2, timestamp_pb2

from coordinator.ballot import Ballot, Standing
from coordinator.corroboration import Attempt
from coordinator.link import Link
from coordinator.quorum import Terms
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


def to_response(attempt: Attempt, links: dict[str, Link]) -> c.CorroborateResponse:
    """Return the whole answer."""
    question = attempt.question
    assert attempt.decided_at is not None  # noqa: S101 - it is decided
    response = c.CorroborateResponse(
        request_id=question.request_id,
        approved=attempt.approved,
        dry_run=question.dry_run,
        policy=_policy(question.terms),
        asked_at=_timestamp(attempt.asked_at),
        decided_at=_timestamp(attempt.decided_at),
        issuer_domains=sorted(question.asks[0].issuer_domains),
    )
    for name, ballot in zip(question.names, attempt.ballots, strict=True):
        verdict = response.names.add(name=name.asked, looked_up=name.looked_up)
        _fill_verdict(verdict, ballot, attempt, links)
    errors = [verdict.error for verdict in response.names if verdict.HasField("error")]
    if errors:
        response.error.CopyFrom(errors[0])
    if response.approved and not question.dry_run:
        usable = min(caa_usable_until(ballot, attempt) for ballot in attempt.ballots)
        response.caa_usable_until.FromDatetime(usable)
    return response


def caa_usable_until(ballot: Ballot, attempt: Attempt) -> datetime:
    """Return until when the CAA check may be used to issue (BR 4.2.2.1).

    The shortest TTL over the alias chain and the set, but at least 8 hours; 8 hours where there is
    no record. Counted from before the earliest lookup: from asking.
    """
    caa = ballot.standing(attempt.roster.primary).caa
    ttl = timedelta(seconds=caa.ttl) if caa and caa.ttl is not None else timedelta(0)
    return attempt.asked_at + max(ttl, CAA_FLOOR)


def _fill_verdict(
    verdict: c.NameVerdict, ballot: Ballot, attempt: Attempt, links: dict[str, Link]
) -> None:
    terms = ballot.terms
    verdict.reason = ballot.reason
    verdict.approved = ballot.reason == c.REASON_CORROBORATED
    verdict.quorum = f"{len(ballot.corroborating())}/{terms.attempted}"
    verdict.required = terms.required
    verdict.detail = _explain(ballot, attempt)
    if ballot.reason in _QUORUM_REASONS:
        verdict.error.code = QUORUM_ERROR
        verdict.error.message = f"Issuance suppressed: {verdict.detail}"
    if attempt.approved and not attempt.question.dry_run:
        verdict.caa_usable_until.FromDatetime(caa_usable_until(ballot, attempt))
    for perspective in attempt.roster.perspectives:
        standing = ballot.standing(perspective)
        verdict.perspectives.append(_report(standing, links[perspective.id]))


def _explain(ballot: Ballot, attempt: Attempt) -> str:
    """Say in one sentence why the verdict is what it is."""
    terms, primary = ballot.terms, ballot.standing(attempt.roster.primary)
    agreed = f"{len(ballot.corroborating())} of {terms.attempted} remote perspectives corroborate"
    match ballot.reason:
        case c.REASON_CORROBORATED:
            return f"the primary permits and {agreed}; {terms.required} are needed"
        case c.REASON_QUORUM_NOT_MET:
            return f"{agreed}, {terms.required} are needed"
        case c.REASON_REGIONS_NOT_MET:
            regions = {o.Rir.Name(one.rir).removeprefix("RIR_") for one in ballot.corroborating()}
            return (
                f"{agreed}, but from {len(regions)} RIR service region"
                f" ({', '.join(sorted(regions))}); {terms.row.minimum_regions} are needed"
            )
        case c.REASON_TOO_FEW_REMOTES:
            return (
                f"{terms.attempted} remote perspectives were asked; from"
                f" {terms.row.effective_from:%Y-%m-%d} on {terms.row.minimum_remotes} are needed"
            )
        case _:
            return f"the primary perspective: {primary.detail}"


def _report(standing: Standing, link: Link) -> c.PerspectiveReport:
    perspective, reply = link.perspective, standing.reply
    report = c.PerspectiveReport(
        perspective_id=perspective.id,
        role=perspective.role,
        rir=perspective.rir,
        corroborates=standing.corroborates,
        dissent=standing.dissent,
        detail=standing.detail,
        observation=reply.observation if reply else None,
        caa=standing.caa.caa if standing.caa else None,
    )
    if reply is not None and reply.elapsed is not None:
        report.elapsed.CopyFrom(_duration(reply.elapsed))
    if link.description is not None:
        report.agent_version = link.description.version
        report.resolver.CopyFrom(link.description.resolver)
    return report


def _policy(terms: Terms) -> c.PolicyApplied:
    row = terms.row
    return c.PolicyApplied(
        effective_from=_timestamp(row.effective_from),
        minimum_remotes=row.minimum_remotes,
        allowed_noncorroborations=row.allowed_noncorroborations(terms.attempted),
        minimum_regions=row.minimum_regions,
        minimum_distance_km=row.minimum_distance_km,
        address_agreement=terms.address_agreement,
        permit_caa_failure_in_insecure_zone=row.permit_caa_failure_in_insecure_zone,
        remotes_must_validate=row.remotes_must_validate,
    )


def _timestamp(moment: datetime) -> timestamp_pb2.Timestamp:
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(moment)
    return message


def _duration(seconds: float) -> duration_pb2.Duration:
    message = duration_pb2.Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message
