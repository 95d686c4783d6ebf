"""Opens a connection to one address, and nothing else."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.errors import read_error

AT_ONCE = 16 * 1024
"""Octets that are read at a time. What a library makes of them must not hold up all others."""


class DialedSocket(socket.socket):
    """A socket that is connected to the address that was checked.

    It bounds how much is read from it, whatever is made of what is read.
    """

    _left: int | None = None
    is_spent = False
    """Whether the other end sent more than is read."""
    watch: Callable[[bytes], None] | None = None
    """Is given all that is read, before anybody else; it may raise OSError."""

    @classmethod
    def take_over(cls, sock: socket.socket) -> "DialedSocket":
        """Return the same connection; the socket given is closed."""
        dialed = cls(fileno=sock.detach())
        dialed.setblocking(False)  # noqa: FBT003 - as it is called
        return dialed

    def limit(self, octets: int) -> None:
        """Read no more than this from now on; more is an error."""
        self._left = octets

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Read at most AT_ONCE; raises OSError if the other end has sent too much."""
        data = super().recv(min(bufsize, AT_ONCE), flags)
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                self.is_spent = True
                raise OSError(errno.EMSGSIZE, "the other end has sent too much")
        if self.watch is not None:
            self.watch(data)
        return data


async def open_socket(
    address: str, port: int, source: str | None, seconds: float
) -> DialedSocket | o.Failure:
    """Connect to an address, from `source`, within some seconds; or return why it failed."""
    what = f"dialling {address}, port {port}"
    was_sent = False
    sock: socket.socket | None = None
    try:
        sock = socket.socket(_family(address), socket.SOCK_STREAM)
        sock.setblocking(False)  # noqa: FBT003 - as it is called
        if source is not None:
            sock.bind((source, 0))
        try:
            sock.connect((address, port))
        except BlockingIOError:
            was_sent = True
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_connect(sock, (address, port))
        return DialedSocket.take_over(sock)
    except OSError as error:
        if error.errno is None and isinstance(error, TimeoutError):
            detail = f"{what}: no connection within {seconds:g} s"
            return o.Failure(kind=o.FAILURE_KIND_TIMEOUT, detail=detail)
        return read_error(error, what, was_sent=was_sent)
    finally:
        if sock is not None:
            sock.close()


def _family(address: str) -> socket.AddressFamily:
    is_ipv4 = ipaddress.ip_address(address).version == 4  # noqa: PLR2004 - IPv4
    return socket.AF_INET if is_ipv4 else socket.AF_INET6
