"""What went wrong at a perspective: facts in, a code of the catalogue out. Pure.

A code is the beginning of message ids: "caa.issuer" has "caa.issuer.message", ".cause" and
".remedy". A face that has only an answer without observations gets codes that say less.
"""

import re
from dataclasses import dataclass, replace

from mpic.caa_record import Property, present, read_property
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words.codes import code_of
from mpic.words.facts import (
    Failed,
    find_addresses,
    find_determination,
    find_failure,
    find_looked_at,
    find_relevant_set,
    find_status,
    primary_of,
)
from mpic.words.proof_facts import ProofFacts, read_proof_facts

# By the clause that decided: what a CAA record that forbids does.
_CAA_CODES = {
    "RFC 8659 section 4.1": "unusable",
    "RFC 8659 section 4.2": "issuer",
    "RFC 8659 section 4.3": "wildcard",
    "RFC 8657 section 3": "account",
    "RFC 8657 section 4": "method",
}
# Kinds of failure that name servers and web servers both have; others are of one of them.
_WEB_TOO = (o.FAILURE_KIND_TIMEOUT, o.FAILURE_KIND_MALFORMED, o.FAILURE_KIND_TOO_LARGE)
# Kinds of a status of HTTP (RFC 9110 section 15), by the status or its first digit.
_STATUSES = {
    404: ".not_found",
    410: ".not_found",
    401: ".not_allowed",
    403: ".not_allowed",
    3: ".redirect",
    5: ".server_error",
}
_ISSUER = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?)*(?<!\.)")
_WHITE_SPACE = b" \t"
_NO_PROOF = ProofFacts()


@dataclass(frozen=True, slots=True)
class ProblemFacts:
    """A code, and the facts that its sentences have. What strangers wrote is not escaped."""

    code: str
    check: str = ""
    where: str = ""
    """A name, a URL or a host."""
    zone: str = ""
    """Whose servers failed."""
    scope: str = ""
    """How that zone is related to the name: "" (its own), "tld" or "alias"."""
    port: int = 0
    """Of a web or TLS server; 0: it is about the DNS."""
    owner: str = ""
    """Of the record that decided."""
    record: str = ""
    """That record, in presentation form."""
    alias: str = ""
    """The name that is an alias of `owner`, if one is."""
    seen: tuple[bytes, ...] = ()
    expected: tuple[bytes, ...] = ()
    """Addresses: of the perspective, and of the primary."""
    servers: tuple[str, ...] = ()
    """The addresses of name servers that were asked directly."""
    issuers: tuple[str, ...] = ()
    """The issuer domain names of the CA, for a CAA record."""
    method: str = ""
    """The label of the method of validation, for a CAA record."""
    proof: ProofFacts = _NO_PROOF
    """How control was to be proved, for a problem of that check."""
    status: int = 0
    """That a web server answered with."""


def find_problem(report: c.PerspectiveReport, verdict: c.NameVerdict) -> ProblemFacts:
    """Return why a perspective does not corroborate."""
    found = _find(report, verdict)
    if report.check == "domain_control":
        return replace(found, proof=read_proof_facts(verdict))
    return found


def _find(report: c.PerspectiveReport, verdict: c.NameVerdict) -> ProblemFacts:
    check = report.check
    found = ProblemFacts(f"dissent.{code_of(c.Dissent, report.dissent)}", check)
    match report.dissent:
        case c.DISSENT_FORBIDS if check == "caa":
            return _find_forbidding(report, verdict) or found
        case c.DISSENT_FAILED | c.DISSENT_NOT_LOOKED:
            failed = find_failure(report, check)
            return found if failed is None else read_failure(failed, check)
        case c.DISSENT_PROOF_MISSING:
            return _find_missing(report)
        case c.DISSENT_DIFFERS if check == "addresses":
            return _find_addresses(report, verdict) or found
        case c.DISSENT_DIFFERS if check == "domain_control":
            return replace(found, code=f"{found.code}.domain_control")
    return found


def read_failure(failed: Failed, check: str = "") -> ProblemFacts:
    """Return what could not be learned, and whose servers failed."""
    failure = failed.failure
    of_web = "web." if failed.port and failure.kind in _WEB_TOO else ""
    found = ProblemFacts(
        f"failure.{of_web}{code_of(o.FailureKind, failure.kind)}",
        check,
        where=failed.where,
        port=failed.port,
        servers=failed.servers,
    )
    if failure.kind != o.FAILURE_KIND_SERVFAIL or not (failure.cause and failure.zone):
        return found
    cause = f"cause.{code_of(o.FailureCause, failure.cause)}"
    return replace(found, code=cause, zone=failure.zone, scope=_scope(failed))


def _scope(failed: Failed) -> str:
    """Say how the zone whose servers failed is related to the name: "", "tld" or "alias"."""
    zone = failed.failure.zone
    if not f".{failed.where}".endswith(f".{zone}"):
        return "alias"
    return "" if "." in zone else "tld"


def _find_forbidding(report: c.PerspectiveReport, verdict: c.NameVerdict) -> ProblemFacts | None:
    """Return which CAA record forbids, and how; an alias of the name may lead to it."""
    told, end = find_determination(report, "caa"), find_relevant_set(report)
    code = _CAA_CODES.get(told.clause, "") if told.record else ""
    if not code:
        return None
    if code in {"issuer", "wildcard"} and end is not None:
        code = _read_value(_find_record(end, told.record)) or code
    found = ProblemFacts(f"caa.{code}", "caa", owner=told.found_at, record=told.record)
    asked = _find_asked(verdict)
    issuers = tuple(asked.issuer_domains)
    found = replace(found, issuers=issuers, method=asked.validation_method)
    if end is not None and end.aliases:
        return replace(found, alias=end.name, owner=end.records.owner)
    return found


def _find_asked(verdict: c.NameVerdict) -> c.RequestedCaa:
    asked = (one.caa for one in verdict.checks if one.HasField("caa"))
    return next(asked, c.RequestedCaa())


def _find_record(end: o.Lookup, presented: str) -> Property | None:
    records = (one for one in end.records.rdata if present(one) == presented)
    return next(map(read_property, records), None)


def _read_value(record: Property | None) -> str:
    """Say what a record does that names no other CA: it permits nobody, or is not well-formed."""
    if record is None:
        return ""
    issuer = record.value.partition(b";")[0].strip(_WHITE_SPACE)
    if not issuer:
        return "nobody"
    return "" if _ISSUER.fullmatch(issuer) else "malformed"


def _find_missing(report: c.PerspectiveReport) -> ProblemFacts:
    """Return what is wrong with what was seen where a proof should be."""
    told, status = find_determination(report, report.check), find_status(report)
    where = told.found_at or find_looked_at(report)
    code = f"fault.{code_of(c.ProofFault, told.fault)}"
    if not told.fault:
        code = "dissent.PROOF_MISSING.at" if where else "dissent.PROOF_MISSING"
    elif told.fault == c.PROOF_FAULT_HTTP_STATUS:
        code += _STATUSES.get(status) or _STATUSES.get(status // 100, "")
    return ProblemFacts(code, report.check, where=where, record=told.record, status=status)


def _find_addresses(report: c.PerspectiveReport, verdict: c.NameVerdict) -> ProblemFacts | None:
    seen, expected = map(find_addresses, (report, primary_of(verdict)))
    if seen is None or expected is None:
        return None
    return ProblemFacts(
        "dissent.DIFFERS.addresses",
        report.check,
        where=verdict.looked_up,
        seen=tuple(sorted(seen.records.rdata)),
        expected=tuple(sorted(expected.records.rdata)),
    )
