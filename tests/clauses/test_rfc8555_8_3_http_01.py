"""RFC 8555 section 8.3 and BR 3.2.2.4.19: http-01, a resource with the key authorization."""

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

TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"  # noqa: S105 - RFC 8555 section 8.4
THUMBPRINT = "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
KA = f"{TOKEN}.{THUMBPRINT}".encode()
ASKED = c.DomainControl(acme_http_01=c.AcmeHttp01(token=TOKEN, key_authorization=KA.decode()))
URL = f"http://@/.well-known/acme-challenge/{TOKEN}"
NO_KEY_AUTHORIZATIONS = [
    b"ok",
    b"It works!",
    TOKEN.encode(),
    b"X" + KA[1:],
    KA[1:],
    KA + b"=",
    KA + b"x",
    KA.replace(b".", b".."),
    b"\xef\xbb\xbf" + KA,
]
"""Of each of these somebody may have hashed the octets."""


def by_digest_of(body: bytes) -> c.DomainControl:
    digest = hashlib.sha256(body).digest()
    parameters = c.AcmeHttp01(token=TOKEN, key_authorization_sha256=digest)
    return c.DomainControl(acme_http_01=parameters)


BODIES = [
    ("the key authorization", KA, PASSED),
    ("a line feed after", KA + b"\n", PASSED),
    ("CR LF after", KA + b"\r\n", PASSED),
    ("CR after", KA + b"\r", PASSED),
    ("a blank after", KA + b" ", PASSED),
    ("a tab after", KA + b"\t", PASSED),
    ("all four after, mixed", KA + b" \t\r\n\n\r\t ", PASSED),
    ("white space up to the limit", KA.ljust(128), PASSED),
    ("white space beyond the limit", KA.ljust(129), MISSING),
    ("what follows the limit", KA.ljust(128) + b"x", MISSING),
    ("a blank before", b" " + KA, MISSING),
    ("a line feed before", b"\n" + KA, MISSING),
    ("a tab before", b"\t" + KA, MISSING),
    ("a byte order mark before", b"\xef\xbb\xbf" + KA, MISSING),
    ("a vertical tab after", KA + b"\x0b", MISSING),
    ("a form feed after", KA + b"\x0c", MISSING),
    ("a NUL after", KA + b"\x00", MISSING),
    ("a no-break space after", KA + b"\xc2\xa0", MISSING),
    ("a line separator after", KA + b"\xe2\x80\xa8", MISSING),
    ("a next-line control after", KA + b"\xc2\x85", MISSING),
    ("a blank within", KA.replace(b".", b" ."), MISSING),
    ("a line feed within", KA.replace(b".", b".\n"), MISSING),
    ("something after a line feed", KA + b"\nx", MISSING),
    ("a character more", KA + b"x", MISSING),
    ("a character less", KA[:-1], MISSING),
    ("twice", KA[:41] + KA, MISSING),
    ("nothing", b"", MISSING),
    ("only white space", b" \r\n", MISSING),
    ("the token alone", TOKEN.encode(), MISSING),
    ("the token and a dot", f"{TOKEN}.".encode(), MISSING),
    ("the thumbprint alone", THUMBPRINT.encode(), MISSING),
    ("another account's thumbprint", KA[:-1] + b"J", MISSING),
    ("another token", b"X" + KA[1:], MISSING),
    ("upper case", KA.upper(), MISSING),
    ("lower case", KA.lower(), MISSING),
    ("quotes", b'"' + KA + b'"', MISSING),
    ("a page of HTML", b"<html>" + KA + b"</html>", MISSING),
    ("its digest in hexadecimal", hashlib.sha256(KA).hexdigest().encode(), MISSING),
    ("its digest in octets", hashlib.sha256(KA).digest(), MISSING),
    ("the value of dns-01", base64.urlsafe_b64encode(hashlib.sha256(KA).digest()), MISSING),
    ("base64", base64.b64encode(KA), MISSING),
    ("padding", KA + b"=", MISSING),
    ("percent-encoding", KA.replace(b".", b"%2E"), MISSING),
    ("UTF-16", KA.decode().encode("utf-16")[:128], MISSING),
    ("compressed", gzip.compress(KA, mtime=0), MISSING),
    ("no UTF-8", b"\xff\xfe" + KA, MISSING),
]
STATUSES = [
    *((status, PASSED) for status in (200,)),
    *((status, MISSING) for status in (201, 202, 203, 204, 206, 226, 299)),
    *((status, MISSING) for status in (300, 303, 304, 305, 306, 400, 401, 403, 404, 410, 418)),
    *((status, MISSING) for status in (429, 451, 500, 502, 503, 504, 999)),
    *((status, MISSING) for status in (301, 302, 307, 308)),  # without a Location
]
FAILURES = [
    o.FAILURE_KIND_TIMEOUT,
    o.FAILURE_KIND_CONNECTION_REFUSED,
    o.FAILURE_KIND_CONNECTION_LOST,
    o.FAILURE_KIND_UNREACHABLE,
    o.FAILURE_KIND_MALFORMED,
    o.FAILURE_KIND_TOO_LARGE,
    o.FAILURE_KIND_NO_ADDRESS,
    o.FAILURE_KIND_NOT_PUBLIC,
]
OTHER_PLACES = [
    ("without .well-known", f"http://@/acme-challenge/{TOKEN}"),
    ("at the root", f"http://@/{TOKEN}"),
    ("a final slash", f"{URL}/"),
    ("an extension", f"{URL}.txt"),
    ("a query", f"{URL}?x"),
    ("the token in lower case", URL.replace(TOKEN, TOKEN.lower())),
    ("by HTTPS", URL.replace("http:", "https:")),
    ("at another port", URL.replace("@", "@:443")),
    ("of another host", URL.replace("@", "other.@")),
]

