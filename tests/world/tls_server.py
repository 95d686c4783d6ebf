"""A real TLS server that a test rules, with certificates that no authority would issue."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]

_OID = x509.ObjectIdentifier("1.3.6.1.4.1.32473.1")  # RFC 5612, for documentation


class SelfSigned(NamedTuple):
    """A certificate, and the file that holds it, its key and what follows in its chain."""

    der: bytes
    file: Path


def self_sign(file: Path, name: str, *, padding: int = 0, chain: int = 0) -> SelfSigned:
    """Write a certificate of a name that expired long ago.

    It has `padding` octets in an extension. `chain` more certificates follow it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x" * 64)])
    past = datetime.now(UTC) - timedelta(days=900)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(past)
        .not_valid_after(past + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    small = builder.sign(key, SHA256())
    if padding:
        extension = x509.UnrecognizedExtension(_OID, bytes(padding))
        builder = builder.add_extension(extension, critical=False)
    certificate = builder.sign(key, SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    links = small.public_bytes(Encoding.PEM) * chain
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM) + links)
    return SelfSigned(certificate.public_bytes(Encoding.DER), file)


def make_server_context(
    certificate: SelfSigned,
    alpn: Sequence[str] = (),
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
) -> ssl.SSLContext:
    """Return a server's context; `newest` may be a version that nobody should use."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if newest != ssl.TLSVersion.MAXIMUM_SUPPORTED:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.maximum_version = newest
    return context


class Heard:
    """What servers heard of their clients."""

    def __init__(self) -> None:
        self.server_names: list[str | None] = []
        self.application_data: list[bytes] = []
        """All that each client sent after its handshake, until it closed the connection."""
        self.goodbyes = 0
        """Clients that said that they close the connection (RFC 8446 section 6.1)."""
        self.closed = asyncio.Event()

    def note_server_name(self, _: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        self.server_names.append(name)

    async def read_to_the_end(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.application_data.append(await reader.read())
        writer.close()
        self.closed.set()

    async def serve_politely(
        self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Make a handshake, send the alert if it fails, and note the alert that the client sends.

        asyncio's own servers do neither.
        """
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(received, to_send, server_side=True)
        try:
            while octets := await reader.read(2**16):
                received.write(octets)
                with suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                    self.goodbyes += not tls.read(1)
                writer.write(to_send.read())
        except ssl.SSLError:
            writer.write(to_send.read())
        self.closed.set()
        writer.write_eof()
        await reader.read()


@asynccontextmanager
async def serving(
    handle: Handle, context: ssl.SSLContext | None = None, address: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """Serve on an address, until the end of the context; gives the port."""
    clients: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients[asyncio.current_task()] = writer
        with suppress(OSError, asyncio.CancelledError):
            await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, address, port, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
    for task, writer in clients.items():
        if task is not None and not task.done():
            writer.transport.abort()
            task.cancel()
            await task
    await asyncio.sleep(0.01)  # for what asyncio itself closes later
