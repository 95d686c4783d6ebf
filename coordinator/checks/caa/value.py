"""What a CAA record says: RFC 8659 section 4.1 (RDATA) and 4.2 (issue value), read exactly. Pure.

`relevant_set` decides what follows. Everything here takes time linear in the octets read, also for
hostile text: the text is split at its separators, and no expression nests a repetition.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_CRITICAL = 0x80
_WSP = " \t"  # RFC 5234: SP / HTAB. str.strip() without an argument strips more.

# Tags as accepted. Section 4.1 forbids "-", but section 7 mentions it. A tag with "-" is read, and
# is unknown to every issuer.
_PROPERTY_TAG = re.compile(rb"[A-Za-z0-9-]+")
# For `label` and `parameter-tag`: begins and ends with a letter or digit, "-" only in between.
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_PARAMETER_VALUE = re.compile(r"[\x21-\x3A\x3C-\x7E]*")

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


class IssueValue(NamedTuple):
    """The value of an issue or issuewild property that matches the ABNF."""

    issuer_domain: str
    """Lower case; empty: no issuer is named."""
    parameters: Sequence[tuple[str, str]]
    """(tag in lower case, value as written), in order."""


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


def read_issue_value(value: bytes) -> IssueValue | None:
    """Parse the value of issue or issuewild; None when it does not match the ABNF.

    RFC 8659 section 4.2, names as of erratum 7139:

        issue-value = *WSP [issuer-domain-name *WSP] [";" *WSP [parameters *WSP]]
        issuer-domain-name = label *("." label)
        label = (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT))
        parameters = (parameter *WSP ";" *WSP parameters) / parameter
        parameter = parameter-tag *WSP "=" *WSP parameter-value
        parameter-tag = (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT))
        parameter-value = *(%x21-3A / %x3C-7E)

    Only the separators admit ";", so every ";" separates. One may stand alone, but none may end a
    list of parameters: "ca;" matches, "ca; a=b;" does not.
    """
    text = value.decode("latin-1")  # one character for one octet; what is not ASCII matches no rule
    before, _, after = text.partition(";")
    domain = before.strip(_WSP)
    if domain and not is_issuer_domain(domain):
        return None
    listed = after.strip(_WSP)
    parameters = []
    for piece in listed.split(";") if listed else ():
        parameter = _read_parameter(piece)
        if parameter is None:
            return None
        parameters.append(parameter)
    return IssueValue(domain.lower(), parameters)


def explain_malformed(value: bytes) -> str:
    """Say in one phrase why a value does not match the ABNF of an issue value."""
    before, _, after = value.decode("latin-1").partition(";")
    domain, listed = before.strip(_WSP), after.strip(_WSP)
    if domain.endswith(".") and is_issuer_domain(domain[:-1]):
        return "its issuer name ends with a dot"
    if domain and not is_issuer_domain(domain):
        return "its issuer name is not labels of letters, digits and inner hyphens"
    if listed.endswith(";"):
        return "a semicolon follows its last parameter"
    return "one of its parameters is not a tag, an equals sign and a value"


def is_issuer_domain(text: str) -> bool:
    """Whether the text is an issuer-domain-name by the ABNF, in upper or lower case."""
    return all(map(_LABEL.fullmatch, text.split(".")))


def _read_parameter(piece: str) -> tuple[str, str] | None:
    """Parse one parameter and the white space around it."""
    before, equals, after = piece.partition("=")
    tag, value = before.strip(_WSP), after.strip(_WSP)
    if not (equals and _LABEL.fullmatch(tag) and _PARAMETER_VALUE.fullmatch(value)):
        return None
    return tag.lower(), value


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
