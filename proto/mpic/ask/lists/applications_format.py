"""UPKI's file of applications to issue. Pure.

Text, a tab between columns, no quotes, one application a line, no heading. The names of the
certificate are those of column 11, the server's FQDN, and of column 13, further dNSNames. Nothing
else is asked about, so whatever else is wrong with a line is only told.
"""

import re

from mpic.ask.lists.line import LineReading, Remark, read_names
from mpic.text import shorten

DN, FQDN, FURTHER = 1, 11, 13
"""Columns: the subject, the server's FQDN, and further names. Column 13 is the last."""
_FQDN_CHARACTERS = 64
_FURTHER_CHARACTERS = 250
_COMMON_NAME = re.compile(r"(?:^|,)\s*CN\s*=\s*([^,]*)", re.IGNORECASE)
_PREFIX = re.compile(r"dNSName\s*=\s*", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,;\s]+")
_SHOWN = 60


def read_application(text: str) -> LineReading:
    """Read a line; a blank one is none."""
    if not text.strip():
        return LineReading()
    cells = text.split("\t")
    if malformed := _find_wrong_shape(cells):
        return LineReading(malformed=malformed)
    cells, notes = _unquote(cells)
    fqdn = cells[FQDN - 1].strip()
    if not fqdn:
        return LineReading(malformed=Remark(FQDN, "is empty; it is the server's FQDN"), notes=notes)
    notes = (*notes, *_find_differences(cells, fqdn))
    first = read_names([fqdn], FQDN, notes)
    if first.malformed:
        return first
    further = _read_further(cells[FURTHER - 1]) if len(cells) >= FURTHER else []
    whole = read_names(further, FURTHER, notes)
    return whole if whole.malformed else read_names([fqdn, *further], FURTHER, notes)


def _find_wrong_shape(cells: list[str]) -> Remark | None:
    """Say why it is not known which cell is which."""
    for column, cell in enumerate(cells, 1):
        if cell.startswith('"') and (len(cell) == 1 or not cell.endswith('"')):
            text = "opens a quote that is not closed; take out the quotes, and tabs inside a cell"
            return Remark(column, text)
    if len(cells) < FQDN:
        hint = "; for one name a line give --format names" if len(cells) == 1 else ""
        text = f"is missing: the line has {len(cells)} of 13 columns, with a tab between them{hint}"
        return Remark(FQDN, text)
    return None


def _unquote(cells: list[str]) -> tuple[list[str], tuple[Remark, ...]]:
    """Return the cells without the quotes that a spreadsheet put around them."""
    quoted = [column for column, cell in enumerate(cells, 1) if _is_quoted(cell)]
    if not quoted:
        return cells, ()
    bare = [cell[1:-1].replace('""', '"') if _is_quoted(cell) else cell for cell in cells]
    return bare, (Remark(quoted[0], "is in quotes; UPKI's format has none, take them out"),)


def _is_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell.startswith('"') and cell.endswith('"')


def _find_differences(cells: list[str], fqdn: str) -> list[Remark]:
    """Say what differs from the format, where the names are clear all the same."""
    notes = []
    if found := _COMMON_NAME.search(cells[DN - 1]):
        common = found[1].strip()
        if common.lower() != fqdn.lower():
            text = f'has CN={shorten(common, _SHOWN)}, but column 11 "{shorten(fqdn, _SHOWN)}"'
            notes.append(Remark(DN, f"{text}; make them the same"))
    else:
        notes.append(Remark(DN, "has no CN; it should be that of column 11"))
    if len(fqdn) > _FQDN_CHARACTERS:
        text = f"has {len(fqdn)} characters; UPKI takes at most {_FQDN_CHARACTERS}"
        notes.append(Remark(FQDN, text))
    if len(cells) >= FURTHER and len(cells[FURTHER - 1]) > _FURTHER_CHARACTERS:
        text = f"has {len(cells[FURTHER - 1])} characters; UPKI takes {_FURTHER_CHARACTERS}"
        notes.append(Remark(FURTHER, text))
    if any(cells[FURTHER:]):
        text = f"is not read: the line has {len(cells)} columns, and 13 are known"
        notes.append(Remark(FURTHER + 1, text))
    return notes


def _read_further(cell: str) -> list[str]:
    """Return the names of `dNSName=a,dNSName=b`; the prefix may be missing."""
    return [name for name in _SEPARATOR.split(_PREFIX.sub(" ", cell)) if name]
