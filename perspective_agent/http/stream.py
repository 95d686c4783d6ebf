"""The octets of one connection, plain or within TLS.

TLS runs in memory (`ssl.MemoryBIO`), as for a handshake alone (`tls.client`). So nothing but this
agent reads from a connection, and no more than it allows.
"""

import asyncio
import ssl
from typing import Protocol

from perspective_agent.connect.dialed_socket import AT_ONCE, DialedSocket


class Stream(Protocol):
    """What is said over a connection."""

    async def send(self, octets: bytes) -> None:
        """Send; raises OSError."""

    async def receive(self) -> bytes:
        """Return the next octets, none at the end; raises OSError."""


class PlainStream:
    """A connection without TLS."""

    def __init__(self, sock: DialedSocket) -> None:
        """Use a connection, which somebody else closes."""
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, octets: bytes) -> None:
        """Send."""
        await self._loop.sock_sendall(self._sock, octets)

    async def receive(self) -> bytes:
        """Return the next octets, none at the end."""
        return await self._loop.sock_recv(self._sock, AT_ONCE)


class TlsStream:
    """A connection within TLS; `shake` comes first."""

    def __init__(self, sock: DialedSocket, context: ssl.SSLContext, server_name: str) -> None:
        """Use a connection, which somebody else closes."""
        self._plain = PlainStream(sock)
        self._received = ssl.MemoryBIO()
        self._to_send = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=server_name)

    async def shake(self) -> str:
        """Make the handshake; return the version of TLS; raises OSError (ssl.SSLError is one)."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            else:
                await self._flush()
                return self._tls.version() or ""

    async def send(self, octets: bytes) -> None:
        """Send."""
        self._tls.write(octets)
        await self._flush()

    async def receive(self) -> bytes:
        """Return the next octets, none at the end, whether the server says goodbye or not."""
        while True:
            try:
                return self._tls.read(AT_ONCE)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()

    async def _fill(self) -> None:
        octets = await self._plain.receive()
        if octets:
            self._received.write(octets)
        else:
            self._received.write_eof()

    async def _flush(self) -> None:
        octets = self._to_send.read()
        if octets:
            await self._plain.send(octets)
