"""The connections to the workers of one perspective: one for each, asked in turn.

An agent with several workers has a port for each, since a long-lived stream stays with the process
that accepted it. To everybody else a pool is one connection. A worker that is down is passed over
while another is up.
"""

import asyncio
from collections.abc import Sequence

from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.perspectives.pending import Receive
from coordinator.rules.roster import Perspective
from mpic.v1 import perspective_pb2 as p


class PerspectiveClientPool:
    """One perspective as the coordinator reaches it, by several workers."""

    def __init__(self, perspective: Perspective, options: ClientOptions) -> None:
        """Connect nothing yet; `run` does."""
        self.perspective = perspective
        self._links = [
            PerspectiveClient(perspective, options, address) for address in perspective.addresses
        ]
        self._turn = 0

    @property
    def problem(self) -> PerspectiveProblem | None:
        """Why nobody can be asked right now; None when somebody can."""
        problems = [link.problem for link in self._links]
        return None if None in problems else problems[0]

    @property
    def description(self) -> p.DescribeResponse | None:
        """What the first worker that was reached said of itself."""
        described = [link.description for link in self._links if link.description is not None]
        return described[0] if described else None

    @property
    def known_kinds(self) -> frozenset[str]:
        """The kinds of check that every worker knows that can be asked."""
        known = [link.known_kinds for link in self._links if link.problem is None]
        return frozenset.intersection(*known) if known else frozenset()

    @property
    def up(self) -> int:
        """How many workers can be asked."""
        return sum(link.up for link in self._links)

    @property
    def connections(self) -> int:
        """How often the links came up, all together."""
        return sum(link.connections for link in self._links)

    @property
    def clock_difference(self) -> float | None:
        """The largest difference of a worker's clock from ours, in seconds; None: not told."""
        told = [link.clock_difference for link in self._links]
        return max((one for one in told if one is not None), key=abs, default=None)

    @property
    def pending(self) -> int:
        """How many questions are not answered."""
        return sum(link.pending for link in self._links)

    @property
    def waiting(self) -> int:
        """How many questions of those are not sent."""
        return sum(link.waiting for link in self._links)

    def ask(self, question_id: int, entry: bytes, receive: Receive) -> None:
        """Let the next worker that is up answer one encoded question."""
        links = self._in_turn()
        self._turn += 1
        up = (link for link in links if link.problem is None)
        leaving = (link for link in links if link.may_return)
        best = next(up, None) or next(leaving, links[0])
        best.ask(question_id, entry, receive)

    def forget(self, question_id: int) -> None:
        """Wait no longer for an answer."""
        for link in self._links:
            link.forget(question_id)

    def withdraw(self, entry: bytes) -> None:
        """Let every worker know of questions that need not be answered."""
        for link in self._links:
            link.withdraw(entry)

    def check_clock(self) -> None:
        """Ask no worker that has a clock too far from ours, as it is now."""
        for link in self._links:
            link.check_clock()

    async def refresh(self) -> None:
        """Ask every worker again for its description."""
        await asyncio.gather(*(link.refresh() for link in self._links))

    async def first_attempt(self) -> None:
        """Wait until every worker has been tried once."""
        await asyncio.gather(*(link.first_attempt() for link in self._links))

    async def run(self) -> None:
        """Keep all links up, until cancelled."""
        await asyncio.gather(*(link.run() for link in self._links))

    def _in_turn(self) -> Sequence[PerspectiveClient]:
        first = self._turn % len(self._links)
        return self._links[first:] + self._links[:first]
