"""ACME http-01: a resource of the name's web server (BR 3.2.2.4.19, RFC 8555 section 8.3). Pure.

    3. Dereference the URL using an HTTP GET request. This request MUST be sent to TCP port 80 on
       the HTTP server.
    4. Verify that the body of the response is a well-formed key authorization. The server SHOULD
       ignore whitespace characters at the end of the body.
    5. Verify that key authorization provided by the HTTP server matches the key authorization
       stored by the server.

White space is SP, HT, CR and LF. Nothing else is dropped, and nothing at the beginning. A body that
is longer than is read is a failure. It is not cut, since what follows might say something else.
"""

from collections.abc import Sequence

from coordinator.checks.check import Findings, Judgement, ParameterError, Statuses
from coordinator.checks.domain_control.authorization_domain import Allowed
from coordinator.checks.domain_control.key_authorization import (
    TOKEN,
    is_key_authorization,
    read_key_authorization,
)
from coordinator.checks.domain_control.method import Asked, ValueRules, hash_value, proof_missing
from coordinator.checks.domain_control.web_page import ask_page, check_url, read_page, show_body
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

CLAUSE = "RFC 8555 section 8.3"
_FIELD = "acme_http_01"
_BODY_OCTETS = 128
# Longer tokens make a key authorization that is longer than is read. Those of CAs have 43.
_LONGEST_TOKEN = 84
_WHITE_SPACE = b" \t\r\n"


class AcmeHttp01:
    """The method `acme_http_01`."""

    allowed = Allowed(wildcard=False, prune=False, cname=False)
    clause = "BR 3.2.2.4.19"
    has_challenge = True

    def read(self, control: c.DomainControl, rules: ValueRules) -> None:  # noqa: ARG002 - it has its own form
        """Check the token and the key authorization, and put its SHA-256 in its place."""
        parameters = control.acme_http_01
        if len(parameters.token) > _LONGEST_TOKEN or not TOKEN.fullmatch(parameters.token):
            text = (
                f"must be 22 to {_LONGEST_TOKEN} characters of base64url, without padding"
                f" ({CLAUSE})"
            )
            raise ParameterError(f"{_FIELD}.token", text)
        value = parameters.key_authorization
        if value and not value.startswith(f"{parameters.token}."):
            text = 'must begin with the token and "." (RFC 8555 section 8.1)'
            raise ParameterError(f"{_FIELD}.key_authorization", text)
        read_key_authorization(parameters, _FIELD)
        check_url(_url(control), _FIELD)

    def questions(self, asked: Asked) -> Sequence[p.Check]:
        """Return what perspectives look at."""
        return (_question(asked),)

    def judge(self, findings: Findings, asked: Asked, believed: Statuses) -> Judgement:
        """Judge what one perspective found."""
        page = read_page(findings[0], _question(asked), believed)
        if isinstance(page, Judgement):
            return page
        parameters = asked.control.acme_http_01
        digest = parameters.key_authorization_sha256
        body = page.body.rstrip(_WHITE_SPACE)
        # The caller may have given a hash alone, of whatever the page is.
        if hash_value(body) == digest and is_key_authorization(body, parameters.token):
            return Judgement(found_at=page.url, clause=CLAUSE)
        detail = f"{page.where} is not the expected key authorization; {show_body(page.body)}"
        return proof_missing(c.PROOF_FAULT_HTTP_CONTENT, detail, found_at=page.url)

    def compare(self, remote: Findings, primary: Findings, asked: Asked) -> None:
        """Compare nothing: both saw the same digest."""


def _url(control: c.DomainControl) -> str:
    token = control.acme_http_01.token
    return f"http://{control.authorization_domain_name}/.well-known/acme-challenge/{token}"


def _question(asked: Asked) -> p.Check:
    return ask_page(_url(asked.control), _BODY_OCTETS)
