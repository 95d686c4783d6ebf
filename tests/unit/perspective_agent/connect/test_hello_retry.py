"""Groups that a TLS server may demand of a client, and those that take too long."""

import random
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from perspective_agent.connect.hello_retry import HelloRetryWatch
from perspective_agent.connect.tls import new_context
from tests.world.tls_server import SelfSigned, make_server_context, self_sign

HELLO_REQUEST = bytes.fromhex("160303000400000000")
CHANGE_CIPHER_SPEC = bytes.fromhex("140303000101")
P_384 = bytes.fromhex("003300020018")
"""The extension key_share of a HelloRetryRequest (RFC 8446 section 4.2.8)."""
FFDHE = range(0x0100, 0x0105)
"""From 2048 to 8192 bits (RFC 7919 section 7)."""
RANDOM = random.Random(8446)  # noqa: S311 - it is to be the same each time


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> SelfSigned:
    return self_sign(tmp_path_factory.mktemp("tls") / "one.pem", "www.example.com")


def first_flight(certificate: SelfSigned, group: str, version: ssl.TLSVersion) -> bytes:
    """Return the first octets of a real server that knows one group alone."""
    context = make_server_context(certificate, [], version)
    context.set_ecdh_curve(group)
    hello, answer = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = new_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="www.example.com")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    sent = ssl.MemoryBIO()
    sent.write(hello.read())
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(sent, answer, server_side=True).do_handshake()
    return answer.read()


def accepts(parts: Sequence[bytes]) -> bool:
    watch = HelloRetryWatch()
    try:
        for part in parts:
            watch(part)
    except ssl.SSLError:
        return False
    return True


def in_other_shapes(flight: bytes) -> Iterator[Sequence[bytes]]:
    """Yield the same as a hostile server may send it, and OpenSSL takes it."""
    yield [flight]
    yield [flight[n : n + 1] for n in range(len(flight))]
    yield [HELLO_REQUEST * 3, flight]
    yield [CHANGE_CIPHER_SPEC, flight]
    size = int.from_bytes(flight[3:5])
    message = flight[5 : 5 + size]
    records = [
        b"\x16\x03\x03" + len(part).to_bytes(2) + part
        for part in (message[:1], message[1:40], message[40:])
    ]
    yield records
    yield [b"".join([HELLO_REQUEST, records[0], CHANGE_CIPHER_SPEC, *records[1:]])]


def demand(certificate: SelfSigned, group: int) -> bytes:
    """Return a real server's flight in which it demands a group."""
    flight = first_flight(certificate, "secp384r1", ssl.TLSVersion.TLSv1_3)
    assert flight.count(P_384) == 1
    return flight.replace(P_384, P_384[:4] + group.to_bytes(2))


@pytest.mark.parametrize("group", FFDHE)
def test_a_group_that_takes_too_long_is_refused_in_whatever_shape(
    certificate: SelfSigned, group: int
) -> None:
    flight = demand(certificate, group)
    assert all(not accepts(parts) for parts in in_other_shapes(flight))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("group", ["prime256v1", "secp384r1", "secp521r1"])
def test_every_curve_may_be_demanded(
    certificate: SelfSigned, group: str, version: ssl.TLSVersion
) -> None:
    flight = first_flight(certificate, group, version)
    assert len(flight) > 80
    assert all(accepts(parts) for parts in in_other_shapes(flight))


def test_whatever_comes_is_read(certificate: SelfSigned) -> None:
    flight = bytearray(demand(certificate, 0x0104))
    for _ in range(2000):
        wrong = bytearray(flight[: RANDOM.randint(0, len(flight))])
        for _ in range(RANDOM.randint(0, 3) if wrong else 0):
            wrong[RANDOM.randrange(len(wrong))] = RANDOM.randrange(256)
        accepts([bytes(wrong)])
    head = flight[:43]  # up to the random
    head[3:5], head[6:9] = (38).to_bytes(2), (34).to_bytes(3)
    assert accepts([bytes(head)])


@pytest.mark.parametrize(
    "part", [HELLO_REQUEST, CHANGE_CIPHER_SPEC, b"\x16\x03\x03\x40\x00" + bytes(0x4000)]
)
def test_a_server_says_hello_soon(certificate: SelfSigned, part: bytes) -> None:
    """OpenSSL passes over as many HelloRequests as there are, and each takes time."""
    flight = first_flight(certificate, "prime256v1", ssl.TLSVersion.TLSv1_3)
    assert accepts([HELLO_REQUEST * 31, flight])
    assert accepts([flight + part * 65])
    assert not accepts([part * 65])
