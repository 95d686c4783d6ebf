"""RFC 8737 and BR 3.2.2.4.20: tls-alpn-01, a certificate with acmeIdentifier."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from coordinator.checks.check import VALIDATED, CheckSubject, Judgement, ParameterError
from coordinator.checks.domain_control.check import DomainControlJudge
from mpic.names import Name
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.clauses.web import FAILED, HOST, IPV4, IPV6, MISSING, PASSED, answer, outcome_of
from tests.world.acme_certificates import (
    ACME_IDENTIFIER,
    BASIC_CONSTRAINTS,
    DNS,
    EMAIL,
    IP,
    OLD_ACME_IDENTIFIER,
    SUBJECT_ALT_NAME,
    URI,
    Extension,
    Shape,
    alt_names,
    good_extensions,
    make_certificate,
    octet_string,
    tlv,
)
from tests.world.domain_control import KEY_AUTHORIZATION
from tests.world.samples import JUDGING, NOVEMBER

JUDGE = DomainControlJudge()
DIGEST = hashlib.sha256(KEY_AUTHORIZATION.encode()).digest()
assert 0 not in (DIGEST[0], DIGEST[-1])
OTHER = hashlib.sha256(b"other").digest()
ASKED = c.DomainControl(acme_tls_alpn_01=c.AcmeTlsAlpn01(key_authorization=KEY_AUTHORIZATION))
BY_DIGEST = c.DomainControl(acme_tls_alpn_01=c.AcmeTlsAlpn01(key_authorization_sha256=DIGEST))
PROTOCOL = "acme-tls/1"
ACME = octet_string(DIGEST)
OTHER_HOST = b"www.example.net"

Make = Callable[[str], bytes]
"""Makes a certificate for a host."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a TLS server does, and what comes of it at one perspective."""

    clause: str
    certificate: Make
    expected: str = PASSED
    alpn: str = PROTOCOL
    version: str = "TLSv1.3"


def good(host: str) -> bytes:
    """Return a certificate that is as it should be."""
    return make_certificate(Shape(good_extensions(host, DIGEST)))


def shaped(**parts: object) -> Make:
    """Return a certificate with other parts."""
    return lambda host: make_certificate(replace(Shape(good_extensions(host, DIGEST)), **parts))


def names(*entries: tuple[int, bytes]) -> Make:
    """Return a certificate with other names; "@" in them is the host."""
    return lambda host: _extended(
        (
            SUBJECT_ALT_NAME,
            False,
            alt_names(*((kind, name.replace(b"@", host.encode())) for kind, name in entries)),
        ),
        (ACME_IDENTIFIER, True, ACME),
    )


def raw_names(value: bytes) -> Make:
    """Return a certificate with these octets as subjectAlternativeName."""
    return lambda _: _extended((SUBJECT_ALT_NAME, False, value), (ACME_IDENTIFIER, True, ACME))


def identifiers(*found: Extension) -> Make:
    """Return a certificate with other extensions beside its name."""
    return lambda host: _extended(good_extensions(host, DIGEST)[0], *found)


def value(octets: bytes) -> Make:
    """Return a certificate with these octets as acmeIdentifier."""
    return identifiers((ACME_IDENTIFIER, True, octets))


def _extended(*extensions: Extension) -> bytes:
    return make_certificate(Shape(extensions))


