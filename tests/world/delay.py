"""A far-away server: a relay that holds every DNS answer back for a round-trip time.

    python -m tests.world.delay MILLISECONDS LISTEN:UPSTREAM...

listens on each address LISTEN, UDP and TCP port 53, and relays to the server on UPSTREAM. Divert a
perspective to it (`network.divert`) and the server is that far away for this perspective alone.
"""

import asyncio
import sys

_DNS = 53


class _Relay(asyncio.DatagramProtocol):
    """Relays datagrams, each through a socket of its own, as late as if it were far away."""

    def __init__(self, upstream: str, seconds: float) -> None:
        self._upstream = upstream
        self._seconds = seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._relay(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _relay(self, query: bytes, client: tuple[str, int]) -> None:
        await asyncio.sleep(self._seconds)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Answer(answer), remote_addr=(self._upstream, _DNS)
        )
        transport.sendto(query)
        try:
            async with asyncio.timeout(2):
                reply = await answer
        except (TimeoutError, OSError):
            return
        finally:
            transport.close()
        assert self._transport is not None
        self._transport.sendto(reply, client)


class _Answer(asyncio.DatagramProtocol):
    def __init__(self, answer: asyncio.Future[bytes]) -> None:
        self._answer = answer

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002
        if not self._answer.done():
            self._answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._answer.done():
            self._answer.set_exception(exc)


async def _relay_tcp(
    upstream: str, seconds: float, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    """Relay one TCP connection; the handshake's round trip is paid with the first query."""
    reader, writer = streams
    await asyncio.sleep(seconds)
    up_reader, up_writer = await asyncio.open_connection(upstream, _DNS)
    try:
        while True:
            length = await reader.readexactly(2)
            up_writer.write(length + await reader.readexactly(int.from_bytes(length, "big")))
            await asyncio.sleep(seconds)
            length = await up_reader.readexactly(2)
            writer.write(length + await up_reader.readexactly(int.from_bytes(length, "big")))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()
        up_writer.close()


async def main(milliseconds: str, *pairs: str) -> None:
    """Relay for ever."""
    loop = asyncio.get_running_loop()
    seconds = int(milliseconds) / 1000
    for pair in pairs:
        listen, upstream = pair.split(":")
        await loop.create_datagram_endpoint(
            lambda upstream=upstream: _Relay(upstream, seconds),  # type: ignore[misc]
            local_addr=(listen, _DNS),
        )
        await asyncio.start_server(
            lambda reader, writer, upstream=upstream: _relay_tcp(  # type: ignore[misc]
                upstream, seconds, (reader, writer)
            ),
            listen,
            _DNS,
        )
    print("ready", flush=True)  # noqa: T201 - for whoever started it
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
