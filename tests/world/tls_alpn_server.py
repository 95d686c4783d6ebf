"""A real TLS server for tls-alpn-01 (RFC 8737), as ACME clients run: a process of its own.

with TlsAlpnServer(directory, (network.WEB, network.WEB6)) as server:
    server.put("child.example.co.jp", "token.thumbprint")
"""

import asyncio
import hashlib
import socket
import ssl
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.world.process import Child

ALPN = "acme-tls/1"
_ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_REPOSITORY = Path(__file__).resolve().parents[2]
_NOBODY = "nobody.invalid"


class TlsAlpnServer:
    """Port 443 of some addresses, with a certificate for each name."""

    def __init__(self, directory: Path, addresses: Sequence[str]) -> None:
        """Start nothing yet."""
        self._directory = directory
        self._addresses = addresses
        self._child: Child | None = None

    def put(self, name: str, key_authorization: str) -> None:
        """Answer for a name with this key authorization from now on."""
        digest = hashlib.sha256(key_authorization.encode()).digest()
        (self._directory / f"{name}.pem").write_bytes(make_certificate(name, digest))

    def __enter__(self) -> Self:
        """Start, and wait until it serves."""
        self._directory.mkdir(parents=True)
        self.put(_NOBODY, "")
        command = (sys.executable, "-m", "tests.world.tls_alpn_server", str(self._directory))
        log = self._directory / "server.log"
        self._child = Child((*command, *self._addresses), log, _REPOSITORY)
        self._child.wait_ready(lambda: "serving" in log.read_text())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        if self._child is not None:
            self._child.stop()


def make_certificate(name: str, digest: bytes) -> bytes:
    """Return a self-signed certificate of RFC 8737 section 3 and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "acme challenge")])
    now = datetime.now(UTC)
    identifier = x509.UnrecognizedExtension(_ACME_IDENTIFIER, b"\x04\x20" + digest)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(identifier, critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


async def serve(directory: Path, addresses: Sequence[str]) -> None:
    """Serve until the process ends."""
    own = _make_context(directory / f"{_NOBODY}.pem", 0)

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        file = directory / f"{name or _NOBODY}.pem"
        if file.is_file():
            connection.context = _make_context(file, file.stat().st_mtime_ns)

    own.sni_callback = choose

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    servers = [
        await asyncio.start_server(close, one, 443, ssl=own, family=_family(one))
        for one in addresses
    ]
    print("serving", flush=True)  # noqa: T201 - who started it waits for this
    await asyncio.gather(*(server.serve_forever() for server in servers))


@lru_cache(maxsize=1024)
def _make_context(file: Path, _written_at: int) -> ssl.SSLContext:
    """Return the context of a certificate; each is made once after it was written."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.set_alpn_protocols([ALPN])
    return context


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2:]))
