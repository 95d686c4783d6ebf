"""Says from which addresses connections came that ended without a call.

A client without a certificate gets no further than the handshake, which gRPC refuses by itself. Its
line on standard error says why, and names no peer. No public part of grpcio tells the peer; a trace
of gRPC's core (`GRPC_TRACE=handshaker`) does, in many lines for each good connection too, and in a
form that may change. To read them, standard error would have to become a pipe of this process, and
the last words of a crash would be lost.

So the sockets are looked at. Before each handshake gRPC asks which certificate to show. At that
moment the new connection is among the open files of this process, and the system knows its peer.
Which of them make a call is known too. So a connection that ends without one is told, by its
address. If many come at a time, not each is seen.
"""

import asyncio
import os
import socket
import time
from contextlib import suppress
from functools import partial
from itertools import count
from urllib.parse import quote

import structlog

from mpic.runtime.grpc.counted_lines import CountedLines

log = structlog.get_logger()

WHY = (
    "it showed no certificate of our authority, or spoke no TLS 1.3 with HTTP/2, or asked nothing;"
    " if gRPC refused the handshake, a line beside this one that is not JSON says why"
)
_SECONDS = 1.0
"""Between two looks while there are connections that have made no call."""
_SHARE = 10
"""Looking takes at most one part in so many of the time."""
_KEPT = 8192
"""Peers that have made a call: more than there may be connections."""


class QuietConnections:
    """Watches the connections to one port of this process."""

    def __init__(self) -> None:
        """Watch nothing yet."""
        self._ended = CountedLines(partial(log.warning, "connection_without_call", why=WHY))
        self._called: dict[str, None] = {}
        self._seen: frozenset[str] = frozenset()
        self._numbers = count(1)
        self._latest = 0
        self._not_before = 0.0
        self._port: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, port: int) -> None:
        """Watch the connections to `port`, from now on; an event loop runs."""
        self._loop, self._port = asyncio.get_running_loop(), port

    def end(self) -> None:
        """Watch no more, and write what is left to be told."""
        self._port = None
        if self._timer is not None:
            self._timer.cancel()
        self._ended.write()

    def note_call(self, peer: str) -> None:
        """Note that a peer, as gRPC writes it, has made a call."""
        if peer not in self._called:
            self._called[peer] = None
            if len(self._called) > _KEPT:
                del self._called[next(iter(self._called))]

    def look(self) -> None:
        """Look which connections there are; any thread may call this."""
        began = time.monotonic()
        if self._port is None or self._loop is None or began < self._not_before:
            return
        number = next(self._numbers)
        peers = find_peers(self._port)
        done = time.monotonic()
        self._not_before = done + _SHARE * (done - began)
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.see, number, peers)

    def see(self, number: int, peers: frozenset[str]) -> None:
        """Tell of those that have ended without a call; looks are numbered as they began."""
        if number < self._latest:
            return
        self._latest = number
        for peer in (self._seen - peers).difference(self._called):
            # Without its port, which differs for each connection.
            self._ended.note(address=peer.rpartition(":")[0])
        self._seen = peers
        if self._timer is None and peers.difference(self._called) and self._loop is not None:
            self._timer = self._loop.call_later(_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self._not_before = 0.0
        if self._loop is not None:
            self._loop.run_in_executor(None, self.look)


def find_peers(port: int) -> frozenset[str]:
    """Return the peers of this process's connections to a port of its own, as gRPC writes them."""
    with suppress(OSError):  # where files are not listed, nothing is seen
        found = (_find_peer(int(one), port) for one in os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only
        return frozenset(filter(None, found))
    return frozenset()


def _find_peer(descriptor: int, port: int) -> str:
    """Return the peer of a file that is a connection to the port; "": it is none."""
    try:
        opened = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, 0, fileno=descriptor)
    except OSError:
        return ""
    try:
        if opened.getsockname()[1] == port:
            return write_peer(*opened.getpeername()[:2])
    except (OSError, TypeError, IndexError):  # it has ended, or is of another family
        return ""
    finally:
        opened.detach()  # it is not ours to close
    return ""


def write_peer(host: str, port: int) -> str:
    """Return a peer as gRPC writes it."""
    host = host.removeprefix("::ffff:")
    if ":" in host:
        return f"ipv6:{quote(f'[{host}]', safe=':')}:{port}"
    return f"ipv4:{host}:{port}"
