"""One resource of a web server: how it is asked for, and what counts as having got it. Pure.

BR 3.2.2.4.18 and 3.2.2.4.19 say the same of the request, in other words:

    1. The CA MUST receive a successful HTTP response (2xx). This service takes 200 alone.
    2. Redirects are followed only at the HTTP protocol layer, and only if they result from status
       301, 302, 307 or 308 (RFC 9110 section 15.4, RFC 7538 section 3).
    3. They lead to the final value of the Location response header.
    4. They lead to resource URLs with the scheme "http" or "https".
    5. They lead to resource URLs that are accessed via Authorized Ports. These are 80 (http), 443
       (https), 25 (smtp) and 22 (ssh). This service follows to 80 and 443 alone.

The Baseline Requirements name no greatest number of redirects. This service follows 10.
"""

import re
from typing import NamedTuple

from coordinator.checks.check import Judgement, ParameterError, Statuses
from coordinator.checks.domain_control.http_evidence import read_http
from coordinator.checks.domain_control.method import could_not_learn, proof_missing
from mpic.text import shorten
from mpic.urls import UrlError, parse_url
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

REDIRECTS = p.RedirectRules(most=10, statuses=(301, 302, 307, 308), ports=(80, 443))
_OK = 200
_REDIRECTION = range(300, 400)

_SHOWN = 80
"""Octets of a body that a detail shows; the observation has all of it."""
_SHOWN_OF_URL = 300
# So long a word may be a value that is secret until it is used, or part of one.
_SECRET = re.compile(r"""([^\s<>"']{4})[^\s<>"']{8,}""")


class Page(NamedTuple):
    """A resource as it was received: status 200, and not longer than was allowed."""

    url: str
    """After all redirects."""
    where: str
    """The same for a sentence: also what was asked for."""
    body: bytes


def ask_page(url: str, octets: int) -> p.Check:
    """Return the question for a resource of at most some octets."""
    return p.Check(http_get=p.HttpGet(url=url, body_octets=octets, redirects=REDIRECTS))


def check_url(url: str, field: str) -> None:
    """Check that a URL can be asked for; raises ParameterError for the field."""
    try:
        parse_url(url)
    except UrlError as error:
        raise ParameterError(field, f"cannot be fetched from {url}: {error}") from error


def read_page(finding: o.Finding, question: p.Check, believed: Statuses) -> Page | Judgement:
    """Return the resource, or the judgement that it could not be got.

    Raises MalformedFindingError, or NotValidatedError for a lookup that is not `believed`.
    """
    asked = question.http_get
    hop = read_http(finding, asked, believed)
    where = _say_where(asked.url, hop.url)
    if hop.HasField("failure"):
        return could_not_learn(hop.failure, f"{where} could not be fetched")
    response = hop.response
    if response.status != _OK:
        kind = " (a redirect that is not followed)" if response.status in _REDIRECTION else ""
        detail = f"{where} answered with status {response.status}{kind}, not {_OK}"
        detail = f"{detail}; {show_body(response.body)}"
        return proof_missing(c.PROOF_FAULT_HTTP_STATUS, detail, found_at=hop.url)
    if response.body_is_cut:
        detail = f"{where} answered with more than {asked.body_octets} octets"
        detail = f"{detail}; {show_body(response.body)}"
        return proof_missing(c.PROOF_FAULT_HTTP_TOO_LONG, detail, found_at=hop.url)
    return Page(hop.url, where, response.body)


def show_body(body: bytes) -> str:
    """Say how a body begins, escaped, without long words: one may be an expected value."""
    if not body:
        return "its body is empty"
    text = _SECRET.sub(r"\1...", body[: 4 * _SHOWN].decode("latin-1"))
    return f'its body begins with "{shorten(text[:_SHOWN], 4 * _SHOWN)}"'


def _say_where(asked: str, final: str) -> str:
    where = shorten(asked, _SHOWN_OF_URL)
    return where if final == asked else f"{where}, redirected to {shorten(final, _SHOWN_OF_URL)},"
