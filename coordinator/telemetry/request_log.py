"""The lines of a request in the log, to watch the service by. The record has the facts."""

import structlog

from coordinator.decision.attempt import Attempt
from coordinator.decision.attempt_id import show_id
from coordinator.decision.verdict import QUORUM_ERROR, is_quorum_error
from coordinator.decision.vote import Ballot
from coordinator.rules.responsibility import Blamed, Responsible
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()


def log_verdict(
    attempt: Attempt,
    caller: str,
    trace_id: str | None,
    seconds: float,
    blamed: Blamed,
) -> None:
    """Write the one line of a request; it names the caller's trace, if there is one."""
    question = attempt.question
    pairs = zip(attempt.ballots, blamed, strict=True)
    names = [_summarize(ballot, whose) for ballot, whose in pairs]
    log.info(
        "verdict",
        request_id=question.request_id,
        record_id=show_id(attempt.id),
        trace_id=trace_id,
        caller=caller,
        approved=attempt.approved,
        dry_run=question.dry_run,
        error=QUORUM_ERROR if any(is_quorum_error(b.reason) for b in attempt.ballots) else None,
        names=names,
        policy_from=question.terms.row.effective_from.isoformat(),
        elapsed_ms=round(seconds * 1000, 1),
    )


def log_superseded(record: r.Record, caller: str, trace_id: str | None) -> None:
    """Write the line of a request that another coordinator has decided first."""
    log.info(
        "verdict_superseded",
        request_id=record.request_id,
        record_id=show_id(record.id),
        superseded_by=show_id(record.superseded_by),
        trace_id=trace_id,
        caller=caller,
    )


def _summarize(ballot: Ballot, whose: Responsible | None) -> dict[str, object]:
    dissents = {}
    for perspective in ballot.roster.perspectives:
        dissent = ballot.standing(perspective).dissent
        if dissent:
            dissents[perspective.id] = c.Dissent.Name(dissent)
    return {
        "name": ballot.ask.name,
        "reason": c.Reason.Name(ballot.reason),
        "responsible": whose.value if whose else None,
        "quorum": ballot.quorum,
        "dissents": dissents,
    }


def log_late(attempt: Attempt) -> None:
    """Write a line for each observation that dissents and came after the answer, or never came.

    The record has the others too. With a quorum below all, nearly every question has a late one.
    """
    for index, reply in attempt.late:
        standing = attempt.ballots[index].late_standing(reply.perspective)
        if standing.corroborates:
            continue
        log.info(
            "late_dissent",
            request_id=attempt.question.request_id,
            name=attempt.ballots[index].ask.name,
            perspective=reply.perspective.id,
            dissent=c.Dissent.Name(standing.dissent),
            elapsed_ms=None if reply.elapsed is None else round(reply.elapsed * 1000, 1),
        )


def seconds_to_decide(attempt: Attempt) -> float:
    """Return how long an attempt took until its verdict was certain."""
    assert attempt.decided_at is not None  # noqa: S101 - it is decided
    return (attempt.decided_at - attempt.asked_at).total_seconds()
