"""A CAA record: its RDATA (RFC 8659 section 4.1), and how it is shown to a person. Pure.

What an issue value says is read by the coordinator's CAA check.
"""

import re
from typing import NamedTuple

_CRITICAL = 0x80

# Tags as accepted. Section 4.1 forbids "-", but section 7 mentions it. A tag with "-" is read, and
# is unknown to every issuer.
_PROPERTY_TAG = re.compile(rb"[A-Za-z0-9-]+")

PRESENTED_OCTETS = 255
"""At most this many octets of a value are shown to a person. The length follows a longer value."""

_PRINTABLE = range(0x20, 0x7F)
_ESCAPES = {code: f"\\{code:03d}" for code in range(256) if code not in _PRINTABLE} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}


class Property(NamedTuple):
    """One CAA record, with its RDATA split into fields."""

    tag: str
    """Lower case: "Matching of tags is case insensitive" (section 4.1)."""
    critical: bool
    value: bytes
    rdata: bytes
    """The whole RDATA, as received."""


def read_property(rdata: bytes) -> Property | None:
    """Split RDATA into its fields; None when it is malformed.

    RFC 8659 section 4.1:

        +0-1-2-3-4-5-6-7-|0-1-2-3-4-5-6-7-|
        | Flags          | Tag Length = n |
        +----------------|----------------+...+---------------+
        | Tag char 0     | Tag char 1     |...| Tag char n-1  |
        +----------------|----------------+...+---------------+
        | Value byte 0   | Value byte 1   |.....| Value byte m-1 |

    Bit 0 of Flags is the most significant bit and means critical; all others MUST be ignored. Tag
    Length MUST be at least 1. Tags are ASCII letters and digits. The value is any octets.
    """
    if len(rdata) < 2:  # noqa: PLR2004 - the two octets before the tag
        return None
    end = 2 + rdata[1]
    tag = rdata[2:end]
    if len(rdata) < end or _PROPERTY_TAG.fullmatch(tag) is None:
        return None
    return Property(tag.lower().decode("ascii"), bool(rdata[0] & _CRITICAL), rdata[end:], rdata)


def present(rdata: bytes) -> str:
    r"""Write a record as a zone file would, such as `0 issue "ca.example"`, in printable ASCII.

    Escapes are \DDD (RFC 1035 section 5.1). Malformed RDATA is written as of an unknown type:
    `\# 3 000561` (RFC 3597 section 5). Neither shows more than PRESENTED_OCTETS octets of the
    value; behind a value that was cut stands its length: `0 issue "aaa" ... (64000 octets)`.
    """
    found = read_property(rdata)
    if found is None:
        shown = rdata[:PRESENTED_OCTETS].hex()
        return f"\\# {len(rdata)} {shown}".rstrip() + _mark(rdata)
    tag = rdata[2 : 2 + rdata[1]].decode("ascii")
    return f"{rdata[0]} {tag} {present_text(found.value)}"


def present_text(value: bytes) -> str:
    """Write octets as a zone file would, in quotes, escaped and cut as `present` does."""
    shown = value[:PRESENTED_OCTETS].decode("latin-1").translate(_ESCAPES)
    return f'"{shown}"{_mark(value)}'


def shorten(text: str) -> str:
    """Return a text from the network in the length that is shown to a person."""
    return text if len(text) <= PRESENTED_OCTETS else f"{text[:PRESENTED_OCTETS]}..."


def _mark(whole: bytes) -> str:
    return f" ... ({len(whole)} octets)" if len(whole) > PRESENTED_OCTETS else ""
