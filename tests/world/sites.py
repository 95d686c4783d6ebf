"""Web sites and TLS servers of many names, as data: HTTP on port 80, HTTPS and ALPN on port 443.

Each name may have pages, and a certificate. What a page is served as is up to the page: also a
connection that breaks off, or nonsense. The servers run in a thread of whoever starts them.
"""

import asyncio
import ssl
import threading
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Self

from tests.world.acme_certificates import Shape, good_extensions, key_in_pem, make_certificate

_DEFAULT = "default.invalid"
_RESPONSE_404 = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot found"


@dataclass(frozen=True, slots=True)
class TlsName:
    """What a name has on port 443 for whoever asks."""

    certificate: bytes
    """In DER."""
    key: str = "ec"
    """A key of `tests.world.acme_certificates`."""
    alpn: Sequence[str] = ()
    newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED


@dataclass(frozen=True, slots=True)
class Content:
    """What the servers have."""

    pages: Mapping[str, bytes] = field(default_factory=dict)
    """By URL: what is sent, as it is. Nothing: the connection is reset."""
    names: Mapping[str, TlsName] = field(default_factory=dict)
    """By server name; all others have a certificate of nobody, and no protocol."""


class Sites:
    """Servers on some addresses."""

    def __init__(self, content: Content, addresses: Sequence[str]) -> None:
        """Start nothing yet."""
        self._content = content
        self._addresses = addresses
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._writers: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Self:
        """Start; returns when all serve."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        tls = make_context(_nobody())
        tls.sni_callback = self._choose
        self._servers = [
            await asyncio.start_server(answer, address, port, ssl=context)
            for address in self._addresses
            for port, answer, context in ((80, self._http, None), (443, self._https, tls))
        ]

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer("http", reader, writer)

    async def _https(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer("https", reader, writer)

    async def _answer(
        self, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request, and close."""
        self._writers.add(writer)
        with suppress(OSError, EOFError, asyncio.CancelledError):
            request = await reader.readuntil(b"\r\n\r\n")
            page = self._content.pages.get(_read_url(scheme, request), _RESPONSE_404)
            if page:
                writer.write(page)
                await writer.drain()
            else:
                writer.transport.abort()
        writer.close()
        self._writers.discard(writer)

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        found = self._content.names.get(name or "")
        if found is None or name is None:
            return
        if name not in self._contexts:
            self._contexts[name] = make_context(found)
        connection.context = self._contexts[name]


def make_context(found: TlsName) -> ssl.SSLContext:
    """Return a server's context; raises ssl.SSLError if no server can have such a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Also for certificates and versions that nobody should use.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(key_in_pem(found.key) + ssl.DER_cert_to_PEM_cert(found.certificate))
        file.flush()
        context.load_cert_chain(file.name)
    if found.alpn:
        context.set_alpn_protocols(list(found.alpn))
    if found.newest != ssl.TLSVersion.MAXIMUM_SUPPORTED:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.maximum_version = found.newest
    return context


@cache
def _nobody() -> TlsName:
    return TlsName(make_certificate(Shape(good_extensions(_DEFAULT, bytes(32)))))


def _read_url(scheme: str, request: bytes) -> str:
    """Return the URL that a request asks for."""
    line, *fields = request.decode("latin-1").split("\r\n")
    hosts = [one[5:].strip() for one in fields if one.lower().startswith("host:")]
    return f"{scheme}://{hosts[0] if hosts else ''}{line.split(' ')[1]}"
