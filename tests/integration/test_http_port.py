"""What a stranger may take up of the HTTP port, and what is no HTTP: bounded, refused, told."""

import asyncio
import gzip
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode
from structlog.testing import capture_logs

from coordinator.api.answers import Answers
from coordinator.api.explain.links import ExplanationLinks
from coordinator.api.http import arrivals, bodies, connection, failures, routes, server
from coordinator.api.http.corroborations import Corroborations
from coordinator.api.http.face import HttpConfig, HttpFace
from coordinator.api.http.settings import HttpTable, HttpTlsTable, TokenTable
from coordinator.api.http.tokens import hash_token, make_token
from coordinator.api.servicer import StreamBounds
from coordinator.api.sources import Sources
from mpic.channel import TlsFiles
from mpic.client import NoConnectionError, NotGrpcError
from mpic.client.diagnosis import CoordinatorAddress, explain
from mpic.client.errors import Failure
from mpic.runtime.pki import Authority, Subject, create_authority, issue_certificate
from mpic.runtime.settings import CallersTable, TlsTable
from mpic.v1 import corroboration_pb2 as c
from tests.unit.coordinator.api.test_servicer import FakeCorroborator
from tests.world import network

CALLER = "spiffe://mpic.test/caller/pipeline"
TOKEN = make_token()
BOUND = 8
HEAD = f"POST /v1/corroborations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
JSON = HEAD + b"Content-Type: application/json\r\n"
QUESTION = b'{"requestId":"r","names":[{"name":"a"}]}'


class Port:
    """A running HTTP port, its face and what is asked behind it."""

    def __init__(self, authority: Authority, table: HttpTable) -> None:
        self.pki = authority.directory
        pair = self.pki / "coordinator-main"
        tls = TlsTable(
            certificate=pair.with_suffix(".pem"),
            private_key=pair.with_suffix(".key"),
            authority=self.pki / "ca.pem",
        )
        self.config = HttpConfig(table, tls, CallersTable(allowed=[CALLER]))
        self.face = HttpFace(self.config, 0, lambda identities: identities[0])
        self.corroborator = FakeCorroborator()
        corroborator: Any = self.corroborator
        links = ExplanationLinks(None, lambda: datetime.now(UTC))
        sources = Sources(None, lambda: (), Answers(links.make), links)
        api = Corroborations(corroborator, sources, self.face.gate, StreamBounds(window=0.0))
        self.face.add(api.routes(), api.public(), api.drain)
        self.number = 0

    def context(self, caller: str = "", *, tls_1_2: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.pki / "ca.pem")
        if caller:
            pair = self.pki / f"caller-{caller}"
            context.load_cert_chain(pair.with_suffix(".pem"), pair.with_suffix(".key"))
        if tls_1_2:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    @asynccontextmanager
    async def connect(
        self, caller: str = ""
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.number, ssl=self.context(caller), server_hostname="localhost"
        )
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def say(self, *parts: bytes, caller: str = "") -> bytes:
        """Send, and return all that comes back until the other side hangs up."""
        async with self.connect(caller) as (reader, writer):
            for part in parts:
                writer.write(part)
            return await read_all(reader)


async def read_all(reader: asyncio.StreamReader) -> bytes:
    said = b""
    async with asyncio.timeout(30):
        with suppress(ConnectionError, ssl.SSLError):
            while part := await reader.read(65536):
                said += part
    return said


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def statuses(said: bytes) -> list[int]:
    """The status of each answer in what was said."""
    return [int(one) for one in re.findall(rb"HTTP/1\.[01] (\d{3}) ", said)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = create_authority(tmp_path_factory.mktemp("http") / "pki", "mpic.test")
    issue_certificate(authority, Subject("coordinator", "main", ("localhost",)))
    issue_certificate(authority, Subject("coordinator", "other", ("localhost",)))
    issue_certificate(authority, Subject("caller", "pipeline"))
    issue_certificate(authority, Subject("caller", "stranger"))
    return authority


TABLE = HttpTable(
    listen="127.0.0.1:0",
    client_certificates="accepted",
    token=(TokenTable(caller=CALLER, sha256=hash_token(TOKEN).hex()),),
)


@asynccontextmanager
async def serving(authority: Authority, table: HttpTable = TABLE) -> AsyncIterator[Port]:
    port = Port(authority, table)
    port.number = await port.face.open()
    try:
        yield port
    finally:
        await port.face.close(0.2)


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> AsyncIterator[Port]:
    """A port that waits for a third of a second, and for few."""
    network.bring_up(())
    monkeypatch.setattr(connection, "_IDLE_SECONDS", 0.5)
    monkeypatch.setattr(connection, "_LINGERING_SECONDS", 0.3)
    monkeypatch.setattr(bodies, "_BODY_SECONDS", 0.4)
    monkeypatch.setattr(server, "_CONNECTIONS", BOUND)
    monkeypatch.setattr(server, "_HANDSHAKE_SECONDS", 0.5)
    async with serving(authority) as running:
        yield running


def body(octets: bytes = QUESTION) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(octets), octets)


