"""CSV (RFC 4180) with a named column. Pure.

The standard library's reader takes the rest of a file for one cell if a quote is not closed. Here
a record has bounds, and only the line on which a bad record begins is lost.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum, auto

from mpic.ask.lists.line import (
    LineReading,
    ListError,
    Phrase,
    Remark,
    find_wrong_name,
    read_names,
    remark,
)
from mpic.text import shorten

_PLAIN = re.compile(r'[^",\r\n]*')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_SEPARATOR = re.compile(r"[,;\s]+")
_OTHERS = {";": "has_semicolons", "\t": "has_tabs"}
_SHOWN_COLUMNS = 20
_SHOWN = 40


class RecordEnd(Enum):
    """How a record ends, if not with all its cells read."""

    OPEN = auto()
    """Within a quoted cell: it may go on in the next line."""
    WRONG = auto()
    """It is not CSV."""


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """The cells of a record, or where it cannot be read."""

    cells: tuple[str, ...]
    end: RecordEnd | None = None

    @property
    def remark(self) -> Remark:
        """Say what is wrong after the cells that were read."""
        if self.end is RecordEnd.OPEN:
            return remark(len(self.cells) + 1, "csv_open_quote")
        return remark(len(self.cells) + 1, "csv_quote")


def split_record(text: str) -> CsvRecord:
    """Return the cells of a record without its line end; it may have line ends in quotes."""
    cells: list[str] = []
    at = 0
    while True:
        quoted = _QUOTED.match(text, at)
        if quoted:
            cell, at = quoted[1].replace('""', '"'), quoted.end()
        elif text.startswith('"', at):
            return CsvRecord(tuple(cells), RecordEnd.OPEN)
        else:
            plain = _PLAIN.match(text, at)
            cell, at = (plain[0], plain.end()) if plain else ("", at)
        if at < len(text) and text[at] != ",":
            return CsvRecord(tuple(cells), RecordEnd.WRONG)
        cells.append(cell)
        if at == len(text):
            return CsvRecord(tuple(cells))
        at += 1


def find_column(heading: tuple[str, ...], wanted: str) -> int:
    """Return the index of the column with the names; raises ListError if it is not clear."""
    titles = [cell.strip() for cell in heading]
    if any("." in title and not find_wrong_name(title) for title in titles):
        raise ListError("no_heading")
    if len(titles) == 1 and (other := next((one for one in _OTHERS if one in titles[0]), "")):
        raise ListError(_OTHERS[other])
    shown = ", ".join(shorten(title, _SHOWN) for title in titles[:_SHOWN_COLUMNS])
    if not wanted:
        if len(titles) == 1:
            return 0
        raise ListError("which_column", columns=shown)
    same = [index for index, title in enumerate(titles) if title.lower() == wanted.lower()]
    exact = [index for index in same if titles[index] == wanted]
    found = exact or same
    if len(found) == 1:
        return found[0]
    if found:
        raise ListError("same_columns", count=len(found), column=shorten(wanted, _SHOWN))
    near = get_close_matches(wanted, titles, 1)
    guess = Phrase("list.error.guess", {"column": shorten(near[0], _SHOWN)}) if near else ""
    raise ListError("no_column", column=shorten(wanted, _SHOWN), columns=shown, guess=guess)


def read_record(record: CsvRecord, index: int) -> LineReading:
    """Read the names in one cell of a record; the cell may have several, separated."""
    if record.end is not None:
        return LineReading(malformed=record.remark)
    if not any(cell.strip() for cell in record.cells):
        return LineReading()
    if index >= len(record.cells):
        wrong = remark(index + 1, "csv_few_columns", count=len(record.cells), least=index + 1)
        return LineReading(malformed=wrong)
    names = [name for name in _SEPARATOR.split(record.cells[index]) if name]
    if not names:
        return LineReading(malformed=remark(index + 1, "csv_no_names"))
    return read_names(names, index + 1)
