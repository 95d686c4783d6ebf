"""Mutual TLS 1.3 for every channel and every server (BR 3.2.2.9: "authenticated and encrypted").

There is no plain-text mode.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import grpc

# grpcio has no setting for the lowest TLS version, but takes a cipher list for TLS 1.2. A list
# of nothing but a pre-shared-key suite, for which no key is ever configured, leaves TLS 1.2
# without a usable cipher; TLS 1.3 suites are not governed by it. The test speaks 1.2 to a
# server and is refused.
os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-PSK-AES128-CBC-SHA"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of one identity, and of the authority its peers are signed by."""

    certificate: Path
    private_key: Path
    authority: Path

    def read(self) -> tuple[bytes, bytes, bytes]:
        """Return certificate, private key and authority; raises OSError."""
        return (
            self.certificate.read_bytes(),
            self.private_key.read_bytes(),
            self.authority.read_bytes(),
        )

    def load(self) -> "TlsPems":
        """Return what they hold now; raises OSError."""
        return TlsPems(*self.read())


@dataclass(frozen=True, slots=True)
class TlsPems:
    """What such files held: what is in use, whatever becomes of the files."""

    certificate: bytes
    private_key: bytes = field(repr=False)
    authority: bytes

    def read(self) -> tuple[bytes, bytes, bytes]:
        """Return certificate, private key and authority."""
        return self.certificate, self.private_key, self.authority


Tls = TlsFiles | TlsPems


def server_credentials(files: Tls) -> grpc.ServerCredentials:
    """Credentials of a server that demands a certificate of every client."""
    certificate, private_key, authority = files.read()
    return grpc.ssl_server_credentials(
        [(private_key, certificate)], authority, require_client_auth=True
    )


class ServerIdentity:
    """Credentials of a server that may be given another certificate while it runs."""

    def __init__(self, files: Tls) -> None:
        """Show this certificate; raises OSError."""
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
        fresh, self._next = self._next, None
        return fresh


def _configuration(files: Tls) -> grpc.ServerCertificateConfiguration:
    certificate, private_key, authority = files.read()
    return grpc.ssl_server_certificate_configuration([(private_key, certificate)], authority)


def channel_credentials(files: Tls) -> grpc.ChannelCredentials:
    """Credentials of a client that shows its own certificate."""
    certificate, private_key, authority = files.read()
    return grpc.ssl_channel_credentials(authority, private_key, certificate)
