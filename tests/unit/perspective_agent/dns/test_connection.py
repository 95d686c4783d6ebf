"""One connection to the resolver: whose answer an answer is, and what becomes of the others."""

import asyncio
import itertools
import struct
from typing import Any

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.connection import PER_CONNECTION, PendingLookup, ResolverConnection
from perspective_agent.dns.wire import A, make_query

NOERROR = 0x8180


class Socket:
    def setsockopt(self, *_: object) -> None:
        """Take any option."""


class Transport(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False

    def get_extra_info(self, name: str, default: object = None) -> object:
        return Socket() if name == "socket" else default

    def write(self, data: Any) -> None:  # noqa: ANN401 - bytes of any kind
        self.written += data

    def abort(self) -> None:
        self.aborted = True


class Owner:
    """Notes what a connection gives back."""

    def __init__(self) -> None:
        self.heard = 0
        self.answers: list[tuple[PendingLookup, o.Lookup]] = []
        self.given_back: list[list[PendingLookup]] = []

    def answered(self, lookup: PendingLookup, answer: o.Lookup) -> None:
        self.answers.append((lookup, answer))

    def lost(
        self, connection: ResolverConnection, lookups: list[PendingLookup], reason: str
    ) -> None:
        del connection
        assert reason
        self.given_back.append(lookups)


class Link:
    """A connection that is open, and both of its ends."""

    def __init__(self) -> None:
        self.owner = Owner()
        self.transport = Transport()
        self.connection = ResolverConnection(self.owner)
        self.connection.connection_made(self.transport)

    async def ask(self, *names: str) -> list[PendingLookup]:
        lookups = [PendingLookup(make_query(name, A), lambda *_: None) for name in names]
        for lookup in lookups:
            self.connection.send(lookup)
        await asyncio.sleep(0)
        return lookups

    def queries(self) -> list[bytes]:
        """What was written, message by message."""
        rest, found = self.transport.written, []
        while rest:
            end = 2 + int.from_bytes(rest[:2])
            found.append(rest[2:end])
            rest = rest[end:]
        return found

    def ids(self) -> list[int]:
        return [int.from_bytes(query[:2]) for query in self.queries()]


@pytest.fixture
async def link() -> Link:
    return Link()


def answer_to(query: bytes) -> bytes:
    """Say that there is no record."""
    message = query[:2] + struct.pack("!5H", NOERROR, 1, 0, 0, 1) + query[12:]
    return struct.pack("!H", len(message)) + message


def names(link: Link) -> list[str]:
    return [answer.name for _, answer in link.owner.answers]


async def test_each_answer_is_its_own_questions_in_whatever_order(link: Link) -> None:
    lookups = await link.ask("a.test", "b.test", "c.test")
    for query in reversed(link.queries()):
        link.connection.data_received(answer_to(query))
    assert [lookup for lookup, _ in link.owner.answers] == lookups[::-1]
    assert names(link) == ["c.test", "b.test", "a.test"]
    assert all(answer.absence == o.ABSENCE_NO_DATA for _, answer in link.owner.answers)
    assert link.owner.heard == 3


@pytest.mark.parametrize("size", [1, 2, 3, 17, 1000])
async def test_answers_are_read_however_they_are_cut(link: Link, size: int) -> None:
    await link.ask("a.test", "b.test", "c.test")
    data = b"".join(map(answer_to, link.queries()))
    for first in range(0, len(data), size):
        assert len(link.owner.answers) <= first * 3 // len(data)
        link.connection.data_received(data[first : first + size])
    assert names(link) == ["a.test", "b.test", "c.test"]


async def test_two_answers_to_one_query_are_not_both_taken(link: Link) -> None:
    lookups = await link.ask("a.test", "b.test")
    first, _ = link.queries()
    link.connection.data_received(answer_to(first))
    link.connection.data_received(answer_to(first))
    assert names(link) == ["a.test"]
    assert link.transport.aborted
    link.connection.connection_lost(None)
    assert link.owner.given_back == [lookups[1:]]


async def test_what_nobody_asked_ends_the_connection(link: Link) -> None:
    await link.ask("a.test")
    (query,) = link.queries()
    other = ((int.from_bytes(query[:2]) + 1) % 65536).to_bytes(2)
    link.connection.data_received(answer_to(other + query[2:]))
    assert link.transport.aborted
    assert not link.owner.answers


@pytest.mark.parametrize("octets", [0, 1])
async def test_an_answer_too_short_for_an_id_ends_the_connection(link: Link, octets: int) -> None:
    """One octet read as a number would be the id of some query in 65,536."""
    await link.ask("a.test")
    (lookup,) = link.connection._pending.values()
    link.connection._pending = {0: lookup}
    link.connection.data_received(struct.pack("!H", octets) + bytes(octets))
    assert link.transport.aborted
    assert not link.owner.answers


async def test_an_answer_about_another_name_is_a_failure_of_the_lookup(link: Link) -> None:
    await link.ask("a.test", "b.test")
    first, second = link.queries()
    link.connection.data_received(answer_to(first[:2] + second[2:]))
    ((_, answer),) = link.owner.answers
    assert answer.failure.kind == o.FAILURE_KIND_MISMATCH


async def test_ids_in_flight_are_never_the_same(link: Link) -> None:
    link.connection._ids = iter([7, 7, 7, 8, 8, 7, 9])
    await link.ask("a.test", "b.test", "c.test")
    assert link.ids() == [7, 8, 9]


async def test_ids_cannot_be_foreseen() -> None:
    """RFC 5452 section 9.2: unpredictable, and using the full range."""
    drawn = []
    for _ in range(16):
        link = Link()
        await link.ask(*(f"h{n}.test" for n in range(PER_CONNECTION)))
        drawn.append(link.ids())
    everything = [one for ids in drawn for one in ids]
    assert len({tuple(ids) for ids in drawn}) == 16
    assert len(set(everything)) > len(everything) * 0.95
    for bit in range(16):
        ones = sum(one >> bit & 1 for one in everything)
        assert 0.3 < ones / len(everything) < 0.7
    steps = [(b - a) % 65536 for ids in drawn for a, b in itertools.pairwise(ids)]
    assert len(set(steps)) > len(steps) * 0.9


async def test_it_takes_so_many_and_no_more(link: Link) -> None:
    await link.ask(*(f"h{n}.test" for n in range(PER_CONNECTION - 1)))
    assert link.connection.has_room()
    await link.ask("last.test")
    assert not link.connection.has_room()
    link.connection.data_received(answer_to(link.queries()[0]))
    assert link.connection.has_room()


async def test_one_that_is_retired_takes_none_and_ends_with_its_last_answer(link: Link) -> None:
    given_up, *waiting = await link.ask("hung.test", "a.test", "b.test")
    given_up.take = None
    link.connection.retire()
    assert not link.connection.has_room()
    _, *queries = link.queries()
    for query in queries:
        assert not link.transport.aborted
        link.connection.data_received(answer_to(query))
    assert link.transport.aborted
    assert [lookup for lookup, _ in link.owner.answers] == waiting


async def test_what_nobody_waits_for_any_more_is_told_nobody(link: Link) -> None:
    (lookup,) = await link.ask("a.test")
    lookup.take = None
    link.connection.data_received(answer_to(link.queries()[0]))
    assert link.owner.heard == 1
    assert not link.owner.answers


async def test_what_is_lost_is_given_back_once(link: Link) -> None:
    lookups = await link.ask("a.test", "b.test")
    link.connection.connection_lost(ConnectionResetError())
    link.connection.connection_lost(None)
    assert link.owner.given_back == [lookups]
    assert not link.connection.has_room()


async def test_what_is_asked_before_it_is_open_is_sent_then_and_all_at_once() -> None:
    connection, transport = ResolverConnection(Owner()), Transport()
    for name in ("a.test", "b.test"):
        connection.send(PendingLookup(make_query(name, A), lambda *_: None))
    await asyncio.sleep(0)
    connection.connection_made(transport)
    assert transport.written.count(b"\x04test\x00") == 2