async def test_a_question_and_another_on_one_connection(port: Port) -> None:
    said = await port.say(JSON + body() + JSON + body())
    assert statuses(said) == [200, 200]
    assert said.count(b"Server: mpic\r\n") == 2
    assert said.count(b"Cache-Control: no-store\r\n") == 2
    assert port.corroborator.asked == ["r", "r"]
    assert [call.caller for call in port.corroborator.calls] == [CALLER] * 2


@pytest.mark.parametrize("says", [b"", b"GET", HEAD, JSON + b"Content-Length: 9\r\n\r\n{"])
async def test_who_does_not_go_on_is_not_waited_for(port: Port, says: bytes) -> None:
    said = await port.say(says)
    assert statuses(said) == ([408] if says.endswith(b"{") else [])
    assert not port.corroborator.asked


async def test_who_says_it_bit_by_bit_is_not_waited_for(port: Port) -> None:
    async with port.connect() as (reader, writer):

        async def trickle() -> None:
            writer.write(HEAD)
            while True:
                writer.write(b"X-A: b\r\n")
                await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        assert b"200" not in await read_all(reader)
        trickling.cancel()


async def test_who_does_not_finish_the_handshake_is_not_waited_for(port: Port) -> None:
    pairs = [await asyncio.open_connection("127.0.0.1", port.number) for _ in range(BOUND)]
    for reader, writer in pairs:
        writer.write(b"\x16\x03\x01")
        await read_all(reader)
        writer.transport.abort()
    assert statuses(await port.say(JSON + body())) == [200]


async def test_connections_have_a_bound_and_there_is_room_again(port: Port) -> None:
    """Those whose handshake goes on count too."""
    held = [await asyncio.open_connection("127.0.0.1", port.number) for _ in range(BOUND)]
    await asyncio.sleep(0.1)
    with pytest.raises((OSError, ssl.SSLError)):
        await port.say(JSON + body())
    refused = port.face._metrics.connections_refused
    assert refused._value.get() == 1
    for reader, writer in held:
        await read_all(reader)
        writer.transport.abort()
    assert statuses(await port.say(JSON + body())) == [200]


async def test_one_address_has_so_many_connections(authority: Authority) -> None:
    network.bring_up(())
    table = TABLE.model_copy(update={"connections_per_address": 4})
    async with serving(authority, table) as port, AsyncExitStack() as held:
        for _ in range(4):
            await held.enter_async_context(port.connect())
        with pytest.raises((OSError, ssl.SSLError)):
            await port.say(JSON + body())
        await held.aclose()
        more = table.model_copy(update={"connections_per_address": 1024})
        config = HttpConfig(more, port.config.tls, port.config.callers)
        port.face.adopt(config, config.make_context())
        await until(lambda: not port.face._server._connections)
        head = JSON + b"Connection: close\r\n" + body()
        assert statuses(await port.say(head)) == [200]
        assert port.face._metrics.connections_refused._value.get() == 1