NAMES = [
    ("the name", [(DNS, b"@")], PASSED),
    ("another name", [(DNS, OTHER_HOST)], MISSING),
    ("two names, ours first", [(DNS, b"@"), (DNS, OTHER_HOST)], MISSING),
    ("two names, ours last", [(DNS, OTHER_HOST), (DNS, b"@")], MISSING),
    ("the name twice", [(DNS, b"@"), (DNS, b"@")], MISSING),
    ("no name", [], MISSING),
    ("an empty name", [(DNS, b"")], MISSING),
    ("a wildcard", [(DNS, b"*.example.com")], MISSING),
    ("a wildcard below the name", [(DNS, b"*.@")], MISSING),
    ("a name below", [(DNS, b"a.@")], MISSING),
    ("the name above", [(DNS, b"example.com")], MISSING),
    ("a final dot", [(DNS, b"@.")], MISSING),
    ("a dot before", [(DNS, b".@")], MISSING),
    ("a blank after", [(DNS, b"@ ")], MISSING),
    ("a NUL after", [(DNS, b"@\0")], MISSING),
    ("a NUL and another name after", [(DNS, b"@\0.example.net")], MISSING),
    ("no ASCII", [(DNS, b"\xff@")], MISSING),
    ("a letter that is K in lower case", [(DNS, "\u212a@".encode())], MISSING),
    ("an e-mail address", [(EMAIL, b"a@@")], MISSING),
    ("and an e-mail address", [(DNS, b"@"), (EMAIL, b"a@@")], MISSING),
    ("a URI", [(URI, b"https://@/")], MISSING),
    ("and a URI", [(DNS, b"@"), (URI, b"https://@/")], MISSING),
    ("an IP address", [(IP, IPV4)], MISSING),
    ("and an IP address", [(DNS, b"@"), (IP, IPV4)], MISSING),
    ("and a directory name", [(DNS, b"@"), (0xA4, tlv(0x30))], MISSING),
    ("and a registered id", [(DNS, b"@"), (0x88, b"\x2b\x06")], MISSING),
    ("the name as an e-mail address", [(EMAIL, b"@")], MISSING),
    ("the name as a URI", [(URI, b"@")], MISSING),
]
IDENTIFIERS = [
    ("the digest", value(ACME), PASSED),
    ("another digest", value(octet_string(OTHER)), MISSING),
    ("another first octet", value(octet_string(b"\0" + DIGEST[1:])), MISSING),
    ("another last octet", value(octet_string(DIGEST[:-1] + b"\0")), MISSING),
    ("not critical", identifiers((ACME_IDENTIFIER, False, ACME)), MISSING),
    ("none", identifiers(), MISSING),
    ("31 octets", value(octet_string(DIGEST[:31])), MISSING),
    ("31 octets, the first missing", value(octet_string(DIGEST[1:])), MISSING),
    ("33 octets", value(octet_string(DIGEST + b"\0")), MISSING),
    ("no octet", value(octet_string(b"")), MISSING),
    ("no value", value(b""), MISSING),
    ("raw, without a tag", value(DIGEST), MISSING),
    ("in hexadecimal", value(octet_string(DIGEST.hex().encode())), MISSING),
    ("something after it", value(ACME + b"\0"), MISSING),
    ("a value after it", value(ACME + b"\x05\0"), MISSING),
    ("twice in one", value(ACME + ACME), MISSING),
    ("in two octet strings", value(octet_string(ACME)), MISSING),
    ("in a sequence", value(tlv(0x30, ACME)), MISSING),
    ("as a BIT STRING", value(tlv(0x03, b"\0", DIGEST)), MISSING),
    ("as a UTF8String", value(tlv(0x0C, DIGEST)), MISSING),
    ("as an INTEGER", value(tlv(0x02, DIGEST)), MISSING),
    ("BER: a long length", value(b"\x04\x81\x20" + DIGEST), MISSING),
    ("BER: a longer length", value(b"\x04\x82\x00\x20" + DIGEST), MISSING),
    (
        "BER: constructed",
        value(tlv(0x24, octet_string(DIGEST[:16]), octet_string(DIGEST[16:]))),
        MISSING,
    ),
    ("BER: indefinite", value(b"\x24\x80" + ACME + b"\0\0"), MISSING),
    ("another class", value(tlv(0x84, DIGEST)), MISSING),
    ("the old OID", identifiers((OLD_ACME_IDENTIFIER, True, ACME)), MISSING),
    (
        "twice",
        identifiers((ACME_IDENTIFIER, True, ACME), (ACME_IDENTIFIER, True, ACME)),
        MISSING,
    ),
    (
        "another one before it",
        identifiers((ACME_IDENTIFIER, True, octet_string(OTHER)), (ACME_IDENTIFIER, True, ACME)),
        MISSING,
    ),
    (
        "beside the old OID",
        identifiers((OLD_ACME_IDENTIFIER, True, ACME), (ACME_IDENTIFIER, True, ACME)),
        PASSED,
    ),
    (
        "beside an extension that may be there",
        identifiers((BASIC_CONSTRAINTS, True, tlv(0x30)), (ACME_IDENTIFIER, True, ACME)),
        PASSED,
    ),
    (
        "another extension twice",
        identifiers(
            (BASIC_CONSTRAINTS, True, tlv(0x30)),
            (BASIC_CONSTRAINTS, True, tlv(0x30)),
            (ACME_IDENTIFIER, True, ACME),
        ),
        MISSING,
    ),
    (
        "two subjectAlternativeNames",
        lambda host: _extended(*good_extensions(host, DIGEST), good_extensions(host, DIGEST)[0]),
        MISSING,
    ),
    (
        "no subjectAlternativeName",
        lambda host: make_certificate(Shape([(ACME_IDENTIFIER, True, ACME)], subject=host)),
        MISSING,
    ),
    ("no extension", shaped(extensions=[]), MISSING),
    (
        "the subjectAlternativeName is critical",
        lambda host: _extended(
            (SUBJECT_ALT_NAME, True, alt_names((DNS, host.encode()))), (ACME_IDENTIFIER, True, ACME)
        ),
        PASSED,
    ),
    ("no names but octets", raw_names(b"\x04\x00"), MISSING),
    ("nothing for names", raw_names(b""), MISSING),
    ("half of the names", raw_names(b"\x30\x7f\x82\x01a"), MISSING),
]
SIGNATURES = [
    ("ECDSA with P-256", shaped(), PASSED),
    ("ECDSA with P-384", shaped(key="p384", digest="sha384"), PASSED),
    ("ECDSA with SHA-512", shaped(digest="sha512"), PASSED),
    ("RSA", shaped(key="rsa"), PASSED),
    ("RSA with SHA-512", shaped(key="rsa", digest="sha512"), PASSED),
    ("Ed25519", shaped(key="ed25519"), PASSED),
    ("Ed448", shaped(key="ed448"), PASSED),
    ("DSA", shaped(key="dsa"), MISSING),
    ("ECDSA with SHA-1", shaped(digest="sha1"), MISSING),
    ("ECDSA with SHA-224", shaped(digest="sha224"), MISSING),
    ("RSA with SHA-1", shaped(key="rsa", digest="sha1"), MISSING),
    ("RSA with MD5", shaped(key="rsa", digest="md5"), MISSING),
    ("another key signed", shaped(signer="ec2"), MISSING),
    ("a key of another kind signed", shaped(signer="rsa"), MISSING),
    ("another issuer", shaped(issuer="CA"), MISSING),
    ("another issuer and key", shaped(issuer="CA", signer="ec2"), MISSING),
    ("no signature", lambda host: good(host)[:-70] + bytes(70), MISSING),
    ("what was signed was changed", lambda host: _changed(good(host)), MISSING),
]
SHAPES = [
    ("expired", shaped(not_after=datetime(2026, 11, 2)), PASSED),  # noqa: DTZ001
    ("not valid yet", shaped(not_before=datetime(2026, 12, 30)), PASSED),  # noqa: DTZ001
    ("the subject is another name", shaped(subject="www.example.net"), PASSED),
    ("a large serial number", shaped(serial=2**62), PASSED),
    ("version 1", shaped(version=b""), MISSING),
    ("version 1, without extensions", shaped(version=b"", extensions=[]), MISSING),
    ("no certificate", lambda _: b"", MISSING),
    ("no DER", lambda _: b"certificate", MISSING),
    ("PEM", lambda _: b"-----BEGIN CERTIFICATE-----", MISSING),
    ("half of it", lambda host: good(host)[:200], MISSING),
    ("something after it", lambda host: good(host) + b"\0", MISSING),
    ("two of them", lambda host: good(host) * 2, MISSING),
    ("of another host", lambda _: good("www.example.net"), MISSING),
    ("of a name above", lambda _: good("example.com"), MISSING),
    ("too long", lambda host: _large(host, 16 * 1024), MISSING),
    ("long", lambda host: _large(host, 15 * 1024), PASSED),
]


