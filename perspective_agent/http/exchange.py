"""One GET request over one connection that is open already, by aiohttp's client.

aiohttp gets no chance to dial, to look up a name, or to use a proxy, a cookie or a password: its
resolver is the address that was dialled, and its socket is the one that is connected.

How much is read is bounded three times: aiohttp bounds lines and header fields, and reads no body
before it is wanted; this module bounds the header section and the content; the socket bounds all
together, whatever it is (interim responses, chunk extensions, trailers, a chain of certificates).
"""

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import ContentLengthError, HttpProcessingError, LineTooLong
from yarl import URL

from mpic.text import shorten
from mpic.urls import Url
from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.dialed_socket import DialedSocket
from perspective_agent.connect.errors import read_error
from perspective_agent.connect.hello_retry import HelloRetryWatch
from perspective_agent.connect.tls import new_context

HEADER_OCTETS = 16 * 1024
"""Of the header section."""
_LINE_OCTETS = 8 * 1024
_FIELDS = HEADER_OCTETS // len(b"X:\r\n")
_BUFFER_OCTETS = 16 * 1024
HANDSHAKE_OCTETS = 256 * 1024
"""Of a TLS handshake, with its chain of certificates."""
CONNECTION_OCTETS = 64 * 1024
"""On top of twice the content that is wanted: all that is read from one connection, or after its
TLS handshake. So much of interim responses takes little time to read."""

