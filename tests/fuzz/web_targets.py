"""What fuzzing drives of domain control by web servers: findings, certificates, redirects."""

import asyncio
import re
import socket
import ssl
from contextlib import suppress
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError

from coordinator.checks.check import VALIDATED, Findings, MalformedFindingError, NotValidatedError
from coordinator.checks.domain_control.acme_certificate import find_fault
from mpic.urls import DEFAULT_PORTS, URL_OCTETS, UrlError, follow, parse_url
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.dialed_socket import DialedSocket
from perspective_agent.connect.tls import make_context
from perspective_agent.http.exchange import Exchange
from perspective_agent.http.reply import Wanted
from perspective_agent.tls.client import TlsClient, read_tls_error
from tests.clauses import test_br_3_2_2_4_18_website as website
from tests.clauses import test_rfc8555_8_3_http_01 as http_01
from tests.clauses import test_rfc8737_tls_alpn_01 as tls_alpn_01
from tests.clauses import web
from tests.world import web as world_web
from tests.world.acme_certificates import Shape, good_extensions, make_certificate

_STATUSES = {301, 302, 307, 308}
_HTTP_01 = web.request(http_01.ROWS[0])
_WEBSITE = web.request(website.ROWS[0])
_TLS_ALPN_01 = tls_alpn_01.request()
_CERTIFICATE = make_certificate(Shape(good_extensions(web.HOST, tls_alpn_01.DIGEST), key="ed25519"))
_SIGNED = _CERTIFICATE[4 : -(64 + 3 + 7)]
"""What the signature is made over, without the algorithm and the signature after it."""

_PAGE = parse_url("http://child.example.test/a/b?c")


def location(data: bytes) -> None:
    """The field Location of a redirect: refused, or a URL that every parser reads alike."""
    with suppress(UrlError):
        url = follow(_PAGE, data)
        text = str(url)
        assert re.fullmatch(r"https?://[a-z0-9._-]+(:[0-9]+)?/[!-~]*", text)
        assert len(text) <= URL_OCTETS
        assert parse_url(text) == url
        parts = urlsplit(text)
        assert (parts.scheme, parts.hostname) == (url.scheme, url.host)
        assert (parts.port or DEFAULT_PORTS[url.scheme]) == url.port


def certificate(data: bytes) -> None:
    """A certificate: whatever it is, a fault is named, and nobody can make one without the key."""
    fault = find_fault(data, web.HOST, tls_alpn_01.DIGEST)
    if fault is None:
        assert _SIGNED in data
    else:
        assert fault.code
        assert len(fault.text) < 4096


_CLIENT_FAILS = (o.FAILURE_KIND_TLS, o.FAILURE_KIND_MALFORMED, o.FAILURE_KIND_TOO_LARGE)


def tls_reply(data: bytes) -> None:
    """What a TLS server says to an agent: nobody completes a handshake by chance."""
    client = TlsClient(make_context(("acme-tls/1",)), web.HOST)
    assert not client.advance()
    for at in range(0, len(data), 16):
        failure = client.receive(data[at : at + 16])
        if failure is None:
            try:
                assert not client.advance()
            except ssl.SSLError as error:
                failure = read_tls_error(error)
        if failure is not None:
            assert failure.kind in _CLIENT_FAILS
            assert failure.detail.isprintable()
            assert len(failure.detail) < 400
            return
    assert client.session is None


_SERVER_FAILS = (
    o.FAILURE_KIND_MALFORMED,
    o.FAILURE_KIND_TOO_LARGE,
    o.FAILURE_KIND_CONNECTION_LOST,
)
_BODY_OCTETS = 16


def http_reply(data: bytes) -> None:
    """What a web server says to an agent before it ends: a response, or a failure of its own."""
    exchange = Exchange(_PAGE, Wanted(_BODY_OCTETS, frozenset(_STATUSES)), {})

    async def ask() -> o.Failure | None:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(data)
            theirs.shutdown(socket.SHUT_WR)
            with DialedSocket.take_over(ours) as sock:
                return await exchange(sock)

    failure = asyncio.run(asyncio.wait_for(ask(), 10))
    response = exchange.reply.read() if exchange.reply is not None else None
    if failure is not None:
        assert failure.kind in _SERVER_FAILS
        assert response is None
        assert failure.detail.isprintable()
        assert len(failure.detail) <= 500
        return
    assert response is not None
    assert 100 <= response.status <= 999
    assert bytes(response.body) in data or b"chunked" in data.lower()
    assert len(response.body) <= _BODY_OCTETS
    # A field in several lines is one (RFC 9112 section 5.2).
    assert all(part in data for part in bytes(response.location).split())


