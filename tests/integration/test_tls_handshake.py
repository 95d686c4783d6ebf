"""One TLS handshake as an agent makes it, with real servers, and with some that misbehave."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.connect.dialer import Dialer, Reach
from perspective_agent.connect.shared_looks import SharedLooks
from perspective_agent.dns.shared_lookups import SharedLookups
from perspective_agent.egress import Egress
from perspective_agent.examine import Examination
from perspective_agent.tls import client, handshake
from perspective_agent.tls.handshake import Handshake, TlsTarget
from tests.world import network
from tests.world.answers import TableLink
from tests.world.tls_server import (
    Handle,
    Heard,
    SelfSigned,
    make_server_context,
    self_sign,
    serving,
)

HOST = "www.example.test"
NAME = "validated.example.test"
ACME = "acme-tls/1"
V4, V6 = "127.0.0.1", "::1"
Version = ssl.TLSVersion


@pytest.fixture(autouse=True)
def _loopback() -> None:
    """Also where these are the first tests in their network."""
    network.bring_up(())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> SelfSigned:
    return self_sign(tmp_path_factory.mktemp("tls") / "one.pem", NAME)


async def look(port: int, *addresses: str, seconds: float = 20, **changed: object) -> o.TlsFinding:
    """Ask one question for one handshake with the host at these addresses."""
    link = TableLink({HOST: addresses or (V4,)})
    lookups = SharedLookups(link, lambda: True)
    dialer = Dialer(lookups, Reach(Egress(allow_special_purpose=True)), link.overload_history)
    shared = SharedLooks(partial(Handshake, dialer=dialer))
    wanted = {"host": HOST, "port": port, "server_name": NAME, "alpn": [ACME]} | changed
    check = p.Check(tls_handshake=p.TlsHandshake(**wanted))
    question = p.Question(id=1, name=NAME, checks=[check], timeout_ms=int(seconds * 1000))
    reported: asyncio.Future[p.EncodedObservation] = asyncio.get_running_loop().create_future()
    Examination(question, {TlsTarget: shared.start}, 60, reported.set_result).start()
    report = await reported
    assert len(report.lookups_us) == 1
    (finding,) = o.Observation.FromString(report.observation).findings
    while dialer.places.taken:  # noqa: ASYNC110 - what the deadline ended ends a moment later
        await asyncio.sleep(0.01)
    return finding.tls_handshake


def failure_of(finding: o.TlsFinding) -> tuple[o.FailureKind.ValueType, str]:
    """Return why there is no session; the connection was opened all the same."""
    assert not finding.HasField("session")
    assert [one.records.rdata for one in finding.connection.lookups] == [[], [b"\x7f\x00\x00\x01"]]
    assert [one.failure.kind for one in finding.connection.dialed] == [0]
    assert not finding.connection.tls_version
    return finding.failure.kind, finding.failure.detail


@pytest.mark.parametrize("version", [Version.TLSv1_2, Version.TLSv1_3])
async def test_rfc_8737_3_what_the_server_presents_is_told_and_nothing_is_sent_after(
    certificate: SelfSigned, version: ssl.TLSVersion
) -> None:
    """Its certificate expired, is of another name than the host's, and of nobody's authority."""
    heard, context = Heard(), make_server_context(certificate, [ACME], version)
    context.sni_callback = heard.note_server_name
    async with serving(heard.read_to_the_end, context) as port:
        finding = await look(port)
        await asyncio.wait_for(heard.closed.wait(), 30)
    assert finding.session == o.TlsSession(alpn=ACME, certificate=certificate.der)
    assert finding.connection.tls_version == version.name.replace("_", ".")
    assert [one.name for one in finding.connection.lookups] == [HOST, HOST]
    assert [one.port for one in finding.connection.dialed] == [port]
    assert heard.server_names == [NAME]
    assert heard.application_data == [b""]


@pytest.mark.parametrize("version", [Version.TLSv1_2, Version.TLSv1_3])
async def test_rfc_8446_6_1_the_connection_is_closed_with_a_goodbye(
    certificate: SelfSigned, version: ssl.TLSVersion
) -> None:
    heard, context = Heard(), make_server_context(certificate, [ACME], version)
    async with serving(partial(heard.serve_politely, context)) as port:
        finding = await look(port)
        await asyncio.wait_for(heard.closed.wait(), 30)
    assert finding.session.alpn == ACME
    assert heard.goodbyes == 1


@pytest.mark.parametrize(
    ("offered", "known", "chosen"),
    [
        ([ACME], [], ""),
        ([ACME], ["http/1.1", "h2"], ""),
        ([], [ACME], ""),
        (["h2", ACME], ["http/1.1", ACME], ACME),
        (["h2", ACME], [ACME, "h2"], ACME),
    ],
)
async def test_rfc_7301_the_server_chooses_a_protocol_or_none(
    certificate: SelfSigned, offered: list[str], known: list[str], chosen: str
) -> None:
    context = make_server_context(certificate, known)
    async with serving(Heard().read_to_the_end, context) as port:
        finding = await look(port, alpn=offered)
    assert finding.session.alpn == chosen
    assert finding.session.certificate == certificate.der


async def test_rfc_8737_3_tls_before_1_2_is_not_spoken(certificate: SelfSigned) -> None:
    context = make_server_context(certificate, [ACME], Version.TLSv1_1)
    async with serving(partial(Heard().serve_politely, context)) as port:
        kind, detail = failure_of(await look(port))
    assert kind == o.FAILURE_KIND_TLS
    assert "protocol" in detail


@pytest.mark.parametrize("version", [Version.TLSv1_2, Version.TLSv1_3])
async def test_a_server_that_wants_a_certificate_of_its_client_gets_none(
    certificate: SelfSigned, version: ssl.TLSVersion
) -> None:
    """TLS 1.3 shows the server's own first, so the handshake is completed here all the same."""
    context = make_server_context(certificate, [ACME], version)
    context.verify_mode = ssl.CERT_REQUIRED
    async with serving(partial(Heard().serve_politely, context)) as port:
        finding = await look(port)
    if version == Version.TLSv1_3:
        assert finding.session.certificate == certificate.der
    else:
        kind, detail = failure_of(finding)
        assert kind == o.FAILURE_KIND_TLS
        assert "alert" in detail


