"""The log lines of a request, for watching the service. The facts are in the record."""

import structlog

from coordinator.decision.attempt import Attempt
from coordinator.decision.attempt_id import show_id
from coordinator.decision.name_decision import NameDecision
from coordinator.decision.verdict import QUORUM_ERROR, is_quorum_error
from coordinator.decision.vote import Vote
from coordinator.rules.responsibility import Blamed, Responsible
from mpic.bounds import MAX_REQUEST_ID
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c

log = structlog.get_logger()


def log_verdict(
    attempt: Attempt,
    caller: str,
    trace_id: str | None,
    seconds: float,
    blamed: Blamed,
) -> None:
    """Write the one line of a request; it names the caller's trace, if there is one."""
    request = attempt.request
    pairs = zip(attempt.decisions, blamed, strict=True)
    names = [_summarize(decision, whose) for decision, whose in pairs]
    log.info(
        "verdict",
        request_id=request.request_id,
        record_id=show_id(attempt.id),
        trace_id=trace_id,
        caller=caller,
        purpose=c.Purpose.Name(request.purpose).removeprefix("PURPOSE_").lower(),
        approved=attempt.approved,
        corroborated=attempt.is_corroborated,
        dry_run=request.dry_run,
        error=QUORUM_ERROR if any(map(_is_338, attempt.decisions)) else None,
        names=names,
        policy_from=request.rules.row.effective_from.isoformat(),
        elapsed_ms=round(seconds * 1000, 1),
    )


def log_not_decided(
    request_id: str, caller: str, trace_id: str | None, error: RequestError
) -> None:
    """Write the one line of a request if nothing was decided."""
    log.info(
        "not_decided",
        # It is not checked yet, and may be wrong just because it is too long.
        request_id=request_id[:MAX_REQUEST_ID],
        trace_id=trace_id,
        caller=caller,
        reason=error.reason,
        error=str(error),
    )


def log_superseded(
    attempt: Attempt, superseded_by: bytes, caller: str, trace_id: str | None
) -> None:
    """Write the line of a request that another coordinator decided first."""
    log.info(
        "verdict_superseded",
        request_id=attempt.request.request_id,
        record_id=show_id(attempt.id),
        superseded_by=show_id(superseded_by),
        trace_id=trace_id,
        caller=caller,
    )


def _is_338(decision: NameDecision) -> bool:
    return is_quorum_error(decision.reason)


def _summarize(decision: NameDecision, whose: Responsible | None) -> dict[str, object]:
    dissents = {}
    for perspective in decision.roster.perspectives:
        vote = decision.vote_of(perspective)
        if vote.dissent:
            dissents[perspective.id] = _say(vote)
    return {
        "name": decision.asked.looked_up,
        "reason": c.Reason.Name(decision.reason),
        "check": decision.check or None,
        "responsible": whose.value if whose else None,
        "quorum": decision.quorum,
        "dissents": dissents,
    }


def log_late(attempt: Attempt) -> None:
    """Write a line for each dissent that came after the answer, or never came.

    The record has the other late replies too. With a quorum below all remotes, nearly every
    question has one.
    """
    for index, reply in attempt.late:
        decision = attempt.decisions[index]
        vote = decision.late_vote_of(reply.perspective)
        if vote.corroborates:
            continue
        log.info(
            "late_dissent",
            request_id=attempt.request.request_id,
            name=decision.asked.looked_up,
            perspective=reply.perspective.id,
            dissent=_say(vote),
            elapsed_ms=None if reply.elapsed is None else round(reply.elapsed * 1000, 1),
        )


def _say(vote: Vote) -> str:
    """Name a dissent and the check that it comes from: "DISSENT_FORBIDS caa"."""
    name = c.Dissent.Name(vote.dissent)
    return f"{name} {vote.check}" if vote.check else name


def seconds_to_decide(attempt: Attempt) -> float:
    """Return how long an attempt took until its verdict was certain."""
    assert attempt.decided_at is not None  # noqa: S101 - it is decided
    return (attempt.decided_at - attempt.asked_at).total_seconds()
