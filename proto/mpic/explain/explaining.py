"""Explains an answer: facts in, codes, then sentences. Pure.

The verdict on a name has one reason. Behind it stand the problems that perspectives met: those that
met the same share one. If the primary forbids or fails, its problem is the reason.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from mpic.explain.explanation import (
    AgainCode,
    Coded,
    Explanation,
    NameExplanation,
    PasteLine,
    ProblemView,
    VerdictCode,
    WhoseCode,
)
from mpic.explain.paste import make_lines
from mpic.explain.tasks import CLAUSES, find_task
from mpic.explain.views import (
    read_time,
    view_checks,
    view_differences,
    view_dnssec,
    view_perspectives,
    view_walks,
)
from mpic.v1 import corroboration_pb2 as c
from mpic.words import Language
from mpic.words.catalogue import say
from mpic.words.codes import code_of
from mpic.words.facts import find_determination, is_determined, primary_of
from mpic.words.problem_sentences import name_check, say_problem, show_fact
from mpic.words.problems import ProblemFacts, find_problem
from mpic.words.sentences import (
    differs_by_place,
    explain_cause,
    explain_verdict,
    say_quorum,
    sentence,
)

# What says nothing of its own: nobody waited for it, or there is nothing to compare it with.
_NO_PROBLEM = (c.DISSENT_UNSPECIFIED, c.DISSENT_NOT_AWAITED, c.DISSENT_NO_PRIMARY)
_OF_PRIMARY = (
    c.REASON_PRIMARY_FORBIDS,
    c.REASON_PRIMARY_FAILED,
    c.REASON_PROOF_MISSING,
    c.REASON_NOT_IN_PUBLIC_DNS,
)
_AGAIN: dict[int, AgainCode] = {
    c.RETRY_NOW: "now",
    c.RETRY_LATER: "later",
    c.RETRY_AFTER_CHANGE: "after_change",
}
_TASK_OF: dict[int, WhoseCode] = {c.RESPONSIBLE_CALLER: "ca", c.RESPONSIBLE_SERVICE: "service"}


def explain(answer: c.CorroborateResponse, lang: Language) -> Explanation:
    """Return the explanation of an answer, or of a record as it is read back."""
    code, asked_at = _judge(answer), read_time(answer.asked_at)
    bad = [one for one in answer.names if one.reason != c.REASON_CORROBORATED]
    good = [one for one in answer.names if one.reason == c.REASON_CORROBORATED]
    return Explanation(
        language=lang,
        record_id=show_fact(answer.record_id),
        request_id=show_fact(answer.request_id),
        url=answer.explanation_url,
        verdict=Coded(code, say(f"verdict.{code}", lang)),
        error_code=str(answer.error.code) if answer.HasField("error") else "",
        sentence=_say_verdict(code, answer, len(bad), lang),
        is_dry_run=answer.dry_run,
        asked_at=asked_at,
        decided_at=read_time(answer.decided_at),
        usable_until=read_time(answer.caa_usable_until)
        or read_time(answer.domain_control_usable_until),
        policy_from=read_time(answer.policy.effective_from),
        names=tuple(explain_name(one, asked_at, lang) for one in (*bad, *good)),
    )


def explain_name(
    verdict: c.NameVerdict, asked_at: datetime | None, lang: Language
) -> NameExplanation:
    """Return the explanation of the verdict on one name."""
    problems = tuple(_find_problems(verdict, asked_at, lang))
    decisive = _find_decisive(verdict, problems)
    words = sentence(verdict, lang)
    reason = code_of(c.Reason, verdict.reason)
    whose, again = _find_whose(verdict, decisive), _find_again(verdict)
    return NameExplanation(
        name=show_fact(verdict.name),
        looked_up=show_fact(verdict.looked_up),
        verdict=Coded(_judge_name(verdict), words.verdict),
        error_code=str(verdict.error.code) if verdict.HasField("error") else "",
        quorum=say_quorum(verdict, lang, shortly=True),
        required=verdict.required,
        reason=Coded(reason, explain_verdict(verdict, lang)),
        cause=decisive.cause if decisive else explain_cause(verdict, lang),
        remedy=decisive.remedy if decisive else words.remedy,
        whose=Coded(whose, say(f"whose.{whose}", lang)),
        again=Coded(again, say(f"again.{again}", lang)),
        clause=decisive.clause if decisive else find_task(f"reason.{reason}").clause,
        problems=problems,
        perspectives=tuple(view_perspectives(verdict, lang)),
        differences=tuple(view_differences(verdict, lang)),
        caa_walks=tuple(view_walks(verdict, lang)),
        dnssec=tuple(view_dnssec(primary_of(verdict), lang)),
        checks=tuple(view_checks(verdict, lang)),
    )


def _find_problems(
    verdict: c.NameVerdict, asked_at: datetime | None, lang: Language
) -> Iterator[ProblemView]:
    """Yield each problem with the perspectives that met it: the primary's first."""
    whose: dict[ProblemFacts, list[c.PerspectiveReport]] = {}
    for report in verdict.perspectives:
        if report.dissent not in _NO_PROBLEM:
            whose.setdefault(find_problem(report, verdict), []).append(report)
    ordered = sorted(whose.items(), key=lambda item: (not _has_primary(item[1]), -len(item[1])))
    for found, reports in ordered:
        lines = make_lines(found, verdict.looked_up, asked_at, lang)
        yield _make_problem(found, reports, lines, lang)