def _changed(certificate: bytes) -> bytes:
    """Return a certificate with another serial number than was signed."""
    return certificate.replace(b"\x02\x01\x01", b"\x02\x01\x02", 1)


def _large(host: str, octets: int) -> bytes:
    """Return a certificate with an extension of many octets."""
    comment = bytes.fromhex("06096086480186f842010d")
    return _extended(*good_extensions(host, DIGEST), (comment, False, tlv(0x16, b"x" * octets)))


ROWS = [
    *(Row(f"RFC 8737 3 names: {what}", names(*found), end) for what, found, end in NAMES),
    Row("RFC 8737 3 the name in upper case", lambda host: good(host.upper())),
    *(Row(f"RFC 8737 3 acmeIdentifier: {what}", make, end) for what, make, end in IDENTIFIERS),
    *(Row(f"RFC 8737 3 signature: {what}", make, end) for what, make, end in SIGNATURES),
    *(Row(f"RFC 8737 3 {what}", make, end) for what, make, end in SHAPES),
    Row("RFC 8737 6.2 no protocol", good, MISSING, alpn=""),
    Row("RFC 8737 6.2 http/1.1", good, MISSING, alpn="http/1.1"),
    Row("RFC 8737 6.2 h2", good, MISSING, alpn="h2"),
    Row("RFC 8737 6.2 another version", good, MISSING, alpn="acme-tls/2"),
    Row("RFC 8737 6.2 upper case", good, MISSING, alpn="ACME-TLS/1"),
    Row("RFC 8737 6.2 longer", good, MISSING, alpn="acme-tls/1.1"),
    Row("RFC 8737 3 TLS 1.2", good, version="TLSv1.2"),
    Row("RFC 8737 3 TLS 1.1", good, MISSING, version="TLSv1.1"),
    Row("RFC 8737 3 TLS 1.0", good, MISSING, version="TLSv1"),
    Row("RFC 8737 3 SSL 3", good, MISSING, version="SSLv3"),
    Row("RFC 8737 3 no version told", good, MISSING, version=""),
]


