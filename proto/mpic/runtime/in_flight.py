"""When items wait for each other, so that they share a message or an fsync: the one rule.

A batch costs about the same whether it has one item or fifty. So an item waits a moment for those
that are still under way, if they are many. If they are few, it goes at once: a single check waits
for nobody. Nobody waits either when nothing is under way any more.
"""

import asyncio
from contextlib import suppress

MANY = 8
"""With fewer under way, a moment brings too little to be worth waiting for."""
GATHER_SECONDS = 0.005
"""The moment. A check may wait for four in a row: question, observation, record, answer."""


class InFlight:
    """Counts what is under way; `with company:` around the way, or `expect` and `arrive`."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    def expect(self) -> None:
        """Count one in."""
        self._count += 1
        if self._count == 1:
            self._none.clear()

    def arrive(self) -> None:
        """Count one out: it has come, or it will not."""
        self._count -= 1
        if not self._count:
            self._none.set()

    def __enter__(self) -> None:
        """Count one in."""
        self.expect()

    def __exit__(self, *_: object) -> None:
        """Count it out."""
        self.arrive()

    async def gather(self, seconds: float) -> None:
        """Wait until nothing is under way, at most so long; not at all if little is."""
        if self._count >= MANY:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._none.wait()
