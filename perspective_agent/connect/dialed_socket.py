"""Opens a connection to one address, and nothing else."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.errors import read_error

AT_ONCE = 16 * 1024
"""Octets that are read at a time. What a library makes of them must not hold up all others."""


class DialedSocket(socket.socket):
    """A socket that is connected to the address that was checked; it connects to no other.

    Libraries want to dial by themselves. This one may be given to them: to dial the address again
    does nothing, and to dial another one fails.

    It also bounds how much is read from it, whatever a library makes of what it reads.
    """

    _left: int | None = None
    is_taken = False
    """Whether somebody has taken it over, and closes it."""
    is_spent = False
    """Whether the other end sent more than is read."""
    is_ended = False
    """Whether the other end has ended the connection."""

    watch: Callable[[bytes], None] | None = None
    """Is given all that is read, before anybody else; it may raise OSError."""

    on_close: Callable[[], None] | None = None
    """Called when it is closed, by whomever."""

    def take(self) -> "DialedSocket":
        """Take it over: whoever does has to close it."""
        self.is_taken = True
        return self

    def limit(self, octets: int) -> None:
        """Read no more than this from now on; more is an error."""
        self._left = octets

    def connect(self, address: Any) -> None:  # noqa: ANN401 - as in the base class
        """Do nothing if it is connected to this address; raises OSError if it is not."""
        if tuple(address[:2]) != tuple(self.getpeername()[:2]):
            raise OSError(errno.EISCONN, f"connected to another address than {address[0]}")

    def close(self) -> None:
        """Close it."""
        super().close()
        if self.on_close is not None:
            self.on_close()

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Read at most AT_ONCE; raises OSError if the other end has sent too much."""
        with self._noting_the_end():
            data = super().recv(min(bufsize, AT_ONCE), flags)
        self._note(data)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:  # noqa: ANN401
        """Read at most AT_ONCE; raises OSError if the other end has sent too much."""
        view = memoryview(buffer).cast("B")
        with self._noting_the_end():
            octets = super().recv_into(view, min(nbytes or len(view), AT_ONCE), flags)
        self._note(bytes(view[:octets]))
        return octets

    @contextmanager
    def _noting_the_end(self) -> Iterator[None]:
        try:
            yield
        except ConnectionError:
            self.is_ended = True
            raise

    def _note(self, data: bytes) -> None:
        """Count what was read, and show it to who watches."""
        self.is_ended = not data
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                self.is_spent = True
                raise OSError(errno.EMSGSIZE, "the other end has sent too much")
        if self.watch is not None:
            self.watch(data)


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
        return DialedSocket(fileno=sock.detach())
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
