"""The encoding of a list: UTF-8, or Shift_JIS as Windows writes it (code page 932). Pure."""

from enum import StrEnum

from mpic.ask.lists.line import ListError, Remark

BOM = b"\xef\xbb\xbf"
_NONE_OF_OURS = {
    b"\xff\xfe": "UTF-16, as a spreadsheet writes for Unicode text",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": "an Excel workbook or another archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed by gzip",
}


class Encoding(StrEnum):
    """The name by which Python knows it."""

    UTF_8 = "utf-8"
    SHIFT_JIS = "cp932"

    @property
    def shown(self) -> str:
        """Return the name by which people know it."""
        return "UTF-8" if self is Encoding.UTF_8 else "Shift_JIS"


_OTHER = {Encoding.UTF_8: Encoding.SHIFT_JIS, Encoding.SHIFT_JIS: Encoding.UTF_8}


class EncodingGuess:
    """The encoding in which the fewer lines are wrong; UTF-8 if there are as many."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._wrong = dict.fromkeys(Encoding, 0)
        self._is_ascii = True

    def see(self, octets: bytes) -> None:
        """Take a line into account."""
        if not octets.isascii():
            self._is_ascii = False
            for encoding in Encoding:
                self._wrong[encoding] += _fails(octets, encoding)

    @property
    def encoding(self) -> Encoding | None:
        """The encoding; None: all was ASCII."""
        if self._is_ascii:
            return None
        if self._wrong[Encoding.UTF_8] > self._wrong[Encoding.SHIFT_JIS]:
            return Encoding.SHIFT_JIS
        return Encoding.UTF_8


def refuse_other_files(head: bytes) -> None:
    """Raise ListError if a file is not text at all, by its first octets."""
    for start, what in _NONE_OF_OURS.items():
        if head.startswith(start):
            raise ListError(f"is {what}; save it as text in UTF-8 or Shift_JIS: CSV, or with tabs")


def decode_line(octets: bytes, encoding: Encoding) -> str | Remark:
    """Return the text of a line, or which octet is wrong."""
    if (at := octets.find(b"\x00")) >= 0:
        return _remark_at(octets, at, "is a NUL octet; take it out")
    if (at := octets.find(b"\r")) >= 0:
        return _remark_at(octets, at, "is a CR without LF; end lines with LF, or CR and LF")
    try:
        return octets.decode(encoding)
    except UnicodeDecodeError as error:
        at = error.start
    other = _OTHER[encoding]
    if _fails(octets, other):
        mend = f"save the file in {encoding.shown}"
    else:
        mend = f"the line is {other.shown}: save the whole file in one encoding"
    what = f"is {octets[at]:#04x}, which is no {encoding.shown} there"
    return _remark_at(octets, at, f"{what}; {mend}, or say which with --encoding")


def _remark_at(octets: bytes, at: int, what: str) -> Remark:
    # No second octet of a character of Shift_JIS is a tab.
    return Remark(octets.count(b"\t", 0, at) + 1, f"octet {at + 1} of the line {what}")


def _fails(octets: bytes, encoding: Encoding) -> bool:
    try:
        octets.decode(encoding)
    except UnicodeDecodeError:
        return True
    return False
