"""ACME dns-01 and dns-account-01: a TXT record at or below `_acme-challenge`. Pure.

dns-01 (BR 3.2.2.4.7, RFC 8555 section 8.4):

    The client [...] provisions a DNS TXT record under the name being validated with the digest of
    the key authorization: base64url(SHA-256(keyAuthorization)), without padding.

dns-account-01 (BR 3.2.2.4.21, draft-ietf-acme-dns-account-label-00 section 3.2) has the same record
at a name of the account's own:

    "_" || base32(SHA-256(<ACCOUNT_URL>)[0:10]) || "._acme-challenge", in lower case

The account URL is hashed as it is written. Another spelling is another label.

A record counts only if its value is exactly the digest, octet for octet: no trimming, no quotes, no
padding, no hexadecimal form. One such record among others is enough.
"""

import base64
from collections.abc import Sequence

from coordinator.checks.check import Findings, Judgement, ParameterError, Statuses
from coordinator.checks.domain_control.authorization_domain import Allowed
from coordinator.checks.domain_control.key_authorization import read_key_authorization
from coordinator.checks.domain_control.method import (
    Asked,
    ValueRules,
    ask_records,
    could_not_learn,
    hash_value,
    join_strings,
    proof_missing,
    read_record_set,
)
from mpic.text import is_uri
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

CLAUSE = "RFC 8555 section 8.4"
ACCOUNT_CLAUSE = "draft-ietf-acme-dns-account-label-00 section 3.2"
_LABEL_OCTETS = 10
_TXT = o.RECORD_TYPE_TXT


class AcmeDns01:
    """The method `acme_dns_01`."""

    allowed = Allowed(wildcard=True, prune=True, cname=True)
    clause = "BR 3.2.2.4.7"
    has_challenge = True

    def read(self, control: c.DomainControl, rules: ValueRules) -> None:  # noqa: ARG002 - it has its own form
        """Check the key authorization, and put its SHA-256 in its place."""
        read_key_authorization(control.acme_dns_01, "acme_dns_01")

    def questions(self, asked: Asked) -> Sequence[p.Check]:
        """Return what perspectives look at."""
        return (ask_records(_owner(asked), _TXT),)

    def judge(self, findings: Findings, asked: Asked, believed: Statuses) -> Judgement:
        """Judge what one perspective found."""
        digest = asked.control.acme_dns_01.key_authorization_sha256
        lookup = read_record_set(findings[0], _owner(asked), _TXT, believed)
        return _judge_txt(lookup, digest, CLAUSE)

    def compare(self, remote: Findings, primary: Findings, asked: Asked) -> None:
        """Compare nothing: both saw the same digest."""


class AcmeDnsAccount01:
    """The method `acme_dns_account_01`."""

    allowed = Allowed(wildcard=True, prune=True, cname=False)
    clause = "BR 3.2.2.4.21"
    has_challenge = True

    def read(self, control: c.DomainControl, rules: ValueRules) -> None:  # noqa: ARG002 - it has its own form
        """Check the account URL and the key authorization, and put its SHA-256 in its place."""
        parameters = control.acme_dns_account_01
        if not is_uri(parameters.account_url):
            text = f"must be the account's URL, as the ACME server writes it ({ACCOUNT_CLAUSE})"
            raise ParameterError("acme_dns_account_01.account_url", text)
        read_key_authorization(parameters, "acme_dns_account_01")

    def questions(self, asked: Asked) -> Sequence[p.Check]:
        """Return what perspectives look at."""
        return (ask_records(_account_owner(asked), _TXT),)

    def judge(self, findings: Findings, asked: Asked, believed: Statuses) -> Judgement:
        """Judge what one perspective found."""
        digest = asked.control.acme_dns_account_01.key_authorization_sha256
        lookup = read_record_set(findings[0], _account_owner(asked), _TXT, believed)
        return _judge_txt(lookup, digest, ACCOUNT_CLAUSE)

    def compare(self, remote: Findings, primary: Findings, asked: Asked) -> None:
        """Compare nothing: both saw the same digest."""


def _judge_txt(lookup: o.Lookup, digest: bytes, clause: str) -> Judgement:
    """Judge the TXT records at an owner: one of them must be the digest of a key authorization."""
    if lookup.HasField("failure"):
        return could_not_learn(lookup.failure, f"TXT of {lookup.name} could not be looked up")
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=")
    found = lookup.records.rdata
    if expected in map(join_strings, found):
        text = expected.decode()
        return Judgement(found_at=lookup.records.owner, clause=clause, record=f'"{text}"')
    if not found:
        return proof_missing(c.PROOF_FAULT_NO_RECORD, f"{lookup.name} has no TXT record")
    records = "TXT record" if len(found) == 1 else "TXT records"
    detail = f"{lookup.name} has {len(found)} {records}, none with the expected digest as its value"
    return proof_missing(c.PROOF_FAULT_OTHER_VALUE, detail, found_at=lookup.records.owner)


def _owner(asked: Asked) -> str:
    return f"_acme-challenge.{asked.domain}"


def _account_owner(asked: Asked) -> str:
    digest = hash_value(asked.control.acme_dns_account_01.account_url)
    label = base64.b32encode(digest[:_LABEL_OCTETS]).decode().lower()
    return f"_{label}.{_owner(asked)}"