def http_finding(data: bytes) -> None:
    """An agent's finding of a page: not believed, or judged by the last of its hops."""
    for asked, proves in ((_HTTP_01, _is_key_authorization), (_WEBSITE, _has_value)):
        with suppress(DecodeError, MalformedFindingError, NotValidatedError):
            finding = o.Finding(http_get=o.HttpFinding.FromString(data))
            if _passes(asked, [finding]):
                _check_hops(finding.http_get.hops)
                assert proves(finding.http_get.hops[-1].response.body)


def tls_finding(data: bytes) -> None:
    """An agent's finding of a TLS handshake: not believed, or judged by its session."""
    with suppress(DecodeError, MalformedFindingError, NotValidatedError):
        finding = o.Finding(tls_handshake=o.TlsFinding.FromString(data))
        if _passes(_TLS_ALPN_01, [finding]):
            told = finding.tls_handshake
            assert told.session.alpn == "acme-tls/1"
            assert told.connection.tls_version in ("TLSv1.2", "TLSv1.3")
            assert _SIGNED in told.session.certificate
            _check_connection(told.connection, web.HOST, 443)


def _passes(asked: c.RequestedCheck, findings: Findings) -> bool:
    judged = web.JUDGE.judge(findings, web.HOST, asked, VALIDATED)
    assert judged.outcome in c.Outcome.values()
    return judged.outcome == c.OUTCOME_PASSED


def _check_hops(hops: "list[o.HttpHop]") -> None:
    assert 1 <= len(hops) <= 11
    assert hops[0].url.startswith(f"http://{web.HOST}/.well-known/")
    assert {hop.response.status for hop in hops[:-1]} <= _STATUSES
    assert (hops[-1].response.status, hops[-1].response.body_is_cut) == (200, False)
    assert len({hop.url for hop in hops}) == len(hops)
    for hop in hops:
        url = urlsplit(hop.url)
        port = url.port or DEFAULT_PORTS[url.scheme]
        assert port in (80, 443)
        _check_connection(hop.connection, url.hostname or "", port)


def _check_connection(connection: o.Connection, host: str, port: int) -> None:
    assert [one.name for one in connection.lookups] == [host, host]
    validated = (o.DNSSEC_SECURE, o.DNSSEC_INSECURE)
    assert all(one.dnssec in validated or one.HasField("failure") for one in connection.lookups)
    last = connection.dialed[-1]
    assert last.port == port
    assert not last.HasField("failure")
    assert any(last.address in one.records.rdata for one in connection.lookups)


def _is_key_authorization(body: bytes) -> bool:
    return body.rstrip(b" \t\r\n") == http_01.KA and len(body) <= 128


def _has_value(body: bytes) -> bool:
    return website.VALUE in body and len(body) <= 4096


def _http_seed(row: web.Row, asked: c.RequestedCheck) -> bytes:
    (question,) = web.JUDGE.questions(asked, web.HOST)
    return web.look(question.http_get, row).SerializeToString()


def _redirected(rows: "list[web.Row]") -> web.Row:
    return next(row for row in rows if row.clause.endswith("a redirect to it"))


# Of TLS 1.2, with ECDHE and RSA; a certificate would have to follow.
_HELLO = b"\x03\x03" + bytes(32) + b"\x00\xc0\x2f\x00\x00\x05\xff\x01\x00\x01\x00"
_SERVER_HELLO = b"\x16\x03\x03\x00\x31\x02\x00\x00\x2d" + _HELLO

TARGETS = {
    "location": location,
    "certificate": certificate,
    "http_finding": http_finding,
    "tls_finding": tls_finding,
    "tls_reply": tls_reply,
    "http_reply": http_reply,
}
SEEDS = {
    "location": [b"https://b.example:443/x/../y?z#s", b"//b.example/", b"../x", b"http://1.2/"],
    "certificate": [_CERTIFICATE],
    "http_finding": [
        _http_seed(http_01.ROWS[0], _HTTP_01),
        _http_seed(_redirected(http_01.ROWS), _HTTP_01),
        _http_seed(website.ROWS[0], _WEBSITE),
    ],
    "tls_finding": [tls_alpn_01.told(_CERTIFICATE).SerializeToString()],
    "tls_reply": [b"\x15\x03\x03\x00\x02\x02\x28", _SERVER_HELLO, b"HTTP/1.1 400 Bad Request"],
    "http_reply": [
        world_web.ok(b"token.thumbprint"),
        world_web.chunked(b"token", b".", b"thumbprint"),
        world_web.redirect(b"/x?y"),
        world_web.head(b"Connection: close") + b"token",
        world_web.head(status=b"103 Early Hints") + world_web.ok(b"x"),
    ],
}
"""Octets near which the interesting ones lie."""
