"""The rows of web pages and of certificates, served by real sockets: each at a name of its own."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mpic.urls import UrlError, parse_url
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.clauses import test_br_3_2_2_4_18_website as website
from tests.clauses import test_br_3_2_2_4_19_redirects as redirects
from tests.clauses import test_rfc8555_8_3_http_01 as http_01
from tests.clauses import test_rfc8737_tls_alpn_01 as tls_alpn_01
from tests.clauses.web import Row, Sent, fill
from tests.world import network
from tests.world.acme_certificates import key_of
from tests.world.sites import Content, Sites, TlsName, make_context
from tests.world.zones import TABLES

ZONE_LINES = f"*.web IN A {network.SITES}\n*.web IN AAAA {network.SITES6}\n"
"""In the zone of tables."""

_PLACES = {"http": 80, "https": 443}
_NO_BODY = (204, 304)
# What a server does so that this comes of it.
_FAILING = {
    o.FAILURE_KIND_CONNECTION_LOST: b"",
    o.FAILURE_KIND_MALFORMED: b"nonsense\r\n\r\n",
    o.FAILURE_KIND_TOO_LARGE: b"HTTP/1.1 200 OK\r\nX: " + b"x" * 65536 + b"\r\n\r\n",
}
_KEYS = ("ec", "p384", "rsa", "ed25519")
_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True)
class Served:
    """One row as a question to a service."""

    clause: str
    host: str
    asked: c.DomainControl
    expected: str


@cache
def pages() -> Sequence[Row]:
    """Return the rows of web pages that servers can serve, each with a host of its own."""
    tables = {"h": http_01.ROWS, "w": website.ROWS, "r": redirects.ROWS}
    return [
        replace(row, host=f"{prefix}{number}.web.{TABLES.name}")
        for prefix, rows in tables.items()
        for number, row in enumerate(rows)
        if _is_served(row)
    ]


@cache
def certificates() -> Mapping[str, tuple[tls_alpn_01.Row, TlsName]]:
    """Return the rows of certificates that servers can load, by the host of each."""
    found: dict[str, tuple[tls_alpn_01.Row, TlsName]] = {}
    for number, row in enumerate(tls_alpn_01.ROWS):
        host = f"t{number}.web.{TABLES.name}"
        certificate = row.certificate(host)
        alpn = [row.alpn] if row.alpn else []
        newest = _VERSIONS.get(row.version)
        if newest is not None and (key := _find_key(certificate)):
            name = TlsName(certificate, key, alpn, newest)
            found |= {host: (row, name)} if _is_loaded(name) else {}
    return found


def questions() -> Sequence[Served]:
    """Return all that can be asked of a service."""
    asked = [Served(row.clause, row.host, row.asked, row.expected) for row in pages()]
    return asked + [
        Served(row.clause, host, tls_alpn_01.ASKED, row.expected)
        for host, (row, _) in certificates().items()
    ]


def sites() -> Sites:
    """Return the servers, which are not started yet."""
    return Sites(_content(), (network.SITES, network.SITES6))


def _content() -> Content:
    written = {}
    for row in pages():
        for url, reply in row.pages.items():
            written[fill(url, row.host)] = _write(reply, row.host)
    return Content(written, {host: name for host, (_, name) in certificates().items()})


def _is_served(row: Row) -> bool:
    """Whether servers on two ports of one name can do as a row says."""
    return all(_has_place(url) and _can_be_written(reply) for url, reply in row.pages.items())


def _has_place(url: str) -> bool:
    try:
        parsed = parse_url(fill(url, "a.example"))
    except UrlError:
        return False
    return "@" in url and parsed.port == _PLACES[parsed.scheme]


def _can_be_written(reply: Sent) -> bool:
    is_line = reply.location.isprintable()
    return is_line and (not reply.failure or reply.failure in _FAILING)


def _write(reply: Sent, host: str) -> bytes:
    """Return what a server sends."""
    if reply.failure:
        return _FAILING[reply.failure]
    body = b"" if reply.status in _NO_BODY else reply.body
    location = fill(reply.location, host)
    fields = [
        f"HTTP/1.1 {reply.status} -",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *([f"Location: {location}"] if location else []),
        *reply.fields,
    ]
    return "\r\n".join(fields).encode() + b"\r\n\r\n" + body


def _is_loaded(name: TlsName) -> bool:
    try:
        make_context(name)
    except ssl.SSLError:
        return False
    return True


def _find_key(certificate: bytes) -> str:
    """Return the name of a certificate's key; empty: no server can use it."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except ValueError:
        return ""
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    octets = key.public_bytes(*form)
    return next(
        (one for one in _KEYS if key_of(one).public_key().public_bytes(*form) == octets), ""
    )
