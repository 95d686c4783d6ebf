"""One HTTP GET over real sockets, from servers that behave and from servers that do not."""

import asyncio
import socket
import ssl
import struct
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mpic import __version__
from mpic.v1 import observation_pb2 as o
from perspective_agent.connect import shared_looks
from perspective_agent.connect.dialer import Dialer, Reach
from perspective_agent.connect.places import Limits
from perspective_agent.connect.shared_looks import PendingLook, Seen, SharedLooks
from perspective_agent.dns.shared_lookups import SharedLookups
from perspective_agent.egress import Egress
from perspective_agent.http import exchange
from perspective_agent.http.get import Get, make_user_agent
from perspective_agent.http.redirects import RedirectLimits
from perspective_agent.http.target import HttpTarget
from tests.integration.test_tls_handshake import DEMANDS_FFDHE8192
from tests.world import web
from tests.world.answers import TableLink

HOST = "www.example.test"
PATH = "/.well-known/acme-challenge/token"
URL = f"http://{HOST}{PATH}"
LAB = Egress(allow_special_purpose=True)
RULES = RedirectLimits(10, frozenset({301, 302, 307, 308}), frozenset({80, 443}))
KEY = b"token.thumbprint"
PATIENCE = 30.0
HttpSeen = Seen[o.HttpFinding]
PendingHttp = PendingLook[HttpTarget, o.HttpFinding]
HINTS = web.head(status=b"103 Early Hints")
CHUNKED = web.head(b"Transfer-Encoding: chunked")

LOST = o.FAILURE_KIND_CONNECTION_LOST
LARGE = o.FAILURE_KIND_TOO_LARGE
LATE = o.FAILURE_KIND_TIMEOUT
NONSENSE = o.FAILURE_KIND_MALFORMED


class Gets(NamedTuple):
    """The GETs of an agent, and what dials for them."""

    dialer: Dialer
    looks: SharedLooks[HttpTarget, o.HttpFinding]


def make_gets(**hosts: Sequence[str]) -> Gets:
    names = {name.replace("_", "."): addresses for name, addresses in hosts.items()}
    return gets_over(TableLink(names or {HOST: ["127.0.0.1"]}))


def gets_over(link: TableLink, egress: Egress = LAB, limits: Limits | None = None) -> Gets:
    dialer = Dialer(
        SharedLookups(link, lambda: True), Reach(egress, limits or Limits()), link.overload_history
    )
    agent = make_user_agent("https://mpic.example/contact")
    return Gets(dialer, SharedLooks(partial(Get, dialer=dialer, user_agent=agent)))


async def get(
    url: str = URL, gets: Gets | None = None, octets: int = 128, rules: RedirectLimits = RULES
) -> Sequence[o.HttpHop]:
    """Get a URL; return the hops. Nothing is left open."""
    gets = gets or make_gets()
    done: asyncio.Future[HttpSeen] = asyncio.get_running_loop().create_future()
    gets.looks.start(HttpTarget(url, octets, rules), done.set_result)
    async with asyncio.timeout(PATIENCE):
        result = await done
    assert result.lookups_us[0] > 0
    for _ in range(5):
        await asyncio.sleep(0)
    assert gets.dialer.places.taken == 0
    assert not gets.looks._under_way
    return result.finding.hops


@pytest.mark.parametrize(
    ("serve", "body"),
    [
        (web.say(web.ok(KEY)), KEY),
        (web.say(web.ok(b"")), b""),
        (web.say(web.chunked(KEY)), KEY),
        (web.say(web.chunked(*[KEY[n : n + 1] for n in range(len(KEY))])), KEY),
        # In two segments: one read does not have all.
        (web.say(web.head(b"Content-Length: 16"), KEY[:5], KEY[5:], pause=0.01), KEY),
        (web.say(web.head(b"Connection: close"), KEY[:5], KEY[5:], pause=0.01), KEY),
        (web.say(b"HTTP/1.0 200 OK\r\n\r\n", KEY), KEY),
        (web.say(HINTS, HINTS, web.ok(KEY)), KEY),
        # As received: no content coding is removed, no charset is believed.
        (web.say(web.ok(b"\x1f\x8b\x08\x00", b"Content-Encoding: gzip")), b"\x1f\x8b\x08\x00"),
        (web.say(web.ok(b"x", b"Content-Encoding: br")), b"x"),
        (web.say(web.ok(b"\xff\xfe\0", b"Content-Type: text/plain; charset=no")), b"\xff\xfe\0"),
        # What follows a response on the same connection is none.
        (web.say(web.ok(KEY) + web.ok(b"other")), KEY),
        (web.say(web.ok(KEY) + b"\r\n"), KEY),
        (web.say(web.ok(KEY, b"Connection: close") + b"\r\n"), KEY),
        (web.say(web.ok(KEY), b"more than was said", pause=0.01), KEY),
        (web.say(web.ok(KEY) + b"more than was said"), KEY),
        (web.say(web.ok(KEY, b"Connection: close") + b"more than was said"), KEY),
        (web.say(web.chunked(KEY) + b"more than was said"), KEY),
        (web.say(web.ok(b"x" * 128)), b"x" * 128),
    ],
)  # fmt: skip
async def test_a_response_is_read_to_its_end(serve: web.Serve, body: bytes) -> None:
    async with web.serving(serve):
        (hop,) = await get()
    assert (hop.url, hop.response.status, hop.response.body) == (URL, 200, body)
    assert not hop.response.body_is_cut
    assert not hop.response.location
    assert hop.connection.tls_version == ""


