"""Persistent DCV TXT record at `_validation-persist` (BR 3.2.2.4.22, ACME dns-persist-01). Pure.

    1. The RDATA value MUST conform to the issue-value syntax as defined in RFC 8659 section 4.2.
    2. The issuer-domain-name value MUST be an Issuer Domain Name disclosed by the CA.
    3. The issue-value MUST contain an accounturi parameter whose value is a unique URI identifying
       the account of the Applicant.
    4. It MAY contain a persistUntil parameter, a base-10 encoded integer of seconds since
       1970-01-01T00:00:00Z. After that moment the record MUST NOT be used.
    5. Additional parameters with unknown keys MUST be ignored.

A remote corroborates if it sees a record that shows control, with the same accounturi as that of
the record that the primary relied on. Everything else may differ.

What the texts leave open is decided here:

- A record that cannot be used is skipped. It does not spoil the others.
- An accounturi compares octet by octet. Two spellings are never taken as equal.
- A record that has any parameter twice is malformed.
- For a wildcard, or at a parent of the name, a record must have "policy=wildcard", as
  draft-ietf-acme-dns-persist section 5 says. The BR have no such parameter.
- Of several records that can be used, the one whose account the caller names first is relied on,
  and of these the one that lasts longest.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple

from coordinator.checks.caa.value import IssueValue, explain_malformed, read_issue_value
from coordinator.checks.check import Findings, Judgement, ParameterError, Statuses
from coordinator.checks.domain_control.authorization_domain import Allowed
from coordinator.checks.domain_control.method import (
    Asked,
    ValueRules,
    ask_records,
    could_not_learn,
    join_strings,
    proof_missing,
    read_record_set,
)
from coordinator.checks.domain_control.reuse import PERSISTENT
from mpic.caa_record import present_text, shorten
from mpic.text import is_uri
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

_FIELD = "persistent_dns_txt.account_uris"
_TXT = o.RECORD_TYPE_TXT
_MOST_ACCOUNTS = 16
_MOST_OCTETS = 4096
"""Of all of them, since each answer and each record repeats them."""
_UNTIL = re.compile(r"[0-9]{1,19}")
_ENDLESS_US = 10**26
"""Microseconds: longer than any number that persistUntil may have."""
# How long a validation may be used is counted from when the perspectives are asked, which is a
# little after the moment that dates are judged by.
_MARGIN = timedelta(minutes=1)


class _Meaning(IntEnum):
    """What a record means for what is asked; higher is nearer to a proof."""

    MALFORMED = 0
    OTHER_ISSUER = 1
    NO_ACCOUNT = 2
    OTHER_ACCOUNT = 3
    NO_WILDCARD = 4
    EXPIRED = 5
    PROVES = 6


_WHY = {
    _Meaning.MALFORMED: "is malformed: {fault}",
    _Meaning.OTHER_ISSUER: "names {issuer}, not one of {issuers}",
    _Meaning.NO_ACCOUNT: "has no accounturi",
    _Meaning.OTHER_ACCOUNT: "has an accounturi of another account",
    _Meaning.NO_WILDCARD: "does not have policy=wildcard",
    _Meaning.EXPIRED: "has a persistUntil that is past",
}


_FAULT = {
    _Meaning.MALFORMED: c.PROOF_FAULT_PERSISTENT_MALFORMED,
    _Meaning.OTHER_ISSUER: c.PROOF_FAULT_PERSISTENT_ISSUER,
    _Meaning.NO_ACCOUNT: c.PROOF_FAULT_PERSISTENT_NO_ACCOUNT,
    _Meaning.OTHER_ACCOUNT: c.PROOF_FAULT_PERSISTENT_ACCOUNT,
    _Meaning.NO_WILDCARD: c.PROOF_FAULT_PERSISTENT_POLICY,
    _Meaning.EXPIRED: c.PROOF_FAULT_PERSISTENT_EXPIRED,
}


class _Read(NamedTuple):
    """One TXT record, read for what is asked."""

    standing: _Meaning
    text: bytes
    fault: str = ""
    issuer: str = ""
    account_uri: str = ""
    until_us: int = _ENDLESS_US
    """The last moment at which it may be used, in microseconds since 1970."""


class PersistentDnsTxt:
    """The method `persistent_dns_txt`."""

    allowed = Allowed(wildcard=True, prune=True, cname=False)
    clause = "BR 3.2.2.4.22"
    has_challenge = False

    def read(self, control: c.DomainControl, rules: ValueRules) -> None:  # noqa: ARG002 - it has no value
        """Check the account URIs."""
        uris = control.persistent_dns_txt.account_uris
        if not 1 <= len(uris) <= _MOST_ACCOUNTS:
            text = f"has {len(uris)} entries; give 1 to {_MOST_ACCOUNTS} ({self.clause})"
            raise ParameterError(_FIELD, text)
        if (octets := sum(map(len, uris))) > _MOST_OCTETS:
            text = f"has {octets} octets; at most {_MOST_OCTETS} are taken ({self.clause})"
            raise ParameterError(_FIELD, text)
        for index, uri in enumerate(uris):
            # No record can have another character in a value (RFC 8659 section 4.2).
            if not is_uri(uri) or ";" in uri:
                text = f"must be a URI without blanks and semicolons ({self.clause})"
                raise ParameterError(f"{_FIELD}[{index}]", text)

    def questions(self, asked: Asked) -> Sequence[p.Check]:
        """Return what perspectives look at."""
        return (ask_records(_owner(asked), _TXT),)

    def judge(self, findings: Findings, asked: Asked, believed: Statuses) -> Judgement:
        """Judge what one perspective found."""
        lookup = read_record_set(findings[0], _owner(asked), _TXT, believed)
        if lookup.HasField("failure"):
            return could_not_learn(lookup.failure, f"TXT of {lookup.name} could not be looked up")
        found = _read_all(lookup, asked)
        if not found:
            return proof_missing(c.PROOF_FAULT_NO_RECORD, f"{lookup.name} has no TXT record")
        relied_on = _choose(found, asked.control.persistent_dns_txt.account_uris)
        if relied_on is not None:
            return Judgement(
                found_at=lookup.records.owner,
                record=present_text(relied_on.text),
                usable_for=_usable_for(relied_on, asked),
            )
        nearest = max(found, key=lambda one: one.standing)
        record = present_text(nearest.text)
        why = _WHY[nearest.standing].format(
            fault=nearest.fault,
            issuer=shorten(nearest.issuer) or "no issuer",
            issuers=", ".join(asked.requested.issuer_domains),
        )
        detail = f"at {lookup.records.owner}, {record} {why}"
        return proof_missing(_FAULT[nearest.standing], detail, lookup.records.owner, record)

    def compare(self, remote: Findings, primary: Findings, asked: Asked) -> Judgement | None:
        """Judge whether a remote has a record for the account that the primary relied on."""
        uris = asked.control.persistent_dns_txt.account_uris
        relied_on = _choose(_read_all(primary[0].records.lookup, asked), uris)
        seen = _read_all(remote[0].records.lookup, asked)
        if relied_on is not None and _choose(seen, [relied_on.account_uri]) is not None:
            return None
        detail = "sees no usable record with the accounturi that the primary relied on"
        return Judgement(c.OUTCOME_DIFFERS, c.DISSENT_DIFFERS, detail)


def _choose(found: Iterable[_Read], uris: Sequence[str]) -> _Read | None:
    """Return the record to rely on, for the first of the accounts that has one."""
    usable = [one for one in found if one.standing is _Meaning.PROVES]
    for uri in uris:
        for_account = [one for one in usable if one.account_uri == uri]
        if for_account:
            return max(for_account, key=lambda one: one.until_us)
    return None


def _read_all(lookup: o.Lookup, asked: Asked) -> Sequence[_Read]:
    return [_read(join_strings(rdata), asked) for rdata in lookup.records.rdata]


def _read(text: bytes | None, asked: Asked) -> _Read:
    """Read one TXT record, and judge it for what is asked."""
    if text is None:
        return _Read(_Meaning.MALFORMED, b"", "it is not a sequence of strings")
    value = read_issue_value(text)
    if value is None:
        return _Read(_Meaning.MALFORMED, text, explain_malformed(text))
    parameters = dict(value.parameters)
    until = parameters.get("persistuntil")
    if len(parameters) != len(value.parameters):
        return _Read(_Meaning.MALFORMED, text, "it has a parameter twice")
    if until is not None and not _UNTIL.fullmatch(until):
        return _Read(_Meaning.MALFORMED, text, "its persistUntil is not 1 to 19 digits")
    until_us = _ENDLESS_US if until is None else int(until) * 1_000_000
    account = parameters.get("accounturi", "")
    standing = _stand(value, parameters, until_us, asked)
    return _Read(standing, text, "", value.issuer_domain, account, until_us)


def _stand(value: IssueValue, parameters: dict[str, str], until_us: int, asked: Asked) -> _Meaning:
    # Both are in lower case. So equal strings mean equal labels, ASCII case-insensitively.
    if value.issuer_domain not in asked.requested.issuer_domains:
        return _Meaning.OTHER_ISSUER
    if "accounturi" not in parameters:
        return _Meaning.NO_ACCOUNT
    if parameters["accounturi"] not in asked.control.persistent_dns_txt.account_uris:
        return _Meaning.OTHER_ACCOUNT
    if _needs_policy(asked) and parameters.get("policy", "").lower() != "wildcard":
        return _Meaning.NO_WILDCARD
    return _Meaning.EXPIRED if until_us < _judged_at_us(asked) else _Meaning.PROVES


def _needs_policy(asked: Asked) -> bool:
    """Whether the record is for more than the very name that it stands at."""
    return asked.requested.wildcard or asked.domain != asked.name


def _judged_at_us(asked: Asked) -> int:
    return asked.requested.judged_at.ToMicroseconds()


def _usable_for(relied_on: _Read, asked: Asked) -> timedelta:
    """Return how long a validation by a record may be used."""
    longest_us = (PERSISTENT + _MARGIN) // timedelta.resolution
    left_us = min(relied_on.until_us - _judged_at_us(asked), longest_us)
    return max(timedelta(0), timedelta(microseconds=left_us) - _MARGIN)


def _owner(asked: Asked) -> str:
    return f"_validation-persist.{asked.domain}"
