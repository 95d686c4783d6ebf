"""RFC 8555 section 8.4: dns-01, a TXT record with the digest of the key authorization."""

import base64
import hashlib

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.clauses.domain_control import FAILED, MISSING, PASSED, Row, judge, outcome_of, place
from tests.world.domain_control import KEY_AUTHORIZATION

_SHA256 = hashlib.sha256(KEY_AUTHORIZATION.encode()).digest()
DIGEST = "LPsIwTo7o8BoG0-vjCyGQGBWSVIPxI-i_X336eUOQZo"
"""base64url(SHA-256(KEY_AUTHORIZATION)), as other implementations of ACME compute it."""
OWNER = "_acme-challenge.www"
ASKED = c.DomainControl(acme_dns_01=c.AcmeDns01(key_authorization=KEY_AUTHORIZATION))
BY_DIGEST = c.DomainControl(acme_dns_01=c.AcmeDns01(key_authorization_sha256=_SHA256))

VALUES = [
    ("the digest", DIGEST, PASSED),
    ("8.1 the key authorization itself", KEY_AUTHORIZATION, MISSING),
    ("8.1 the token", KEY_AUTHORIZATION.partition(".")[0], MISSING),
    ("no base64url but base64", base64.b64encode(_SHA256).decode().rstrip("="), MISSING),
    ("padding", f"{DIGEST}=", MISSING),
    ("hexadecimal", _SHA256.hex(), MISSING),
    ("a blank before", f" {DIGEST}", MISSING),
    ("a blank after", f"{DIGEST} ", MISSING),
    ("a tab after", f"{DIGEST}\\009", MISSING),
    ("a line feed after", f"{DIGEST}\\010", MISSING),
    ("a NUL after", f"{DIGEST}\\000", MISSING),
    ("quotes in the text", f'\\"{DIGEST}\\"', MISSING),
    ("upper case", DIGEST.upper(), MISSING),
    ("lower case", DIGEST.lower(), MISSING),
    ("the case of one letter", DIGEST.swapcase()[0] + DIGEST[1:], MISSING),
    ("one character less", DIGEST[:-1], MISSING),
    ("one character more", f"{DIGEST}A", MISSING),
    ("another digest", DIGEST[:-1] + "p", MISSING),
    ("a prefix as of other methods", f"acme={DIGEST}", MISSING),
    ("nothing", "", MISSING),
    ("full-width characters", "\\239\\188\\172" + DIGEST[1:], MISSING),
    ("a byte order mark before", f"\\239\\187\\191{DIGEST}", MISSING),
]


def _txt(*texts: str) -> str:
    return "\n".join(f"{OWNER} IN TXT {text}" for text in texts)


ROWS = place(
    "dns01-",
    [
        *(
            Row(f"RFC 8555 8.4 {what}", _txt(f'"{value}"'), ASKED, expected)
            for what, value, expected in VALUES
        ),
        Row("RFC 8555 8.4 asked by its digest", _txt(f'"{DIGEST}"'), BY_DIGEST),
        Row("RFC 8555 8.4 one of three", _txt('"a"', f'"{DIGEST}"', '"c"'), ASKED),
        Row("RFC 8555 8.4 none of three", _txt('"a"', '"b"', '"c"'), ASKED, MISSING),
        Row("RFC 1035 3.3.14 in two strings", _txt(f'"{DIGEST[:9]}" "{DIGEST[9:]}"'), ASKED),
        Row("RFC 1035 3.3.14 and an empty string", _txt(f'"" "{DIGEST}" ""'), ASKED),
        Row("RFC 1035 3.3.14 in two records", _txt(DIGEST[:9], DIGEST[9:]), ASKED, MISSING),
        Row(
            "RFC 1035 3.3.14 a blank between",
            _txt(f'"{DIGEST[:9]} " "{DIGEST[9:]}"'),
            ASKED,
            MISSING,
        ),
        Row("RFC 8555 8.4 a string more", _txt(f'"{DIGEST}" "x"'), ASKED, MISSING),
        Row("RFC 8555 8.4 no record", "www IN A 192.0.2.1", ASKED, MISSING),
        Row("RFC 8555 8.4 no name", "", ASKED, MISSING),
        Row("RFC 8555 8.4 at the name itself", f'www IN TXT "{DIGEST}"', ASKED, MISSING),
        Row("RFC 8555 8.4 at the parent's", f'_acme-challenge IN TXT "{DIGEST}"', ASKED, MISSING),
        Row("RFC 8555 8.4 below", f'a.{OWNER} IN TXT "{DIGEST}"', ASKED, MISSING),
        Row("RFC 8555 8.4 another type", f"{OWNER} IN CNAME {DIGEST}", ASKED, MISSING),
        Row(
            "RFC 8555 8.4 a wildcard", f'_acme-challenge.www IN TXT "{DIGEST}"', ASKED, name="*.www"
        ),
        Row(
            "RFC 8555 8.4 a wildcard's own label",
            f'_acme-challenge.*.www IN TXT "{DIGEST}"',
            ASKED,
            MISSING,
            name="*.www",
            only_here=True,  # Unbound does not believe that "*" has only a name below it
        ),
        Row(
            "RFC 8555 8.4 CNAME followed",
            f'{OWNER} IN CNAME a\na IN CNAME b.c\nb.c IN TXT "{DIGEST}"',
            ASKED,
        ),
        Row("RFC 8555 8.4 CNAME to itself", f"{OWNER} IN CNAME {OWNER}", ASKED, FAILED),
        Row(
            "RFC 8555 8.4 CNAME in a loop", f"{OWNER} IN CNAME a\na IN CNAME {OWNER}", ASKED, FAILED
        ),
        Row("RFC 8555 8.4 CNAME to nothing", f"{OWNER} IN CNAME nothing", ASKED, MISSING),
        Row(
            "RFC 8555 8.4 CNAME at the name is not followed",
            f'www IN CNAME a\n_acme-challenge.a IN TXT "{DIGEST}"',
            ASKED,
            MISSING,
        ),
        Row("BR 3.2.2.4 pruned", f'_acme-challenge IN TXT "{DIGEST}"', ASKED, domain="@"),
        Row(
            "BR 3.2.2.4 pruned, a wildcard",
            f'_acme-challenge IN TXT "{DIGEST}"',
            ASKED,
            name="*.www",
            domain="@",
        ),
        Row("BR 3.2.2.4 pruned, at the name", _txt(f'"{DIGEST}"'), ASKED, MISSING, domain="@"),
        Row(
            "BR 3.2.2.4 CNAME",
            f'www IN CNAME host.b\nhost.b IN A 192.0.2.1\n_acme-challenge.host.b IN TXT "{DIGEST}"',
            ASKED,
            domain="host.b",
        ),
    ],
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.clause)
def test_rfc8555_8_4(row: Row) -> None:
    judgement = judge(row)
    assert outcome_of(judgement) == row.expected, judgement.detail
    assert judgement.clause or row.expected != PASSED


def test_rfc8555_8_4_what_is_found_is_told() -> None:
    judgement = judge(ROWS[0])
    assert judgement.found_at == f"{OWNER}.{ROWS[0].origin}"
    assert judgement.record == f'"{DIGEST}"'
    assert judgement.clause == "BR 3.2.2.4.7, RFC 8555 section 8.4"
