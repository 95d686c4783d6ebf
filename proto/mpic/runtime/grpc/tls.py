"""Mutual TLS 1.3 for every server (BR 3.2.2.9: "authenticated and encrypted").

There is no plain-text mode, as for channels (`mpic.channel`).
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

import grpc

from mpic.channel import Tls, insist_on_tls_1_3

_SERVER_HELLO = b"\x16"
"""The type of a TLS record that goes on with a handshake (RFC 8446 5.1)."""


def server_credentials(files: Tls) -> grpc.ServerCredentials:
    """Credentials of a server that demands a certificate of every client."""
    insist_on_tls_1_3()
    certificate, private_key, authority = files.read()
    return grpc.ssl_server_credentials(
        [(private_key, certificate)], authority, require_client_auth=True
    )


class ServerIdentity:
    """Credentials of a server that may be given another certificate while it runs."""

    def __init__(self, files: Tls, before_handshake: Callable[[], None] = lambda: None) -> None:
        """Show this certificate; raises OSError.

        `before_handshake` is called before each handshake, in a thread of gRPC's.
        """
        self._before_handshake = before_handshake
        self._next: grpc.ServerCertificateConfiguration | None = None
        self.credentials = grpc.dynamic_ssl_server_credentials(
            _configuration(files),
            self._fetch,  # type: ignore[arg-type] # None is allowed: as before
            require_client_authentication=True,
        )

    def adopt(self, files: Tls) -> None:
        """Show this certificate from the next handshake on; raises OSError."""
        self._next = _configuration(files)

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what is new; called by gRPC, in a thread of its own, before each handshake."""
        self._before_handshake()
        fresh, self._next = self._next, None
        return fresh


def _configuration(files: Tls) -> grpc.ServerCertificateConfiguration:
    insist_on_tls_1_3()
    certificate, private_key, authority = files.read()
    return grpc.ssl_server_certificate_configuration([(private_key, certificate)], authority)


def accepts_tls_1_2(address: str, timeout: float) -> bool:
    """Whether the server at "host:port" continues a handshake of TLS 1.2 or older.

    No certificate is needed for that. Raises OSError if nobody answers in `timeout` seconds.
    """
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout) as connection:
        connection.sendall(_greet_as_tls_1_2())
        try:
            return connection.recv(1) == _SERVER_HELLO
        except ConnectionError:
            return False


def _greet_as_tls_1_2() -> bytes:
    """Return a ClientHello that offers all there was up to TLS 1.2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["h2"])
    outgoing = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    return outgoing.read()
