"""The live state of the perspectives, for a person. Pure but for the printing.

A line for each perspective has its whole id. What is wrong with it stands in a sentence below it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mpic.ask.answer import print_lines
from mpic.ask.answer_lines import TextLine
from mpic.text import describe_difference, escape
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words.catalogue import Language, say
from mpic.words.codes import code_of

_MINUTE, _HOUR = 60, 3600
_COLUMNS = ("perspective", "role", "ready", "version", "resolver", "validates", "probed")


def print_perspectives(
    response: c.ListPerspectivesResponse, console: Console, lang: Language = "en"
) -> None:
    """Print the roster, the primary first."""
    print_lines(describe_perspectives(response, datetime.now(UTC), lang), console)


def describe_perspectives(
    response: c.ListPerspectivesResponse, now: datetime, lang: Language = "en"
) -> Iterator[TextLine]:
    """Yield a heading, a line for each perspective and for its problem, and how many can be asked.

    What a perspective says of itself is as of when it was reached.
    """
    rows = [_make_row(one, now, lang) for one in response.perspectives]
    heading = [Text(say(f"heading.{one}", lang), style="bold") for one in _COLUMNS]
    table = [heading, *rows]
    widths = [max(cell_len(row[at].plain) for row in table) for at in range(len(_COLUMNS))]
    yield TextLine(_join(heading, widths))
    for row, status in zip(rows, response.perspectives, strict=True):
        yield TextLine(_join(row, widths))
        if problem := _describe_problem(status):
            yield TextLine(Text(problem, style="red" if not status.ready else "yellow"), 4)
    ready = sum(status.ready for status in response.perspectives)
    count = say("perspectives.count", lang, ready=ready, all=len(response.perspectives))
    yield TextLine(Text(count))


def _make_row(status: c.PerspectiveStatus, now: datetime, lang: Language) -> Sequence[Text]:
    """Return the cells of one perspective."""
    description = status.description
    resolver = description.resolver
    was_met = status.HasField("description")
    role = say("role.primary" if status.role == c.ROLE_PRIMARY else "role.remote", lang)
    validates = _yes_or_no(resolver.validates, lang)
    return [
        Text(escape(status.perspective_id), style="bold"),
        Text(f"{role} {code_of(o.Rir, status.rir)}"),
        Text(_yes_or_no(status.ready, lang), style="green" if status.ready else "red"),
        Text(escape(description.version) or "-"),
        Text(escape(resolver.software) or "-"),
        Text(validates if was_met else "-"),
        Text(_ago(resolver.probed_at.ToDatetime(UTC), now, lang) if was_met else "-"),
    ]


def _describe_problem(status: c.PerspectiveStatus) -> str:
    """Return why a perspective cannot be asked, or what is odd about it; "" for most."""
    if not status.ready:
        return escape(status.problem)
    ahead = status.clock_difference.ToMicroseconds() / 1e6
    if abs(ahead) < 1:
        return ""
    return f"its clock is {describe_difference(ahead)} the coordinator's"


def _join(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    """Return the cells of a row, each as wide as its column, but for the last."""
    line = Text()
    for cell, width in zip(cells[:-1], widths, strict=False):
        line.append_text(cell).append(" " * (width - cell_len(cell.plain) + 2))
    return line.append_text(cells[-1])


def _yes_or_no(answer: bool, lang: Language) -> str:
    return say("answer.yes" if answer else "answer.no", lang)


def _ago(moment: datetime, now: datetime, lang: Language) -> str:
    """Say how long ago, in the largest unit that fits."""
    seconds = round((now - moment).total_seconds())
    if seconds < _MINUTE:
        return say("ago.seconds", lang, count=max(seconds, 0))
    if seconds < _HOUR:
        return say("ago.minutes", lang, count=seconds // _MINUTE)
    return say("ago.hours", lang, count=seconds // _HOUR)
