"""Whether a coordinator can approve anything right now, and if not, why."""

from collections.abc import Callable, Sequence
from secrets import SystemRandom

from coordinator.perspectives.open_questions import AnyClient
from coordinator.rules.perspective_selection import choose_set
from coordinator.rules.policy import PolicyRow
from coordinator.rules.quorum import AttemptRules, judge_quorum
from coordinator.rules.roster import Roster
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c


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
    ready = {link.perspective.id for link in links if link.problem is None}
    asked = choose_set(roster, row, ready, SystemRandom()).remotes
    rules = AttemptRules(row, attempted=len(asked))
    reason = judge_quorum([one.rir for one in asked if one.id in ready], rules)
    if reason == c.REASON_CORROBORATED:
        return ""
    remotes = [link for link in links if not link.perspective.is_primary]
    up = sum(link.problem is None for link in remotes)
    away = "; ".join(_explain(link) for link in remotes if link.problem is not None)
    return (
        f"{up} of {len(remotes)} remotes can be asked, {rules.required} must corroborate, from"
        f" {row.minimum_regions} regions: {away or c.Reason.Name(reason)}"
    )


def _explain(link: AnyClient) -> str:
    assert link.problem is not None  # noqa: S101 - it is away
    return f"{link.perspective.id}: {link.problem.detail}"