def request(asked: c.DomainControl = ASKED, host: str = HOST) -> c.RequestedCheck:
    """Return the check that is asked of a host; raises ParameterError."""
    requested = c.RequestedName(name=host, domain_control=asked)
    created = requested.domain_control.challenge_created_at
    created.FromDatetime(NOVEMBER - timedelta(days=1))
    whole = c.CorroborateRequest(names=[requested])
    name = Name(host, host, wildcard=False)
    return JUDGE.request(CheckSubject(name, requested, whole, NOVEMBER), JUDGING)


def told(certificate: bytes, alpn: str = PROTOCOL, version: str = "TLSv1.3") -> o.TlsFinding:
    """Return what an agent tells of a handshake."""
    lookups = [answer(HOST, IPV6), answer(HOST, IPV4)]
    dialed = [o.DialedAddress(address=IPV6, port=443)]
    connection = o.Connection(lookups=lookups, dialed=dialed, tls_version=version)
    session = o.TlsSession(alpn=alpn, certificate=certificate)
    return o.TlsFinding(connection=connection, session=session)


def judge(finding: o.TlsFinding, asked: c.DomainControl = ASKED) -> Judgement:
    """Judge what a perspective finds at HOST."""
    return JUDGE.judge([o.Finding(tls_handshake=finding)], HOST, request(asked), VALIDATED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.clause)
def test_tls_alpn_01(row: Row) -> None:
    judged = judge(told(row.certificate(HOST), row.alpn, row.version))
    assert outcome_of(judged) == row.expected, judged.detail
    if row.expected == PASSED:
        assert judged.clause == "BR 3.2.2.4.20, RFC 8737 section 3"
    else:
        assert judged.detail.startswith(f"{HOST}, port 443, ")
        assert DIGEST.hex() not in judged.detail


def test_it_may_be_asked_by_its_digest() -> None:
    assert outcome_of(judge(told(good(HOST)), BY_DIGEST)) == PASSED
    other = c.DomainControl(acme_tls_alpn_01=c.AcmeTlsAlpn01(key_authorization_sha256=OTHER))
    assert outcome_of(judge(told(good(HOST)), other)) == MISSING


def test_what_is_asked_of_perspectives() -> None:
    handshake = p.TlsHandshake(
        host=HOST,
        port=443,
        server_name=HOST,
        alpn=["acme-tls/1"],
        ipv4_after_any_failure=True,
    )
    assert list(JUDGE.questions(request(), HOST)) == [p.Check(tls_handshake=handshake)]


@pytest.mark.parametrize(
    ("kind", "dissent"),
    [
        (o.FAILURE_KIND_TLS, c.DISSENT_FAILED),
        (o.FAILURE_KIND_TIMEOUT, c.DISSENT_FAILED),
        (o.FAILURE_KIND_CONNECTION_REFUSED, c.DISSENT_FAILED),
        (o.FAILURE_KIND_NO_ADDRESS, c.DISSENT_FAILED),
        (o.FAILURE_KIND_OVERLOADED, c.DISSENT_OVERLOADED),
        (o.FAILURE_KIND_NO_WAY_OUT, c.DISSENT_NOT_LOOKED),
    ],
)
def test_a_handshake_that_failed(
    kind: o.FailureKind.ValueType, dissent: c.Dissent.ValueType
) -> None:
    finding = told(good(HOST))
    finding.failure.CopyFrom(o.Failure(kind=kind, detail="so it is"))
    judged = judge(finding)
    assert (outcome_of(judged), judged.dissent) == (FAILED, dissent)
    assert ": so it is" in judged.detail


@pytest.mark.parametrize("key_authorization", ["x", KEY_AUTHORIZATION.lower() + "=", "a.b"])
def test_a_key_authorization_that_is_none_is_refused(key_authorization: str) -> None:
    alpn = c.AcmeTlsAlpn01(key_authorization=key_authorization)
    with pytest.raises(ParameterError) as caught:
        request(c.DomainControl(acme_tls_alpn_01=alpn))
    assert caught.value.field == "domain_control.acme_tls_alpn_01.key_authorization"
