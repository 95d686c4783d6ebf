"""Whether a coordinator can approve anything right now, and if not, why not."""

from collections.abc import Sequence
from secrets import SystemRandom

from coordinator.corroboration import Corroborator
from coordinator.perspectives.fanout import AnyClient
from coordinator.rules.perspective_selection import choose_set
from coordinator.rules.quorum import Terms, judge_quorum
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c


def why_no_primary(links: Sequence[AnyClient]) -> str:
    """Say why the primary cannot be asked; "" when it can."""
    (primary,) = (link for link in links if link.perspective.is_primary)
    return _explain(primary) if primary.problem else ""


def why_no_quorum(links: Sequence[AnyClient], corroborator: Corroborator) -> str:
    """Say why nothing could be approved if every remote that is up corroborated; "" when it could.

    A policy that is not in force, or that the roster breaks, is a reason too.
    """
    try:
        row = corroborator.row_in_force()
    except RequestError as error:
        return str(error)
    ready = {link.perspective.id for link in links if link.problem is None}
    asked = choose_set(corroborator.roster, row, ready, SystemRandom()).remotes
    terms = Terms(row, attempted=len(asked))
    reason = judge_quorum([one.rir for one in asked if one.id in ready], terms)
    if reason == c.REASON_CORROBORATED:
        return ""
    remotes = [link for link in links if not link.perspective.is_primary]
    up = sum(link.problem is None for link in remotes)
    away = "; ".join(_explain(link) for link in remotes if link.problem is not None)
    return (
        f"{up} of {len(remotes)} remotes can be asked, {terms.required} must corroborate, from"
        f" {row.minimum_regions} regions: {away or c.Reason.Name(reason)}"
    )


def _explain(link: AnyClient) -> str:
    assert link.problem is not None  # noqa: S101 - it is away
    return f"{link.perspective.id}: {link.problem.detail}"
