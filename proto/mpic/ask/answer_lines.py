"""The answer about one name as lines that a person reads, in a terminal and in a pipe. Pure.

Perspectives that saw the same, and for which the same follows, share their lines. A line is as long
as it is: who prints it wraps it at the width of a terminal, and never in a pipe.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.text import Text

from mpic.text import escape
from mpic.v1 import corroboration_pb2 as c
from mpic.words.catalogue import Language, say, say_first
from mpic.words.codes import code_of
from mpic.words.facts import find_failure
from mpic.words.observed import describe_observation, name_columns
from mpic.words.problem_sentences import explain_dissent
from mpic.words.sentences import (
    QUORUM_REASONS,
    explain_numbers,
    explain_verdict,
    say_quorum,
    sentence,
)

GOOD, BAD = "bold green", "bold red"
_BY_NUMBERS = (c.REASON_CORROBORATED, c.REASON_QUORUM_NOT_MET)
_FAILED = (c.DISSENT_FAILED, c.DISSENT_NOT_LOOKED)


class TextLine(NamedTuple):
    """One line, and how far it is indented."""

    text: Text
    indent: int = 0
    is_whole: bool = False
    """It is never wrapped: somebody will copy it."""


class _Group(NamedTuple):
    """What perspectives have in common that share their lines."""

    role: c.Role.ValueType
    dissent: str
    """As it is told; "": they corroborate."""
    seen: str
    said: tuple[str, ...]
    """Why they dissent."""


def describe_name(verdict: c.NameVerdict, lang: Language) -> Iterator[TextLine]:
    """Yield the lines about one name: who saw what, the verdict, and what to do."""
    title = Text(escape(verdict.name), style="bold")
    if verdict.name != verdict.looked_up:
        looked_up = say("line.looked_up", lang, name=escape(verdict.looked_up))
        title.append(f"  {looked_up}", style="dim")
    yield TextLine(title)
    for group, reports in _group(verdict, lang).items():
        yield from _describe_group(group, reports, lang)
    yield from describe_verdict(verdict, lang)


def describe_dissents(verdict: c.NameVerdict, lang: Language) -> Iterator[TextLine]:
    """Yield why perspectives dissent, with all of them for which it is the same, word for word."""
    whose: dict[str, list[str]] = {}
    for report in verdict.perspectives:
        for why in _say_why(report, verdict, lang):
            whose.setdefault(why, []).append(escape(report.perspective_id))
    for why, ids in whose.items():
        yield TextLine(Text(f"{', '.join(ids)}: ", style="bold").append(why, style=""), 2)


def describe_verdict(verdict: c.NameVerdict, lang: Language) -> Iterator[TextLine]:
    """Yield the verdict on a name, why, whose failure it is, and what to do."""
    words = sentence(verdict, lang)
    is_good = verdict.reason == c.REASON_CORROBORATED
    line = Text(words.verdict, style=GOOD if is_good else BAD)
    line.append(f"  {say_quorum(verdict, lang)}", style="")
    if len(verdict.corroborations) > 1:
        each = ", ".join(f"{one.check} {one.quorum}" for one in verdict.corroborations)
        line.append(f" ({escape(each)})", style="")
    line.append(f"  {name_reason(verdict)}", style="")
    if verdict.HasField("error"):
        line.append(f"  {say('line.error', lang, code=verdict.error.code)}", style=BAD)
    yield TextLine(line)
    if why := _why(verdict, lang):
        yield TextLine(Text(why), 2)
    if not is_good:
        whose = code_of(c.Responsible, verdict.responsible)
        again = code_of(c.Retry, verdict.retry)
        told = [
            *([say(f"responsible.{whose}", lang)] if verdict.responsible else []),
            *([say(f"retry.{again}", lang)] if verdict.retry else []),
        ]
        if told:
            yield TextLine(Text("; ".join(told)), 2)
        yield TextLine(Text(say("line.remedy", lang, remedy=words.remedy)), 2)
    for one in verdict.determinations:
        if one.outcome == c.OUTCOME_PASSED and one.clause:
            yield TextLine(Text(_describe_evidence(one, lang), style="dim"), 2)


def name_reason(verdict: c.NameVerdict) -> str:
    """Return the code of a reason, with the check that decided."""
    code = code_of(c.Reason, verdict.reason)
    return f"{code} {escape(verdict.check)}".rstrip()


def name_dissent(report: c.PerspectiveReport, lang: Language) -> str:
    """Return what a dissent is called: its code, with its check."""
    code = code_of(c.Dissent, report.dissent)
    shown = f"{code} {escape(report.check)}".rstrip()
    return say_first((f"dissent.{code}.label", "dissent.UNSPECIFIED.label"), lang, code=shown)


def show_steps(steps: Sequence[c.AuthorizationStep], lang: Language) -> str:
    """Name the steps from a name to its authorization domain name; not escaped."""
    kinds = (code_of(c.AuthorizationStepKind, one.kind) for one in steps)
    told = (
        say_first((f"step.{kind}", "step.UNSPECIFIED"), lang, to=one.to)
        for kind, one in zip(kinds, steps, strict=True)
    )
    return say("list.separator", lang).join(told)


def _group(verdict: c.NameVerdict, lang: Language) -> dict[_Group, list[c.PerspectiveReport]]:
    """Return the reports by what they have in common: the primary's first."""
    columns = name_columns(verdict)
    groups: dict[_Group, list[c.PerspectiveReport]] = {}
    for report in verdict.perspectives:
        texts = describe_observation(report, verdict, lang)
        was_seen = report.HasField("observation") or report.left_out
        seen = [f"{say(f'heading.{one}', lang)} {texts[one]}" for one in columns]
        group = _Group(
            report.role,
            name_dissent(report, lang) if report.dissent else "",
            "; ".join(seen) if was_seen else "",
            tuple(_say_why(report, verdict, lang)),
        )
        groups.setdefault(group, []).append(report)
    return groups


