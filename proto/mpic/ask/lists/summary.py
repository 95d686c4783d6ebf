"""What a run came to, for a person, on standard error; and for the shell."""

from collections.abc import Iterator, Sequence

from mpic.ask.exit_status import APPROVED, REFUSED, UNDETERMINED, USAGE
from mpic.ask.lists.journal import Journal, JournalLine, LineState
from mpic.ask.lists.line import Phrase, Remark
from mpic.text import escape, shorten
from mpic.words.catalogue import Language, say

MOST_NAMED = 20
"""Lines of each kind that are named."""
_OCTETS = 400
_BETWEEN: dict[Language, str] = {"en": " ", "ja": ""}
"""Between two sentences."""


def describe(
    journal: Journal,
    remarks: Sequence[tuple[int, Remark]],
    more_remarks: int,
    lang: Language,
) -> Iterator[str]:
    """Yield the lines of the summary, what was refused last."""
    for number, remark in remarks:
        yield say("summary.note", lang, line=number, said=show_remark(remark, lang))
    if more_remarks:
        yield say("summary.more_notes", lang, count=more_remarks)
    counts = journal.count()
    for state in (LineState.MALFORMED, LineState.UNDETERMINED, LineState.REFUSED):
        if counts.get(state):
            yield from _describe_state(journal, state, lang)
    if not journal.is_empty():
        yield _count_all(counts, lang)


def show_remark(remark: Remark, lang: Language) -> str:
    """Return a remark with its place."""
    said = Phrase(f"remark.{remark.code}", remark.facts).say(lang) if remark.code else remark.text
    return say("summary.column", lang, column=remark.column, said=said) if remark.column else said


def exit_status(journal: Journal) -> int:
    """Return what a run that came to its end means to the shell; the first that holds."""
    counts = journal.count()
    if counts.get(LineState.MALFORMED):
        return USAGE
    if counts.get(LineState.UNDETERMINED) or counts.get(LineState.OPEN):
        return UNDETERMINED
    return REFUSED if counts.get(LineState.REFUSED) else APPROVED


def _describe_state(journal: Journal, state: LineState, lang: Language) -> Iterator[str]:
    reasons = journal.count_reasons(state)
    count = sum(reasons.values())
    each = ", ".join(f"{reason} {number}" for reason, number in reasons.items())
    shown = f" ({each})" if state is not LineState.MALFORMED else ""
    yield f"{say(f'verdict.{state}', lang)}: {count}{shown}"
    for place, line in enumerate(journal.lines(state)):
        if place == MOST_NAMED:
            yield "  " + say("summary.more", lang, count=count - MOST_NAMED)
            break
        yield f"  {_describe_line(line, lang)}"


def _describe_line(line: JournalLine, lang: Language) -> str:
    words = (line.result or {}).get("words", {})
    names = " ".join([*line.names[:3], "..."] if len(line.names) > 3 else line.names)  # noqa: PLR2004
    named = f" {escape(names)}" if names else ""
    parts = ("reason",) if line.state is LineState.MALFORMED else ("reason", "remedy")
    said = shorten(_BETWEEN[lang].join(words.get(part, "") for part in parts).strip(), _OCTETS)
    return say("summary.line", lang, line=line.number, names=named, said=said)


def _count_all(counts: dict[LineState, int], lang: Language) -> str:
    shown = [
        say("summary.count", lang, count=counts[state], verdict=say(f"verdict.{state}", lang))
        for state in (
            LineState.APPROVED,
            LineState.REFUSED,
            LineState.UNDETERMINED,
            LineState.MALFORMED,
        )
        if counts.get(state)
    ]
    if counts.get(LineState.OPEN):
        shown.append(say("summary.open", lang, count=counts[LineState.OPEN]))
    total = sum(number for state, number in counts.items() if state is not LineState.BLANK)
    return say("summary.total", lang, count=total, each=", ".join(shown))