def say(octets: bytes, *, reset: bool = False) -> Handle:
    """Say this to whoever connects, then close or reset the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(octets)
        await writer.drain()
        if reset:
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            writer.write_eof()
            await reader.read()
        writer.close()

    return handle


def record(content: bytes, kind: int = 0x16) -> bytes:
    return struct.pack("!BHH", kind, 0x0303, len(content)) + content


DEMANDS_FFDHE8192 = record(
    bytes.fromhex(
        "02000034 0303 cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
        "00 1301 00 000c 002b00020304 003300020104"
    )
)
"""A HelloRetryRequest (RFC 8446 section 4.1.4)."""


@pytest.mark.parametrize(
    ("handle", "kind", "what"),
    [
        (say(record(bytes(4)) * 65), o.FAILURE_KIND_TLS, "before it says hello"),
        (say(DEMANDS_FFDHE8192), o.FAILURE_KIND_TLS, "a finite-field group"),
        (say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), o.FAILURE_KIND_MALFORMED, "HTTP/1.1 400"),
        (say(b"SSH-2.0-OpenSSH_9.2\r\n"), o.FAILURE_KIND_MALFORMED, "SSH-2.0"),
        (say(b"\x00\x1b[2J\xff"), o.FAILURE_KIND_MALFORMED, "x1b"),
        (say(record(b"hello")), o.FAILURE_KIND_TLS, "unexpected message"),
        (say(record(b"\x02\x28", 0x15)), o.FAILURE_KIND_TLS, "handshake failure"),
        (say(record(b"\x02\x78", 0x15)), o.FAILURE_KIND_TLS, "no application protocol"),
        (say(record(b"\x02\x00\x00\x00")), o.FAILURE_KIND_TLS, "length"),
        (say(record(b"\x02\x10\x00\x00" + bytes(16_000))), o.FAILURE_KIND_TOO_LARGE, "larger"),
        (say(b""), o.FAILURE_KIND_CONNECTION_LOST, "closed"),
        (say(record(bytes(100))[:50]), o.FAILURE_KIND_CONNECTION_LOST, "closed"),
        (say(b"", reset=True), o.FAILURE_KIND_CONNECTION_LOST, "reset"),
    ],
)
async def test_what_is_no_handshake_is_a_failure_with_a_name(
    handle: Handle, kind: o.FailureKind.ValueType, what: str
) -> None:
    async with serving(handle) as port:
        found, detail = failure_of(await look(port))
    assert (found, what in detail) == (kind, True), detail
    assert detail.isprintable()
    assert len(detail) < 400


HELLO_REQUEST = record(bytes(4))
"""A client passes over it, as often as it comes (RFC 5246 section 7.4.1.1)."""


def repeat(octets: bytes, pause: float) -> Handle:
    """Say the same again and again, for as long as somebody listens."""

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(octets)
            await writer.drain()
            await asyncio.sleep(pause)

    return handle


async def test_what_has_no_end_is_read_as_far_as_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "HANDSHAKE_OCTETS", 100)
    async with serving(repeat(HELLO_REQUEST * 1000, 0)) as port:
        kind, detail = failure_of(await look(port))
    assert kind == o.FAILURE_KIND_TOO_LARGE
    assert str(client.HANDSHAKE_OCTETS) in detail


@pytest.mark.parametrize(
    "handle", [repeat(b"", 0.05), repeat(HELLO_REQUEST, 0.05)], ids=["silent", "drips"]
)
async def test_a_server_that_does_not_get_on_with_it_is_not_waited_for(
    handle: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "HANDSHAKE_SECONDS", 0.2)
    async with serving(handle) as port:
        kind, detail = failure_of(await look(port))
    assert kind == o.FAILURE_KIND_TIMEOUT
    assert "within 0.2 s" in detail


async def test_a_question_whose_time_is_over_waits_for_no_handshake() -> None:
    async with serving(repeat(b"", 0.05)) as port:
        kind, detail = failure_of(await look(port, seconds=0.3))
    assert kind == o.FAILURE_KIND_TIMEOUT
    assert "within 0.3 s" in detail


@pytest.mark.parametrize(
    ("padding", "chain", "is_told"),
    [(60_000, 0, True), (70_000, 0, False), (110_000, 0, False), (0, 400, False), (0, 100, True)],
)
async def test_certificates_are_told_as_far_as_the_bound(
    tmp_path: Path, padding: int, chain: int, *, is_told: bool
) -> None:
    large = self_sign(tmp_path / "large.pem", NAME, padding=padding, chain=chain)
    context = make_server_context(large, [ACME])
    async with serving(Heard().read_to_the_end, context) as port:
        finding = await look(port)
    if is_told:
        assert finding.session.certificate == large.der
    else:
        kind, _ = failure_of(finding)
        assert kind == o.FAILURE_KIND_TOO_LARGE


@pytest.mark.parametrize("handle", [say(b"HTTP/1.1 400"), say(b"", reset=True)])
async def test_a_1_d_ipv4_is_dialled_after_any_failure_over_ipv6_if_it_is_asked_for(
    certificate: SelfSigned, handle: Handle
) -> None:
    good = serving(Heard().read_to_the_end, make_server_context(certificate, [ACME]))
    async with good as port, serving(handle, None, V6, port):
        finding = await look(port, V4, V6, ipv4_after_any_failure=True)
        final = await look(port, V4, V6)
    assert finding.session.alpn == ACME
    assert finding.connection.tls_version == "TLSv1.3"
    lost, used = finding.connection.dialed
    assert (lost.address, used.address) == (bytes(15) + b"\x01", b"\x7f\x00\x00\x01")
    assert lost.failure.kind == final.failure.kind != 0
    assert not used.HasField("failure")
    assert len(final.connection.dialed) == 1


def dead_port() -> int:
    with socket.create_server((V4, 0)) as one:
        port: int = one.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("addresses", "find_port", "kind"),
    [
        ((V4,), dead_port, o.FAILURE_KIND_CONNECTION_REFUSED),
        (("192.0.2.1",), lambda: 443, o.FAILURE_KIND_NO_WAY_OUT),
    ],
)
async def test_what_cannot_be_reached_has_no_session(
    addresses: tuple[str, ...], find_port: Callable[[], int], kind: o.FailureKind.ValueType
) -> None:
    finding = await look(find_port(), *addresses)
    assert finding.failure.kind == kind
    assert [one.failure.kind for one in finding.connection.dialed] == [kind]
    assert not finding.HasField("session")
