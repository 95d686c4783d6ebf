"""Web servers of our own, which do what real ones will not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

Serve = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Gets the header section of a request, and writes whatever it likes."""


@asynccontextmanager
async def serving(
    serve: Serve, *addresses: str, port: int = 80, context: ssl.SSLContext | None = None
) -> AsyncIterator[list[bytes]]:
    """Serve at some addresses of loopback; gives the requests that came."""
    requests: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            await serve(requests[-1], writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    servers = [
        await asyncio.start_server(handle, address, port, ssl=context)
        for address in addresses or ("127.0.0.1",)
    ]
    try:
        yield requests
    finally:
        for server in servers:
            server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def say(*parts: bytes, pause: float = 0) -> Serve:
    """Send these parts, one after the other, and close."""

    async def serve(_: bytes, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return serve


def repeat(
    start: bytes, again: bytes, most: int = 2**30, pause: float = 0
) -> tuple[Serve, list[int]]:
    """Send a start, and then the same again until nobody reads; gives how much was sent."""
    sent = [0]

    async def serve(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while sent[0] < most:
            writer.write(again)
            sent[0] += len(again)
            await writer.drain()
            await asyncio.sleep(pause)

    return serve, sent


async def hang(_: bytes, __: asyncio.StreamWriter) -> None:
    """Say nothing."""
    await asyncio.Event().wait()


async def reset(_: bytes, writer: asyncio.StreamWriter) -> None:
    """End the connection in the rudest way."""
    writer.transport.abort()


def ok(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """A response with its length."""
    return head(b"Content-Length: %d" % len(body), *fields, status=status) + body


def head(*fields: bytes, status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *fields, b"", b""])


def redirect(location: bytes, status: bytes = b"302 Found") -> bytes:
    return ok(b"moved", b"Location: " + location, status=status)


def chunked(*chunks: bytes) -> bytes:
    parts = [b"%x\r\n%b\r\n" % (len(one), one) for one in (*chunks, b"")]
    return head(b"Transfer-Encoding: chunked") + b"".join(parts)


def by_path(pages: dict[bytes, bytes]) -> Serve:
    """Serve a page for each target; for any other, 404."""

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        target = request.split(b" ")[1]
        writer.write(pages.get(target, ok(b"none", status=b"404 Not Found")))
        await writer.drain()

    return serve


def by_host(pages: dict[bytes, bytes]) -> Serve:
    """Serve a page for each value of Host."""

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        lines: Sequence[bytes] = request.split(b"\r\n")
        (host,) = [one[6:] for one in lines if one.lower().startswith(b"host: ")]
        writer.write(pages.get(host, ok(b"none", status=b"404 Not Found")))
        await writer.drain()

    return serve
