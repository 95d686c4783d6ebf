"""One GET request and its response, over one connection that is open already (RFC 9112)."""

import ssl
from collections.abc import Mapping

from mpic.text import shorten
from mpic.urls import Url
from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.dialed_socket import DialedSocket
from perspective_agent.connect.errors import read_error
from perspective_agent.connect.hello_retry import HelloRetryWatch
from perspective_agent.connect.tls import make_context
from perspective_agent.http.reply import ReplyError, ResponseReader, Wanted
from perspective_agent.http.stream import PlainStream, Stream, TlsStream

HANDSHAKE_OCTETS = 256 * 1024
"""All that is read in a TLS handshake."""
CONNECTION_OCTETS = 64 * 1024
"""On top of twice the content that is wanted: all else that is read from one connection."""
_DETAIL_OCTETS = 500


class Exchange:
    """One request and its response."""

    def __init__(self, url: Url, wanted: Wanted, headers: Mapping[str, str]) -> None:
        """Ask for nothing yet; to call it with a connection does."""
        self._url = url
        self._wanted = wanted
        fields = {"Host": url.authority, **headers, "Connection": "close"}
        lines = [f"GET {url.target} HTTP/1.1", *(f"{key}: {fields[key]}" for key in fields), "", ""]
        self._request = "\r\n".join(lines).encode("ascii")
        self.reply: ResponseReader | None = None
        """The response, once it is there whole."""
        self.tls_version = ""
        """Empty until a handshake is completed."""

    async def __call__(self, sock: DialedSocket) -> o.Failure | None:
        """Ask over a connection; return why there is no response."""
        try:
            stream = await self._open(sock)
            await stream.send(self._request)
            self.reply = await self._receive(stream)
        except ReplyError as error:
            return error.failure
        except OSError as error:  # ssl.SSLError is one
            return self._read_error(error, sock)
        return None

    async def _open(self, sock: DialedSocket) -> Stream:
        """Make the TLS handshake, if there is to be one."""
        stream: Stream = PlainStream(sock)
        if self._url.scheme == "https":
            sock.limit(HANDSHAKE_OCTETS)
            sock.watch = HelloRetryWatch()
            stream = TlsStream(sock, make_context(), self._url.host)
            self.tls_version = await stream.shake()
            sock.watch = None
        sock.limit(CONNECTION_OCTETS + 2 * self._wanted.body_octets)
        return stream

    async def _receive(self, stream: Stream) -> ResponseReader:
        """Read until nothing more is wanted."""
        reply = ResponseReader(self._wanted)
        while octets := await stream.receive():
            if reply.feed(octets):
                return reply
        reply.end()
        return reply

    def _read_error(self, error: OSError, sock: DialedSocket) -> o.Failure:
        """Return the failure that an error of the connection makes."""
        if sock.is_spent:
            detail = "more was sent than is read"
            return o.Failure(kind=o.FAILURE_KIND_TOO_LARGE, detail=detail)
        is_encrypted = bool(self.tls_version)
        if isinstance(error, ssl.SSLError) or (self._url.scheme == "https" and not is_encrypted):
            when = "after" if is_encrypted else "in"
            text = shorten(f"{error.strerror or error}", _DETAIL_OCTETS)
            detail = f"TLS failed {when} the handshake: {text}"
            return o.Failure(kind=o.FAILURE_KIND_TLS, detail=detail)
        return read_error(error, "asking", was_sent=True)
