"""BR 3.2.2.4.18 and 3.2.2.4.19: which redirects are followed, and to where."""

import pytest

from tests.clauses.test_rfc8555_8_3_http_01 import ASKED, KA, TOKEN, URL
from tests.clauses.web import FAILED, MISSING, PASSED, Row, Sent, judge, outcome_of, redirect

PAGE = Sent(KA)
PATH = f"/.well-known/acme-challenge/{TOKEN}"

STATUSES = [
    *((status, PASSED) for status in (301, 302, 307, 308)),
    *((status, MISSING) for status in (200, 201, 202, 300, 303, 304, 305, 306, 309, 310, 399, 404)),
]
# Where a redirect leads, and what is there, if it is anything.
TARGETS = [
    ("an absolute URL", "http://b.@/x", "http://b.@/x"),
    ("HTTPS at its own port", "https://@/x", "https://@/x"),
    ("HTTPS, port written", "https://@:443/x", "https://@/x"),
    ("HTTP, port written", "http://@:80/x", "http://@/x"),
    ("HTTP at port 443", "http://@:443/x", "http://@:443/x"),
    ("HTTPS at port 80", "https://@:80/x", "https://@:80/x"),
    ("an empty port", "http://@:/x", "http://@/x"),
    ("the same path by HTTPS", f"https://@{PATH}", f"https://@{PATH}"),
    ("the host with www", f"http://www.@{PATH}", f"http://www.@{PATH}"),
    ("an absolute path", "/x", "http://@/x"),
    ("a relative path", "x", "http://@/.well-known/acme-challenge/x"),
    ("a path upwards", "../x", "http://@/.well-known/x"),
    ("a path above the root", "../../../../x", "http://@/x"),
    ("a query alone", "?x", f"http://@{PATH}?x"),
    ("a query is kept", "http://b.@/x?y=1&z=%20", "http://b.@/x?y=1&z=%20"),
    ("a fragment is dropped", "http://b.@/x#y", "http://b.@/x"),
    ("another scheme's host", "//b.@/x", "http://b.@/x"),
    ("no path", "http://b.@", "http://b.@/"),
    ("a host in upper case", "HTTP://B.@/X", "http://b.@/X"),
    ("what is encoded stays so", "/%2e%2E/%41", "http://@/%2e%2E/%41"),
    ("an international path", "/\u00e4", "http://@/%C3%A4"),
    ("an international host", "http://\u00fc.example/", "http://xn--tda.example/"),
]
NOT_FOLLOWED = [
    ("gopher", "gopher://@/x"),
    ("ftp", "ftp://@/x"),
    ("file", "file:///x"),
    ("data", "data:text/plain,x"),
    ("javascript", "javascript:x"),
    ("a scheme of one's own", "acme://@/x"),
    ("a scheme without a host", "http:x"),
    ("no host", "http:///x"),
    ("port 0", "http://@:0/x"),
    ("port 22, which is authorized", "http://@:22/x"),
    ("port 25, which is authorized", "http://@:25/x"),
    ("port 8080", "http://@:8080/x"),
    ("port 8443", "https://@:8443/x"),
    ("port 65616, which is 80 in 16 bits", "http://@:65616/x"),
    ("user information", "http://user(at)b.@/x"),
    ("user information like a host", "http://@(at)b.@/x"),
    ("a password", "http://user:secret(at)b.@/x"),
    ("an IPv4 address", "http://127.0.0.1/x"),
    ("an IPv4 address as a number", "http://2130706433/x"),
    ("an IPv4 address as hexadecimal numbers", "http://0x7f.1/x"),
    ("a short IPv4 address", "http://127.1/x"),
    ("an IPv6 address", "http://[::1]/x"),
    ("an IPv4 address in IPv6", "http://[::ffff:127.0.0.1]/x"),
    ("a zone identifier", "http://[fe80::1%25lo]/x"),
    ("a single label", "http://localhost/x"),
    ("localhost", "http://a.localhost/x"),
    ("an Onion name", "http://a.onion/x"),
    ("a slash is missing", "http://@.well-known/x"),
    ("a backslash", "http:\\\\b.@\\x"),
    ("a backslash in the path", "/\\b.@/x"),
    ("a blank", "/x y"),
    ("a line feed", "/x\nHost: b.@"),
    ("CR LF", "/x\r\nHost: b.@"),
    ("a NUL", "/x\0"),
    ("a path of 2,001 octets", "/" + "x" * 2000),
    ("the same URL", URL),
    ("the same URL with a fragment", f"{URL}#x"),
    ("the same URL with its port", URL.replace("@", "@:80")),
]


def chain(redirects: int, *, https: bool = False) -> dict[str, Sent]:
    """Return a site with so many redirects before the page."""
    scheme = "https" if https else "http"
    urls = [URL, *(f"{scheme}://@/{number}" for number in range(redirects))]
    hops = {url: redirect(urls[number + 1]) for number, url in enumerate(urls[:-1])}
    return {**hops, urls[-1]: PAGE}


ROWS = [
    *(
        Row(
            f"BR 3.2.2.4.19 {status}", ASKED, {URL: redirect("/x", status), "http://@/x": PAGE}, end
        )
        for status, end in STATUSES
    ),
    *(
        Row(f"BR 3.2.2.4.19 to {what}", ASKED, {URL: redirect(location), there: PAGE})
        for what, location, there in TARGETS
    ),
    *(
        Row(f"BR 3.2.2.4.19 to {what}", ASKED, {URL: redirect(location)}, FAILED)
        for what, location in NOT_FOLLOWED
    ),
    *(Row(f"{number} redirects", ASKED, chain(number)) for number in (1, 2, 9, 10)),
    *(Row(f"{number} redirects", ASKED, chain(number), FAILED) for number in (11, 12, 20)),
    Row("10 redirects by HTTPS", ASKED, chain(10, https=True)),
    Row(
        "a loop of two",
        ASKED,
        {URL: redirect("/x"), "http://@/x": redirect(URL)},
        FAILED,
        "asked for before",
    ),
    Row(
        "no loop: the query differs each time",
        ASKED,
        {URL: redirect("?1"), f"{URL}?1": redirect("?2"), f"{URL}?2": PAGE},
    ),
    Row(
        "BR 3.2.2.4.19 a meta refresh is no redirect",
        ASKED,
        {URL: Sent(b'<meta http-equiv="refresh" content="0; url=/x">'), "http://@/x": PAGE},
        MISSING,
    ),
    Row(
        "BR 3.2.2.4.19 a Refresh field is no redirect",
        ASKED,
        {URL: Sent(fields=["Refresh: 0; url=/x"]), "http://@/x": PAGE},
        MISSING,
    ),
    Row(
        "BR 3.2.2.4.19 Content-Location is no redirect",
        ASKED,
        {URL: Sent(status=302, fields=["Content-Location: /x"]), "http://@/x": PAGE},
        MISSING,
    ),
    Row(
        "BR 3.2.2.4.19 the page has a Location too",
        ASKED,
        {URL: Sent(KA, 200, "/x"), "http://@/x": Sent(b"no")},
    ),
    Row(
        "BR 3.2.2.4.19 the last status counts",
        ASKED,
        {URL: redirect("/x"), "http://@/x": Sent(KA, 404)},
        MISSING,
        "redirected to",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.clause)
def test_redirects(row: Row) -> None:
    judged = judge(row)
    assert outcome_of(judged) == row.expected
    assert row.says in judged.detail