_DETAIL_OCTETS = 500
_LEAST_STATUS = 100  # RFC 9110 section 15

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a response is wanted."""

    body_octets: int
    """How much of the content."""
    no_body_of: frozenset[int] = frozenset()
    """The status codes of redirects that are followed: their content is not read."""


@dataclass(slots=True)
class Received:
    """What came."""

    response: o.HttpResponse | None = None
    """None until it is there whole."""
    locations: Sequence[bytes] = ()
    """All values of the field Location."""
    tls_version: str = ""
    is_encrypted: bool = field(default=False)
    """Whether a TLS handshake was completed."""


class Exchange:
    """One request and its response."""

    def __init__(self, url: Url, wanted: Wanted, headers: Mapping[str, str]) -> None:
        """Ask for nothing yet; to call it with a connection does."""
        self._url = url
        self._wanted = wanted
        self._headers = headers
        self.received = Received()

    async def __call__(self, sock: DialedSocket) -> o.Failure | None:
        """Ask over a connection, and close it; return why there is no response."""
        if self._url.scheme == "https":
            sock.limit(HANDSHAKE_OCTETS)
            sock.watch = HelloRetryWatch()
        else:
            self._begin_http(sock)
        try:
            return await self._ask(sock)
        except (aiohttp.ClientError, OSError, HttpProcessingError) as error:
            return self._read_error(error, sock)

    def _begin_http(self, sock: DialedSocket) -> None:
        """Bound what is read from now on: there is no TLS, or its handshake is completed."""
        sock.limit(CONNECTION_OCTETS + 2 * self._wanted.body_octets)
        sock.watch = None

    async def _ask(self, sock: DialedSocket) -> o.Failure | None:
        async with (
            self._connector(sock) as connector,
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                requote_redirect_url=False,
                timeout=_NO_TIMEOUT,
                read_bufsize=_BUFFER_OCTETS,
                max_line_size=_LINE_OCTETS,
                max_field_size=_LINE_OCTETS,
                max_headers=_FIELDS,
            ) as session,
            session.get(
                URL(str(self._url), encoded=True), headers=self._headers, allow_redirects=False
            ) as response,
        ):
            sock.on_close = partial(_end, response.content)
            return await self._read(response)

    def _connector(self, sock: DialedSocket) -> aiohttp.TCPConnector:
        """Return a connector that can give this connection and no other."""
        return aiohttp.TCPConnector(
            resolver=_OneAddress(sock),
            socket_factory=lambda _: sock.take(),
            ssl=self._make_context(sock) if self._url.scheme == "https" else True,
            use_dns_cache=False,
            happy_eyeballs_delay=None,
            force_close=True,
            limit=1,
        )

    def _make_context(self, sock: DialedSocket) -> ssl.SSLContext:
        """Return a context that verifies nothing, and notes the end of the handshake."""
        received, begin_http = self.received, partial(self._begin_http, sock)

        class Noting(ssl.SSLObject):
            def do_handshake(self) -> None:
                super().do_handshake()
                received.is_encrypted = True
                received.tls_version = self.version() or ""
                begin_http()

        context = new_context()
        context.sslobject_class = Noting
        return context

    async def _read(self, response: aiohttp.ClientResponse) -> o.Failure | None:
        if response.status < _LEAST_STATUS:
            detail = f"asking: the status code {response.status:03} does not exist"
            return o.Failure(kind=o.FAILURE_KIND_MALFORMED, detail=detail)
        fields = response.raw_headers
        octets = sum(len(name) + len(value) + 4 for name, value in fields)
        if octets > HEADER_OCTETS:
            detail = f"a header section of {octets} octets; {HEADER_OCTETS} may be"
            return o.Failure(kind=o.FAILURE_KIND_TOO_LARGE, detail=detail)
        found = o.HttpResponse(status=response.status)
        locations = [value for name, value in fields if name.lower() == b"location"]
        found.location = locations[0] if locations else b""
        if not (locations and response.status in self._wanted.no_body_of):
            body = await self._read_body(response.content)
            found.body = body[: self._wanted.body_octets]
            found.body_is_cut = len(body) > self._wanted.body_octets
        self.received.locations = locations
        self.received.response = found
        return None

    async def _read_body(self, content: aiohttp.StreamReader) -> bytes:
        """Read to the end, or one octet more than is wanted."""
        body = bytearray()
        while len(body) <= self._wanted.body_octets:
            some = await content.read(self._wanted.body_octets + 1 - len(body))
            if not some:
                break
            body += some
        return bytes(body)

    def _read_error(self, error: Exception, sock: DialedSocket) -> o.Failure:
        """Return the failure that an error of aiohttp, or of the system, makes."""
        causes = [*_causes(error)]
        detail = f"asking: {type(error).__name__}: {error}"
        errors = [one for one in causes if isinstance(one, OSError) and one.errno]
        is_ended = sock.is_ended or isinstance(causes[-1], ContentLengthError)
        if sock.is_spent:
            kind, detail = o.FAILURE_KIND_TOO_LARGE, "asking: more was sent than is read"
        elif any(isinstance(one, LineTooLong) for one in causes):
            kind = o.FAILURE_KIND_TOO_LARGE
        elif self._url.scheme == "https" and not self.received.is_encrypted:
            kind = o.FAILURE_KIND_TLS
        elif errors:
            return read_error(errors[0], "asking", was_sent=True)
        elif not is_ended and any(isinstance(one, HttpProcessingError) for one in causes):
            kind = o.FAILURE_KIND_MALFORMED
        else:
            kind = o.FAILURE_KIND_CONNECTION_LOST
        return o.Failure(kind=kind, detail=shorten(detail, _DETAIL_OCTETS))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


class _OneAddress(AbstractResolver):
    """Resolves every name to the address that was dialled."""

    def __init__(self, sock: DialedSocket) -> None:
        self._sock = sock
        self._address = sock.getpeername()[0]

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - that of the address
    ) -> list[ResolveResult]:
        if self._sock.is_taken:
            # aiohttp asks once more if the connection was closed. It has this one alone.
            raise ConnectionResetError(errno.ECONNRESET, "the other end closed the connection")
        return [
            ResolveResult(
                hostname=host,
                host=self._address,
                port=port,
                family=self._sock.family,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
        ]

    async def close(self) -> None:
        """Hold nothing."""


def _end(content: aiohttp.StreamReader) -> None:
    """End the content when the connection is closed, if nothing else has ended it.

    aiohttp closes a connection when a later part of the content does not parse, and tells nobody
    who reads.
    """
    if not content.is_eof() and content.exception() is None:
        content.set_exception(HttpProcessingError(message="the content does not parse"))
