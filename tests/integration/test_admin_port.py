"""What a stranger may take up of the admin port, which asks nobody who he is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from mpic.runtime import admin
from mpic.runtime.admin import AdminPages, Readiness, open_admin
from tests.world import network

REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
BOUND = 8


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[int]:
    """An admin port that waits for a third of a second, and for few."""
    network.bring_up(())
    monkeypatch.setattr(admin, "_REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(admin, "_CONNECTIONS", BOUND)
    pages = AdminPages(CollectorRegistry(), Readiness(), BaseModel)
    async with open_admin("127.0.0.1:0", tmp_path / "file.toml", pages) as bound:
        yield bound


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """Read until the other side hangs up, which it must."""
    said = b""
    async with asyncio.timeout(30):
        with suppress(ConnectionError):
            while part := await reader.read(65536):
                said += part
    return said


@pytest.mark.parametrize("says", [b"", b"GET", REQUEST, REQUEST + b"\r\n"])
async def test_who_does_not_go_on_is_not_waited_for(port: int, says: bytes) -> None:
    """Whether it has said nothing, half of a request, or a whole one before."""
    reader, writer = await connect(port)
    writer.write(says)
    answer = await read_all(reader)
    assert answer.startswith(b"HTTP/1.1 200") == says.endswith(b"\r\n\r\n")
    writer.close()


async def test_who_says_it_bit_by_bit_is_not_waited_for(port: int) -> None:
    reader, writer = await connect(port)

    async def trickle() -> None:
        writer.write(REQUEST)
        while True:
            writer.write(b"X-A: b\r\n")
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    assert b"200" not in await read_all(reader)
    trickling.cancel()
    writer.close()


async def test_what_is_sent_besides_is_not_kept(port: int) -> None:
    """A body, which no page reads, and headers without end."""
    reader, writer = await connect(port)
    writer.write(REQUEST + b"Content-Length: 10000000000\r\n\r\n" + bytes(1000))
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    reader, writer = await connect(port)
    writer.write(REQUEST + b"X-A: " + b"b" * 100_000 + b"\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()


async def test_connections_have_a_bound_and_there_is_room_again(port: int) -> None:
    held = [await connect(port) for _ in range(BOUND)]
    for _, writer in held:
        writer.write(REQUEST + b"\r\n")
    for reader, _ in held:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    reader, writer = await connect(port)
    writer.write(REQUEST + b"\r\n")
    assert not await read_all(reader)
    writer.close()
    for reader, writer in held:
        await read_all(reader)
        writer.close()
    reader, writer = await connect(port)
    writer.write(REQUEST + b"\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
