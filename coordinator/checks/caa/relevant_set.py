"""CAA: does what one perspective saw permit issuance? Pure. Read it beside RFC 8659.

`walk` follows the walk (section 3). This module judges the relevant record set at its end (section
4). `value` reads what one record says. `parameters` judges the parameters of RFC 8657.

The standard leaves two things open, which are decided here:

- A record whose RDATA is malformed forbids: it may have been a restriction, or critical.
- A property tag with "-" is an unknown one, not a malformed one (section 4.1 against section 7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from coordinator.checks.caa.issuer import ALWAYS_UNDERSTOOD
from coordinator.checks.caa.parameters import satisfies_accounturi, satisfies_validationmethods
from coordinator.checks.caa.value import (
    IssueValue,
    explain_malformed,
    is_issuer_domain,
    read_issue_value,
)
from coordinator.checks.caa.walk import Walk, follow_walk
from coordinator.checks.check import VALIDATED, Statuses, describe_failure, name_failure
from mpic.caa_record import Property, present, read_property, shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o


@dataclass(frozen=True, slots=True)
class Applicant:
    """The applicant that the CAA records are judged for."""

    issuer_domains: frozenset[str]
    """Lower-case A-labels under which the issuer is known; at least one."""
    account_uri: str = ""
    """Empty: no account."""
    validation_method: str = ""
    """An ACME label or "ca-tbr-<n>"; empty: none stated."""
    understood_tags: frozenset[str] = frozenset()
    """Property tags that the issuer understands beside ALWAYS_UNDERSTOOD (`issuer`)."""

    def __post_init__(self) -> None:
        """Refuse domains that no record could name; raises ValueError."""
        _check_issuer_domains(self.issuer_domains)


class CaaJudgement(NamedTuple):
    """The result of one perspective's walk, with the record and the clause that decided."""

    outcome: c.Outcome.ValueType
    """Permitted, forbidden or failed."""
    found_at: str = ""
    """The level of the walk at which the relevant record set was found; empty: there is none."""
    clause: str = ""
    """Such as "RFC 8659 section 4.2"."""
    record: str = ""
    """The deciding record in presentation form; empty: none decided."""
    detail: str = ""
    """The facts, for a person; those of a failure may hold text from the network."""
    failed: o.Lookup | None = None
    """The lookup that failed, if the walk failed because of it."""
    not_in_public_dns: bool = False
    """The top-level domain does not exist."""


def determine_caa(
    finding: o.CaaFinding,
    name: str,
    wildcard: bool,
    applicant: Applicant,
    believed: Statuses = VALIDATED,
) -> CaaJudgement:
    """Judge one perspective's walk from `name` (without "*."); no failure is excused.

    Raises MalformedFindingError, or NotValidatedError for an answer that is not `believed`.
    """
    return judge_walk(follow_walk(finding, name, believed), wildcard, applicant)


def judge_walk(walk: Walk, wildcard: bool, applicant: Applicant) -> CaaJudgement:
    """Judge a walk by its end; the caller handles what the walk excused."""
    end = walk.end
    if end.HasField("records"):
        found = _judge_known_set(tuple(end.records.rdata), wildcard, applicant)
        detail = f"{_say_where(end)}{found.detail}"
        return CaaJudgement(found.outcome, end.name, found.clause, found.record, detail)
    if end.HasField("failure"):
        # The set that could not be seen may forbid.
        return CaaJudgement(
            c.OUTCOME_FAILED,
            clause="RFC 8659 section 3",
            detail=describe_lookup_failure(end),
            failed=end,
        )
    if end.absence != o.ABSENCE_NO_DATA:
        # This is an Internal Name: its last label is no top-level domain of the root zone (BR
        # 1.6.1).
        return CaaJudgement(
            c.OUTCOME_FAILED,
            clause="BR 4.2.2",
            detail=f"the top-level domain {end.name} does not exist in the public DNS",
            not_in_public_dns=True,
        )
    return CaaJudgement(
        c.OUTCOME_PASSED,
        clause="RFC 8659 section 3",
        detail=f"no CAA record from {walk.name} up to its top-level domain",
    )


def describe_lookup_failure(lookup: o.Lookup) -> str:
    """Describe in one phrase which CAA lookup failed and how; it may hold text from the network."""
    kind, why = name_failure(lookup.failure), describe_failure(lookup.failure)
    return f"the CAA lookup of {lookup.name} failed ({kind}): {why}"


def _say_where(end: o.Lookup) -> str:
    """Say where a set stands: an alias of the level may lead to it."""
    if not end.aliases:
        return f"at {end.name}: "
    return f"{end.name} is an alias of {shorten(end.records.owner)}, where "


def judge_set(rdata: Sequence[bytes], wildcard: bool, applicant: Applicant) -> CaaJudgement:
    """Judge a relevant record set that is not empty (RFC 8659 section 4)."""
    if not rdata:
        raise ValueError("an empty record set is no relevant record set")
    properties = []
    for data in rdata:
        found = read_property(data)
        if found is None:
            return _forbid("RFC 8659 section 4.1", data, "is malformed: what it asks is unknown")
        # "A CA MUST NOT issue certificates for any FQDN if the Relevant RRset for that FQDN
        # contains a CAA critical Property for an unknown or unsupported Property Tag."
        if found.critical and not _is_understood(found.tag, applicant):
            why = "is critical and the issuer is not configured to understand its tag"
            return _forbid("RFC 8659 section 4.1", data, why)
        properties.append(found)
    restricting = _select_restricting(properties, wildcard)
    if not restricting:
        # Section 3: a set without a property that restricts does not restrict issuance.
        tag = "issue or issuewild" if wildcard else "issue"
        detail = f"no {tag} property restricts"
        return CaaJudgement(c.OUTCOME_PASSED, clause="RFC 8659 section 3", detail=detail)
    return _judge_restricting(restricting, applicant)


