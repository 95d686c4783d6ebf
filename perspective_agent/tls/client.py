"""The client's side of one handshake, over a connection that is open already.

The handshake runs in memory (`ssl.MemoryBIO`), and this module carries the octets. So it sees what
is no TLS at all, and bounds how much is read. OpenSSL itself takes at most 100 KiB of certificates.
"""

import asyncio
import ssl
from contextlib import suppress

from mpic.text import shorten
from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.dialed_socket import DialedSocket
from perspective_agent.connect.errors import read_error
from perspective_agent.connect.hello_retry import HelloRetryWatch

HANDSHAKE_OCTETS = 256 * 1024
"""All that is read from one connection."""
CERTIFICATE_OCTETS = 64 * 1024
"""Of the server's own certificate."""
_CHUNK_OCTETS = 16 * 1024
_QUOTED_OCTETS = 64
_REASON_OCTETS = 256
# A server answers with an alert or with a handshake (RFC 8446 section 5.1), of any version of TLS.
_RECORD_TYPES = (0x15, 0x16)
_MAJOR_VERSION = b"\x03"
_TOO_LARGE = ("EXCESSIVE_MESSAGE_SIZE",)


class TlsClient:
    """One handshake, and what it found."""

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        """Ask for `server_name` (SNI, RFC 6066 section 3)."""
        self._received = ssl.MemoryBIO()
        self._to_send = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=server_name)
        self._beginning = b""
        """The first octets that came."""
        self.session: o.TlsSession | None = None
        """What the server presented, once the handshake is completed."""
        self.tls_version = ""

    async def shake(self, sock: DialedSocket) -> o.Failure | None:
        """Make the handshake over a connection; return why there is no session."""
        sock.setblocking(False)  # noqa: FBT003 - as it is called
        sock.limit(HANDSHAKE_OCTETS)
        sock.watch = HelloRetryWatch()
        try:
            return await self._shake(sock)
        except ssl.SSLError as error:
            with suppress(OSError):
                await self._send(sock)  # the alert that tells the server why
            return read_tls_error(error)
        except OSError as error:
            if sock.is_spent:
                return _too_large(f"more than {HANDSHAKE_OCTETS} octets in the handshake")
            return read_error(error, "the TLS handshake", was_sent=True)

    async def _shake(self, sock: DialedSocket) -> o.Failure | None:
        """Carry octets to and fro until the handshake is completed; then say goodbye."""
        while not self.advance():
            await self._send(sock)
            octets = await asyncio.get_running_loop().sock_recv(sock, _CHUNK_OCTETS)
            failure = self.receive(octets)
            if failure is not None:
                return failure
        await self._send(sock)
        failure = self._read_session()
        with suppress(OSError):
            self._tls.unwrap()
        with suppress(OSError):
            await self._send(sock)
        return failure

    def receive(self, octets: bytes) -> o.Failure | None:
        """Take what the server sent; return why the handshake cannot go on."""
        if not octets:
            detail = "the server closed the connection in the TLS handshake"
            return o.Failure(kind=o.FAILURE_KIND_CONNECTION_LOST, detail=detail)
        self._beginning = (self._beginning + octets)[:_QUOTED_OCTETS]
        if not is_tls(self._beginning):
            quoted = shorten(repr(self._beginning), 4 * _QUOTED_OCTETS)
            detail = f"what the server says is no TLS: {quoted}"
            return o.Failure(kind=o.FAILURE_KIND_MALFORMED, detail=detail)
        self._received.write(octets)
        return None

    def advance(self) -> bool:
        """Go on as far as the octets allow; return whether the handshake is completed.

        Raises ssl.SSLError.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    async def _send(self, sock: DialedSocket) -> None:
        octets = self._to_send.read()
        if octets:
            await asyncio.get_running_loop().sock_sendall(sock, octets)

    def _read_session(self) -> o.Failure | None:
        """Note what the server presented; return why it cannot be noted."""
        self.tls_version = self._tls.version() or ""
        try:
            alpn = self._tls.selected_alpn_protocol() or ""
        except UnicodeDecodeError:
            detail = "the server chose an application protocol that is not UTF-8"
            return o.Failure(kind=o.FAILURE_KIND_MALFORMED, detail=detail)
        certificate = self._tls.getpeercert(binary_form=True)
        if not certificate:
            detail = "the server presented no certificate"
            return o.Failure(kind=o.FAILURE_KIND_TLS, detail=detail)
        if len(certificate) > CERTIFICATE_OCTETS:
            return _too_large(
                f"a certificate of {len(certificate)} octets; {CERTIFICATE_OCTETS} may be"
            )
        self.session = o.TlsSession(alpn=alpn, certificate=certificate)
        return None


def is_tls(beginning: bytes) -> bool:
    """Whether the first octets that a server sent, one or more, are how a TLS record begins."""
    return beginning[0] in _RECORD_TYPES and beginning[1:2] in (b"", _MAJOR_VERSION)


def read_tls_error(error: ssl.SSLError) -> o.Failure:
    """Return the failure that an error of OpenSSL makes, in OpenSSL's words."""
    reason = error.reason or ""
    if reason in _TOO_LARGE:
        return _too_large("messages that are larger than OpenSSL takes, such as its certificates")
    # The whole text of the error would name a line of Python's source.
    words = reason.replace("_", " ").lower() or str(error.strerror or error)
    detail = f"the TLS handshake failed: {shorten(words, _REASON_OCTETS)}"
    return o.Failure(kind=o.FAILURE_KIND_TLS, detail=detail)


def _too_large(what: str) -> o.Failure:
    detail = f"the server sent {what}"
    return o.Failure(kind=o.FAILURE_KIND_TOO_LARGE, detail=detail)
