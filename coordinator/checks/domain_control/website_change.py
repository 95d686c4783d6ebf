"""Agreed-Upon Change to Website v2: a file with a Random Value or Request Token (BR 3.2.2.4.18).

Pure.

    1. The entire Required Website Content MUST NOT appear in the request used to retrieve the file
       or web page.
    2. The CA MUST receive a successful HTTP response from the request.
    3. The file MUST be located on the Authorization Domain Name.
    4. It MUST be located under the "/.well-known/pki-validation" directory.
    5. It MUST be retrieved via either the "http" or "https" scheme.
    6. It MUST be accessed over an Authorized Port.

The value must be in the file, somewhere in its first 4,096 octets, and the file must not be longer.
The path is a plain one: no server reads it as another path than this service does.
"""

import re
from collections.abc import Sequence

from coordinator.checks.check import Findings, Judgement, ParameterError, Statuses
from coordinator.checks.domain_control.authorization_domain import Allowed
from coordinator.checks.domain_control.method import Asked, ValueRules, proof_missing
from coordinator.checks.domain_control.random_value import contains_value, read_value
from coordinator.checks.domain_control.web_page import ask_page, check_url, read_page, show_body
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

_FIELD = "website_change"
_BODY_OCTETS = 4096
_PATH_OCTETS = 255
_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+"
_PATH = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")


class WebsiteChange:
    """The method `website_change`."""

    allowed = Allowed(wildcard=False, prune=False, cname=False)
    clause = "BR 3.2.2.4.18"
    has_challenge = True

    def read(self, control: c.DomainControl, rules: ValueRules) -> None:
        """Check path and value, and put the value's SHA-256 and length in its place."""
        parameters = control.website_change
        path = parameters.path
        if len(path) > _PATH_OCTETS or not _PATH.fullmatch(path):
            text = (
                f'must be a path below /.well-known/pki-validation/, such as "fileauth.txt":'
                f' segments of A-Z a-z 0-9 . _ ~ - with "/" between them, none of them "." or "..",'
                f" at most {_PATH_OCTETS} octets ({self.clause})"
            )
            raise ParameterError(f"{_FIELD}.path", text)
        value = read_value(parameters, _FIELD, rules)
        url = _url(control)
        if value.lower() in url.lower():
            text = f"must not have the value in it ({self.clause})"
            raise ParameterError(f"{_FIELD}.path", text)
        check_url(url, _FIELD)

    def questions(self, asked: Asked) -> Sequence[p.Check]:
        """Return what perspectives look at."""
        return (_question(asked),)

    def judge(self, findings: Findings, asked: Asked, believed: Statuses) -> Judgement:
        """Judge what one perspective found."""
        page = read_page(findings[0], _question(asked), believed)
        if isinstance(page, Judgement):
            return page
        parameters = asked.control.website_change
        if contains_value(page.url.encode(), parameters):
            # Whoever repeats what was asked for would prove control.
            detail = f"{_url(asked.control)} redirects to a URL with the value in it"
            return proof_missing(c.PROOF_FAULT_HTTP_VALUE_IN_URL, detail)
        if contains_value(page.body, parameters):
            return Judgement(found_at=page.url)
        detail = f"{page.where} does not have the value in it; {show_body(page.body)}"
        return proof_missing(c.PROOF_FAULT_HTTP_CONTENT, detail, found_at=page.url)

    def compare(self, remote: Findings, primary: Findings, asked: Asked) -> None:
        """Compare nothing: both saw the same value."""


def _url(control: c.DomainControl) -> str:
    scheme = "https" if control.website_change.https else "http"
    path = control.website_change.path
    return f"{scheme}://{control.authorization_domain_name}/.well-known/pki-validation/{path}"


def _question(asked: Asked) -> p.Check:
    return ask_page(_url(asked.control), _BODY_OCTETS)
