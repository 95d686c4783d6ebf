"""Whether a coordinator can approve anything right now, and if not, why."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from secrets import SystemRandom

from coordinator.checks import DOMAIN_CONTROL, request_checks
from coordinator.checks.caa.issuer import Issuer
from coordinator.checks.check import CheckSubject, JudgingRules
from coordinator.perspectives.open_questions import AnyClient
from coordinator.rules.perspective_selection import choose_set
from coordinator.rules.policy import PolicyRow
from coordinator.rules.quorum import AttemptRules, judge_quorum
from coordinator.rules.roster import Roster
from mpic.names import Name
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c

_ANY_NAME = Name("example.com", "example.com", wildcard=False)


def why_no_primary(links: Sequence[AnyClient]) -> str:
    """Say why the primary cannot be asked; "" when it can."""
    (primary,) = (link for link in links if link.perspective.is_primary)
    return _explain(primary) if primary.problem else ""


def why_no_quorum(
    links: Sequence[AnyClient], roster: Roster, row_in_force: Callable[[], PolicyRow]
) -> str:
    """Say why nothing could be approved if every remote that is up corroborated; "" when it could.

    It is a reason too if no policy row is in force, or if the roster breaks it: `row_in_force` then
    raises RequestError.
    """
    try:
        row = row_in_force()
    except RequestError as error:
        return str(error)
    kinds = _usual_kinds(row)
    # Whether the primary is up is a reason of its own (`why_no_primary`).
    primary = " ".join(_why_older(link, kinds) for link in links if link.perspective.is_primary)
    remotes = [link for link in links if not link.perspective.is_primary]
    why_not = {
        link.perspective.id: _explain(link) if link.problem else _why_older(link, kinds)
        for link in remotes
    }
    ready = {one for one, why in why_not.items() if not why}
    asked = choose_set(roster, row, ready, SystemRandom()).remotes
    rules = AttemptRules(row, attempted=len(asked))
    reason = judge_quorum([one.rir for one in asked if one.id in ready], rules)
    if reason == c.REASON_CORROBORATED:
        return primary
    away = "; ".join(filter(None, [primary, *why_not.values()]))
    return (
        f"{len(ready)} of {len(remotes)} remotes can be asked, {rules.required} must corroborate,"
        f" from {row.minimum_regions} regions: {away or c.Reason.Name(reason)}"
    )


def _usual_kinds(row: PolicyRow) -> frozenset[str]:
    """Return the kinds of check that every name is asked, whatever the caller says of it."""
    request = c.CorroborateRequest()
    subject = CheckSubject(_ANY_NAME, c.RequestedName(), request, datetime.now(UTC))
    # Domain control is asked in the way that a caller says.
    usual = tuple(check for check in row.checks if check != DOMAIN_CONTROL)
    attempt = AttemptRules(replace(row, checks=usual), attempted=row.minimum_remotes)
    checks = request_checks(subject, JudgingRules(Issuer(frozenset()), attempt))
    return frozenset(kind for check in checks for kind in check.kinds)


def _why_older(link: AnyClient, kinds: frozenset[str]) -> str:
    """Say which of these checks the agent of a perspective that is up does not know; "": none."""
    lacking = sorted(kinds - link.known_kinds)
    if link.problem is not None or not lacking:
        return ""
    return f"{link.perspective.id}: its agent is older and does not know {', '.join(lacking)}"


def _explain(link: AnyClient) -> str:
    assert link.problem is not None  # noqa: S101 - it is away
    return f"{link.perspective.id}: {link.problem.detail}"