def _is_understood(tag: str, applicant: Applicant) -> bool:
    return tag in ALWAYS_UNDERSTOOD or tag in applicant.understood_tags


# Many domains have exactly the same few octets. Few sets are kept, since one may have 64 KiB.
_judge_known_set = lru_cache(maxsize=128)(judge_set)


def _select_restricting(properties: Sequence[Property], wildcard: bool) -> Sequence[Property]:
    """Choose between issue and issuewild (RFC 8659 section 4.3).

    For a name that is no wildcard, each issuewild property MUST be ignored. For a wildcard, each
    issue property MUST be ignored if there is at least one issuewild property.
    """
    if wildcard:
        wild = [one for one in properties if one.tag == "issuewild"]
        if wild:
            return wild
    return [one for one in properties if one.tag == "issue"]


class _Standing(IntEnum):
    """What a restricting property means for an applicant; higher is nearer to permission."""

    MALFORMED = 0
    NO_ISSUER = 1
    OTHER_ISSUER = 2
    OTHER_ACCOUNT = 3
    OTHER_METHOD = 4
    PERMITS = 5


_WHY = {
    _Standing.MALFORMED: "does not match the ABNF of an issue value ({fault}): permits nobody",
    _Standing.NO_ISSUER: "permits nobody",
    _Standing.OTHER_ISSUER: "names {issuer}, not one of {issuers}",
    _Standing.OTHER_ACCOUNT: "has an accounturi that {account} does not satisfy",
    _Standing.OTHER_METHOD: "has validationmethods that {method} does not satisfy",
    _Standing.PERMITS: "permits",
}

_CLAUSE_OF_PARAMETER = {
    _Standing.OTHER_ACCOUNT: "RFC 8657 section 3",
    _Standing.OTHER_METHOD: "RFC 8657 section 4",
}

_CLAUSE_OF_TAG = {"issue": "RFC 8659 section 4.2", "issuewild": "RFC 8659 section 4.3"}


def _judge_restricting(restricting: Sequence[Property], applicant: Applicant) -> CaaJudgement:
    """Let the property nearest to permission decide; of several equal ones, the first.

    "CAA authorizations are additive" (RFC 8659 section 4.2): one that permits is enough.
    """
    values = [read_issue_value(found.value) for found in restricting]
    standings = [_stand(value, applicant) for value in values]
    standing = max(standings)
    decisive = standings.index(standing)
    found, value = restricting[decisive], values[decisive]
    why = _WHY[standing].format(
        issuer=shorten(value.issuer_domain if value else ""),
        issuers=", ".join(sorted(applicant.issuer_domains)),
        account=applicant.account_uri or "no account",
        method=applicant.validation_method or "no method",
        fault=explain_malformed(found.value) if standing is _Standing.MALFORMED else "",
    )
    record = present(found.rdata)
    return CaaJudgement(
        c.OUTCOME_PASSED if standing is _Standing.PERMITS else c.OUTCOME_FORBIDDEN,
        clause=_CLAUSE_OF_PARAMETER.get(standing, _CLAUSE_OF_TAG[found.tag]),
        record=record,
        detail=f"{record} {why}",
    )


def _stand(value: IssueValue | None, applicant: Applicant) -> _Standing:
    # A malformed value "MUST be treated the same as one specifying an empty issuer-domain-name"
    # (RFC 8659 section 4.2): it restricts, and permits nobody.
    if value is None:
        return _Standing.MALFORMED
    if not value.issuer_domain:
        return _Standing.NO_ISSUER
    # Both are in lower case. So equal strings mean equal labels, ASCII case-insensitively.
    if value.issuer_domain not in applicant.issuer_domains:
        return _Standing.OTHER_ISSUER
    # "The semantics of parameters [...] are determined by the Issuer alone" (RFC 8659 section 4.2).
    # So all other parameters constrain nothing.
    if not satisfies_accounturi(value, applicant.account_uri):
        return _Standing.OTHER_ACCOUNT
    if not satisfies_validationmethods(value, applicant.validation_method):
        return _Standing.OTHER_METHOD
    return _Standing.PERMITS


@lru_cache(maxsize=64)  # an applicant is made for each answer, but there are few issuers
def _check_issuer_domains(domains: frozenset[str]) -> None:
    if not domains:
        raise ValueError("an applicant needs an issuer domain")
    for domain in domains:
        if not is_issuer_domain(domain) or domain != domain.lower():
            raise ValueError(f"{domain!r} is no issuer-domain-name in lower case")


def _forbid(clause: str, rdata: bytes, why: str) -> CaaJudgement:
    record = present(rdata)
    detail = f"{record} {why}"
    return CaaJudgement(c.OUTCOME_FORBIDDEN, clause=clause, record=record, detail=detail)
