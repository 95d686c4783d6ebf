"""What a run came to, for a person, on standard error; and for the shell."""

from collections.abc import Iterator, Sequence

from mpic.ask.exit_status import APPROVED, REFUSED, UNDETERMINED, USAGE
from mpic.ask.lists.journal import Journal, JournalLine, LineState
from mpic.ask.lists.line import Remark
from mpic.text import escape, shorten

MOST_NAMED = 20
"""Lines of each kind that are named."""
_OCTETS = 400


def describe(
    journal: Journal, remarks: Sequence[tuple[int, Remark]], more_remarks: int
) -> Iterator[str]:
    """Yield the lines of the summary, what was refused last."""
    for number, remark in remarks:
        yield f"note: line {number}: {show_remark(remark)}"
    if more_remarks:
        yield f"note: and {more_remarks} more"
    counts = journal.count()
    for state in (LineState.MALFORMED, LineState.UNDETERMINED, LineState.REFUSED):
        if counts.get(state):
            yield from _describe_state(journal, state, counts[state])
    if not journal.is_empty():
        yield _count_all(counts)


def show_remark(remark: Remark) -> str:
    """Return a remark with its place."""
    return f"column {remark.column} {remark.text}" if remark.column else remark.text


def exit_status(journal: Journal) -> int:
    """Return what a run that came to its end means to the shell; the first that holds."""
    counts = journal.count()
    if counts.get(LineState.MALFORMED):
        return USAGE
    if counts.get(LineState.UNDETERMINED) or counts.get(LineState.OPEN):
        return UNDETERMINED
    return REFUSED if counts.get(LineState.REFUSED) else APPROVED


def _describe_state(journal: Journal, state: LineState, count: int) -> Iterator[str]:
    reasons = journal.count_reasons(state)
    if state is not LineState.MALFORMED:
        each = ", ".join(f"{reason} {number}" for reason, number in reasons.items())
        yield f"{state}: {count} ({each})"
    else:
        yield f"{state}: {count}"
    for place, line in enumerate(journal.lines(state)):
        if place == MOST_NAMED:
            yield f"  and {count - MOST_NAMED} more"
            break
        yield f"  {_describe_line(line)}"


def _describe_line(line: JournalLine) -> str:
    words = (line.result or {}).get("words", {})
    names = " ".join([*line.names[:3], "..."] if len(line.names) > 3 else line.names)  # noqa: PLR2004
    named = f" {escape(names)}" if names else ""
    parts = ("reason",) if line.state is LineState.MALFORMED else ("reason", "remedy")
    said = shorten(" ".join(words.get(part, "") for part in parts).strip(), _OCTETS)
    return f"line {line.number}{named}: {said}"


def _count_all(counts: dict[LineState, int]) -> str:
    shown = [
        f"{counts[state]} {state}"
        for state in (
            LineState.APPROVED,
            LineState.REFUSED,
            LineState.UNDETERMINED,
            LineState.MALFORMED,
        )
        if counts.get(state)
    ]
    if counts.get(LineState.OPEN):
        shown.append(f"{counts[LineState.OPEN]} not asked to the end")
    total = sum(number for state, number in counts.items() if state is not LineState.BLANK)
    return f"{total} lines: {', '.join(shown)}"
