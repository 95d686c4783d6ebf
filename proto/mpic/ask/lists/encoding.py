"""The encoding of a list: UTF-8, or Shift_JIS as Windows writes it (code page 932). Pure."""

from enum import StrEnum

from mpic.ask.lists.line import ListError, Remark, remark

BOM = b"\xef\xbb\xbf"
_NONE_OF_OURS = {
    b"\xff\xfe": "is_utf_16_le",
    b"\xfe\xff": "is_utf_16",
    b"PK\x03\x04": "is_workbook",
    b"\xd0\xcf\x11\xe0": "is_old_workbook",
    b"%PDF": "is_pdf",
    b"\x1f\x8b": "is_gzip",
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
    for start, code in _NONE_OF_OURS.items():
        if head.startswith(start):
            raise ListError(code)


def decode_line(octets: bytes, encoding: Encoding) -> str | Remark:
    """Return the text of a line, or which octet is wrong."""
    if (at := octets.find(b"\x00")) >= 0:
        return _remark_at(octets, at, "nul")
    if (at := octets.find(b"\r")) >= 0:
        return _remark_at(octets, at, "lone_cr")
    try:
        return octets.decode(encoding)
    except UnicodeDecodeError as error:
        at = error.start
    other = _OTHER[encoding]
    code = "no_encoding" if _fails(octets, other) else "other_encoding"
    facts = {"octet": f"{octets[at]:#04x}", "encoding": encoding.shown, "other": other.shown}
    return _remark_at(octets, at, code, **facts)


def _remark_at(octets: bytes, at: int, code: str, **facts: object) -> Remark:
    # No second octet of a character of Shift_JIS is a tab.
    return remark(octets.count(b"\t", 0, at) + 1, code, place=at + 1, **facts)


def _fails(octets: bytes, encoding: Encoding) -> bool:
    try:
        octets.decode(encoding)
    except UnicodeDecodeError:
        return True
    return False