@pytest.mark.parametrize(
    "serve",
    [
        web.say(web.ok(b"x" * 129)),
        web.say(web.ok(b"x" * 100_000)),
        web.say(web.chunked(b"x" * 100, b"x" * 29)),
        web.say(web.head(b"Connection: close"), b"x" * 128, b"x", pause=0.01),
        web.repeat(web.head(), b"x" * 65536)[0],
    ],
)
async def test_h_6_more_than_is_wanted_is_cut_and_said_to_be(serve: web.Serve) -> None:
    async with web.serving(serve):
        (hop,) = await get()
    assert hop.response.body == b"x" * 128
    assert hop.response.body_is_cut


async def test_gigabytes_are_not_read() -> None:
    serve, sent = web.repeat(web.head(b"Content-Length: 1073741824"), b"x" * 65536)
    async with web.serving(serve):
        (hop,) = await get(octets=65_536)
    assert len(hop.response.body) == 65_536
    assert sent[0] < 16 * 2**20  # what the buffers of both kernels take


@pytest.mark.parametrize(
    ("serve", "kind"),
    [
        (web.say(), LOST),
        (web.reset, LOST),
        (web.say(b"HTTP/1.1 200 OK\r\nContent-Le"), LOST),
        (web.say(web.head(b"Content-Length: 16") + KEY[:9]), LOST),
        (web.say(CHUNKED + b"10\r\ntok"), LOST),
        (web.say(CHUNKED + b"5\r\ntoken\r\n"), LOST),
        (web.say(b"SSH-2.0-OpenSSH_9.2\r\n"), NONSENSE),
        (web.say(b"\x15\x03\x01\x00\x02\x02\x46"), NONSENSE),
        (web.say(KEY + b"\r\n\r\n"), NONSENSE),
        (web.say(b"HTTP/1.1 OK\r\n\r\n"), NONSENSE),
        (web.say(web.ok(KEY, status=b"000 OK")), NONSENSE),
        (web.say(web.ok(KEY, status=b"099 OK")), NONSENSE),
        (web.say(web.ok(KEY, status=b"2000 OK")), NONSENSE),
        (web.say(web.head(b"no colon")), NONSENSE),
        (web.say(web.head(b"Content-Length: -1") + KEY), NONSENSE),
        (web.say(web.head(b"Content-Length: 1", b"Content-Length: 2") + KEY), NONSENSE),
        (web.say(CHUNKED + b"zz\r\n" + KEY), NONSENSE),
        (web.say(CHUNKED, b"zz\r\n" + KEY, b"x", pause=0.02), NONSENSE),
        (web.say(b"HTTP/1.1 200 " + b"x" * 9000 + b"\r\n\r\n"), LARGE),
        (web.say(web.head(b"X: " + b"x" * 9000)), LARGE),
        (web.say(web.head(*[b"X:"] * 5000)), NONSENSE),
        (web.say(web.head(*[b"X: " + b"x" * 500] * 40)), LARGE),
        (web.repeat(b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 500 + b"\r\n")[0], LARGE),
        (web.repeat(b"", HINTS * 100)[0], LARGE),
        (web.say(HINTS * (exchange.CONNECTION_OCTETS // len(HINTS) + 9) + web.ok(KEY)), LARGE),
        (web.repeat(CHUNKED + b"1;", b"x" * 9000)[0], LARGE),
        (web.repeat(CHUNKED + b"0\r\n", b"X: y\r\n" * 500)[0], NONSENSE),
    ],
)  # fmt: skip
async def test_a_server_that_speaks_nonsense_ends_in_its_failure(
    serve: web.Serve, kind: o.FailureKind.ValueType
) -> None:
    async with web.serving(serve):
        (hop,) = await get()
    assert o.FailureKind.Name(hop.failure.kind) == o.FailureKind.Name(kind), hop.failure
    assert hop.failure.detail
    assert not hop.connection.dialed[0].HasField("failure")


async def test_h_7_what_is_sent() -> None:
    async with web.serving(web.say(web.ok(KEY))) as requests:
        await get(f"{URL}?a=b&c")
    (request,) = requests
    assert request.split(b"\r\n") == [
        f"GET {PATH}?a=b&c HTTP/1.1".encode(),
        b"Host: www.example.test",
        b"Accept: */*",
        b"Accept-Encoding: identity",
        f"User-Agent: mpic/{__version__} (+https://mpic.example/contact)".encode(),
        b"Connection: close",
        b"",
        b"",
    ]


@pytest.mark.parametrize(
    "target",
    ["/%zz", "/a%2Fb", "/a;b=c", "/?a=b&a=c+d", "/'\"<>", "//x", "/..%2f", "/{}|^`", "/%", "/a?b?c",
     "/a?b=%", "/[x]", "/a@b:c", "/%e4?%ff", "/a?http://x/y", "/\u00e9?\u00fc", "/a?"],
)  # fmt: skip
async def test_the_url_that_is_told_is_the_one_that_was_asked_for(target: str) -> None:
    async with web.serving(web.say(web.ok(KEY))) as requests:
        (hop,) = await get(f"http://{HOST}{target}")
    asked = requests[0].split(b" ")[1].decode()
    assert hop.url == f"http://{HOST}{asked}"


@pytest.mark.parametrize("host", ["a_b.example.test", "_a.test", f"{'a' * 63}.{'b' * 63}.test"])
async def test_a_host_of_another_form_is_asked_over_tls_too(host: str, tmp_path: Path) -> None:
    context = make_context(tmp_path, ssl.TLSVersion.TLSv1_3)
    async with web.serving(web.say(web.ok(KEY)), port=443, context=context):
        (hop,) = await get(f"https://{host}/", gets_over(TableLink({host: ["127.0.0.1"]})))
    assert hop.response.body == KEY


async def test_h_7_nothing_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text(f"machine {HOST} login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    cookie = web.ok(b"moved", b"Location: /next", b"Set-Cookie: a=b", status=b"302 Found")
    pages = {PATH.encode(): cookie, b"/next": web.ok(KEY)}
    async with web.serving(web.by_path(pages)) as requests:
        hops = await get()
    assert hops[-1].response.body == KEY
    assert len(requests) == 2
    assert not any(b"authorization" in one.lower() or b"cookie" in one.lower() for one in requests)


async def test_the_port_stands_in_host_if_it_is_not_the_usual() -> None:
    async with web.serving(web.say(web.ok(KEY)), port=443) as requests:
        (hop,) = await get(f"http://{HOST}:443/")
    assert b"\r\nHost: www.example.test:443\r\n" in requests[0]
    assert hop.connection.dialed[0].port == 443


@pytest.mark.parametrize(
    "status", [200, 201, 203, 204, 206, 304, 400, 401, 403, 404, 410, 500, 503]
)
async def test_the_agent_judges_no_status(status: int) -> None:
    body = b"" if status in {204, 304} else KEY
    async with web.serving(web.say(web.ok(body, status=b"%d Some" % status))):
        (hop,) = await get()
    assert (hop.response.status, hop.response.body) == (status, body)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_h_8_a_redirect_that_may_be_followed_is(status: int) -> None:
    moved = web.redirect(b"/b?c=d#e", b"%d Moved" % status)
    async with web.serving(web.by_path({PATH.encode(): moved, b"/b?c=d": web.ok(KEY)})):
        first, last = await get()
    assert (first.url, first.response.status, first.response.location) == (URL, status, b"/b?c=d#e")
    assert (last.url, last.response.body) == (f"http://{HOST}/b?c=d", KEY)
    for hop in (first, last):
        assert [one.name for one in hop.connection.lookups] == [HOST, HOST]
        assert len(hop.connection.dialed) == 1


@pytest.mark.parametrize("status", [300, 303, 304, 305, 306, 399, 200])
async def test_h_8_another_status_is_the_end_whatever_its_location(status: int) -> None:
    other = web.head(b"Location: /b", b"Content-Length: 0", status=b"%d Moved" % status)
    async with web.serving(web.say(other)) as requests:
        (hop,) = await get()
    assert (hop.response.status, hop.response.location) == (status, b"/b")
    assert len(requests) == 1


async def test_h_8_the_content_of_a_redirect_is_not_waited_for() -> None:
    moved = web.head(b"Location: /b", b"Content-Length: 9", status=b"302 Found")

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        if b" /b " in request:
            writer.write(web.ok(KEY))
        else:
            writer.write(moved)
            await writer.drain()
            await asyncio.Event().wait()

    async with web.serving(serve):
        first, last = await get()
    assert (first.response.status, first.response.body) == (302, b"")
    assert last.response.body == KEY


async def test_without_rules_no_redirect_is_followed() -> None:
    async with web.serving(web.say(web.redirect(b"/b"))) as requests:
        (hop,) = await get(rules=RedirectLimits())
    assert (hop.response.status, hop.response.body) == (302, b"moved")
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (b"gopher://www.example.test/", "gopher://www.example.test/"),
        (b"file:///etc/passwd", "file:///etc/passwd"),
        (b"http://www.example.test:8080/", "http://www.example.test:8080/"),
        (b"http://www.example.test:22/", "http://www.example.test:22/"),
        (b"http://www.example.test:65616/", "http://www.example.test:65616/"),
        (b"http://127.0.0.1/", "http://127.0.0.1/"),
        (b"http://[::1]/", "http://[::1]/"),
        (b"http://2130706433/", "http://2130706433/"),
        (b"http://0x7f.1/", "http://0x7f.1/"),
        (b"http://localhost/", "http://localhost/"),
        (b"http://www.example.test@127.0.0.1/", "http://www.example.test@127.0.0.1/"),
        (b"http:\\\\127.0.0.1/", "http:\\\\127.0.0.1/"),
        (b"https://www.example.test.well-known/x", "https://www.example.test.well-known/x"),
        (b"http://\xff.test/", "http://\\xff.test/"),
    ],
)
async def test_h_10_a_target_is_judged_before_it_is_dialled(location: bytes, url: str) -> None:
    async with web.serving(web.say(web.redirect(location))) as requests:
        gets = make_gets()
        first, last = await get(gets=gets)
    assert first.response.location == location
    assert (last.url, last.failure.kind) == (url, o.FAILURE_KIND_REDIRECT_NOT_ALLOWED)
    assert not last.HasField("connection")
    assert last.failure.detail.startswith("the redirect is not followed: ")
    assert len(requests) == 1
    assert gets.dialer.lookups._resolver.asked == [(HOST, 28), (HOST, 1)]  # type: ignore[attr-defined]


async def test_h_11_ten_redirects_are_followed_and_not_eleven() -> None:
    pages = {b"/%d" % n: web.redirect(b"/%d" % (n - 1)) for n in range(1, 12)} | {
        b"/0": web.ok(KEY)
    }
    async with web.serving(web.by_path(pages)):
        ten = await get(f"http://{HOST}/10")
        eleven = await get(f"http://{HOST}/11")
    assert ten[-1].response.body == KEY
    assert len(ten) == 11
    assert len(eleven) == 12
    assert eleven[-1].failure.kind == o.FAILURE_KIND_TOO_MANY_REDIRECTS
    assert eleven[-1].url == f"http://{HOST}/0"
    assert not eleven[-1].HasField("connection")


async def test_h_11_a_url_that_was_asked_for_is_a_loop() -> None:
    pages = {b"/a": web.redirect(b"/b"), b"/b": web.redirect(b"http://WWW.example.test:80/a#x")}
    async with web.serving(web.by_path(pages)) as requests:
        hops = await get(f"http://{HOST}/a")
    assert hops[-1].failure.kind == o.FAILURE_KIND_REDIRECT_LOOP
    assert hops[-1].url == f"http://{HOST}/a"
    assert len(requests) == 2


async def test_h_12_every_hop_is_looked_up_anew() -> None:
    """A host whose address changes between two hops is dialled at the new one (rebinding)."""
    link = TableLink({HOST: ["127.0.0.1"]})

    async def rebind(_: bytes, writer: asyncio.StreamWriter) -> None:
        link.addresses[HOST] = ["127.0.0.2"]
        writer.write(web.redirect(b"/b"))

    async with web.serving(rebind), web.serving(web.say(web.ok(KEY)), "127.0.0.2"):
        first, last = await get(gets=gets_over(link))
    assert first.connection.dialed[0].address == b"\x7f\0\0\x01"
    assert last.connection.dialed[0].address == b"\x7f\0\0\x02"
    assert last.response.body == KEY


async def test_h_14_an_answer_over_ipv6_is_final() -> None:
    gets = gets_over(TableLink({HOST: ["127.0.0.1", "::1"]}))
    none = web.say(web.ok(b"", status=b"404 Not Found"))
    async with web.serving(none, "::1"), web.serving(web.say(web.ok(KEY))) as of_ipv4:
        (hop,) = await get(gets=gets)
    assert hop.response.status == 404
    assert of_ipv4 == []


def make_context(directory: Path, most: ssl.TLSVersion) -> ssl.SSLContext:
    """A server whose certificate is expired, for another name, and signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other.test")])
    then = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, then, then + timedelta(days=1))
    ).sign(key, hashes.SHA256())
    pem = directory / "pair.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = most
    return context


@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_h_13_a_certificate_is_not_verified(tmp_path: Path, most: ssl.TLSVersion) -> None:
    context = make_context(tmp_path, most)
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    secure = web.redirect(f"https://{HOST}/x".encode())
    async with (
        web.serving(web.say(secure)),
        web.serving(web.say(web.ok(KEY)), port=443, context=context),
    ):
        first, last = await get()
    assert asked == [HOST]
    assert (last.url, last.response.body) == (f"https://{HOST}/x", KEY)
    assert first.connection.tls_version == ""
    assert last.connection.tls_version == {771: "TLSv1.2", 772: "TLSv1.3"}[most.value]


@pytest.mark.parametrize("says_goodbye", [True, False])
async def test_h_13_a_response_over_tls_may_end_as_it_likes(
    tmp_path: Path, *, says_goodbye: bool
) -> None:
    async def serve(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(web.head(b"Connection: close") + KEY)
        await writer.drain()
        if not says_goodbye:
            writer.transport.abort()

    context = make_context(tmp_path, ssl.TLSVersion.TLSv1_2)
    async with web.serving(serve, port=443, context=context):
        (hop,) = await get(f"https://{HOST}/")
    assert hop.response.body == KEY


@pytest.mark.parametrize("linger", [struct.pack("ii", 0, 0), struct.pack("ii", 1, 0)])
async def test_h_13_a_handshake_that_breaks_off_is_a_failure_of_tls(linger: bytes) -> None:
    """Closed, or reset."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 443):
        (hop,) = await get(f"https://{HOST}/")
    assert hop.failure.kind == o.FAILURE_KIND_TLS
    assert hop.connection.tls_version == ""


async def test_h_13_tls_1_1_is_refused(tmp_path: Path) -> None:
    context = make_context(tmp_path, ssl.TLSVersion.TLSv1_1)
    async with web.serving(web.say(web.ok(KEY)), port=443, context=context):
        (hop,) = await get(f"https://{HOST}/")
    assert hop.failure.kind == o.FAILURE_KIND_TLS
    assert hop.connection.tls_version == ""


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", DEMANDS_FFDHE8192])
async def test_https_where_there_is_no_tls_for_us(said: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 443):
        (hop,) = await get(f"https://{HOST}/")
    assert hop.failure.kind == o.FAILURE_KIND_TLS
    assert ("finite-field" in hop.failure.detail) == (said == DEMANDS_FFDHE8192)


async def test_what_comes_in_a_tls_session_is_bounded_as_without(tmp_path: Path) -> None:
    context = make_context(tmp_path, ssl.TLSVersion.TLSv1_3)
    flood = HINTS * (exchange.CONNECTION_OCTETS // len(HINTS) + 9)
    async with web.serving(web.say(flood, web.ok(KEY)), port=443, context=context):
        (hop,) = await get(f"https://{HOST}/")
    assert hop.failure.kind == LARGE
    assert hop.connection.tls_version == "TLSv1.3"


@pytest.mark.parametrize(
    "serve",
    [
        web.hang,
        web.say(*[b"%c" % octet for octet in web.ok(KEY)], pause=0.05),
        web.repeat(web.head(), b"x", most=100, pause=0.05)[0],
        web.say(web.head(b"Content-Length: 16") + KEY[:9], b"", pause=PATIENCE),
    ],
)
async def test_h_15_a_server_that_takes_too_long_is_late(
    serve: web.Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_looks, "SECONDS", 0.3)
    async with web.serving(serve):
        (hop,) = await get()
    assert hop.failure.kind == LATE
    assert hop.failure.detail == "not done within 0.3 s: connected to www.example.test, port 80"
    assert len(hop.connection.lookups) == 2
    assert not hop.connection.dialed[0].HasField("failure")


async def test_h_15_redirects_do_not_prolong_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_looks, "SECONDS", 0.3)
    number = 0

    async def slow(_: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal number
        number += 1
        await asyncio.sleep(0.12)
        writer.write(web.redirect(b"/%d" % number))

    async with web.serving(slow):
        hops = await get()
    assert 2 <= len(hops) <= 3
    assert all(hop.response.status == 302 for hop in hops[:-1])
    assert hops[-1].failure.kind == LATE


async def start(gets: Gets, url: str = URL) -> tuple[PendingHttp, "asyncio.Future[HttpSeen]"]:
    done: asyncio.Future[HttpSeen] = asyncio.get_running_loop().create_future()
    return gets.looks.start(HttpTarget(url, 128, RULES), done.set_result), done


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110 - it is of a server elsewhere
            await asyncio.sleep(0.005)


async def test_who_withdraws_closes_the_connection_at_once() -> None:
    ended = asyncio.Event()

    async def drip(_: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(HINTS)
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    gets = make_gets()
    async with web.serving(drip) as requests:
        pending, _ = await start(gets)
        await until(lambda: bool(requests))
        pending.withdraw()
        assert not pending.is_open
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
    assert gets.dialer.places.taken == 0


async def test_a_deadline_returns_the_hops_so_far() -> None:
    hung = web.by_path({PATH.encode(): web.redirect(b"/hang")})

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        await (web.hang if b" /hang " in request else hung)(request, writer)

    gets = make_gets()
    async with web.serving(serve) as requests:
        pending, done = await start(gets)
        await until(lambda: len(requests) == 2)
        cut = pending.cut_short(time.perf_counter(), 5)
        pending.release(done.set_result)
    first, last = cut.finding.hops
    assert first.response.status == 302
    assert (last.url, last.failure.kind) == (f"http://{HOST}/hang", LATE)
    assert not done.done()


async def test_equal_questions_at_a_time_ask_a_server_once() -> None:
    gets = make_gets()
    async with web.serving(web.say(web.ok(KEY), pause=0.02)) as requests:
        both = [await start(gets) for _ in range(2)]
        other = await start(gets, f"{URL}2")
        async with asyncio.timeout(PATIENCE):
            results = [await done for _, done in (*both, other)]
    assert [one.finding.hops[-1].response.body for one in results] == [KEY] * 3
    assert len(requests) == 2


async def test_a_get_that_has_lasted_is_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_looks, "JOINED_SECONDS", 0.0)
    monkeypatch.setattr(shared_looks, "SECONDS", 0.3)
    gets = make_gets()
    answers = [web.hang, web.say(web.ok(KEY))]

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        await answers.pop(0)(request, writer)

    async with web.serving(serve) as requests:
        _, first = await start(gets)
        await until(lambda: len(requests) == 1)
        _, second = await start(gets)
        async with asyncio.timeout(PATIENCE):
            assert (await second).finding.hops[-1].response.body == KEY
            assert (await first).finding.hops[-1].failure.kind == LATE
    assert not gets.looks._under_way


async def test_a_server_that_hangs_costs_others_nothing() -> None:
    hosts = {f"h{n}.test": ["127.0.0.1"] for n in range(40)} | {HOST: ["127.0.0.2"]}
    gets = gets_over(TableLink(hosts), limits=Limits(in_all=8, to_host=2, to_address=4))
    async with web.serving(web.hang) as hung, web.serving(web.say(web.ok(KEY)), "127.0.0.2"):
        waiting = [await start(gets, f"http://h{n}.test/") for n in range(40)]
        await until(lambda: len(hung) == 4)
        for number in range(20):
            (done,) = [(await start(gets, f"{URL}{number}"))[1]]
            async with asyncio.timeout(PATIENCE):
                assert (await done).finding.hops[-1].response.body == KEY
        assert len(hung) == 4
        assert not any(pending.is_queued for pending, _ in waiting)
        for pending, _ in waiting:
            pending.withdraw()
    await until(lambda: gets.dialer.places.taken == 0)
    assert gets.dialer.places.waiting == 0


async def test_what_breaks_here_is_our_own_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(exchange.Exchange, "_open", broken)
    async with web.serving(web.say(web.ok(KEY))):
        (hop,) = await get()
    assert hop.failure.kind == o.FAILURE_KIND_INTERNAL