def _say_why(report: c.PerspectiveReport, verdict: c.NameVerdict, lang: Language) -> Iterator[str]:
    """Yield why a perspective dissents: what failed, and the coordinator's own sentence.

    What the primary's dissent means is said in the verdict.
    """
    if not report.dissent:
        return
    failed = find_failure(report, report.check) if report.dissent in _FAILED else None
    is_remote = report.role != c.ROLE_PRIMARY
    if is_remote and (lang != "en" or failed is not None):
        yield explain_dissent(report, verdict, lang)
    # That of a failure names the server, which need not be the same for all perspectives.
    is_told = is_remote and failed is not None and bool(failed.failure.cause)
    if report.detail and not is_told and (lang == "en" or report.check == "domain_control"):
        yield escape(report.detail)


def _describe_group(
    group: _Group, reports: Sequence[c.PerspectiveReport], lang: Language
) -> Iterator[TextLine]:
    whom = ", ".join(escape(one.perspective_id) for one in reports)
    head = Text(_name_group(group, len(reports), lang), style=BAD if group.dissent else "green")
    times = _show_times(reports)
    yield TextLine(head.append(f": {whom}", style="bold").append(times, style="dim"), 2)
    if group.seen:
        yield TextLine(Text(group.seen), 4)
    for why in group.said:
        yield TextLine(Text(why), 4)


def _name_group(group: _Group, count: int, lang: Language) -> str:
    ending = "dissents" if group.dissent else "agrees"
    who = "one" if count == 1 else "many"
    if group.role == c.ROLE_PRIMARY:
        who = "primary"
    return say(f"group.{who}.{ending}", lang, count=count, dissent=group.dissent)


def _show_times(reports: Sequence[c.PerspectiveReport]) -> str:
    """Return how long they took, such as "  8-91 ms"; "" if nobody answered."""
    times = [one.elapsed.ToNanoseconds() / 1e6 for one in reports if one.HasField("elapsed")]
    if not times:
        return ""
    least, most = round(min(times)), round(max(times))
    return f"  {least} ms" if least == most else f"  {least}-{most} ms"


def _why(verdict: c.NameVerdict, lang: Language) -> str:
    """Return the reason in a sentence; "" if the numbers before it say all."""
    if verdict.reason in _BY_NUMBERS:
        return explain_numbers(verdict, lang)
    if lang == "en" and verdict.detail and verdict.reason in QUORUM_REASONS:
        return escape(verdict.detail)
    return explain_verdict(verdict, lang)


def _describe_evidence(found: c.Determination, lang: Language) -> str:
    """Say by which clause, steps and evidence a check passed at the primary.

    The sentence of the evidence is the service's own, in English.
    """
    detail = found.detail if lang == "en" else ""
    is_said = not found.found_at or found.found_at in detail
    at = "" if is_said else say("line.found_at", lang, where=found.found_at)
    parts = [found.clause, show_steps(found.steps, lang), at, detail]
    said = escape("; ".join(filter(None, parts)))
    check = escape(say_first((f"check.{found.check}",), lang)) if lang != "en" else found.check
    return say("line.evidence", lang, check=escape(check.removeprefix("check.")), said=said)
