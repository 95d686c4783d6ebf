"""One TLS handshake with a host: its addresses, its connection, what the server presented."""

import asyncio
import time
from typing import NamedTuple

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.dialed_socket import DialedSocket
from perspective_agent.connect.dialer import Destination, Dialer
from perspective_agent.connect.shared_looks import Seen
from perspective_agent.connect.tls import make_context
from perspective_agent.tls.client import TlsClient

HANDSHAKE_SECONDS = 5.0
"""Over one connection. So little leaves time for IPv4 if a server stalls over IPv6."""

_NOTHING = o.Failure(kind=o.FAILURE_KIND_INTERNAL, detail="there is neither session nor failure")


class TlsTarget(NamedTuple):
    """What to make a handshake with."""

    to: Destination
    server_name: str
    alpn: tuple[str, ...]
    """The application protocols that are offered, in this order."""

    def too_large(self, detail: str) -> Seen[o.TlsFinding]:
        """Return the failure of a host whose addresses and certificate are too large together."""
        failure = o.Failure(kind=o.FAILURE_KIND_TOO_LARGE, detail=detail)
        return Seen(o.TlsFinding(failure=failure), ())


class Handshake:
    """One handshake in progress (`connect.shared_looks.Look`)."""

    def __init__(self, target: TlsTarget, dialer: Dialer) -> None:
        """Dial nothing yet; `run` does."""
        self._target = target
        self._dialer = dialer
        self._dialing = dialer.begin(target.to)
        self._client: TlsClient | None = None
        """That of the connection which was opened last."""

    @property
    def is_queued(self) -> bool:
        """Whether our own load keeps it from going on."""
        return self._dialing.is_queued

    async def run(self) -> o.TlsFinding:
        """Dial, make the handshake, close; whatever comes of it is the finding."""
        failure = await self._dialing.run(self._use)
        finding = o.TlsFinding(connection=self._dialing.connection)
        client = self._client
        if failure is None and client is not None and client.session is not None:
            finding.session.CopyFrom(client.session)
            finding.connection.tls_version = client.tls_version
        else:
            finding.failure.CopyFrom(failure or _NOTHING)
        return finding

    def cut_short(self, since: float, seconds: float) -> o.TlsFinding:
        """Return how far it has come; the rest has failed by a deadline."""
        cut = self._dialing.cut_short(since, seconds)
        return o.TlsFinding(connection=cut.connection, failure=cut.failure)

    def fail(self, failure: o.Failure) -> o.TlsFinding:
        """Return the finding of a handshake that ended in this failure."""
        return o.TlsFinding(connection=self._dialing.connection, failure=failure)

    async def _use(self, sock: DialedSocket) -> o.Failure | None:
        """Make the handshake over one connection; return why there is no session."""
        since = time.perf_counter()
        client = self._client = TlsClient(make_context(self._target.alpn), self._target.server_name)
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                return await client.shake(sock)
        except TimeoutError:
            detail = f"no TLS handshake within {HANDSHAKE_SECONDS:g} s"
            late = o.Failure(kind=o.FAILURE_KIND_TIMEOUT, detail=detail)
            return self._dialer.blame(late, since)
