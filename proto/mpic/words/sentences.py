"""The sentences of a verdict on one name, made from its codes and facts. Pure.

An answer whose reports are left out has fewer facts. Its sentences then say less.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words.catalogue import Language, say, say_first
from mpic.words.codes import code_of
from mpic.words.facts import (
    count_remotes,
    find_failure,
    is_determined,
    primary_of,
    remotes_of,
)
from mpic.words.problem_sentences import (
    explain_dissent,
    join_sentences,
    name_check,
    say_problem,
    show_fact,
)
from mpic.words.problems import find_problem

_NOT_THE_DOMAINS = (c.RESPONSIBLE_CALLER, c.RESPONSIBLE_SERVICE)
_QUORUM = (c.REASON_QUORUM_NOT_MET, c.REASON_REGIONS_NOT_MET)
# What a check found, or could not learn: the sentence is that of the check.
_PRIMARYS_OWN = (c.REASON_PRIMARY_FORBIDS, c.REASON_PRIMARY_FAILED)
_OF_CHECK = (*_PRIMARYS_OWN, c.REASON_PROOF_MISSING)


QUORUM_REASONS = frozenset(
    {
        c.REASON_CORROBORATED,
        c.REASON_QUORUM_NOT_MET,
        c.REASON_REGIONS_NOT_MET,
        c.REASON_TOO_FEW_REMOTES,
    }
)
"""Those for which remotes are counted."""


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
        name=show_fact(verdict.name),
        check=name_check(verdict.check, lang),
        regions=", ".join(_regions(verdict)),
    )
    return join_sentences([said, *filter(None, [explain_numbers(verdict, lang)])], lang)


def explain_numbers(verdict: c.NameVerdict, lang: Language) -> str:
    """Say what the numbers of an unmet quorum mean, beside what they say themselves; or ""."""
    if not differs_by_place(verdict):
        return ""
    return say("reason.QUORUM_NOT_MET.by_place.message", lang)


def say_quorum(verdict: c.NameVerdict, lang: Language, *, shortly: bool = False) -> str:
    """Say how many corroborate; if some were not awaited, how many can at most."""
    tally = count_remotes(verdict)
    is_open = tally.corroborating + tally.dissenting < tally.attempted
    facts = {**tally.facts(), "quorum": verdict.quorum, "required": verdict.required}
    if verdict.reason not in QUORUM_REASONS:
        return "-" if shortly else say("line.no_quorum", lang)
    if verdict.HasField("error") and is_open:
        return say("line.at_most" if shortly else "line.quorum_open", lang, **facts)
    return verdict.quorum if shortly else say("line.quorum", lang, **facts)


def explain_cause(verdict: c.NameVerdict, lang: Language) -> str:
    """Say in a sentence or two what mostly causes the reason of a verdict."""
    if verdict.reason in _QUORUM and verdict.responsible in _NOT_THE_DOMAINS:
        return say(f"responsible.{code_of(c.Responsible, verdict.responsible)}.cause", lang)
    code = code_of(c.Reason, verdict.reason)
    if differs_by_place(verdict):
        code += ".by_place"
    return say_first((f"reason.{code}.cause", "reason.UNSPECIFIED.cause"), lang)


def _name_verdict(verdict: c.NameVerdict, lang: Language) -> str:
    if verdict.reason == c.REASON_CORROBORATED:
        return say("verdict.approved" if verdict.approved else "verdict.validated", lang)
    return say("verdict.refused" if is_determined(verdict) else "verdict.undetermined", lang)


def _explain(verdict: c.NameVerdict, lang: Language) -> str:
    """Say why, and which remotes dissent."""
    whom = list(_explain_remotes(verdict, lang)) if verdict.reason in _QUORUM else []
    return join_sentences([explain_verdict(verdict, lang), *whom], lang)


def _explain_remotes(verdict: c.NameVerdict, lang: Language) -> Iterator[str]:
    """Yield each sentence about remotes that dissent, with all of them for which it is the same."""
    whose: dict[str, list[str]] = {}
    for report in remotes_of(verdict):
        if report.dissent and report.dissent != c.DISSENT_NOT_AWAITED:
            why = explain_dissent(report, verdict, lang)
            whose.setdefault(why, []).append(show_fact(report.perspective_id))
    separator = say("list.separator", lang)
    for why, ids in whose.items():
        yield say("whom.message", lang, perspectives=separator.join(ids), why=why)


def differs_by_place(verdict: c.NameVerdict) -> bool:
    """Whether the domain's name servers fail towards some perspectives, and not towards others."""
    if verdict.reason != c.REASON_QUORUM_NOT_MET:
        return False
    asked = [
        one
        for one in remotes_of(verdict)
        if one.dissent not in {c.DISSENT_UNSPECIFIED, c.DISSENT_NOT_AWAITED}
    ]
    return bool(asked) and all(map(_has_failed, asked))


def _has_failed(report: c.PerspectiveReport) -> bool:
    """Whether a lookup failed at a perspective by the domain's failure; not a web server."""
    if report.dissent != c.DISSENT_FAILED:
        return False
    failed = find_failure(report, report.check)
    return failed is None or not failed.port


def _regions(verdict: c.NameVerdict) -> Sequence[str]:
    rirs = [one.rir for one in remotes_of(verdict) if one.corroborates]
    return sorted({code_of(o.Rir, one) for one in rirs})


def _advise(verdict: c.NameVerdict, lang: Language) -> str:
    """Say what to do."""
    primary = primary_of(verdict)
    if verdict.reason in _QUORUM and verdict.responsible in _NOT_THE_DOMAINS:
        whose = code_of(c.Responsible, verdict.responsible)
        return say(f"responsible.{whose}.remedy", lang)
    if verdict.reason in _PRIMARYS_OWN and primary.dissent:
        return say_problem(find_problem(primary, verdict), "remedy", lang)
    if verdict.reason == c.REASON_PROOF_MISSING and primary.dissent:
        return _advise_on_proof(verdict, lang)
    code = code_of(c.Reason, verdict.reason)
    if differs_by_place(verdict):
        code += ".by_place"
    return say_first((f"reason.{code}.remedy", "reason.UNSPECIFIED.remedy"), lang)


def _advise_on_proof(verdict: c.NameVerdict, lang: Language) -> str:
    """Say what to do about a proof that is missing; older answers do not tell what is wrong."""
    problem = find_problem(primary_of(verdict), verdict)
    if problem.code.startswith("fault."):
        return say_problem(problem, "remedy", lang)
    ids = (f"proof.{problem.proof.method}.remedy", "reason.PROOF_MISSING.remedy")
    return say_first(ids, lang, domain=show_fact(problem.proof.domain))
