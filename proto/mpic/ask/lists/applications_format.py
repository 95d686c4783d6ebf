"""UPKI's file of applications to issue. Pure.

Text, a tab between columns, no quotes, one application a line, no heading. The names of the
certificate are those of column 11, the server's FQDN, and of column 13, further dNSNames. Nothing
else is asked about, so whatever else is wrong with a line is only told.
"""

import re

from mpic.ask.lists.line import LineReading, Remark, read_names, remark
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
        return LineReading(malformed=remark(FQDN, "no_fqdn"), notes=notes)
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
            return remark(column, "open_quote")
    if len(cells) < FQDN:
        code = "one_column" if len(cells) == 1 else "few_columns"
        return remark(FQDN, code, count=len(cells))
    return None


def _unquote(cells: list[str]) -> tuple[list[str], tuple[Remark, ...]]:
    """Return the cells without the quotes that a spreadsheet put around them."""
    quoted = [column for column, cell in enumerate(cells, 1) if _is_quoted(cell)]
    if not quoted:
        return cells, ()
    bare = [cell[1:-1].replace('""', '"') if _is_quoted(cell) else cell for cell in cells]
    return bare, (remark(quoted[0], "in_quotes"),)


def _is_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell.startswith('"') and cell.endswith('"')


def _find_differences(cells: list[str], fqdn: str) -> list[Remark]:
    """Say what differs from the format, where the names are clear all the same."""
    notes = []
    if found := _COMMON_NAME.search(cells[DN - 1]):
        common = found[1].strip()
        if common.lower() != fqdn.lower():
            shown = {"common": shorten(common, _SHOWN), "fqdn": shorten(fqdn, _SHOWN)}
            notes.append(remark(DN, "other_cn", **shown))
    else:
        notes.append(remark(DN, "no_cn"))
    if len(fqdn) > _FQDN_CHARACTERS:
        notes.append(remark(FQDN, "too_long", count=len(fqdn), most=_FQDN_CHARACTERS))
    if len(cells) >= FURTHER and len(cells[FURTHER - 1]) > _FURTHER_CHARACTERS:
        length = len(cells[FURTHER - 1])
        notes.append(remark(FURTHER, "too_long", count=length, most=_FURTHER_CHARACTERS))
    if any(cells[FURTHER:]):
        notes.append(remark(FURTHER + 1, "many_columns", count=len(cells)))
    return notes


def _read_further(cell: str) -> list[str]:
    """Return the names of `dNSName=a,dNSName=b`; the prefix may be missing."""
    return [name for name in _SEPARATOR.split(_PREFIX.sub(" ", cell)) if name]
