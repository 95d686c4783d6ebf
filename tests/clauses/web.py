"""Rows of web pages and of what is asked about them, judged without a server or by any service.

A row has a site of its own: a host below which its other hosts stand. In a row "@" is that host.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from coordinator.checks.check import VALIDATED, CheckSubject, Judgement
from coordinator.checks.domain_control.check import DomainControlJudge
from mpic.names import Name
from mpic.urls import Url, UrlError, follow, parse_url
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import JUDGING, NOVEMBER

JUDGE = DomainControlJudge()
PASSED, MISSING, FAILED = "passed", "proof missing", "failed"
HOST = "www.example.com"
IPV4, IPV6 = bytes([203, 0, 113, 100]), bytes.fromhex("20010db8000000000000000000000100")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a web server does with the request for one URL."""

    body: bytes = b""
    status: int = 200
    location: str = ""
    """A "@" in it is the row's host; empty: there is none."""
    failure: "o.FailureKind.ValueType" = o.FAILURE_KIND_UNSPECIFIED
    """What comes of it, if there is no response."""
    fields: Sequence[str] = ()
    """More header fields, which no finding tells."""


@dataclass(frozen=True, slots=True)
class Row:
    """A site, what is asked of it, and what comes of it at one perspective."""

    clause: str
    asked: c.DomainControl
    pages: Mapping[str, Sent]
    """By URL; "@" is the row's host. Whatever else is asked for has status 404."""
    expected: str = PASSED
    says: str = ""
    """A part of the detail."""
    host: str = field(default=HOST)


def redirect(location: str, status: int = 302) -> Sent:
    """Return a redirect."""
    return Sent(status=status, location=location)


def fill(text: str, host: str) -> str:
    """Put the host into a text of a row; "(at)" is the character itself."""
    return text.replace("@", host).replace("(at)", "@")


def request(row: Row) -> c.RequestedCheck:
    """Return the check that is asked of a row's host; raises ParameterError."""
    requested = c.RequestedName(name=row.host, domain_control=row.asked)
    created = requested.domain_control.challenge_created_at
    created.FromDatetime(NOVEMBER - timedelta(days=1))
    name = Name(row.host, row.host, wildcard=False)
    whole = c.CorroborateRequest(names=[requested])
    return JUDGE.request(CheckSubject(name, requested, whole, NOVEMBER), JUDGING)


def judge(row: Row) -> Judgement:
    """Judge what a perspective finds on a row's site."""
    check = request(row)
    (question,) = JUDGE.questions(check, row.host)
    finding = o.Finding(http_get=look(question.http_get, row))
    return JUDGE.judge([finding], row.host, check, VALIDATED)


def outcome_of(judgement: Judgement) -> str:
    """Return the outcome in the words of the rows."""
    return c.Outcome.Name(judgement.outcome).removeprefix("OUTCOME_").lower().replace("_", " ")


def look(asked: p.HttpGet, row: Row) -> o.HttpFinding:
    """Return what an agent finds on a row's site."""
    pages = {fill(url, row.host): reply for url, reply in row.pages.items()}
    urls = [parse_url(asked.url)]
    finding = o.HttpFinding()
    while True:
        reply = pages.get(str(urls[-1]), Sent(b"not found", 404))
        location = fill(reply.location, row.host).encode()
        hop = make_hop(urls[-1], replace(reply, location=""), asked.body_octets)
        hop.response.location = location
        if reply.failure:
            hop.failure.CopyFrom(o.Failure(kind=reply.failure, detail="so it is"))
        finding.hops.append(hop)
        if reply.failure or reply.status not in asked.redirects.statuses or not location:
            return finding
        following = _find_next(urls, location, asked.redirects)
        if isinstance(following, o.HttpHop):
            finding.hops.append(following)
            return finding
        urls.append(following)


def make_hop(url: Url, reply: Sent, octets: int) -> o.HttpHop:
    """Return the hop of a URL with a response, over IPv6."""
    lookups = [answer(url.host, IPV6), answer(url.host, IPV4)]
    dialed = [o.DialedAddress(address=IPV6, port=url.port)]
    connection = o.Connection(lookups=lookups, dialed=dialed)
    connection.tls_version = "TLSv1.3" if url.scheme == "https" else ""
    response = o.HttpResponse(
        status=reply.status, body=reply.body[:octets], body_is_cut=len(reply.body) > octets
    )
    return o.HttpHop(url=str(url), connection=connection, response=response)


def answer(host: str, address: bytes, dnssec: o.Dnssec.ValueType = o.DNSSEC_SECURE) -> o.Lookup:
    """Return a lookup that found one address."""
    records = o.RecordSet(owner=host, ttl=60, rdata=[address])
    return o.Lookup(name=host, records=records, dnssec=dnssec, tries=1)


def _find_next(urls: Sequence[Url], location: bytes, rules: p.RedirectRules) -> Url | o.HttpHop:
    """Return where a redirect leads, or the hop that says why it is not followed."""
    try:
        url = follow(urls[-1], location)
    except UrlError as error:
        kind = o.FAILURE_KIND_REDIRECT_NOT_ALLOWED
        return _refuse(location.decode(errors="replace"), kind, str(error))
    if url.port not in rules.ports:
        return _refuse(str(url), o.FAILURE_KIND_REDIRECT_NOT_ALLOWED, f"its port is {url.port}")
    if url in urls:
        return _refuse(str(url), o.FAILURE_KIND_REDIRECT_LOOP, "it was asked for before")
    if len(urls) > rules.most:
        return _refuse(str(url), o.FAILURE_KIND_TOO_MANY_REDIRECTS, "there are too many")
    return url


def _refuse(url: str, kind: o.FailureKind.ValueType, detail: str) -> o.HttpHop:
    return o.HttpHop(url=url, failure=o.Failure(kind=kind, detail=detail))


def check_row(row: Row, clause: str, secret: str) -> None:
    """Hold a row against what its judge says; of what is missing, nothing secret is told."""
    judged = judge(row)
    assert outcome_of(judged) == row.expected
    assert row.says in judged.detail
    if row.expected == PASSED:
        assert judged.clause == clause
    else:
        assert secret not in judged.detail + judged.record
