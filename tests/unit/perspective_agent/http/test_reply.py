"""Reading a response: it is the same in whatever pieces it comes."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.v1 import observation_pb2 as o
from perspective_agent.http.reply import ReplyError, ResponseReader, Wanted
from tests.world import web

LOST, NONSENSE = o.FAILURE_KIND_CONNECTION_LOST, o.FAILURE_KIND_MALFORMED
KEY = b"token.thumbprint"
HINTS = web.head(status=b"103 Early Hints")
CHUNKED = web.head(b"Transfer-Encoding: chunked")
LINES = b"HTTP/1.1 200 OK\nContent-Length: 16\n\n"

REPLIES: list[tuple[bytes, bytes | o.FailureKind.ValueType]] = [
    (web.ok(KEY), KEY),
    (web.ok(KEY) + b"more than was said", KEY),
    (web.ok(KEY) + web.ok(b"other"), KEY),
    (web.ok(KEY, b"Connection: close") + b"\xff\x00", KEY),
    (HINTS + HINTS + web.ok(KEY) + b"more", KEY),
    (LINES + KEY + b"more", KEY),
    (web.chunked(b"token", b".", b"thumbprint"), KEY),
    (web.chunked(KEY) + b"more", KEY),
    (CHUNKED + b"10;a=b\r\n" + KEY + b"\r\n0\r\nX: y\r\n\r\n", KEY),
    (web.head(b"Connection: close") + KEY, KEY),
    (b"HTTP/1.0 200 OK\r\n\r\n" + KEY, KEY),
    (web.ok(b""), b""),
    (web.head(status=b"204 No Content") + b"more", b""),
    (web.ok(b"x" * 40), b"x" * 20),
    (web.head() + b"x" * 40, b"x" * 20),
    (web.redirect(b"/x") + b"more", b""),
    (web.ok(KEY)[:-1], LOST),
    (web.ok(KEY)[:30], LOST),
    (HINTS, LOST),
    (b"", LOST),
    (CHUNKED + b"10\r\ntok", LOST),
    (CHUNKED + b"zz\r\n" + KEY, NONSENSE),
    (CHUNKED + b"5\r\ntokenzz", NONSENSE),
    (b"SSH-2.0-OpenSSH_9.2\r\n", NONSENSE),
    (web.head(b"no colon"), NONSENSE),
]


def read(pieces: Iterable[bytes]) -> bytes | o.FailureKind.ValueType:
    reply = ResponseReader(Wanted(20, frozenset({302})))
    try:
        if not any(reply.feed(piece) for piece in pieces):
            reply.end()
    except ReplyError as error:
        return error.failure.kind
    response = reply.read()
    assert response.body_is_cut == (response.body == b"x" * 20)
    return response.body


@pytest.mark.parametrize(("octets", "expected"), REPLIES)
async def test_a_response_in_one_piece(
    octets: bytes, expected: bytes | o.FailureKind.ValueType
) -> None:
    assert read([octets]) == expected


@pytest.mark.parametrize(("octets", "expected"), REPLIES)
async def test_a_response_octet_by_octet(
    octets: bytes, expected: bytes | o.FailureKind.ValueType
) -> None:
    assert read(octets[at : at + 1] for at in range(len(octets))) == expected


@given(st.sampled_from(REPLIES), st.lists(st.integers(1, 90), max_size=4))
async def test_a_response_in_any_pieces(
    row: tuple[bytes, bytes | o.FailureKind.ValueType], sizes: list[int]
) -> None:
    octets, expected = row
    pieces = []
    for size in sizes:
        pieces.append(octets[:size])
        octets = octets[size:]
    assert read([*filter(None, pieces), octets]) == expected
