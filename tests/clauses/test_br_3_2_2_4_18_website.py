"""BR 3.2.2.4.18: Agreed-Upon Change to Website v2, a file with the value in it."""

import base64
import gzip
import hashlib

import pytest

from coordinator.checks.check import ParameterError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.clauses.web import (
    FAILED,
    HOST,
    MISSING,
    PASSED,
    Row,
    Sent,
    check_row,
    redirect,
    request,
)

TEXT = "x7Kq2LmPz9VtBnR4sWc8YdHf"
VALUE = TEXT.encode()
PATH = "fileauth.txt"
URL = f"http://@/.well-known/pki-validation/{PATH}"
SECURE = URL.replace("http:", "https:")
LIMIT = 4096


def ask(path: str = PATH, value: str = TEXT, *, https: bool = False) -> c.DomainControl:
    """Return what is asked about a file."""
    return c.DomainControl(website_change=c.WebsiteChange(path=path, value=value, https=https))


BODIES = [
    ("the value", VALUE, PASSED),
    ("a line end after", VALUE + b"\r\n", PASSED),
    ("a blank before", b" " + VALUE, PASSED),
    ("a byte order mark before", b"\xef\xbb\xbf" + VALUE, PASSED),
    ("a page of HTML", b"<html><body>" + VALUE + b"</body></html>", PASSED),
    ("a name before it", b"ca-validation=" + VALUE, PASSED),
    ("letters around it", b"abc" + VALUE + b"def", PASSED),
    ("twice", VALUE + VALUE, PASSED),
    ("a wrong beginning before it", VALUE[:9] + VALUE, PASSED),
    ("after 200 octets", b"x" * 200 + VALUE, PASSED),
    ("at the end of the limit", b"x" * (LIMIT - len(VALUE)) + VALUE, PASSED),
    ("a body at the limit", VALUE.ljust(LIMIT), PASSED),
    ("a body beyond the limit", VALUE.ljust(LIMIT + 1), MISSING),
    ("beyond the limit", b"x" * LIMIT + VALUE, MISSING),
    ("across the limit", b"x" * (LIMIT - 4) + VALUE, MISSING),
    ("no UTF-8 around it", b"\xff\xfe" + VALUE + b"\xff", PASSED),
    ("NUL around it", b"\x00" + VALUE + b"\x00", PASSED),
    ("nothing", b"", MISSING),
    ("blanks", b" " * 100, MISSING),
    ("a character less", VALUE[:-1], MISSING),
    ("the first character missing", VALUE[1:], MISSING),
    ("another character", VALUE[:-1] + b"g", MISSING),
    ("upper case", VALUE.upper(), MISSING),
    ("lower case", VALUE.lower(), MISSING),
    ("a line end within", VALUE[:9] + b"\n" + VALUE[9:], MISSING),
    ("a NUL between", b"\x00".join(bytes([one]) for one in VALUE), MISSING),
    ("UTF-16", TEXT.encode("utf-16"), MISSING),
    ("backwards", VALUE[::-1], MISSING),
    ("base64", base64.b64encode(VALUE), MISSING),
    ("hexadecimal", VALUE.hex().encode(), MISSING),
    ("its digest", hashlib.sha256(VALUE).digest(), MISSING),
    ("its digest in hexadecimal", hashlib.sha256(VALUE).hexdigest().encode(), MISSING),
    ("compressed", gzip.compress(VALUE, mtime=0), MISSING),
    ("a character reference", VALUE.replace(b"x", b"&#120;"), MISSING),
    ("another value", b"aaaaaaaaaaaaaaaaaaaaaaaa", MISSING),
]
STATUSES = [
    (200, PASSED),
    *((one, MISSING) for one in (201, 202, 203, 204, 206, 303, 304, 400, 401, 403, 404, 500, 503)),
]
PATHS = [
    "a",
    "A-Z_0~9.txt",
    "dir/file.txt",
    "a/b/c/d",
    ".hidden",
    "..a",
    "a..b",
    "a.",
    "...",
    "x" * 255,
]
WRONG_PATHS = [
    "",
    "/",
    "/fileauth.txt",
    "//fileauth.txt",
    "fileauth.txt/",
    "a//b",
    ".",
    "..",
    "../index.html",
    "../../index.html",
    "a/../b",
    "a/..",
    "a/.",
    "./a",
    "a/./b",
    "%2e%2e/index.html",
    "%2E",
    "a%2fb",
    "a%",
    "a\\b",
    "..\\index.html",
    "a?b",
    "a#b",
    "a b",
    "a\tb",
    "a\n",
    "a\r\nHost: b",
    "a\0",
    "a;b",
    "a:b",
    "a@b",
    "a&b=c",
    "a+b",
    "a*",
    "~/../a",
    "http://evil.example/a",
    "//evil.example/a",
    "@evil.example/a",
    "\u00e4",
    "\uff0e\uff0e/a",
    "x" * 256,
]
WRONG_VALUES = [
    "",
    "1",
    "x" * 19,
    " " * 40,
    f"{TEXT} {TEXT}",
    f"{TEXT}\n",
    f"\t{TEXT}",
    f"{TEXT}\0",
    f"{TEXT}\u00e4",
    f"{TEXT}\u200b",
    "x" * 1025,
]

