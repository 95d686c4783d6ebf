"""The sentences of a verdict on one name, made from its codes and facts. Pure.

An answer whose reports are left out has fewer facts. Its sentences then say less.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mpic.text import escape, shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words.catalogue import Language, is_known, say, say_first
from mpic.words.codes import code_of
from mpic.words.facts import (
    Failed,
    count_remotes,
    find_addresses,
    find_determination,
    find_failure,
    find_relevant_set,
    is_determined,
    primary_of,
    remotes_of,
)

_OCTETS = 200
"""Of one fact in a sentence."""
_ADDRESSES = 4

# By the clause that decided: what a CAA record that forbids does.
_CAA_CODES = {
    "RFC 8659 section 4.1": "unusable",
    "RFC 8659 section 4.2": "issuer",
    "RFC 8659 section 4.3": "wildcard",
    "RFC 8657 section 3": "account",
    "RFC 8657 section 4": "method",
}
_QUORUM = (c.REASON_QUORUM_NOT_MET, c.REASON_REGIONS_NOT_MET)
# What a check found, or could not learn: the sentence is that of the check.
_OF_CHECK = (c.REASON_PRIMARY_FORBIDS, c.REASON_PRIMARY_FAILED, c.REASON_PROOF_MISSING)


class Words(NamedTuple):
    """What a person is told of one name."""

    verdict: str
    """One word; in Japanese the column 判定."""
    reason: str
    """Why; the column 理由."""
    remedy: str
    """What to do; the column 対応."""


def sentence(verdict: c.NameVerdict, lang: Language) -> Words:
    """Return the words for a verdict on one name; whatever strangers wrote is escaped."""
    return Words(_name_verdict(verdict, lang), _explain(verdict, lang), _advise(verdict, lang))


def name_check(check: str, lang: Language) -> str:
    """Return what a check is called."""
    return say_first((f"check.{check}", "check.unknown"), lang)


def explain_dissent(report: c.PerspectiveReport, verdict: c.NameVerdict, lang: Language) -> str:
    """Say in one sentence why a perspective does not corroborate."""
    code = code_of(c.Dissent, report.dissent)
    match report.dissent:
        case c.DISSENT_FORBIDS if report.check == "caa" and _caa_code(report):
            return _explain_caa(report, lang)
        case c.DISSENT_FAILED | c.DISSENT_NOT_LOOKED:
            failed = find_failure(report, report.check)
            if failed is not None:
                return explain_failure(failed, lang)
        case c.DISSENT_PROOF_MISSING:
            found_at = find_determination(report, report.check).found_at
            if found_at:
                return say(f"dissent.{code}.at.message", lang, found_at=_fact(found_at))
        case c.DISSENT_DIFFERS if report.check == "addresses":
            seen, expected = map(find_addresses, (report, primary_of(verdict)))
            if seen is not None and expected is not None:
                facts = {"seen": _list(seen, lang), "expected": _list(expected, lang)}
                return say("dissent.DIFFERS.addresses.message", lang, **facts)
    ids = (f"dissent.{code}.message", "reason.UNSPECIFIED.message")
    return say_first(ids, lang, check=name_check(report.check, lang))


def explain_failure(failed: Failed, lang: Language) -> str:
    """Say in a sentence or two what failed, and at whose servers."""
    return _join(_say_failure(failed, "message", lang), lang)


def explain_verdict(verdict: c.NameVerdict, lang: Language) -> str:
    """Say in a sentence or two why a name is approved or not; not which remotes dissent."""
    primary = primary_of(verdict)
    if verdict.reason in _OF_CHECK and primary.dissent:
        return explain_dissent(primary, verdict, lang)
    code, tally = code_of(c.Reason, verdict.reason), count_remotes(verdict)
    said = say_first(
        (f"reason.{code}.message", "reason.UNSPECIFIED.message"),
        lang,
        **tally.facts(),
        required=verdict.required,
        name=_fact(verdict.name),
        check=name_check(verdict.check, lang),
        regions=", ".join(_regions(verdict)),
    )
    return _join([said, *filter(None, [explain_numbers(verdict, lang)])], lang)


def explain_numbers(verdict: c.NameVerdict, lang: Language) -> str:
    """Say what the numbers of an unmet quorum mean, beside what they say themselves; or ""."""
    if not _differs_by_place(verdict):
        return ""
    return say("reason.QUORUM_NOT_MET.by_place.message", lang)


def _name_verdict(verdict: c.NameVerdict, lang: Language) -> str:
    if verdict.reason == c.REASON_CORROBORATED:
        return say("verdict.approved" if verdict.approved else "verdict.validated", lang)
    return say("verdict.refused" if is_determined(verdict) else "verdict.undetermined", lang)


def _explain(verdict: c.NameVerdict, lang: Language) -> str:
    """Say why, and which remotes dissent."""
    whom = list(_explain_remotes(verdict, lang)) if verdict.reason in _QUORUM else []
    return _join([explain_verdict(verdict, lang), *whom], lang)


def _explain_remotes(verdict: c.NameVerdict, lang: Language) -> Iterator[str]:
    """Yield each sentence about remotes that dissent, with all of them for which it is the same."""
    whose: dict[str, list[str]] = {}
    for report in remotes_of(verdict):
        if report.dissent and report.dissent != c.DISSENT_NOT_AWAITED:
            why = explain_dissent(report, verdict, lang)
            whose.setdefault(why, []).append(_fact(report.perspective_id))
    separator = say("list.separator", lang)
    for why, ids in whose.items():
        yield say("whom.message", lang, perspectives=separator.join(ids), why=why)


def _differs_by_place(verdict: c.NameVerdict) -> bool:
    """Whether the domain's servers fail towards some perspectives, and towards no others."""
    if verdict.reason != c.REASON_QUORUM_NOT_MET:
        return False
    dissents = [one.dissent for one in remotes_of(verdict) if one.dissent]
    asked = [one for one in dissents if one != c.DISSENT_NOT_AWAITED]
    return bool(asked) and all(one == c.DISSENT_FAILED for one in asked)


