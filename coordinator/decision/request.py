"""Turn a caller's message into a request that can be decided, after checking every field. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from coordinator.checks import CHECKS, AskedCheck, request_checks
from coordinator.checks.addresses import is_looser
from coordinator.checks.caa.issuer import Issuer, Issuers
from coordinator.checks.check import CheckSubject, JudgingRules, ParameterError
from coordinator.rules.policy import PolicyRow
from coordinator.rules.quorum import AttemptRules, required_by_policy
from mpic.bounds import MAX_NAMES, MAX_REQUEST_ID
from mpic.fields import discard_unknown
from mpic.names import Name, parse_names
from mpic.runtime.grpc.errors import Violation, invalid_argument
from mpic.text import is_uri, shorten
from mpic.v1 import corroboration_pb2 as c

_REQUEST_ID = re.compile(rf"[A-Za-z0-9._:/-]{{1,{MAX_REQUEST_ID}}}")
_METHOD = re.compile(r"[a-z0-9-]{1,64}")

_SHOWN = 64
"""Octets of an unknown issuer that an error shows, at most."""
_PURPOSES = frozenset(c.Purpose.values())
_NOBODY = Issuer(frozenset())


class AskedName(NamedTuple):
    """One name, and the checks that are asked about it."""

    asked: str
    """The name as it stands in the certificate."""
    looked_up: str
    """Lower-case A-labels, without a wildcard label."""
    checks: Sequence[AskedCheck]


@dataclass(frozen=True, slots=True)
class IssuanceRequest:
    """May a certificate with these names be issued? Checked, and with its rules fixed."""

    request_id: str
    issuer: str
    """As the caller wrote it; empty: the only issuer."""
    names: Sequence[AskedName]
    rules: AttemptRules
    tightening: c.Tightening | None
    """As the caller wrote it."""
    dry_run: bool
    linger: float
    """Seconds to wait for the missing perspectives once the verdict is certain."""
    purpose: c.Purpose.ValueType = c.PURPOSE_ISSUANCE

    @property
    def may_permit(self) -> bool:
        """Whether its good end is a permission to issue, and not only a corroborated validation."""
        return self.purpose == c.PURPOSE_ISSUANCE


@dataclass(frozen=True, slots=True)
class RequestRules:
    """The rules that a request is checked against."""

    issuers: Issuers
    row: PolicyRow
    """The policy row in force."""
    remotes: int
    """Remote perspectives that an attempt asks."""
    max_linger: float
    """Seconds."""
    at: datetime
    """When the request is read; dates in the rules are judged by it."""


def read_request(request: c.CorroborateRequest, rules: RequestRules) -> IssuanceRequest:
    """Return the request; raises RequestError that names every wrong field."""
    violations: list[Violation] = []
    if discard_unknown(request):
        # The field may demand more than this version knows. To ignore it would loosen the demand.
        text = "has a field that this service does not know; it is older than the caller"
        violations.append(Violation("request", text))
    names = _read_names(request, violations)
    issuer = _read_issuer(request.issuer, rules.issuers, violations)
    _check_texts(request, violations)
    _check_purpose(request, violations)
    is_tightened = request.HasField("tightening")
    attempt_rules = (
        _tighten(request.tightening, rules, violations)
        if is_tightened
        else _usual_rules(rules.row, rules.remotes)
    )
    # ToTimedelta cannot hold every Duration, so it is not used.
    linger = request.linger.seconds + request.linger.nanos / 1e9
    if not 0 <= linger <= rules.max_linger:
        violations.append(Violation("linger", f"must be 0 to {rules.max_linger:g} s"))
    rules_of_checks = JudgingRules(issuer, attempt_rules)
    asked = [] if violations else _ask_checks(names, request, rules_of_checks, rules.at, violations)
    if violations:
        raise invalid_argument(violations)
    return IssuanceRequest(
        request.request_id,
        request.issuer,
        asked,
        attempt_rules,
        request.tightening if is_tightened else None,
        request.dry_run,
        linger,
        request.purpose or c.PURPOSE_ISSUANCE,
    )


def _ask_checks(
    names: Sequence[Name],
    request: c.CorroborateRequest,
    rules: JudgingRules,
    at: datetime,
    violations: list[Violation],
) -> Sequence[AskedName]:
    asked = []
    for index, (name, requested) in enumerate(zip(names, request.names, strict=True)):
        try:
            checks = request_checks(CheckSubject(name, requested, request, at), rules)
        except ParameterError as error:
            violations.append(Violation(f"names[{index}].{error.field}", str(error)))
        else:
            asked.append(AskedName(name.asked, name.looked_up, checks))
    return asked


def _read_names(request: c.CorroborateRequest, violations: list[Violation]) -> list[Name]:
    if not request.names:
        violations.append(Violation("names", "is empty; give 1 to 100 names"))
    if len(request.names) > MAX_NAMES:
        text = f"has {len(request.names)} names; at most {MAX_NAMES} are allowed"
        violations.append(Violation("names", text))
        return []
    names, problems = parse_names([one.name for one in request.names])
    violations.extend(Violation(f"names[{index}].name", str(error)) for index, error in problems)
    return names


def _read_issuer(issuer: str, issuers: Issuers, violations: list[Violation]) -> Issuer:
    if not issuer and len(issuers) == 1:
        return next(iter(issuers.values()))
    if issuer not in issuers:
        known = ", ".join(sorted(issuers))
        wrong = "is empty, and there are several"
        if issuer:
            wrong = f"{shorten(issuer, _SHOWN)!r} is not configured"
        violations.append(Violation("issuer", f"{wrong}; this service knows {known}"))
    return issuers.get(issuer, _NOBODY)


def _check_texts(request: c.CorroborateRequest, violations: list[Violation]) -> None:
    if not _REQUEST_ID.fullmatch(request.request_id):
        wrong = "must be" if request.request_id else "is missing; it must be"
        text = f"{wrong} 1 to 128 of A-Z a-z 0-9 . _ : / -"
        violations.append(Violation("request_id", text))
    if request.account_uri and not is_uri(request.account_uri):
        text = 'must be an absolute URI such as "https://acme.example/acct/1" (RFC 8657 section 3)'
        violations.append(Violation("account_uri", text))
    for index, name in enumerate(request.names[:MAX_NAMES]):
        if name.validation_method and not _METHOD.fullmatch(name.validation_method):
            text = 'must be a label such as "dns-01" or "ca-tbr-7", lower case (RFC 8657 section 4)'
            violations.append(Violation(f"names[{index}].validation_method", text))


def _check_purpose(request: c.CorroborateRequest, violations: list[Violation]) -> None:
    if request.purpose not in _PURPOSES:
        violations.append(Violation("purpose", f"{request.purpose} is unknown"))
    for index, check in enumerate(request.checks):
        if check not in CHECKS:
            text = f"{shorten(check, _SHOWN)!r} is unknown; this service has {', '.join(CHECKS)}"
            violations.append(Violation(f"checks[{index}]", text))


@lru_cache(16)  # one for each row of the policy
def _usual_rules(row: PolicyRow, remotes: int) -> AttemptRules:
    return AttemptRules(row, remotes, address_agreement=row.address_agreement)


def _tighten(
    tightening: c.Tightening, rules: RequestRules, violations: list[Violation]
) -> AttemptRules:
    """Fix what the attempt must meet; a caller may demand more than the policy, never less."""
    by_policy = required_by_policy(rules.row, rules.remotes)
    demanded = tightening.min_corroborating
    if demanded and not by_policy <= demanded <= rules.remotes:
        text = (
            f"{demanded} is not between {by_policy}, which the policy demands, and"
            f" {rules.remotes}, which is all remotes asked; a request may only tighten"
        )
        violations.append(Violation("tightening.min_corroborating", text))
    agreement = tightening.address_agreement or rules.row.address_agreement
    if agreement not in c.AddressAgreement.values():
        violations.append(Violation("tightening.address_agreement", f"{agreement} is unknown"))
    elif is_looser(agreement, rules.row.address_agreement):
        names = [
            c.AddressAgreement.Name(one).removeprefix("ADDRESS_AGREEMENT_").lower()
            for one in (agreement, rules.row.address_agreement)
        ]
        text = f"{names[0]} is looser than the policy's {names[1]}; a request may only tighten"
        violations.append(Violation("tightening.address_agreement", text))
    return AttemptRules(rules.row, rules.remotes, demanded, agreement)