ROWS = [
    *(Row(f"BR 3.2.2.4.18 {what}", ask(), {URL: Sent(body)}, end) for what, body, end in BODIES),
    *(Row(f"BR 3.2.2.4.18 {one}", ask(), {URL: Sent(VALUE, one)}, end) for one, end in STATUSES),
    *(
        Row(f"BR 3.2.2.4.18 {path}", ask(path), {URL.replace(PATH, path): Sent(VALUE)})
        for path in PATHS
    ),
    Row("BR 3.2.2.4.18 by HTTPS", ask(https=True), {SECURE: Sent(VALUE)}),
    Row("BR 3.2.2.4.18 by HTTPS alone", ask(https=True), {URL: Sent(VALUE)}, MISSING),
    Row("BR 3.2.2.4.18 by HTTP alone", ask(), {SECURE: Sent(VALUE)}, MISSING),
    Row(
        "BR 3.2.2.4.18 in another directory",
        ask(),
        {f"http://@/pki-validation/{PATH}": Sent(VALUE)},
        MISSING,
    ),
    Row(
        "BR 3.2.2.4.18 a redirect to it",
        ask(),
        {URL: redirect("https://b.@/x"), "https://b.@/x": Sent(VALUE)},
    ),
    *(
        Row(
            f"BR 3.2.2.4.18 (1) a redirect to {url}",
            ask(),
            {URL: redirect(url), url: Sent(b"you asked for " + VALUE)},
            MISSING,
            "redirects to a URL with the value in it",
        )
        for url in (f"http://@/{TEXT}", f"https://@/?q={TEXT}&x", f"https://@/x{TEXT}x")
    ),
    Row(
        "BR 3.2.2.4.18 the body of a redirect does not count",
        ask(),
        {URL: Sent(VALUE, 301, "/x"), "http://@/x": Sent(b"no")},
        MISSING,
        f"redirected to http://{HOST}/x, does not have the value",
    ),
    Row(
        "BR 3.2.2.4.18 a redirect to a port that is not authorized",
        ask(),
        {URL: redirect("http://@:8080/x")},
        FAILED,
        "port is 8080",
    ),
    Row("BR 3.2.2.4.18 a value of 20", ask(value="x" * 20), {URL: Sent(b"x" * 20)}),
    Row("BR 3.2.2.4.18 19 of 20", ask(value="x" * 20), {URL: Sent(b"x" * 19)}, MISSING),
    Row("BR 3.2.2.4.18 a value of 1,024", ask(value="x" * 1024), {URL: Sent(b"x" * 1024)}),
    Row(
        "BR 3.2.2.4.18 nobody there",
        ask(),
        {URL: Sent(failure=o.FAILURE_KIND_CONNECTION_REFUSED)},
        FAILED,
        "could not be fetched",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.clause)
def test_website(row: Row) -> None:
    check_row(row, "BR 3.2.2.4.18", TEXT[:13])


@pytest.mark.parametrize("path", WRONG_PATHS)
def test_a_path_that_leaves_its_directory_is_refused(path: str) -> None:
    with pytest.raises(ParameterError, match=r"BR 3\.2\.2\.4\.18") as caught:
        request(Row("", ask(path), {}))
    assert caught.value.field == "domain_control.website_change.path"


@pytest.mark.parametrize("value", WRONG_VALUES)
def test_a_value_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ParameterError) as caught:
        request(Row("", ask(value=value), {}))
    assert caught.value.field == "domain_control.website_change.value"
    assert value[:13] not in str(caught.value) or len(value) < 13


@pytest.mark.parametrize(
    "path", [TEXT, f"{TEXT}.txt", f"a/{TEXT}", f"x{TEXT}x/y", TEXT.lower(), TEXT.upper()]
)
def test_the_value_is_not_in_the_request(path: str) -> None:
    with pytest.raises(ParameterError, match="must not have the value in it") as caught:
        request(Row("", ask(path), {}))
    assert caught.value.field == "domain_control.website_change.path"


def test_the_value_is_not_in_the_host_either() -> None:
    host = f"{TEXT.lower()}.example.com"
    with pytest.raises(ParameterError, match="must not have the value in it"):
        request(Row("", ask(), {}, host=host))


@pytest.mark.parametrize("field", ["value_sha256", "value_octets"])
def test_what_answers_tell_of_a_value_is_not_asked(field: str) -> None:
    asked = ask()
    given: dict[str, int | bytes] = {"value_sha256": bytes(32), "value_octets": 24}
    setattr(asked.website_change, field, given[field])
    with pytest.raises(ParameterError, match="is only for answers") as caught:
        request(Row("", asked, {}))
    assert caught.value.field == f"domain_control.website_change.{field}"


def test_the_value_is_recorded_as_its_digest_alone() -> None:
    recorded = request(Row("", ask(), {}))
    told = recorded.domain_control.control.website_change
    assert (told.value, told.value_octets) == ("", len(VALUE))
    assert told.value_sha256 == hashlib.sha256(VALUE).digest()
    assert VALUE not in recorded.SerializeToString()
