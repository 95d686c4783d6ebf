"""The agent's link to its resolver, against a resolver that answers as the test says."""

import asyncio
import struct
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.connection import PendingLookup, ResolverConnection
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.dns.wire import A, make_query
from perspective_agent.unbound.control import UnboundControl
from tests.unit.perspective_agent.dns.test_connection import Owner
from tests.world import network

SERVFAIL = 0x8182
NOERROR = 0x8180


@pytest.fixture(autouse=True)
def _loopback() -> None:
    """Also where these are the first tests in their network."""
    network.bring_up(())


class FakeResolver:
    """Takes queries over TCP; answers those whose name `flags` knows, with these flags."""

    def __init__(self, flags: Callable[[str], int | None]) -> None:
        self.asked: list[str] = []
        self.ended = asyncio.Semaphore(0)
        self._flags = flags

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                query = await reader.readexactly(length)
                name = query[13 : 13 + query[12]].decode()
                self.asked.append(name)
                flags = self._flags(name)
                if flags is not None:
                    header = query[:2] + struct.pack("!5H", flags, 1, 0, 0, 1)
                    answer = header + query[12:]
                    writer.write(struct.pack("!H", len(answer)) + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.ended.release()


async def until(done: Callable[[], bool]) -> None:
    while not done():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.01)


async def with_resolver(
    fake: FakeResolver, work: Callable[[tuple[str, int]], Coroutine[Any, Any, None]]
) -> None:
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    async with server:
        async with asyncio.timeout(60):
            await work(server.sockets[0].getsockname())
            await fake.ended.acquire()
            await asyncio.sleep(0.01)


def test_lookups_that_hang_and_are_given_up_leave_their_places_to_others() -> None:
    fake = FakeResolver(lambda name: NOERROR if name.startswith("good") else None)
    answers: list[str] = []

    async def work(address: tuple[str, int]) -> None:
        resolver = ResolverLink(address, connections=1)

        def receive(lookup: o.Lookup, _elapsed_us: int) -> None:
            answers.append(lookup.name)
            if len(answers) == len(good):
                complete.set()

        complete = asyncio.Event()
        hung = [resolver.ask(LookupTarget(f"hung{n}.test", A), receive) for n in range(32)]
        good = [resolver.ask(LookupTarget(f"good{n}.test", A), receive) for n in range(40)]
        await until(lambda: len(fake.asked) == len(hung))
        assert not answers
        for lookup in hung:
            resolver.abandon(lookup)
        await complete.wait()
        resolver.close()

    asyncio.run(with_resolver(fake, work))
    assert sorted(answers) == sorted(f"good{n}.test" for n in range(40))


def test_what_is_given_up_while_failures_are_erased_is_not_asked_anew() -> None:
    fake = FakeResolver(lambda _: SERVFAIL)
    erased: list[str] = []

    async def work(address: tuple[str, int]) -> None:
        wanted: dict[int, PendingLookup] = {}

        async def erase(name: str, _rdtype: int) -> bool:
            erased.append(name)
            resolver.abandon(wanted[0])
            return True

        def receive(lookup: o.Lookup, _elapsed_us: int) -> None:
            raise AssertionError(lookup)

        resolver = ResolverLink(address, erase)
        wanted[0] = resolver.ask(LookupTarget("failing.test", A), receive)
        await until(lambda: bool(erased))
        await asyncio.sleep(0.1)  # in which it could be asked anew
        resolver.close()

    asyncio.run(with_resolver(fake, work))
    assert erased == ["failing.test"]
    assert fake.asked == ["failing"]


def test_a_closed_link_asks_nobody() -> None:
    fake = FakeResolver(lambda _: None)
    failures: list[o.Failure] = []

    async def work(address: tuple[str, int]) -> None:
        resolver = ResolverLink(address, connections=1)

        def receive(lookup: o.Lookup, _elapsed_us: int) -> None:
            failures.append(lookup.failure)

        for number in range(33):
            resolver.ask(LookupTarget(f"hung{number}.test", A), receive)
        await until(lambda: len(fake.asked) == 32)
        resolver.close()
        await until(lambda: bool(failures))
        await asyncio.sleep(0.05)  # in which the last could be asked

    asyncio.run(with_resolver(fake, work))
    assert {failure.kind for failure in failures} == {o.FAILURE_KIND_RESOLVER_UNAVAILABLE}
    assert len(fake.asked) == 32


@pytest.mark.parametrize(("reply", "is_refused"), [("ok\n", False), ("error no such\n", True)])
async def test_a_command_that_is_refused_is_an_error(
    tmp_path: Path, reply: str, is_refused: bool
) -> None:
    said: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.append(await reader.readline())
        writer.write(reply.encode())
        writer.close()

    path = tmp_path / "control"
    async with await asyncio.start_unix_server(answer, path):
        asking = UnboundControl(path).command("status")
        if is_refused:
            with pytest.raises(ValueError, match="no such"):
                await asking
        else:
            assert await asking == reply
    assert said == [b"UBCT1 status\n"]


async def test_where_nobody_listens_what_was_asked_is_given_back() -> None:
    owner = Owner()
    connection = ResolverConnection(owner)
    lookup = PendingLookup(make_query("a.test", A), lambda *_: None)
    connection.send(lookup)
    await connection._connect(("127.0.0.1", 1))
    assert owner.given_back == [[lookup]]