def _regions(verdict: c.NameVerdict) -> Sequence[str]:
    rirs = [one.rir for one in remotes_of(verdict) if one.corroborates]
    return sorted({code_of(o.Rir, one) for one in rirs})


def _advise(verdict: c.NameVerdict, lang: Language) -> str:
    """Say what to do."""
    primary = primary_of(verdict)
    ours = verdict.responsible in (c.RESPONSIBLE_CALLER, c.RESPONSIBLE_SERVICE)
    if ours and verdict.reason in _QUORUM:
        whose = code_of(c.Responsible, verdict.responsible)
        return say(f"responsible.{whose}.remedy", lang)
    if verdict.reason == c.REASON_PRIMARY_FORBIDS and _caa_code(primary):
        issuers = _issuers(verdict)
        return say(f"caa.{_caa_code(primary)}.remedy", lang, issuers=_fact(issuers))
    if verdict.reason == c.REASON_PRIMARY_FAILED:
        failed = find_failure(primary, primary.check)
        if failed is not None:
            return _say_failure(failed, "remedy", lang)[-1]
    if verdict.reason == c.REASON_PROOF_MISSING and (method := _find_method(verdict)):
        domain = _fact(method.domain)
        ids = (f"proof.{method.name}.remedy", "reason.PROOF_MISSING.remedy")
        return say_first(ids, lang, domain=domain)
    code = code_of(c.Reason, verdict.reason)
    if _differs_by_place(verdict):
        code += ".by_place"
    return say_first((f"reason.{code}.remedy", "reason.UNSPECIFIED.remedy"), lang)


class _ProofMethod(NamedTuple):
    """By which method control was to be proved, and at which authorization domain name."""

    name: str
    domain: str


def _find_method(verdict: c.NameVerdict) -> _ProofMethod | None:
    for check in verdict.checks:
        control = check.domain_control.control
        if name := control.WhichOneof("method"):
            return _ProofMethod(name, control.authorization_domain_name or verdict.looked_up)
    return None


def _caa_code(report: c.PerspectiveReport) -> str:
    found = find_determination(report, "caa")
    return _CAA_CODES.get(found.clause, "") if found.record else ""


def _explain_caa(report: c.PerspectiveReport, lang: Language) -> str:
    """Say which record forbids; an alias of the name may lead to it."""
    found = find_determination(report, "caa")
    owner, end = _fact(found.found_at), find_relevant_set(report)
    said = []
    if end is not None and end.aliases:
        name, owner = _fact(end.name), _fact(end.records.owner)
        said.append(say("caa.alias.message", lang, name=name, owner=owner))
    id = f"caa.{_caa_code(report)}.message"  # noqa: A001 - as in `say`
    return _join([*said, say(id, lang, owner=owner, record=_fact(found.record))], lang)


def _issuers(verdict: c.NameVerdict) -> str:
    asked = (one.caa.issuer_domains for one in verdict.checks if one.HasField("caa"))
    return ", ".join(next(asked, ()))


def _say_failure(failed: Failed, what: str, lang: Language) -> list[str]:
    """Return what is said of a failure: of its cause, and of the zone in which that is."""
    failure = failed.failure
    facts = {"where": _fact(failed.where), "zone": _fact(failure.zone)}
    code = code_of(o.FailureKind, failure.kind)
    if failure.kind != o.FAILURE_KIND_SERVFAIL or not (failure.cause and failure.zone):
        ids = (f"failure.{code}.{what}", f"failure.UNSPECIFIED.{what}")
        return [say_first(ids, lang, **facts)]
    cause = code_of(o.FailureCause, failure.cause)
    said = [say_first((f"cause.{cause}.{what}", f"cause.UNSPECIFIED.{what}"), lang, **facts)]
    scope = f"scope.{_scope(failed)}.{what}"
    return [*said, say(scope, lang, **facts)] if is_known(scope, lang) else said


def _scope(failed: Failed) -> str:
    """Say how the zone whose servers failed is related to the name: "", "tld" or "alias"."""
    zone = failed.failure.zone
    if not f".{failed.where}".endswith(f".{zone}"):
        return "alias"
    return "" if "." in zone else "tld"


def _list(lookup: o.Lookup, lang: Language) -> str:
    addresses = [_show_address(one) for one in sorted(lookup.records.rdata)]
    if not addresses:
        return say("addresses.none", lang)
    more = len(addresses) - _ADDRESSES
    shown = addresses[:_ADDRESSES] + ([say("whole.more", lang, count=more)] if more > 0 else [])
    return say("list.separator", lang).join(shown)


def _show_address(rdata: bytes) -> str:
    try:
        return str(ipaddress.ip_address(rdata))
    except ValueError:
        return rdata.hex()


def _join(sentences: Sequence[str], lang: Language) -> str:
    """Return sentences one after the other; Japanese has no blank between them."""
    return ("" if lang == "ja" else " ").join(sentences)


def _fact(text: str) -> str:
    return shorten(escape(text), _OCTETS)
