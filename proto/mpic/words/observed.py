"""What one perspective saw of a name, as short texts: one for each column. Pure.

Whatever came from the network is escaped.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from mpic.caa_record import present
from mpic.text import escape, shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words.catalogue import Language, say, say_first
from mpic.words.codes import code_of
from mpic.words.facts import find_lookups

_SHOWN = 4
"""Records of a set; the answer as JSON has all of them."""
_SHOWN_OF_PLACE = 60
_OWN_COLUMN = {"caa": "caa", "addresses": "a"}


def name_columns(verdict: c.NameVerdict) -> Sequence[str]:
    """Name what is shown: what was asked, and no others. Older answers do not say what was asked.

    They are the ids of the headings: "caa", "a", "aaaa", other checks, and "dnssec".
    """
    asked: list[str] = [check.WhichOneof("kind") or "?" for check in verdict.checks]
    kinds = asked or list(_OWN_COLUMN)
    covers = any(check.addresses.aaaa_too for check in verdict.checks)
    own = [column for kind, column in _OWN_COLUMN.items() if kind in kinds]
    more = [kind for kind in kinds if kind not in _OWN_COLUMN]
    return [*own, *(["aaaa"] if covers else []), *more, "dnssec"]


def describe_observation(
    report: c.PerspectiveReport, verdict: c.NameVerdict, lang: Language
) -> Mapping[str, str]:
    """Return the text of each column; "-" where nothing was seen."""
    if report.left_out:
        return dict.fromkeys(name_columns(verdict), say("seen.left_out", lang))
    findings = report.observation.findings
    # Those of CAA and A come first; other checks may ask in the same ways.
    kinds = {finding.WhichOneof("kind"): finding for finding in reversed(findings)}
    levels = list(kinds["caa_walk"].caa_walk.levels) if "caa_walk" in kinds else []
    a = [kinds["addresses"].addresses.lookup] if "addresses" in kinds else []
    others = {
        check: _describe_determination(report, check, lang)
        for check in name_columns(verdict)
        if check not in {"caa", "a", "aaaa", "dnssec"}
    }
    return {
        "caa": _describe_walk(levels, lang),
        "a": _describe_addresses(a, lang),
        "aaaa": _describe_addresses(_find_aaaa(findings, verdict)[:1], lang),
        **others,
        "dnssec": _describe_dnssec(find_lookups(findings), lang),
    }


def find_place(report: c.PerspectiveReport, check: str) -> str:
    """Return where a check found what it looked for, escaped; "" if it is not told."""
    places = (one.found_at for one in report.determinations if one.check == check)
    return shorten(next(places, ""), _SHOWN_OF_PLACE)


def name_failure(failure: o.Failure) -> str:
    """Return the code of a failure, with its Extended DNS Error if there is one."""
    known = failure.kind in o.FailureKind.values()
    code = code_of(o.FailureKind, failure.kind) if known else f"kind {failure.kind}"
    extended = f" (EDE {failure.extended_error.code})"
    return code + (extended if failure.HasField("extended_error") else "")


def _find_aaaa(findings: Iterable[o.Finding], verdict: c.NameVerdict) -> Sequence[o.Lookup]:
    return [
        finding.records.lookup
        for finding in findings
        if finding.records.type == o.RECORD_TYPE_AAAA
        and finding.records.lookup.name == verdict.looked_up
    ]


def _describe_determination(report: c.PerspectiveReport, check: str, lang: Language) -> str:
    found = next((one for one in report.determinations if one.check == check), None)
    if found is None:
        return "-"
    return say_first((f"outcome.{code_of(c.Outcome, found.outcome)}", "outcome.UNSPECIFIED"), lang)


def _describe_walk(levels: Sequence[o.Lookup], lang: Language) -> str:
    """Describe the end of a CAA walk."""
    if not levels:
        return "-"
    last = levels[-1]
    if last.HasField("absence"):
        return say("seen.none_up_to", lang, name=escape(last.name))
    if last.HasField("failure"):
        return _failed(last, lang)
    text = _list([escape(present(rdata)) for rdata in last.records.rdata], lang)
    is_asked = last.records.owner == levels[0].name
    if last.aliases or is_asked:
        return _with_alias(last, text, lang)
    return say("seen.at", lang, records=text, owner=escape(last.records.owner))


def _describe_addresses(lookups: Sequence[o.Lookup], lang: Language) -> str:
    if not lookups:
        return "-"
    (lookup,) = lookups
    if lookup.HasField("failure"):
        return _failed(lookup, lang)
    if lookup.HasField("absence"):
        what = say_first((f"seen.{code_of(o.Absence, lookup.absence)}", "seen.UNSPECIFIED"), lang)
        text = say("seen.no_address", lang, what=what)
    else:
        text = _list(sorted(map(_show_address, lookup.records.rdata)), lang)
    return _with_alias(lookup, text, lang)


def _with_alias(lookup: o.Lookup, records: str, lang: Language) -> str:
    """Say whose alias the name is, if it is one."""
    if not lookup.aliases:
        return records
    target = escape(lookup.aliases[-1].target)
    return say("seen.alias", lang, name=escape(lookup.name), target=target, records=records)


def _failed(lookup: o.Lookup, lang: Language) -> str:
    failure = name_failure(lookup.failure)
    return say("seen.failed_at", lang, failure=failure, name=escape(lookup.name))


def _list(texts: Sequence[str], lang: Language) -> str:
    more = len(texts) - _SHOWN
    shown = list(texts[:_SHOWN])
    if more > 0:
        shown.append(say("whole.more", lang, count=more))
    return say("list.separator", lang).join(shown)


def _show_address(rdata: bytes) -> str:
    try:
        return str(ipaddress.ip_address(rdata))
    except ValueError:
        return rdata.hex()


def _describe_dnssec(lookups: Iterable[o.Lookup], lang: Language) -> str:
    statuses = dict.fromkeys(lookup.dnssec for lookup in lookups)
    codes = [code_of(o.Dnssec, one) for one in statuses]
    said = [say_first((f"dnssec.{code}", "dnssec.UNSPECIFIED"), lang) for code in codes]
    return say("list.separator", lang).join(said) or "-"
