"""What follows from a response. `tests/unit/mpic/test_urls.py` has how a Location is read."""

import pytest

from mpic.urls import Url, parse_url
from mpic.v1 import observation_pb2 as o
from perspective_agent.http.redirects import NotFollowed, RedirectLimits, find_next

FIRST = parse_url("http://a.example/1")
RULES = RedirectLimits(10, frozenset({301, 302, 307, 308}), frozenset({80, 443}))
NOT_ALLOWED = o.FAILURE_KIND_REDIRECT_NOT_ALLOWED
MANY = o.FAILURE_KIND_TOO_MANY_REDIRECTS
LOOP = o.FAILURE_KIND_REDIRECT_LOOP


def chain(length: int) -> list[Url]:
    return [parse_url(f"http://a.example/{number + 1}") for number in range(length)]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_h_8_a_listed_status_with_a_location_is_followed(status: int) -> None:
    assert find_next([FIRST], status, [b"/2"], RULES) == parse_url("http://a.example/2")


@pytest.mark.parametrize("status", [200, 201, 300, 303, 304, 305, 306, 399, 404, 500])
def test_h_8_any_other_is_the_end(status: int) -> None:
    assert find_next([FIRST], status, [b"/2"], RULES) is None


def test_without_a_location_a_redirect_is_the_end() -> None:
    assert find_next([FIRST], 302, [], RULES) is None


@pytest.mark.parametrize(
    ("location", "kind", "url"),
    [
        (b"http://a.example:8080/", NOT_ALLOWED, "http://a.example:8080/"),
        (b"http://10.0.0.1/", NOT_ALLOWED, "http://10.0.0.1/"),
        (b"javascript:alert(1)", NOT_ALLOWED, "javascript:alert(1)"),
        (b"\x00\xff", NOT_ALLOWED, r"\000\xff"),
        (b"", LOOP, "http://a.example/1"),
        (b"#part", LOOP, "http://a.example/1"),
        (b"HTTP://A.EXAMPLE:80/1", LOOP, "http://a.example/1"),
        (b"../1?", LOOP, "http://a.example/1"),
        (b"../1?x", None, "http://a.example/1?x"),
        (b"https://a.example/1", None, "https://a.example/1"),
    ],
)
def test_where_a_redirect_leads_is_said_whether_it_is_followed_or_not(
    location: bytes, kind: o.FailureKind.ValueType | None, url: str
) -> None:
    following = find_next([FIRST], 302, [location], RULES)
    if kind is None:
        assert str(following) == url
    else:
        assert isinstance(following, NotFollowed)
        assert (following.url, following.failure.kind) == (url, kind)


def test_two_locations_that_differ_are_none() -> None:
    assert find_next([FIRST], 302, [b"/2", b"/2"], RULES) == parse_url("http://a.example/2")
    following = find_next([FIRST], 302, [b"/2", b"/3"], RULES)
    assert isinstance(following, NotFollowed)
    assert following.failure.kind == NOT_ALLOWED


@pytest.mark.parametrize(("asked", "most", "is_followed"), [
    (1, 1, True), (2, 1, False), (10, 10, True), (11, 10, False), (11, 99, False), (1, 0, False),
])  # fmt: skip
def test_h_11_no_more_redirects_than_are_allowed(asked: int, most: int, is_followed: bool) -> None:
    following = find_next(chain(asked), 302, [b"/x"], RULES._replace(most=most))
    if is_followed:
        assert following == parse_url("http://a.example/x")
    else:
        assert isinstance(following, NotFollowed)
        assert following.failure.kind == MANY


def test_a_loop_is_called_so_even_at_the_last_redirect() -> None:
    following = find_next(chain(11), 302, [b"/3"], RULES)
    assert isinstance(following, NotFollowed)
    assert following.failure.kind == LOOP


def test_without_allowed_ports_no_redirect_is_followed() -> None:
    following = find_next([FIRST], 302, [b"/2"], RULES._replace(ports=frozenset()))
    assert isinstance(following, NotFollowed)
    assert following.failure.kind == NOT_ALLOWED


def test_what_is_said_of_a_target_is_escaped_and_short() -> None:
    following = find_next([FIRST], 302, [b"ftp://" + b"\x1b" * 9000], RULES)
    assert isinstance(following, NotFollowed)
    assert len(following.url) <= 4000
    assert following.url.isprintable()
    assert len(following.failure.detail) < 300
