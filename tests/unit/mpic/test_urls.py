"""Which URLs are fetched, and where a redirect leads (RFC 3986 section 5.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.urls import PATH_OCTETS, URL_OCTETS, Url, UrlError, follow, parse_url

BASE = parse_url("http://a.example/b/c/d;p?q")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://a.example", Url("http", "a.example", 80, "/")),
        ("http://a.example/x?y", Url("http", "a.example", 80, "/x?y")),
        ("HTTPS://A.Example:443/X", Url("https", "a.example", 443, "/X")),
        ("http://a.example:443/", Url("http", "a.example", 443, "/")),
        ("http://a.example:/", Url("http", "a.example", 80, "/")),
        ("http://a.example?x", Url("http", "a.example", 80, "/?x")),
        ("http://a.example/#part", Url("http", "a.example", 80, "/")),
        ("http://a.example/x/../y/./z", Url("http", "a.example", 80, "/y/z")),
        ("http://a.example/%2e%2E/x", Url("http", "a.example", 80, "/%2e%2E/x")),
        ("http://xn--bcher-kva.example/", Url("http", "xn--bcher-kva.example", 80, "/")),
        ("http://a_b.example/", Url("http", "a_b.example", 80, "/")),
        ("http://_a.b_.example/", Url("http", "_a.b_.example", 80, "/")),
    ],
)
def test_a_url_is_read_into_one_form(text: str, url: Url) -> None:
    assert parse_url(text) == url
    assert parse_url(str(url)) == url


def test_the_usual_port_is_left_out_of_the_authority() -> None:
    assert parse_url("http://a.example:80/").authority == "a.example"
    assert parse_url("https://a.example:443/").authority == "a.example"
    assert parse_url("https://a.example:80/").authority == "a.example:80"
    assert parse_url("http://a.example:443/").authority == "a.example:443"


# RFC 3986 sections 5.4.1 and 5.4.2, without the fragments.
@pytest.mark.parametrize(
    ("reference", "resolved"),
    [
        ("g", "/b/c/g"),
        ("./g", "/b/c/g"),
        ("g/", "/b/c/g/"),
        ("/g", "/g"),
        ("?y", "/b/c/d;p?y"),
        ("g?y", "/b/c/g?y"),
        ("#s", "/b/c/d;p?q"),
        ("g#s", "/b/c/g"),
        ("g?y#s", "/b/c/g?y"),
        (";x", "/b/c/;x"),
        ("g;x", "/b/c/g;x"),
        ("", "/b/c/d;p?q"),
        (".", "/b/c/"),
        ("./", "/b/c/"),
        ("..", "/b/"),
        ("../", "/b/"),
        ("../g", "/b/g"),
        ("../..", "/"),
        ("../../g", "/g"),
        ("../../../g", "/g"),
        ("../../../../g", "/g"),
        ("/./g", "/g"),
        ("/../g", "/g"),
        ("g.", "/b/c/g."),
        (".g", "/b/c/.g"),
        ("g..", "/b/c/g.."),
        ("..g", "/b/c/..g"),
        ("./../g", "/b/g"),
        ("./g/.", "/b/c/g/"),
        ("g/./h", "/b/c/g/h"),
        ("g/../h", "/b/c/h"),
        ("g;x=1/../y", "/b/c/y"),
        ("g?y/../x", "/b/c/g?y/../x"),
        ("?", "/b/c/d;p"),
    ],
)
def test_a_relative_reference_keeps_the_host(reference: str, resolved: str) -> None:
    assert str(follow(BASE, reference.encode())) == f"http://a.example{resolved}"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (b"//b.example/x", "http://b.example/x"),
        (b"//b.example", "http://b.example/"),
        (b"https://b.example/x?y=1&z#s", "https://b.example/x?y=1&z"),
        (b"https://b.example:80/", "https://b.example:80/"),
        (b"HTTP://B.EXAMPLE/", "http://b.example/"),
    ],
)
def test_another_host(location: bytes, url: str) -> None:
    assert str(follow(BASE, location)) == url


def test_a_relative_reference_keeps_scheme_and_port() -> None:
    base = parse_url("https://a.example:80/x")
    assert str(follow(base, b"/y")) == "https://a.example:80/y"
    assert str(follow(base, b"//b.example/y")) == "https://b.example/y"


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (b"gopher://a.example/", 'scheme is "gopher"'),
        (b"ftp://a.example/", 'scheme is "ftp"'),
        (b"file:///etc/passwd", 'scheme is "file"'),
        (b"javascript:alert(1)", 'scheme is "javascript"'),
        (b"data:,x", 'scheme is "data"'),
        (b"a.example:80/x", 'scheme is "a.example"'),
        (b"httpx://a.example/", 'scheme is "httpx"'),
        (b"http:/x", "no host"),
        (b"http:x", "no host"),
        (b"http:", "no host"),
        (b"http://", "no host"),
        (b"http:///x", "no host"),
        (b"///b.example/", "no host"),
        (b"http://:80/", "no host"),
        (b"http://user@a.example/", "user information"),
        (b"http://user:secret@a.example/", "user information"),
        (b"http://a.example@b.example/", "user information"),
        (b"//user@b.example/", "user information"),
        (b"http://a.example%40b.example/", "not a name"),
        (b"http://a.example:0/", 'port is "0"'),
        (b"http://a.example:65536/", 'port is "65536"'),
        (b"http://a.example:65616/", 'port is "65616"'),
        (b"http://a.example:00000/", 'port is "00000"'),
        (b"http://a.example:000080/", 'port is "000080"'),
        (b"http://a.example:+80/", 'port is "+80"'),
        (b"http://a.example:-1/", 'port is "-1"'),
        (b"http://a.example:8_0/", 'port is "8_0"'),
        ("http://a.example:\uff18\uff10/".encode(), "port is"),
        (b"http://a.example:80:80/", 'port is "80:80"'),
        (b"http://a.example:http/", 'port is "http"'),
        (b"http://[::1]/", "IP address"),
        (b"http://[::1]:80/", "IP address"),
        (b"http://[fe80::1%25eth0]/", "IP address"),
        (b"http://[::ffff:127.0.0.1]/", "IP address"),
        (b"http://[::1].example/", "IP address"),
        (b"http://a.example]/", "IP address"),
        (b"http://127.0.0.1/", "looks like an IP address"),
        (b"http://127.1/", "looks like an IP address"),
        (b"http://2130706433/", "looks like an IP address"),
        (b"http://0x7f.1/", "looks like an IP address"),
        (b"http://0x7f000001/", "looks like an IP address"),
        (b"http://127.0x1/", "looks like an IP address"),
        (b"http://127.0x/", "looks like an IP address"),
        (b"http://127.0X1/", "looks like an IP address"),
        (b"http://0177.0.0.01/", "looks like an IP address"),
        ("http://\uff11\uff12\uff17.1/".encode(), "U+FF11"),
        (b"http://localhost/", "single label"),
        (b"http://x.localhost/", "in localhost"),
        (b"http://a/", "single label"),
        (b"http://a.example./", "not a name"),
        (b"http://.example/", "not a name"),
        (b"http://a..example/", "not a name"),
        (b"http://*.example.com/", "not a name"),
        ("http://*.b\u00fccher.example/".encode(), "not a name"),
        ("http://b.\u00fccher.onion/".encode(), "Onion"),
        (b"http://-a.example/", "not a name"),
        (b"http://a-.example/", "not a name"),
        (b"http://x.onion/", "in onion"),
        (b"http://1.2.0.192.in-addr.arpa/", "in arpa"),
        (b"http://example.com.well-known/acme-challenge/x", "slash is missing"),
        (b"http://" + b"a" * 64 + b".example/", "not a name"),
        (b"http://" + b"a." * 124 + b"example/", "not a name"),
        (b"http:\\\\a.example\\", "backslash"),
        (b"/\\b.example/", "backslash"),
        (b"\\\\b.example/", "backslash"),
        (b" /x", "space"),
        (b"/x ", "space"),
        (b"/a b", "space"),
        (b"/\tx", "unprintable"),
        (b"/x\r\nHost: b.example", "unprintable"),
        (b"/x\n", "unprintable"),
        (b"/x\x00", "unprintable"),
        (b"/x\x7f", "unprintable"),
        ("/\u202ex".encode(), "unprintable"),
        ("/\u00a0x".encode(), "unprintable"),
        (b"ht\ntp://a.example/", "unprintable"),
        (b"/\xfc", "not UTF-8"),
        (b"/" + b"x" * URL_OCTETS, "4000 may be"),
    ],
)
def test_a_location_that_is_not_followed(location: bytes, text: str) -> None:
    with pytest.raises(UrlError) as caught:
        follow(BASE, location)
    assert text in str(caught.value)


@pytest.mark.parametrize("text", ["", "/x", "//a.example/", "a.example", "?x", "#x"])
def test_what_is_asked_first_is_absolute(text: str) -> None:
    with pytest.raises(UrlError, match="is not absolute"):
        parse_url(text)


def test_the_longest_path_is_followed() -> None:
    path = "/" + "x" * (PATH_OCTETS - 1)
    assert follow(BASE, f"{path}?y".encode()).target == f"{path}?y"
    with pytest.raises(UrlError, match="its path has 2001 octets"):
        follow(BASE, f"{path}x".encode())
    with pytest.raises(UrlError, match="its path has 2005 octets"):
        follow(BASE, f"{path[:-1]}\u00e4".encode())


def test_the_longest_url_is_followed() -> None:
    start = "http://a.example/?"
    longest = start + "x" * (URL_OCTETS - len(start))
    assert str(follow(BASE, longest.encode())) == longest
    with pytest.raises(UrlError, match="it has 4001 octets"):
        follow(BASE, f"/?x{longest[len(start) :]}".encode())


def test_what_is_no_ascii_is_encoded_once() -> None:
    url = follow(BASE, "//b\u00fccher.example/\u00e4?\u00f6=%C3%A4".encode())
    assert str(url) == "http://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%A4"


def test_dots_in_the_path_after_an_empty_segment_name_no_host() -> None:
    url = follow(BASE, b"/.//b.example/x")
    assert url == Url("http", "a.example", 80, "//b.example/x")
    assert parse_url(str(url)) == url


@given(st.text("./?#a:@[]%", max_size=12) | st.text(max_size=6))
def test_whatever_is_followed_reads_as_itself(reference: str) -> None:
    try:
        url = follow(BASE, reference.encode())
    except UrlError:
        return
    assert parse_url(str(url)) == url
    assert follow(url, str(url).encode()) == url
    assert url.target.startswith("/")
