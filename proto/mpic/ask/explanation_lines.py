"""An explanation as lines for a terminal or a pipe. Pure.

Sentences are wrapped in a terminal. Lines to copy never are: whoever copies one has all of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.text import Text

from mpic.ask.answer_lines import BAD, GOOD, TextLine
from mpic.explain import (
    CaaWalk,
    CheckView,
    Difference,
    Explanation,
    NameExplanation,
    PasteLine,
    PerspectiveView,
    ProblemView,
)
from mpic.text import escape
from mpic.words.catalogue import Language, say

_GOOD = ("approved", "validated")
_PROMPT = {"command": "$ ", "zone": "", "server": ""}


def describe_explanation(told: Explanation) -> Iterator[TextLine]:
    """Yield all of it: each name, those that are not approved first, and the record."""
    lang = told.language
    for name in told.names:
        yield from _describe_name(name, lang)
        yield TextLine(Text())
    style = GOOD if told.verdict.code in _GOOD else BAD
    yield TextLine(Text(told.sentence, style=style))
    if told.is_dry_run:
        yield TextLine(Text(say("page.dry_run", lang), style="yellow"))
    yield from _describe_times(told)
    yield from _field("page.record", told.record_id, lang)
    if told.url:
        yield from _field("explain.url", told.url, lang, is_whole=True)


def _describe_name(name: NameExplanation, lang: Language) -> Iterator[TextLine]:
    title = Text(escape(name.name), style="bold")
    if name.name != name.looked_up:
        title.append(f"  {say('page.looked_up', lang, name=escape(name.looked_up))}", style="dim")
    yield TextLine(title)
    is_good = name.verdict.code in _GOOD
    verdict = Text(name.verdict.words, style=GOOD if is_good else BAD)
    if name.error_code:
        verdict.append(f"  {say('line.error', lang, code=name.error_code)}", style=BAD)
    yield TextLine(verdict.append(f"  {escape(name.reason.code)}", style="dim"))
    yield TextLine(Text(escape(name.reason.words)), 2)
    if not is_good:
        yield from _describe_columns(name, lang)
    if len(name.problems) > 1 or (name.problems and name.problems[0].message != name.reason.words):
        for number, problem in enumerate(name.problems, 1):
            yield from _describe_problem(number, problem, lang, has_columns=len(name.problems) > 1)
    for problem in name.problems:
        yield from _describe_paste(problem.paste)
    yield from _describe_perspectives(name, lang)
    yield from _describe_differences(name.differences, lang)
    yield from _describe_walks(name.caa_walks, lang)
    yield from _describe_checks(name.checks, lang)
    if name.dnssec:
        listed = say("list.separator", lang).join(one.words for one in name.dnssec)
        yield from _field("page.dnssec", listed, lang)


def _describe_columns(told: NameExplanation | ProblemView, lang: Language) -> Iterator[TextLine]:
    """Yield the main cause, what to do, and who does it, when, and why."""
    yield from _field("page.cause", told.cause, lang)
    yield from _field("page.remedy", told.remedy, lang)
    yield from _field("page.whose", told.whose.words, lang)
    yield from _field("page.again", told.again.words, lang)
    if told.clause:
        yield from _field("page.clause", told.clause, lang)


def _describe_problem(
    number: int, problem: ProblemView, lang: Language, *, has_columns: bool
) -> Iterator[TextLine]:
    whom = say("list.separator", lang).join(map(escape, problem.perspectives))
    head = Text(f"{number}. {escape(problem.code)}", style=BAD)
    yield TextLine(head.append(f"  {whom}", style="bold"), 2)
    yield TextLine(Text(escape(problem.message)), 5)
    if has_columns:
        for line in _describe_columns(problem, lang):
            yield line._replace(indent=line.indent + 3)


def _describe_paste(lines: Iterable[PasteLine]) -> Iterator[TextLine]:
    for one in lines:
        yield TextLine(Text(one.intro, style="italic"), 2)
        for text in one.text.split("\n"):
            yield TextLine(Text(f"{_PROMPT[one.kind]}{text}", style="cyan"), 4, is_whole=True)


def _describe_perspectives(name: NameExplanation, lang: Language) -> Iterator[TextLine]:
    if not name.perspectives:
        return
    yield TextLine(Text(say("page.saw", lang), style="bold"), 2)
    if "/" in name.quorum:
        quorum = say("page.quorum", lang, quorum=name.quorum, required=name.required)
        yield TextLine(Text(quorum), 4)
    rows = [_make_row(one, lang) for one in name.perspectives]
    columns = range(len(rows[0]) - 1)
    widths = [max(cell_len(row[at]) for row in rows) for at in columns]
    for row, view in zip(rows, name.perspectives, strict=True):
        padded = (cell + " " * (widths[at] - cell_len(cell)) for at, cell in enumerate(row[:-1]))
        style = "green" if view.corroborates else BAD if view.was_counted else "dim"
        yield TextLine(Text("  ".join([*padded, row[-1]]), style=style), 4)


def _make_row(view: PerspectiveView, lang: Language) -> Sequence[str]:
    who = escape(view.id)
    if view.is_primary:
        who += f" ({say('role.primary', lang)})"
    took = "" if view.elapsed is None else f"{view.elapsed.total_seconds() * 1000:.0f} ms"
    return who, view.outcome.words, took, view.region.words


def _describe_differences(differences: Iterable[Difference], lang: Language) -> Iterator[TextLine]:
    for one in differences:
        title = f"{say('page.differences', lang)}: {one.what.words}"
        yield TextLine(Text(title, style="bold"), 2)
        for group in one.groups:
            whom = say("list.separator", lang).join(map(escape, group.perspectives))
            yield TextLine(Text(f"{whom}:"), 4)
            for value in group.values:
                yield TextLine(Text(escape(value)), 6)


def _describe_walks(walks: Iterable[CaaWalk], lang: Language) -> Iterator[TextLine]:
    for walk in walks:
        yield TextLine(Text(say("page.walk", lang), style="bold"), 2)
        whom = say("list.separator", lang).join(map(escape, walk.perspectives))
        yield TextLine(Text(say("page.walk.seen", lang, perspectives=whom)), 4)
        for level in walk.levels:
            line = Text(escape(level.name)).append(f": {escape(level.words)}")
            if level.stopped_here:
                line.append(f"  <- {say('page.walk.stopped', lang)}", style="yellow")
            yield TextLine(line, 4)
            for record in level.records:
                yield TextLine(Text(escape(record)), 6)


def _describe_checks(checks: Sequence[CheckView], lang: Language) -> Iterator[TextLine]:
    if checks:
        yield TextLine(Text(say("page.checks", lang), style="bold"), 2)
    for one in checks:
        line = f"{one.check.words}: {one.outcome.words}"
        yield TextLine(Text(f"{line}  {one.quorum}".rstrip()), 4)


def _describe_times(told: Explanation) -> Iterator[TextLine]:
    for id, moment in (  # noqa: A001 - as in `say`
        ("page.asked_at", told.asked_at),
        ("page.decided_at", told.decided_at),
        ("page.usable_until", told.usable_until),
    ):
        if moment is not None:
            yield from _field(id, _show_time(moment), told.language)


def _field(
    id: str,
    text: str,
    lang: Language,
    *,
    is_whole: bool = False,
) -> Iterator[TextLine]:
    line = Text(f"{say(id, lang)}: ", style="bold").append(escape(text), style="not bold")
    yield TextLine(line, 0 if id in _OF_ALL else 2, is_whole=is_whole)


_OF_ALL = ("page.asked_at", "page.decided_at", "page.usable_until", "page.record", "explain.url")


def _show_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
