"""How many perspectives and corroborations a request asks for, and how many are used. Pure.

Open MPIC takes both numbers from the request. Here the policy row in force says how many remotes
are asked, and how many must corroborate (BR 3.2.2.9). A request can only demand more
corroborations. What is used stands in `actual_orchestration_parameters`.

The checks of the numbers are those of Open MPIC, and one more: a quorum that cannot be met is
refused also without a `perspective_count`.

`perspectives` are the remotes. The primary is not one of them and is not counted. It must permit
before any remote counts, whatever the numbers are.
"""

from typing import NamedTuple

from coordinator.api.open_mpic.messages import OrchestrationParameters
from coordinator.api.open_mpic.refusal import Issue, RefusedError

_FEWEST = 2
_SMALL = 5
"""Of so many remotes at most, one need not corroborate; of more, two (BR 3.2.2.9)."""


class Terms(NamedTuple):
    """What the policy row in force demands of an attempt."""

    remotes: int
    """So many are asked."""
    required: int
    """So many must corroborate."""


class UsedCounts(NamedTuple):
    """What is used for one request."""

    perspectives: int
    quorum: int


def choose_counts(
    asked: OrchestrationParameters | None, terms: Terms, *, honour_smaller: bool = False
) -> UsedCounts:
    """Return the numbers that are used; raises RefusedError.

    They are never less than the policy's, except in a lab that honours smaller ones.
    """
    asked = asked or OrchestrationParameters()
    if issues := _find_issues(asked, terms):
        raise RefusedError(issues)
    if honour_smaller:
        return _honour(asked, terms)
    return UsedCounts(terms.remotes, max(terms.required, asked.quorum_count or 0))


def _honour(asked: OrchestrationParameters, terms: Terms) -> UsedCounts:
    """Return the numbers as they are asked for."""
    count = asked.perspective_count
    usual = terms.required if count is None else count - (1 if count <= _SMALL else 2)
    quorum = usual if asked.quorum_count is None else max(1, asked.quorum_count)
    return UsedCounts(terms.remotes if count is None else count, quorum)


def _find_issues(asked: OrchestrationParameters, terms: Terms) -> list[Issue]:
    count, quorum, cohort = (
        asked.perspective_count,
        asked.quorum_count,
        asked.cohort_for_single_attempt,
    )
    issues: list[Issue] = []
    if count is not None and not _FEWEST <= count <= terms.remotes:
        text = f"Invalid perspective count: {count}"
        issues.append({"issue_type": "invalid-perspective-count", "message": text})
    elif quorum is not None and not _is_quorum(quorum, count, terms):
        text = f"Invalid quorum count: {quorum}"
        issues.append({"issue_type": "invalid-quorum-count", "message": text})
    if cohort is not None and cohort != 1:
        text = f"There is no cohort number {cohort}: all remotes of an attempt are one cohort"
        issues.append({"issue_type": "invalid-cohort-for-single-attempt", "message": text})
    return issues


def _is_quorum(quorum: int, count: int | None, terms: Terms) -> bool:
    if count is None:
        return quorum <= terms.remotes
    return count - (1 if count <= _SMALL else 2) <= quorum <= count
