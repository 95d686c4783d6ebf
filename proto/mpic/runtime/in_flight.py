"""Whether waiting a moment brings more items into a batch: those that are still under way."""

import asyncio
from contextlib import suppress


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
        """Wait until nothing is under way, at most so long."""
        if self._count:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._none.wait()
