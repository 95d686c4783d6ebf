"""What an issue value of CAA says: RFC 8659 section 4.2, read exactly. Pure.

`relevant_set` decides what follows. Everything here takes time linear in the octets read, also for
hostile text: the text is split at its separators, and no expression nests a repetition.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_WSP = " \t"  # RFC 5234: SP / HTAB. str.strip() without an argument strips more.

# For `label` and `parameter-tag`: begins and ends with a letter or digit, "-" only in between.
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_PARAMETER_VALUE = re.compile(r"[\x21-\x3A\x3C-\x7E]*")


class IssueValue(NamedTuple):
    """The value of an issue or issuewild property that matches the ABNF."""

    issuer_domain: str
    """Lower case; empty: no issuer is named."""
    parameters: Sequence[tuple[str, str]]
    """(tag in lower case, value as written), in order."""


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
