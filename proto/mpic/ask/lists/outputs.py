"""The results of a list as a table, CSV, TSV or JSON lines; all but the table in bounded memory.

In TSV every line of the file stands as it was, octet by octet, with three columns added. Text that
a spreadsheet would take for a formula is marked as text, as in exports of the record.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, BinaryIO, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mpic.ask.lists.applications_format import FURTHER
from mpic.ask.lists.encoding import BOM, Encoding
from mpic.ask.lists.journal import JournalLine, LineState
from mpic.text import escape, escape_cell
from mpic.words import Language
from mpic.words.catalogue import say

MOST_ROWS = 1000
"""Of the table."""
# Unicode has two for the dash of Shift_JIS; code page 932 knows the second alone.
_DASHES = str.maketrans("\u2014", "\u2015")
_STYLES = {
    LineState.APPROVED: "green",
    LineState.REFUSED: "bold red",
    LineState.UNDETERMINED: "yellow",
    LineState.MALFORMED: "bold yellow",
}
CSV_COLUMNS = (
    "line",
    "names",
    "verdict",
    "reason",
    "responsible",
    "error",
    "why",
    "remedy",
    "record_id",
    "request_id",
    "caa_usable_until",
    "dry_run",
)


class ListedLines(Protocol):
    """The lines of a list, and what became of them."""

    def lines(self, *states: LineState) -> Iterator[JournalLine]:
        """Yield the lines in their order: of these states, or all."""

    def count(self) -> Mapping[LineState, int]:
        """Return how many lines are in each state."""


class OutputKind(StrEnum):
    """How results are written."""

    TABLE = "table"
    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Dress:
    """How text is written: as the list was."""

    encoding: Encoding = Encoding.UTF_8
    has_mark: bool = False
    """Whether the file begins with the byte order mark."""
    pads: bool = False
    """Whether lines are filled up to UPKI's 13 columns, so that what is added stands below each
    other."""
    lang: Language = "en"


def write_results(kind: OutputKind, journal: ListedLines, stream: BinaryIO, dress: Dress) -> None:
    """Write all lines in their order; raises OSError."""
    if kind is OutputKind.TABLE:
        write_table(journal, stream, dress)
        return
    writers: dict[OutputKind, Callable[[ListedLines, Dress], Iterator[bytes]]] = {
        OutputKind.CSV: to_csv,
        OutputKind.TSV: to_tsv,
        OutputKind.JSONL: to_jsonl,
    }
    stream.writelines(writers[kind](journal, dress))


def to_jsonl(journal: ListedLines, _: Dress) -> Iterator[bytes]:
    """Yield each line of the list that is no blank one."""
    for line in journal.lines():
        if line.state is not LineState.BLANK:
            yield show_json(line)


def show_json(line: JournalLine) -> bytes:
    """Return a line as one object, in ASCII: strangers wrote parts of it."""
    told = {
        "line": line.number,
        "names": line.names,
        "verdict": line.state,
        "reason": line.reason,
        "request_id": line.request_id if line.names else "",
        **(line.result or {}),
    }
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def to_csv(journal: ListedLines, dress: Dress) -> Iterator[bytes]:
    """Yield the heading, and a row for each line of the list that is no blank one."""
    yield BOM if dress.has_mark else b""
    yield _encode(_csv_row(CSV_COLUMNS), dress)
    for line in journal.lines():
        if line.state is not LineState.BLANK:
            yield _encode(_csv_row(_csv_cells(line)), dress)


def to_tsv(journal: ListedLines, dress: Dress) -> Iterator[bytes]:
    """Yield each line of the list with its verdict, why, and what to do; blank ones as they are."""
    yield BOM if dress.has_mark else b""
    for line in journal.lines():
        if line.state is LineState.BLANK:
            yield line.octets
            continue
        content = line.octets.removesuffix(b"\n").removesuffix(b"\r")
        missing = FURTHER - 1 - content.count(b"\t") if dress.pads else 0
        cells = [escape_cell(cell) for cell in _words(line)]
        added = _encode("\t" + "\t".join(cells), dress)
        end = line.octets[len(content) :]
        yield content + b"\t" * missing + added + (end or b"\n")


def write_table(journal: ListedLines, stream: BinaryIO, dress: Dress) -> None:
    """Write the first lines as a table, refused ones last."""
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="backslashreplace", write_through=True)
    console = Console(file=text, soft_wrap=False)
    table = Table()
    for one in ("line", "names", "verdict", "why"):
        # A sentence in Japanese has no blanks: it is folded, or nobody reads its end.
        table.add_column(say(f"list.{one}", dress.lang), overflow="fold")
    good = journal.lines(LineState.APPROVED)
    others = (LineState.UNDETERMINED, LineState.MALFORMED, LineState.REFUSED)
    bad = (line for state in others for line in journal.lines(state))
    rest = list(islice(bad, MOST_ROWS))
    for line in [*islice(good, MOST_ROWS - len(rest)), *rest]:
        verdict, reason, remedy = _words(line)
        why = reason if line.state is LineState.APPROVED else f"{reason}\n{remedy}".strip()
        names = Text(_show_names(line))
        table.add_row(str(line.number), names, Text(verdict, _STYLES[line.state]), Text(why))
    console.print(table)
    total = sum(journal.count().values())
    if total > MOST_ROWS:
        console.print(f"{MOST_ROWS} of {total}; --csv, --tsv and --jsonl show all")
    text.detach()


def _show_names(line: JournalLine) -> str:
    shown = [escape(name) for name in line.names[:3]]
    more = len(line.names) - len(shown)
    return "\n".join([*shown, f"+ {more}"] if more > 0 else shown)


def _csv_cells(line: JournalLine) -> list[str]:
    result = line.result or {}
    details: Sequence[Mapping[str, Any]] = result.get("details", ())
    bad: Mapping[str, Any] = next((one for one in details if "words" in one), {})
    _, why, remedy = _words(line)
    return [
        str(line.number),
        " ".join(line.names),
        line.state,
        line.reason,
        str(bad.get("responsible", "")),
        str(bad.get("error", "")),
        why,
        remedy,
        str(result.get("record_id", "")),
        line.request_id if line.names else "",
        str(result.get("caa_usable_until", "")),
        str(result.get("dry_run", "")).lower(),
    ]


def _csv_row(cells: Any) -> str:  # noqa: ANN401 - any sequence of text
    row = io.StringIO()
    csv.writer(row).writerow([escape_cell(cell) for cell in cells])
    return row.getvalue()


def _words(line: JournalLine) -> tuple[str, str, str]:
    """Return the verdict, why, and what to do; of a line that was not asked, nothing."""
    words = (line.result or {}).get("words", {})
    return words.get("verdict", ""), words.get("reason", ""), words.get("remedy", "")


def _encode(text: str, dress: Dress) -> bytes:
    r"""Return text in the encoding of the list; what that does not have as \u{...}."""
    if dress.encoding is Encoding.UTF_8:
        return text.encode()
    text = text.translate(_DASHES)
    try:
        return text.encode(dress.encoding)
    except UnicodeEncodeError:
        return b"".join(_encode_one(char, dress.encoding) for char in text)


def _encode_one(char: str, encoding: Encoding) -> bytes:
    try:
        return char.encode(encoding)
    except UnicodeEncodeError:
        return f"\\u{{{ord(char):x}}}".encode()
