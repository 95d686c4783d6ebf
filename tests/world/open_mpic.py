"""Requests of Open MPIC's API, and what comes of them when perspectives see what a test says."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from coordinator.api.open_mpic.answer import make_answer
from coordinator.api.open_mpic.body import read_request
from coordinator.api.open_mpic.orchestration import Terms
from coordinator.api.open_mpic.question import Translated, TranslationRules, translate
from coordinator.api.open_mpic.refusal import RefusedError, from_violations
from coordinator.checks.caa.issuer import Issuer
from coordinator.checks.domain_control.method import hash_value
from coordinator.decision import request as decision
from coordinator.decision.attempt import Attempt
from coordinator.decision.request import IssuanceRequest, RequestRules
from coordinator.decision.vote import Reply
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.record.builder import AskedBy, RecordBuilder
from coordinator.rules.policy import PolicyRow
from mpic.channel import TlsFiles
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r
from tests.world.domain_control import DIGEST, KEY_AUTHORIZATION, TOKEN
from tests.world.samples import ISSUER, NAME, NOVEMBER, RULES, WORLD, encode

ISSUERS = {
    "example": Issuer(frozenset({ISSUER})),
    "two": Issuer(frozenset({"one.example.test", "two.example.test"})),
}
TERMS = Terms(remotes=5, required=4)
AGAINST = TranslationRules(ISSUERS, "example", TERMS, NOVEMBER)
LAB = replace(AGAINST, honour_smaller_quorum=True)
PARAMETERS = "dcv_check_parameters"
VALUE = "5f0c2a9d7b3e41f6a8d0c7"
HASH = DIGEST.decode()
HEX = hash_value(KEY_AUTHORIZATION).hex()
ACCOUNT = "https://acme.example/acct/1"

GOOD: Mapping[str, Mapping[str, object]] = {
    "website-change": {"challenge_value": VALUE, "http_token_path": "a.txt"},
    "dns-change": {"challenge_value": VALUE, "dns_record_type": "TXT"},
    "dns-persistent": {"issuer_domain_names": [ISSUER], "expected_account_uri": ACCOUNT},
    "acme-http-01": {"token": TOKEN, "key_authorization": KEY_AUTHORIZATION},
    "acme-dns-01": {"key_authorization_hash": HASH},
    "acme-tls-alpn-01": {"key_authorization_hash": HEX},
    "contact-email-txt": {"challenge_value": "a@b.example"},
    "contact-email-caa": {"challenge_value": "a@b.example"},
    "contact-phone-txt": {"challenge_value": "+81-3-1"},
    "contact-phone-caa": {"challenge_value": "+81-3-1"},
}
"""Parameters of each method that can be asked about."""

_NO_FILES = ClientOptions(TlsFiles(Path("a"), Path("b"), Path("c")))
_BUILDER = RecordBuilder([PerspectiveClient(one, _NO_FILES) for one in WORLD.perspectives], b"")
Body = dict[str, Any]


def caa_body(name: str = NAME, *, top: Mapping[str, object] | None = None, **caa: object) -> Body:
    """Return the body of a request about CAA."""
    body: Body = {"check_type": "caa", "domain_or_ip_target": name}
    if caa:
        body["caa_check_parameters"] = caa
    return {**body, **(top or {})}


def dcv_body(method: str, name: str = NAME, **parameters: object) -> Body:
    """Return the body of a request about domain control; good but for these parameters."""
    return {
        "check_type": "dcv",
        "domain_or_ip_target": name,
        PARAMETERS: {"validation_method": method, **GOOD.get(method, {}), **parameters},
    }


def ask(body: Body, rules: TranslationRules = AGAINST, row: PolicyRow = RULES.row) -> "Asked":
    """Translate a request and check it as every question is checked; raises RefusedError."""
    translated = translate(read_request(json.dumps(body).encode()), rules)
    against = RequestRules(rules.issuers, row, rules.terms.remotes, 11.0, NOVEMBER)
    try:
        return Asked(translated, decision.read_request(translated.question, against))
    except RequestError as error:
        raise from_violations(error.violations) from error


def refused(body: Body, rules: TranslationRules = AGAINST) -> list[dict[str, Any]]:
    """Return the issues of a request that is refused."""
    try:
        ask(body, rules)
    except RefusedError as error:
        text = json.dumps(error.to_json(), allow_nan=False)
        issues: list[dict[str, Any]] = json.loads(text)["validation_issues"]
        return issues
    raise AssertionError("it was not refused")


class Asked:
    """A question that can be decided."""

    def __init__(self, translated: Translated, request: IssuanceRequest) -> None:
        self.translated = translated
        self.request = request

    def decide(self, *findings: Sequence[o.Finding] | Reply) -> r.Record:
        """Return the record when perspectives find these, the primary first.

        The last counts for all that follow.
        """
        attempt = Attempt(self.request, WORLD, NOVEMBER, lambda _: None)
        (name,) = self.request.names
        for index, who in enumerate(WORLD.perspectives):
            found = findings[min(index, len(findings) - 1)]
            if isinstance(found, Reply):
                attempt.receive(0, found._replace(perspective=who))
                continue
            observation = o.Observation(name=name.looked_up, findings=found)
            attempt.receive(0, Reply(who, encode(observation), 0.01))
        attempt.decided_at = NOVEMBER
        attempt.freeze()
        record = r.Record()
        _BUILDER.fill_record(record, attempt, AskedBy("caller", b""))
        return record

    def answer(self, *findings: Sequence[o.Finding] | Reply) -> dict[str, Any]:
        """Return the answer, as JSON has it."""
        answer = make_answer(self.decide(*findings), self.translated)
        read: dict[str, Any] = json.loads(json.dumps(answer, allow_nan=False))
        return read