async def test_handshakes_without_end_let_others_have_their_turn(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many at once the next begins a second later."""
    network.bring_up(())
    monkeypatch.setattr(arrivals, "_HANDSHAKES", 0.5)
    monkeypatch.setattr(arrivals, "_AT_ONCE", 3)
    async with serving(authority) as port:
        tasks = [asyncio.create_task(port.say(b"nonsense\r\n\r\n")) for _ in range(10)]
        await until(lambda: sum(task.done() for task in tasks) >= 3)
        assert len(port.face._server._connections) <= 1
        assert sum(task.done() for task in tasks) < 6
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_another_authority_ends_connections_when_they_are_idle(
    authority: Authority, tmp_path: Path
) -> None:
    network.bring_up(())
    other = create_authority(tmp_path / "other", "mpic.test")
    async with serving(authority) as port, port.connect() as (reader, writer):
        again = port.config.make_context()
        port.face.adopt(port.config, again)  # the same authority: nothing ends
        writer.write(JSON + body())
        await reader.readuntil(b"200 OK")
        tls = port.config.tls
        own = HttpTlsTable(
            certificate=tls.certificate, private_key=tls.private_key, authority=other.file
        )
        table = TABLE.model_copy(update={"tls": own})
        config = HttpConfig(table, tls, port.config.callers)
        port.face.adopt(config, config.make_context())
        await read_all(reader)  # it ends
        writer.write(JSON + body())
        assert port.corroborator.asked == ["r"]


@pytest.mark.parametrize(
    "says",
    [
        JSON + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}{}{}",
        JSON + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        JSON + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        JSON + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        JSON + b"Content-Length: -1\r\n\r\n",
        JSON + b"Content-Length: +2\r\n\r\n{}",
        JSON + b"Content-Length: 2_0\r\n\r\n{}",
        JSON + b"Content-Length : 2\r\n\r\n{}",
        JSON + b" folded: x\r\n\r\n",
        JSON + b"X-\x00: x\r\n\r\n",
        JSON + b"X-A: \x01\r\n\r\n",
        JSON + b"X-A: " + b"b" * 10_000 + b"\r\n\r\n",
        JSON + b"X-A: b\r\n" * 100 + b"\r\n",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /openapi.json HTTP/3.0\r\n\r\n",
        b"GET /openapi.json\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"nonsense\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_told_once_and_the_connection_ends(
    port: Port, says: bytes
) -> None:
    said = await port.say(says + JSON + body())
    assert statuses(said) == [400]
    assert b"Content-Type: application/problem+json" in said
    assert json.loads(said.partition(b"\r\n\r\n")[2])["reason"] == "INVALID_REQUEST"
    assert not port.corroborator.asked


async def test_chunks_are_read_and_broken_ones_are_refused(port: Port) -> None:
    chunked = JSON + b"Transfer-Encoding: chunked\r\n\r\n"
    whole = b"%x\r\n%b\r\n0\r\n\r\n" % (len(QUESTION), QUESTION)
    assert statuses(await port.say(chunked + whole)) == [200]
    assert statuses(await port.say(chunked + b"zz\r\n{}")) == [400]
    assert statuses(await port.say(chunked + b"5\r\n{}\r\n0\r\n\r\n")) != [200]
    assert port.corroborator.asked == ["r"]


async def test_chunks_without_end_are_not_kept(port: Port) -> None:
    async with port.connect() as (reader, writer):
        writer.write(JSON + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        with suppress(ConnectionError):
            for _ in range(64):
                writer.write(chunk)
                await asyncio.wait_for(writer.drain(), 10)
        assert statuses(await read_all(reader)) == [413]


async def test_a_body_that_is_too_large_by_its_own_word_is_not_waited_for(port: Port) -> None:
    said = await port.say(JSON + b"Content-Length: 10000000000\r\n\r\n")
    assert statuses(said) == [413]


async def test_a_packed_body_is_refused_and_not_unpacked(port: Port) -> None:
    octets = gzip.compress(QUESTION)
    said = await port.say(JSON + b"Content-Encoding: gzip\r\n" + body(octets))
    assert statuses(said) == [415]
    assert b"Accept-Encoding: identity\r\n" in said


async def test_an_upgrade_is_not_made(port: Port) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    said = await port.say(JSON + upgrade + body())
    assert 101 not in statuses(said)


async def test_no_older_tls_and_no_plain_http(port: Port) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection(
            "127.0.0.1",
            port.number,
            ssl=port.context(tls_1_2=True),
            server_hostname="localhost",
        )
    reader, writer = await asyncio.open_connection("127.0.0.1", port.number)
    writer.write(JSON + body())
    assert b"HTTP" not in await read_all(reader)
    writer.transport.abort()
    assert not port.corroborator.asked


async def test_a_certificate_is_enough_and_must_agree_with_a_token(port: Port) -> None:
    head = b"GET /v1/perspectives HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    token = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n"
    assert statuses(await port.say(head + b"\r\n", caller="pipeline")) == [200]
    assert statuses(await port.say(head + token + b"\r\n", caller="pipeline")) == [200]
    assert statuses(await port.say(head + token + b"\r\n", caller="stranger")) == [403]
    assert statuses(await port.say(head + b"\r\n")) == [401]


async def test_where_a_certificate_is_required_nobody_gets_in_without(authority: Authority) -> None:
    network.bring_up(())
    table = TABLE.model_copy(update={"client_certificates": "required"})
    async with serving(authority, table) as port:
        head = JSON + b"Connection: close\r\n" + body()
        assert statuses(await port.say(head, caller="pipeline")) == [200]
        said = b""
        with suppress(OSError, ssl.SSLError):
            said = await port.say(head)
        assert statuses(said) == []


async def test_another_certificate_is_shown_from_the_next_connection_on(
    authority: Authority,
) -> None:
    network.bring_up(())
    other = authority.directory / "coordinator-other"
    own = HttpTlsTable(certificate=other.with_suffix(".pem"), private_key=other.with_suffix(".key"))
    async with serving(authority) as port:
        assert b"main" in await certificate_of(port)
        table = TABLE.model_copy(update={"tls": own})
        config = HttpConfig(table, port.config.tls, port.config.callers)
        port.face.adopt(config, config.make_context())
        assert b"other" in await certificate_of(port)


@pytest.mark.parametrize("client_certificates", ["required", "accepted"])
async def test_a_client_of_grpc_is_told_that_this_port_is_another(
    authority: Authority, client_certificates: str
) -> None:
    network.bring_up(())
    table = TABLE.model_copy(update={"client_certificates": client_certificates})
    async with serving(authority, table) as port:
        pair = authority.directory / "caller-pipeline"
        tls = TlsFiles(pair.with_suffix(".pem"), pair.with_suffix(".key"), authority.file)
        address = CoordinatorAddress(f"127.0.0.1:{port.number}", tls, "localhost")
        known = NoConnectionError(Failure(StatusCode.UNAVAILABLE, "no ALPN"))
        found = await asyncio.to_thread(explain, address, known)
    assert isinstance(found, NotGrpcError)
    assert found.responsible == c.RESPONSIBLE_CALLER


async def certificate_of(port: Port) -> bytes:
    async with port.connect() as (_, writer):
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return shown


async def test_a_caller_that_hangs_up_gives_up_its_question(port: Port) -> None:
    port.corroborator.go_on.clear()
    async with port.connect() as (_, writer):
        writer.write(JSON + body())
        await until(lambda: bool(port.corroborator.asked))
    await until(lambda: bool(port.corroborator.cancelled))


async def test_a_caller_that_hangs_up_gives_up_its_lines(port: Port) -> None:
    port.corroborator.go_on.clear()
    async with port.connect() as (_, writer):
        writer.write(HEAD + b"Content-Type: application/x-ndjson\r\n" + body())
        await until(lambda: bool(port.corroborator.asked))
    await until(lambda: port.corroborator.cancelled == ["r"])


async def test_a_deadline_ends_the_waiting(port: Port) -> None:
    port.corroborator.go_on.clear()
    said = await port.say(JSON + b"Connection: close\r\nGrpc-Timeout: 100m\r\n" + body())
    assert statuses(said) == [504]
    assert port.corroborator.cancelled == ["r"]


async def test_a_defect_is_told_without_its_text(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise KeyError("hush-hush")

    monkeypatch.setattr(port.corroborator, "corroborate", fail)
    said = await port.say(JSON + b"Connection: close\r\n" + body())
    assert statuses(said) == [500]
    assert b"hush" not in said


async def test_at_the_end_running_questions_are_answered(authority: Authority) -> None:
    network.bring_up(())
    async with serving(authority) as port, port.connect() as (reader, writer):
        port.corroborator.go_on.clear()
        writer.write(JSON + body())
        await until(lambda: bool(port.corroborator.asked))
        port.face.drain()
        await asyncio.sleep(0)
        with pytest.raises(OSError, match="Connect call failed"):
            await port.say(JSON + body())
        port.corroborator.go_on.set()
        assert statuses(await read_all(reader)) == [200]


async def test_who_does_not_take_an_answer_is_hung_up_on(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "_WRITE_SECONDS", 0.3)
    monkeypatch.setattr(routes, "write_json", lambda _: b" " * 32 * 1024 * 1024)
    async with port.connect() as (_, writer):
        writer.write((JSON + body()) * 5)
        await until(lambda: bool(port.corroborator.asked) and not port.face._server._connections)


async def test_who_asks_without_reading_is_not_answered_without_end(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "write_json", lambda _: b" " * 32 * 1024 * 1024)
    async with port.connect() as (_, writer):
        writer.write((JSON + body()) * 10)
        await until(lambda: bool(port.corroborator.asked))
        await asyncio.sleep(0.5)
        # One answer is with the kernel and the socket, and one with TLS.
        assert len(port.corroborator.asked) <= 2


async def test_a_stream_without_a_line_ends(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.api.http.line_streams._IDLE_SECONDS", 0.3)
    head = HEAD + b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = await port.say(head + b"%x\r\n%b\n\r\n" % (len(QUESTION) + 1, QUESTION))
    lines = [line for line in said.splitlines() if line.startswith(b"{")]
    assert json.loads(lines[0])["line"] == 1
    assert json.loads(lines[1])["problem"]["reason"] == "REQUEST_TOO_SLOW"


async def test_a_stream_whose_chunks_break_ends(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing more can be read of it."""
    monkeypatch.setattr("coordinator.api.http.line_streams._IDLE_SECONDS", 0.3)
    head = HEAD + b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with port.connect() as (reader, writer):
        writer.write(head + b"%x\r\n%b\n\r\n" % (len(QUESTION) + 1, QUESTION))
        await reader.readuntil(b'"verdict"')
        writer.write(b"zz\r\n")
        said = await read_all(reader)
    lines = [line for line in said.splitlines() if line.startswith(b"{")]
    assert json.loads(lines[-1])["problem"]["reason"] == "REQUEST_TOO_SLOW"


async def test_who_does_not_take_the_answers_to_its_lines_is_hung_up_on(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no second answer is sent into the first, nor is it a defect of ours."""
    monkeypatch.setattr("coordinator.api.http.line_streams._TAKE_SECONDS", 0.3)
    monkeypatch.setattr(
        "coordinator.api.http.line_streams.write_line", lambda *_: b" " * 16 * 1024 * 1024
    )
    head = HEAD + b"Content-Type: application/x-ndjson\r\n"
    with capture_logs() as lines:
        async with port.connect() as (reader, writer):
            writer.write(head + body())
            await until(
                lambda: bool(port.corroborator.asked) and not port.face._server._connections
            )
            said = await read_all(reader)
    assert statuses(said) == [200]
    assert not [line for line in lines if line["event"] == "internal_error"]


async def test_a_defect_in_reading_a_stream_is_told(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not look as if all lines had been answered."""

    def fail(*_: object) -> None:
        raise KeyError("hush-hush")

    monkeypatch.setattr("coordinator.api.http.line_streams.read_line", fail)
    with capture_logs():
        said = await port.say(HEAD + b"Content-Type: application/x-ndjson\r\n" + body())
    (line,) = [line for line in said.splitlines() if line.startswith(b"{")]
    assert json.loads(line)["problem"]["reason"] == "INTERNAL"
    assert b"hush" not in said


async def test_a_defect_in_the_middle_of_a_stream_ends_the_connection(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise KeyError("hush-hush")

    monkeypatch.setattr("coordinator.api.http.line_streams.write_line", fail)
    with capture_logs() as lines:
        said = await port.say(HEAD + b"Content-Type: application/x-ndjson\r\n" + body())
    assert statuses(said) == [200]
    assert b"hush" not in said
    assert not said.endswith(b"0\r\n\r\n"), "it does not look whole"
    assert [line["event"] for line in lines] == ["internal_error"]


async def test_failures_of_an_address_are_bounded(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "_MOST", 3)
    head = b"GET /v1/perspectives HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
    bad, good = head + make_token().encode(), head + TOKEN.encode()
    said = await port.say(*[one + b"\r\n\r\n" for one in [bad] * 5 + [good]])
    assert statuses(said) == [401, 401, 401, 429, 429, 200]
    assert said.count(b"Retry-After: 60\r\n") == 2
    assert port.face._metrics.failures["token_unknown"]._value.get() == 5
    assert said.count(b'WWW-Authenticate: Bearer realm="mpic", error="invalid_token"\r\n') == 3
