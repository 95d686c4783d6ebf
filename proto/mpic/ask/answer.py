"""Prints an answer for a person: in a terminal within its width, in a pipe as plain lines.

In a pipe there are no colours and no frames, and no line is wrapped or cut: whoever reads the lines
by a program finds whole names and ids in them. Names that are not approved come last, and the last
lines name them once more.
"""

import enum
import io
from collections.abc import Iterable, Iterator, Sequence

from google.protobuf.timestamp_pb2 import Timestamp
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mpic.ask.answer_lines import (
    BAD,
    GOOD,
    TextLine,
    describe_dissents,
    describe_name,
    describe_verdict,
    name_reason,
)
from mpic.ask.answer_table import make_table
from mpic.ask.wrapping import wrap
from mpic.text import escape
from mpic.v1 import corroboration_pb2 as c
from mpic.words.catalogue import Language, say
from mpic.words.codes import code_of
from mpic.words.facts import is_determined
from mpic.words.sentences import say_quorum, sentence

_UNFOLDED = 10_000
"""Columns of a table in a pipe: nothing is folded."""


class Form(enum.Enum):
    """How much is shown of each name."""

    SHORT = "short"
    """A line for each name."""
    GROUPED = "grouped"
    """Perspectives that saw the same share their lines."""
    WIDE = "wide"
    """A row for each perspective."""


def print_answer(
    response: c.CorroborateResponse,
    console: Console,
    lang: Language = "en",
    form: Form = Form.GROUPED,
) -> None:
    """Print the whole answer; of its names, those that are not approved last."""
    names = sorted(response.names, key=lambda one: one.reason != c.REASON_CORROBORATED)
    if form is Form.SHORT:
        print_lines(_align([_make_row(one, lang) for one in names]), console)
    for verdict in names if form is not Form.SHORT else ():
        if form is Form.WIDE:
            _print_wide(verdict, console, lang)
        else:
            print_lines(describe_name(verdict, lang), console)
        console.print()
    print_lines(_describe_certificate(response, lang), console)


def is_validated(response: c.CorroborateResponse) -> bool:
    """Whether a validation came to its good end, which permits no issuance."""
    return response.purpose == c.PURPOSE_VALIDATION and response.corroborated


def print_lines(lines: Iterable[TextLine], console: Console) -> None:
    """Print lines: wrapped below their beginning in a terminal, as they are in a pipe."""
    for text, indent, is_whole in lines:
        if console.is_terminal and not is_whole:
            for part in wrap(text, console.width - indent):
                console.print(Text(" " * indent).append_text(part), highlight=False, soft_wrap=True)
        else:
            plain = Text(" " * indent).append_text(text)
            console.print(plain, highlight=False, soft_wrap=True)


def _print_wide(verdict: c.NameVerdict, console: Console, lang: Language) -> None:
    console.print(Text(escape(verdict.name), style="bold"), soft_wrap=True)
    table = make_table(verdict, lang, is_terminal=console.is_terminal)
    if console.is_terminal:
        console.print(table)
    else:
        written = io.StringIO()
        Console(file=written, width=_UNFOLDED).print(table)
        for row in written.getvalue().splitlines():
            console.print(Text(row.rstrip()), highlight=False, soft_wrap=True)
    print_lines(describe_dissents(verdict, lang), console)
    print_lines(describe_verdict(verdict, lang), console)


def _make_row(verdict: c.NameVerdict, lang: Language) -> Sequence[str]:
    """Return the cells of the line of one name."""
    row = [sentence(verdict, lang).verdict, escape(verdict.name), verdict.quorum]
    if verdict.reason == c.REASON_CORROBORATED:
        return row
    again = say(f"retry.short.{code_of(c.Retry, verdict.retry)}", lang)
    row[2] = say_quorum(verdict, lang, shortly=True)
    whose = say(f"responsible.short.{code_of(c.Responsible, verdict.responsible)}", lang)
    return [*row, name_reason(verdict), whose, again]


def _align(rows: Sequence[Sequence[str]]) -> Iterator[TextLine]:
    """Yield rows whose cells stand below each other; a Japanese character is two columns wide."""
    counts = range(max(map(len, rows), default=0))
    widths = [max(cell_len(row[at]) for row in rows if at < len(row)) for at in counts]
    for row in rows:
        cells = [cell + " " * (widths[at] - cell_len(cell)) for at, cell in enumerate(row)]
        yield TextLine(Text("  ".join(cells).rstrip()))


def _describe_certificate(response: c.CorroborateResponse, lang: Language) -> Iterator[TextLine]:
    """Yield the last lines: the verdict on all names, until when it counts, and who is refused."""
    yield TextLine(_describe_end(response, lang))
    if is_validated(response):
        yield TextLine(Text(say("line.no_permission", lang)))
    if response.HasField("caa_usable_until"):
        id = "line.issue_before" if response.approved else "line.caa_usable"  # noqa: A001 - as in `say`
        yield TextLine(Text(say(id, lang, time=_show_time(response.caa_usable_until))))
    if response.HasField("domain_control_usable_until"):
        until = _show_time(response.domain_control_usable_until)
        yield TextLine(Text(say("line.validation_usable", lang, time=until)))
    day = f"{response.policy.effective_from.ToDatetime():%Y-%m-%d}"
    request = escape(response.request_id)
    yield TextLine(Text(say("line.policy", lang, day=day, request=request)))
    if response.record_id:
        yield TextLine(Text(say("line.record", lang, record=escape(response.record_id))))
    if response.explanation_url:
        url = f"{say('explain.url', lang)}: {escape(response.explanation_url)}"
        yield TextLine(Text(url), is_whole=True)
    yield from _name_refused(response, lang)


def _describe_end(response: c.CorroborateResponse, lang: Language) -> Text:
    is_validation = response.purpose == c.PURPOSE_VALIDATION
    what = say("line.validation" if is_validation else "line.certificate", lang)
    line = Text(f"{what}: ", style="bold")
    if response.approved:
        line.append(say("line.APPROVED", lang), style=GOOD)
    elif is_validated(response):
        line.append(say("line.CORROBORATED", lang), style=GOOD)
    else:
        line.append(say("line.REFUSED", lang), style=BAD)
        if response.HasField("error"):
            code = say("line.error", lang, code=response.error.code)
            line.append(f"{say('list.separator', lang)}{code}", style=BAD)
    if response.dry_run:
        line.append(f"  {say('line.dry_run', lang)}", style="yellow")
    return line


def _name_refused(response: c.CorroborateResponse, lang: Language) -> Iterator[TextLine]:
    """Yield which names are refused, and which are undetermined."""
    bad = [one for one in response.names if one.reason != c.REASON_CORROBORATED]
    for what in ("refused", "undetermined"):
        names = [escape(one.name) for one in bad if is_determined(one) == (what == "refused")]
        if names:
            listed = say("list.separator", lang).join(names)
            facts = {"count": len(names), "all": len(response.names), "names": listed}
            yield TextLine(Text(say(f"line.names_{what}", lang, **facts), style=BAD))


def _show_time(stamp: Timestamp) -> str:
    return f"{stamp.ToDatetime():%Y-%m-%d %H:%M:%S}Z"
