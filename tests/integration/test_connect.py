"""From a host to a connection, over real sockets: what is dialled, and what is said of it."""

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect import dialer as module
from perspective_agent.connect.dialed_socket import AT_ONCE, DialedSocket
from perspective_agent.connect.dialer import Destination, Dialer, Dialing, Reach
from perspective_agent.connect.places import Limits
from perspective_agent.dns.shared_lookups import SharedLookups
from perspective_agent.egress import Egress
from tests.world.answers import TableLink

HOST = "www.example.test"
LAB = Egress(allow_special_purpose=True)
A, AAAA = o.RECORD_TYPE_A, o.RECORD_TYPE_AAAA
LOOPBACK = b"\x7f\x00\x00\x01"
LOOPBACK_6 = b"\x00" * 15 + b"\x01"
PATIENCE = 20.0


def make_dialer(*addresses: str, reach: Reach | None = None) -> tuple[Dialer, TableLink]:
    link = TableLink({HOST: addresses})
    lookups = SharedLookups(link, lambda: True)
    return Dialer(lookups, reach or Reach(LAB), link.overload_history), link


@contextmanager
def listening(*addresses: str) -> Iterator[int]:
    """Servers whose kernel takes connections, and which say nothing; gives the port."""
    with ExitStack() as stack:
        port = 0
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            server = stack.enter_context(socket.create_server((address, port), family=family))
            port = server.getsockname()[1]
        yield port