ROWS = [
    *(Row(f"RFC 8555 8.3 {what}", ASKED, {URL: Sent(body)}, end) for what, body, end in BODIES),
    *(Row(f"BR 3.2.2.4.19 {one}", ASKED, {URL: Sent(KA, one)}, end) for one, end in STATUSES),
    *(
        Row(
            f"RFC 8555 8.3 {o.FailureKind.Name(kind)}",
            ASKED,
            {URL: Sent(failure=kind)},
            FAILED,
        )
        for kind in FAILURES
    ),
    *(Row(f"RFC 8555 8.3 {what}", ASKED, {url: Sent(KA)}, MISSING) for what, url in OTHER_PLACES),
    Row("RFC 8555 8.3 asked by its digest", by_digest_of(KA), {URL: Sent(KA)}),
    Row(
        "RFC 8555 8.3 asked by its digest, other",
        by_digest_of(KA),
        {URL: Sent(KA[:-1])},
        MISSING,
    ),
    *(
        Row(
            f"RFC 8555 8.3 (4) well-formed: {body!r}",
            by_digest_of(body),
            {URL: Sent(body)},
            MISSING,
        )
        for body in NO_KEY_AUTHORIZATIONS
    ),
    Row("RFC 8555 8.3 no page", ASKED, {}, MISSING, "status 404"),
    Row(
        "BR 3.2.2.4.19 a redirect to it",
        ASKED,
        {URL: redirect("https://b.@/x"), "https://b.@/x": Sent(KA)},
    ),
    Row(
        "BR 3.2.2.4.19 a redirect to something else",
        ASKED,
        {URL: redirect("https://b.@/x"), "https://b.@/x": Sent(b"no")},
        MISSING,
        f"redirected to https://b.{HOST}/x, is not the expected",
    ),
    Row(
        "BR 3.2.2.4.19 the body of a redirect does not count",
        ASKED,
        {URL: Sent(KA, 302, "/x")},
        MISSING,
        "status 404",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.clause)
def test_http_01(row: Row) -> None:
    check_row(row, "BR 3.2.2.4.19, RFC 8555 section 8.3", THUMBPRINT)


WRONG = [
    ("", "token"),
    (TOKEN[:21], "token"),
    ("x" * 85, "token"),
    (f"{TOKEN}=", "token"),
    (f"{TOKEN}/x", "token"),
    (f"../{TOKEN}", "token"),
    (f"{TOKEN}?x", "token"),
    (f"{TOKEN}#x", "token"),
    (f"{TOKEN}%2e", "token"),
    (f"{TOKEN}\\x", "token"),
    (f"{TOKEN}.x", "token"),
    (f"{TOKEN} ", "token"),
    (f"{TOKEN}\n", "token"),
    (f"{TOKEN[:-1]}+", "token"),
    (f"{TOKEN[:-1]}\u00e9", "token"),
    (TOKEN[:-1], "key_authorization"),
    (TOKEN.lower(), "key_authorization"),
]


@pytest.mark.parametrize(("token", "field"), WRONG)
def test_a_token_that_is_none_is_refused(token: str, field: str) -> None:
    asked = c.DomainControl(acme_http_01=c.AcmeHttp01(token=token, key_authorization=KA.decode()))
    with pytest.raises(ParameterError, match="RFC 8555 section 8") as caught:
        request(Row("", asked, {}))
    assert caught.value.field == f"domain_control.acme_http_01.{field}"
