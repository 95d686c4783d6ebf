"""A long way between two programs: TCP relays that hold back every octet.

    python -m tests.world.relay LISTEN-PORT:PORT:MILLISECONDS...

Each connection to 127.0.0.1:LISTEN-PORT goes on to 127.0.0.1:PORT; half of the round-trip time is
spent in each direction, however much is on its way.
"""

import asyncio
import sys


class _Way(asyncio.Protocol):
    """One end; what it receives it hands to the other end, later."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._transport: asyncio.Transport | None = None
        self._held: list[bytes] = []
        self.other: _Way | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        for data in self._held:
            transport.write(data)

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        asyncio.get_running_loop().call_later(self._seconds, self.other.send, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self.other is not None:
            asyncio.get_running_loop().call_later(self._seconds, self.other.close)

    def send(self, data: bytes) -> None:
        if self._transport is None:
            self._held.append(data)
        else:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def main(*ways: str) -> None:
    """Relay for ever."""
    loop = asyncio.get_running_loop()
    tasks = set()
    for way in ways:
        listen, port, milliseconds = map(int, way.split(":"))

        def accept(port: int = port, seconds: float = milliseconds / 2000) -> _Way:
            near, far = _Way(seconds), _Way(seconds)
            near.other, far.other = far, near
            task = loop.create_task(loop.create_connection(lambda: far, "127.0.0.1", port))
            tasks.add(task)
            return near

        await loop.create_server(accept, "127.0.0.1", listen)
    print("ready", flush=True)  # noqa: T201 - for whoever started it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
