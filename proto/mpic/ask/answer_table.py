"""The answer about one name as a table with a row for each perspective, for wide terminals. Pure.

A piped table has no lines and no colours, and nothing of it is cut or folded.
"""

from collections.abc import Mapping
from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

from mpic.ask.answer_lines import name_dissent
from mpic.text import escape
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.words.catalogue import Language, say, say_first
from mpic.words.codes import code_of
from mpic.words.observed import describe_observation, find_place, name_columns

_WHOLE = frozenset({"perspective", "ms"})


def make_table(verdict: c.NameVerdict, lang: Language, *, is_terminal: bool) -> Table:
    """Return the table: who saw what, how fast, through which resolver, and whether it agrees."""
    table = Table(
        box=box.HEAVY_HEAD if is_terminal else None,
        pad_edge=is_terminal,
        expand=False,
    )
    columns = ["perspective", *name_columns(verdict), "resolver", "ms", "agrees"]
    for column in columns:
        justify: Literal["left", "right"] = "right" if column == "ms" else "left"
        whole = column in _WHOLE or not is_terminal
        heading = say_first((f"heading.{column}", column), lang)
        table.add_column(escape(heading), justify=justify, overflow="fold", no_wrap=whole)
    for report in verdict.perspectives:
        cells = _make_cells(report, verdict, lang, " " if not is_terminal else "\n")
        table.add_row(*(cells[column] for column in columns))
    return table


def _make_cells(
    report: c.PerspectiveReport, verdict: c.NameVerdict, lang: Language, between: str
) -> Mapping[str, Text]:
    """Return each cell of a row by its column; `between` joins the parts of a cell."""
    seen = describe_observation(report, verdict, lang)
    role = say("role.primary" if report.role == c.ROLE_PRIMARY else "role.remote", lang)
    rir = code_of(o.Rir, report.rir)
    has_time = report.HasField("elapsed")
    cells = {column: Text(text) for column, text in seen.items()}
    for column, cell in cells.items():
        place = find_place(report, column)
        if column not in {"caa", "a", "aaaa", "dnssec"} and place:
            cell.append(f"{between}{place}", style="dim")
    agrees = Text(say("agrees.yes", lang), style="green")
    if not report.corroborates:
        agrees = Text(say("agrees.no", lang, dissent=name_dissent(report, lang)), style="red")
    return {
        **cells,
        "perspective": Text(escape(report.perspective_id)).append(
            f"{between}{role} {rir}", style="dim"
        ),
        "resolver": _describe_resolver(report, between),
        "ms": Text(f"{report.elapsed.ToNanoseconds() / 1e6:.1f}" if has_time else "-"),
        "agrees": agrees,
    }


def _describe_resolver(report: c.PerspectiveReport, between: str) -> Text:
    if not report.HasField("resolver"):
        return Text("-")
    resolver = report.resolver
    where = f"{escape(resolver.address)} {escape(resolver.transport)}"
    return Text(escape(resolver.software)).append(f"{between}{where}", style="dim")
