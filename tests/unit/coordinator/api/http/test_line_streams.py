"""Reading the lines of a body: who is to end ends, whatever has just come."""

import asyncio
from typing import Any, cast

from aiohttp import StreamReader

from coordinator.api.http.line_streams import LineReader


class Content:
    """A body of which one part comes, and then nothing."""

    def __init__(self) -> None:
        self.part: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._rest: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._parts = [self.part, self._rest]

    async def readany(self) -> bytes:
        return await self._parts.pop(0)


async def test_a_reader_that_is_ended_when_something_comes_ends() -> None:
    """Else lines of a caller that was taken off the list would be decided on."""
    content = Content()
    reader = LineReader(cast("StreamReader", cast("Any", content)))

    async def read() -> None:
        async for _ in reader.batches():
            pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    content.part.set_result(b"{}\n")
    await asyncio.sleep(0)
    reading.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert reading.cancelled()