@contextmanager
def unanswered(address: str) -> Iterator[int]:
    """A server whose queue is full of connections that nobody takes up; gives the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket(family))
        full.bind((address, 0))
        full.listen(0)
        port = full.getsockname()[1]
        for _ in range(4):
            filler = stack.enter_context(socket.socket(family))
            filler.setblocking(False)  # noqa: FBT003 - as it is called
            filler.connect_ex((address, port))
        yield port


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Note:
    """Uses connections, and notes whose."""

    def __init__(self, *failures: o.Failure | None) -> None:
        self.peers: list[str] = []
        self.failures = list(failures)
        self.sockets: list[DialedSocket] = []

    async def __call__(self, sock: DialedSocket) -> o.Failure | None:
        self.sockets.append(sock)
        self.peers.append(sock.getpeername()[0])
        return self.failures.pop(0) if self.failures else None


def dialed(dialing: Dialing) -> list[tuple[bytes, o.FailureKind.ValueType]]:
    return [(one.address, one.failure.kind) for one in dialing.connection.dialed]


async def test_ipv6_is_dialled_and_both_lookups_are_evidence() -> None:
    dialer, link = make_dialer("127.0.0.1", "::1")
    with listening("127.0.0.1", "::1") as port:
        dialing, note = dialer.begin(Destination(HOST, port)), Note()
        assert await dialing.run(note) is None
    assert note.peers == ["::1"]
    assert link.asked == [(HOST, AAAA), (HOST, A)]
    assert [one.records.rdata for one in dialing.connection.lookups] == [[LOOPBACK_6], [LOOPBACK]]
    assert dialed(dialing) == [(LOOPBACK_6, 0)]
    assert dialing.connection.dialed[0].port == port
    assert [one.fileno() for one in note.sockets] == [-1]  # closed
    assert dialer.places.taken == 0


async def test_ipv4_is_dialled_if_ipv6_could_not_be_opened() -> None:
    dialer, _ = make_dialer("127.0.0.1", "::1")
    with listening("127.0.0.1") as port:
        dialing, note = dialer.begin(Destination(HOST, port)), Note()
        assert await dialing.run(note) is None
    assert note.peers == ["127.0.0.1"]
    refused = o.FAILURE_KIND_CONNECTION_REFUSED
    assert dialed(dialing) == [(LOOPBACK_6, refused), (LOOPBACK, 0)]


async def test_what_was_said_over_ipv6_is_final() -> None:
    dialer, _ = make_dialer("127.0.0.1", "::1")
    lost = o.Failure(kind=o.FAILURE_KIND_CONNECTION_LOST)
    with listening("127.0.0.1", "::1") as port:
        dialing, note = dialer.begin(Destination(HOST, port)), Note(lost)
        assert await dialing.run(note) == lost
    assert note.peers == ["::1"]
    assert dialed(dialing) == [(LOOPBACK_6, 0)]


async def test_unless_ipv4_is_asked_for_after_any_failure() -> None:
    dialer, _ = make_dialer("127.0.0.1", "::1")
    tls = o.Failure(kind=o.FAILURE_KIND_TLS, detail="no TLS")
    with listening("127.0.0.1", "::1") as port:
        to = Destination(HOST, port, ipv4_after_any_failure=True)
        dialing, note = dialer.begin(to), Note(tls)
        assert await dialing.run(note) is None
        both_fail = dialer.begin(to)
        assert (await both_fail.run(Note(tls, tls))).kind == o.FAILURE_KIND_TLS
    assert note.peers == ["::1", "127.0.0.1"]
    assert dialed(dialing) == dialed(both_fail) == [(LOOPBACK_6, tls.kind), (LOOPBACK, 0)]


async def test_nobody_listens() -> None:
    dialer, _ = make_dialer("127.0.0.1", "::1")
    dialing, note = dialer.begin(Destination(HOST, free_port())), Note()
    failure = await dialing.run(note)
    assert failure.kind == o.FAILURE_KIND_CONNECTION_REFUSED
    assert "dialling ::1" in failure.detail
    assert "dialling 127.0.0.1" in failure.detail
    assert note.peers == []
    assert [kind for _, kind in dialed(dialing)] == [failure.kind, failure.kind]


@pytest.mark.parametrize(
    ("address", "seconds"), [("127.0.0.1", "IPV4_SECONDS"), ("::1", "IPV6_SECONDS")]
)
async def test_an_address_that_does_not_answer_is_given_up_in_time(
    address: str, seconds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, seconds, 0.05)
    with unanswered(address) as port:
        dialer, _ = make_dialer(address)
        async with asyncio.timeout(PATIENCE):
            failure = await dialer.begin(Destination(HOST, port)).run(Note())
    assert failure.kind == o.FAILURE_KIND_TIMEOUT
    assert failure.detail.endswith("no connection within 0.05 s")


@pytest.mark.parametrize(
    ("egress", "address"),
    [
        (LAB, "192.0.2.1"),  # the network namespace of a test has no route
        (LAB, "2001:db8::1"),
        (Egress(("192.0.2.7",), allow_special_purpose=True), "127.0.0.1"),  # not ours
        (Egress(ipv6=False, allow_special_purpose=True), "::1"),
    ],
)
async def test_no_way_out_is_our_own_failure(egress: Egress, address: str) -> None:
    dialer, _ = make_dialer(address, reach=Reach(egress))
    failure = await dialer.begin(Destination(HOST, 80)).run(Note())
    assert failure.kind == o.FAILURE_KIND_NO_WAY_OUT
    assert failure.detail


async def test_connections_leave_from_the_address_that_is_configured() -> None:
    egress = Egress(("127.0.0.9",), allow_special_purpose=True)
    dialer, _ = make_dialer("127.0.0.1", "::1", reach=Reach(egress))
    sources = []

    async def use(sock: DialedSocket) -> None:
        sources.append(sock.getsockname()[0])

    with listening("127.0.0.1", "::1") as port:
        assert await dialer.begin(Destination(HOST, port)).run(use) is None
    assert sources == ["127.0.0.9"]


@pytest.mark.parametrize("addresses", [("127.0.0.1", "::1"), ("::ffff:127.0.0.1",)])
async def test_h_12_outside_a_lab_no_special_purpose_address_is_dialled(
    addresses: Sequence[str],
) -> None:
    dialer, _ = make_dialer(*addresses, reach=Reach())
    with listening("127.0.0.1", "::1") as port:
        dialing, note = dialer.begin(Destination(HOST, port)), Note()
        failure = await dialing.run(note)
    assert failure.kind == o.FAILURE_KIND_NOT_PUBLIC
    assert dialed(dialing) == []
    assert note.peers == []


async def test_a_host_without_addresses() -> None:
    dialer, _ = make_dialer()
    failure = await dialer.begin(Destination(HOST, 80)).run(Note())
    assert failure.kind == o.FAILURE_KIND_NO_ADDRESS


async def test_a_lookup_that_hangs_holds_up_the_other_family_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "OTHER_LOOKUP_SECONDS", 0.05)
    dialer, link = make_dialer("127.0.0.1")
    link.silent = {(HOST, AAAA)}
    with listening("127.0.0.1") as port:
        dialing, note = dialer.begin(Destination(HOST, port)), Note()
        async with asyncio.timeout(PATIENCE):
            assert await dialing.run(note) is None
    assert dialing.connection.lookups[0].failure.kind == o.FAILURE_KIND_TIMEOUT
    assert link.abandoned == [HOST]


async def running(dialing: Dialing, note: Note) -> "asyncio.Task[o.Failure | None]":
    task = asyncio.create_task(dialing.run(note))
    for _ in range(20):
        await asyncio.sleep(0)
    return task


async def end(task: "asyncio.Task[o.Failure | None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cut_short_while_it_looks_up() -> None:
    dialer, link = make_dialer("127.0.0.1")
    link.silent = {(HOST, AAAA), (HOST, A)}
    dialing = dialer.begin(Destination(HOST, 80))
    task = await running(dialing, Note())
    cut = dialing.cut_short(time.perf_counter(), 5)
    await end(task)
    assert cut.failure.kind == o.FAILURE_KIND_TIMEOUT
    assert [one.failure.kind for one in cut.connection.lookups] == [o.FAILURE_KIND_TIMEOUT] * 2
    assert link.abandoned == [HOST, HOST]
    assert link.in_flight == 0


async def test_cut_short_while_it_dials() -> None:
    with unanswered("127.0.0.1") as port:
        dialer, _ = make_dialer("127.0.0.1")
        dialing = dialer.begin(Destination(HOST, port))
        task = await running(dialing, Note())
        cut = dialing.cut_short(time.perf_counter(), 5)
        await end(task)
    assert cut.failure.kind == o.FAILURE_KIND_TIMEOUT
    assert "dialling www.example.test" in cut.failure.detail
    assert cut.connection.dialed[0].failure.kind == o.FAILURE_KIND_TIMEOUT


async def test_an_agent_that_does_not_keep_up_blames_nobody() -> None:
    dialer, _ = make_dialer("127.0.0.1")
    with unanswered("127.0.0.1") as port:
        dialing = dialer.begin(Destination(HOST, port))
        task = await running(dialing, Note())
        now = time.perf_counter()
        dialer.history.note(now - 60, now, is_on=True)
        cut = dialing.cut_short(now, 5)
        await end(task)
    assert cut.failure.kind == o.FAILURE_KIND_OVERLOADED
    assert "blames nobody" in cut.failure.detail


async def test_what_is_dialled_is_counted() -> None:
    class Counted:
        def __init__(self) -> None:
            self.dialed: list[o.FailureKind.ValueType] = []

        def count_dial(self, dialed: o.DialedAddress) -> None:
            self.dialed.append(dialed.failure.kind)

        def count_look(self, *_: object) -> None:
            """Count no look."""

    counts = Counted()
    dialer, _ = make_dialer("127.0.0.1", "::1", reach=Reach(LAB, counts=counts))
    with listening("127.0.0.1") as port:
        assert await dialer.begin(Destination(HOST, port)).run(Note()) is None
    assert counts.dialed == [o.FAILURE_KIND_CONNECTION_REFUSED, 0]


async def test_cut_short_while_it_is_connected() -> None:
    dialer, _ = make_dialer("127.0.0.1")
    connected = asyncio.Event()

    class Hang(Note):
        async def __call__(self, sock: DialedSocket) -> None:
            await super().__call__(sock)
            connected.set()
            await asyncio.Event().wait()

    with listening("127.0.0.1") as port:
        dialing, note = dialer.begin(Destination(HOST, port)), Hang()
        task = asyncio.create_task(dialing.run(note))
        await connected.wait()
        cut = dialing.cut_short(time.perf_counter(), 5)
        assert dialer.places.taken == 1
        await end(task)
    assert cut.failure.kind == o.FAILURE_KIND_TIMEOUT
    assert "connected to www.example.test" in cut.failure.detail
    assert not cut.connection.dialed[0].HasField("failure")
    assert note.sockets[0].fileno() == -1
    assert dialer.places.taken == 0


async def test_cut_short_while_it_waits_it_says_for_what() -> None:
    dialer, _ = make_dialer("127.0.0.1", reach=Reach(LAB, Limits(in_all=2, to_host=1)))
    link = dialer.lookups._resolver
    assert isinstance(link, TableLink)
    link.addresses = {"a.test": ["127.0.0.1"], "b.test": ["127.0.0.1"], "c.test": ["127.0.0.1"]}
    release = asyncio.Event()

    async def hold(_: DialedSocket) -> None:
        await release.wait()

    with listening("127.0.0.1") as port:
        dialings = [dialer.begin(Destination(f"{one}.test", port)) for one in "aabc"]
        tasks = []
        for one in dialings:
            tasks.append(asyncio.create_task(one.run(hold)))
            await asyncio.sleep(0.05)
        assert dialer.places.taken == 2
        assert [one.is_queued for one in dialings] == [False, False, False, True]
        cuts = [one.cut_short(time.perf_counter(), 5) for one in dialings]
        release.set()
        async with asyncio.timeout(PATIENCE):
            assert await asyncio.gather(*tasks) == [None] * 4
    late, ours = o.FAILURE_KIND_TIMEOUT, o.FAILURE_KIND_OVERLOADED
    assert [one.failure.kind for one in cuts] == [late, late, late, ours]
    assert "waiting for other connections to a.test" in cuts[1].failure.detail
    assert "as many connections open as it may" in cuts[3].failure.detail


async def test_no_more_is_read_than_is_allowed() -> None:
    dialer, _ = make_dialer("127.0.0.1")
    seen = []

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 100_000)
        writer.close()

    async def use(sock: DialedSocket) -> o.Failure | None:
        sock.limit(2 * AT_ONCE + 10_000)
        loop = asyncio.get_running_loop()
        try:
            while octets := await loop.sock_recv(sock, 50_000):
                seen.append(len(octets))
        except OSError as error:
            return None if sock.is_spent else o.Failure(detail=str(error))
        return o.Failure(detail="all was read")

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await dialer.begin(Destination(HOST, port)).run(use) is None
    assert max(seen) <= AT_ONCE
    assert sum(seen) <= 2 * AT_ONCE + 10_000
