"""The roster and the state of each link, as callers are told."""

import asyncio
from collections.abc import Sequence

from coordinator.perspectives.open_questions import AnyClient
from mpic.v1 import corroboration_pb2 as c


async def list_perspectives(links: Sequence[AnyClient]) -> c.ListPerspectivesResponse:
    """Return the state of each link, with a new description of each agent."""
    # A link whose connection ends meanwhile is shown in its new state.
    refreshing = (link.refresh() for link in links)
    await asyncio.gather(*refreshing, return_exceptions=True)
    return c.ListPerspectivesResponse(perspectives=[_status(link) for link in links])


def _status(link: AnyClient) -> c.PerspectiveStatus:
    status = c.PerspectiveStatus(
        perspective_id=link.perspective.id,
        role=link.perspective.role,
        rir=link.perspective.rir,
        ready=link.problem is None,
        problem=link.problem.detail if link.problem else "",
        description=link.description,
    )
    if (difference := link.clock_difference) is not None:
        status.clock_difference.FromMicroseconds(round(difference * 1e6))
    return status