def _has_primary(reports: Sequence[c.PerspectiveReport]) -> bool:
    return any(one.role == c.ROLE_PRIMARY for one in reports)


def _make_problem(
    found: ProblemFacts,
    reports: Sequence[c.PerspectiveReport],
    paste: Sequence[PasteLine],
    lang: Language,
) -> ProblemView:
    task = find_task(found.code)
    whose = "registry" if found.scope == "tld" else task.whose
    told = find_determination(reports[0], found.check)
    return ProblemView(
        code=found.code,
        check=Coded(found.check, name_check(found.check, lang) if found.check else ""),
        message=say_problem(found, "message", lang),
        cause=say_problem(found, "cause", lang),
        remedy=say_problem(found, "remedy", lang),
        whose=Coded(whose, say(f"whose.{whose}", lang)),
        again=Coded(task.again, say(f"again.{task.again}", lang)),
        clause=_find_clause(found, told.clause),
        perspectives=tuple(show_fact(one.perspective_id) for one in reports),
        paste=paste,
    )


def _find_clause(found: ProblemFacts, told: str) -> str:
    """Return what demands that a problem is none: of a failure, the check and what it breaks."""
    own, check = find_task(found.code).clause, show_fact(told) or CLAUSES.get(found.check, "")
    if found.code.startswith(("failure.", "cause.")):
        return ", ".join(filter(None, dict.fromkeys((check, own))))
    return check if told else own


def _find_decisive(verdict: c.NameVerdict, problems: Sequence[ProblemView]) -> ProblemView | None:
    """Return the problem that is the reason: the primary's, or the only kind that remotes met.

    None: the reason says more than one problem, as when servers fail only towards some places.
    """
    if not problems or verdict.reason == c.REASON_CORROBORATED:
        return None
    if verdict.reason in _OF_PRIMARY:
        return problems[0]
    is_one_kind = len({one.code for one in problems}) == 1
    return problems[0] if is_one_kind and not differs_by_place(verdict) else None


def _judge(answer: c.CorroborateResponse) -> VerdictCode:
    if answer.approved:
        return "approved"
    if answer.corroborated:
        return "validated"
    refused = [one for one in answer.names if one.reason != c.REASON_CORROBORATED]
    return "refused" if any(map(is_determined, refused)) else "undetermined"


def _judge_name(verdict: c.NameVerdict) -> VerdictCode:
    if verdict.reason == c.REASON_CORROBORATED:
        return "approved" if verdict.approved else "validated"
    return "refused" if is_determined(verdict) else "undetermined"


def _say_verdict(code: VerdictCode, answer: c.CorroborateResponse, bad: int, lang: Language) -> str:
    if code == "approved" and answer.dry_run:
        return say("explain.approved.dry_run", lang)
    if code == "refused" and len(answer.names) == 1:
        return say("explain.refused.one", lang)
    return say(f"explain.{code}", lang, count=bad, all=len(answer.names))


def _find_whose(verdict: c.NameVerdict, decisive: ProblemView | None) -> WhoseCode:
    """Return whose task it is; the answer says whose failure it is."""
    if verdict.reason == c.REASON_CORROBORATED:
        return "nobody"
    if verdict.responsible in _TASK_OF:
        return _TASK_OF[verdict.responsible]
    if decisive is not None:
        return decisive.whose.code  # type: ignore[return-value] # it was made of one
    return find_task(f"reason.{code_of(c.Reason, verdict.reason)}").whose


def _find_again(verdict: c.NameVerdict) -> AgainCode:
    if verdict.reason == c.REASON_CORROBORATED:
        return "no"
    told = _AGAIN.get(verdict.retry)
    return told or find_task(f"reason.{code_of(c.Reason, verdict.reason)}").again
