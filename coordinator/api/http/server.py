"""The HTTP port: sockets, TLS 1.3, a bound on connections, and the end.

There is no plain HTTP. A proxy in front must speak TLS to this port too.
"""

import asyncio
import socket
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from coordinator.api.http.arrivals import Arrivals
from coordinator.api.http.authentication import ClientCertificates
from coordinator.api.http.connection import Connection
from coordinator.api.http.metrics import HttpMetrics
from mpic.runtime.grpc.serving import ServingError

log = structlog.get_logger()

_CONNECTIONS = 1024
"""In each process, with those whose handshake goes on."""
_HANDSHAKE_SECONDS = 10.0
_GOODBYE_SECONDS = 5.0
"""For the last octets of a connection that ends."""
_BACKLOG = 512
_PAUSE = 0.2
"""Seconds until the next try if no connection can be accepted, as for want of open files."""

_VERIFY = {
    "required": ssl.CERT_REQUIRED,
    "accepted": ssl.CERT_OPTIONAL,
    "none": ssl.CERT_NONE,
}


def make_context(
    files: tuple[Path, Path, Path], client_certificates: ClientCertificates
) -> ssl.SSLContext:
    """Return what TLS is spoken by: certificate, private key, authority of callers.

    Raises OSError, of which ssl.SSLError is one.
    """
    certificate, private_key, authority = files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = _VERIFY[client_certificates]
    context.load_cert_chain(certificate, private_key, password="")
    context.load_verify_locations(authority)
    context.set_alpn_protocols(["http/1.1"])
    # Without resumption every connection shows its certificate anew.
    context.num_tickets = 0
    return context


class HttpServer:
    """Serves an application over TLS until it is closed."""

    def __init__(
        self, listen: str, application: web.Application, metrics: HttpMetrics, of_address: int
    ) -> None:
        """Serve at `listen` ("host:port"), once it is opened; so many connections of an address."""
        self._listen = listen
        self._arrivals = Arrivals(of_address)
        self._metrics = metrics
        # If a caller hangs up, what it asked is given up.
        self._runner = web.AppRunner(
            application, handle_signals=False, access_log=None, handler_cancellation=True
        )
        self._connections: dict[Connection, str] = {}
        """Each with its address."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._context: ssl.SSLContext | None = None
        self._draining_since: float | None = None
        metrics.connections.set_function(lambda: len(self._connections))

    async def open(self, context: ssl.SSLContext) -> int:
        """Listen and serve; return the port. Raises ServingError."""
        self._context = context
        await self._runner.setup()
        host, _, port = self._listen.rpartition(":")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server(
                (host.strip("[]"), int(port)), family=family, backlog=_BACKLOG
            )
        except (OSError, OverflowError) as error:
            await self._runner.cleanup()
            text = f"[http] cannot listen on {self._listen}: {error}"
            raise ServingError(f"{text}; stop who holds the port, or choose another") from error
        listening.setblocking(False)  # noqa: FBT003 - that is its only parameter
        bound: int = listening.getsockname()[1]
        accepting = self._start(self._accept(listening))
        # Not before the loop has forgotten it: another socket may get its number.
        accepting.add_done_callback(lambda _: listening.close())
        log.info("http_serving", port=bound)
        return bound

    def adopt(self, context: ssl.SSLContext, of_address: int) -> None:
        """Show another certificate from the next connection on.

        If another authority signs callers now, each connection ends with what runs on it: its
        caller may not be trusted any more.
        """
        known, self._context = self._context, context
        self._arrivals.of_address = of_address
        if known is None or _find_authorities(known) == _find_authorities(context):
            return
        if self._runner.server is not None:
            self._runner.server.pre_shutdown()

    def drain(self) -> None:
        """Take no more connections, and end those that ask nothing."""
        if self._draining_since is not None:
            return
        self._draining_since = asyncio.get_running_loop().time()
        for task in self._tasks:
            task.cancel()
        if self._runner.server is not None:
            self._runner.server.pre_shutdown()

    async def close(self, grace: float) -> None:
        """End; requests that are running have so many seconds since it was told to drain."""
        self.drain()
        assert self._draining_since is not None  # noqa: S101 - it is draining
        left = self._draining_since + grace - asyncio.get_running_loop().time()
        if self._runner.server is not None:
            await self._runner.server.shutdown(max(left, 0))
        await self._runner.cleanup()

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, (address, *_) = await loop.sock_accept(listening)
            except OSError as error:
                log.warning("http_not_accepted", error=str(error))
                await asyncio.sleep(_PAUSE)
                continue
            if len(self._connections) >= _CONNECTIONS or not self._arrivals.enter(address):
                self._metrics.connections_refused.inc()
                accepted.close()
                await asyncio.sleep(0)  # others have their turn, however many more there are
                continue
            server = self._runner.server
            assert server is not None  # noqa: S101 - it was set up
            connection = Connection(server, loop, self._forget)
            self._connections[connection] = address
            self._start(self._shake_hands(connection, accepted))
            await asyncio.sleep(self._arrivals.find_pause())

    async def _shake_hands(self, connection: Connection, accepted: socket.socket) -> None:
        """Begin TLS; whoever does not get that far is forgotten."""
        try:
            with suppress(OSError, TimeoutError):
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: connection,
                    accepted,
                    ssl=self._context,
                    ssl_handshake_timeout=_HANDSHAKE_SECONDS,
                    ssl_shutdown_timeout=_GOODBYE_SECONDS,
                )
                return
            self._forget(connection)
        except asyncio.CancelledError:
            self._forget(connection)
            raise

    def _forget(self, connection: Connection) -> None:
        address = self._connections.pop(connection, None)
        if address is not None:
            self._arrivals.leave(address)


def _find_authorities(context: ssl.SSLContext) -> frozenset[bytes]:
    """Return the certificates of those that sign callers."""
    return frozenset(context.get_ca_certs(binary_form=True))
