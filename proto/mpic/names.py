"""A DNS name as asked for in a certificate, parsed once. Pure.

Everything below works with the looked-up form: lower-case A-labels, no wildcard label, no final
dot. A name is refused here, before anybody is asked, if it cannot stand in a certificate as a
dNSName or cannot be looked up in the public DNS.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import islice

import idna
from publicsuffixlist import PSLFILE, PublicSuffixList

from mpic.name_form import MAX_NAME, InvalidNameError, parse_form

_OWNER = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_LIST_VERSION = re.compile(r"^// VERSION: (\d{4}-\d{2}-\d{2})_", re.MULTILINE)
_HEAD_LINES = 30  # of the Public Suffix List, which names its version there


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a certificate."""

    asked: str
    """As the caller wrote it."""
    looked_up: str
    """Lower-case A-labels, without the wildcard label, without a final dot."""
    wildcard: bool

    @property
    def certificate_name(self) -> str:
        """Return the dNSName that stands in the certificate."""
        return f"*.{self.looked_up}" if self.wildcard else self.looked_up


def parse_names(texts: Sequence[str]) -> tuple[list[Name], list[tuple[int, InvalidNameError]]]:
    """Parse a list; return the names, and every entry that is wrong with its index.

    Two entries for one name are wrong, however they are written; "*.x" and "x" are two names.
    """
    names: list[Name] = []
    problems: list[tuple[int, InvalidNameError]] = []
    first: dict[str, int] = {}
    for index, text in enumerate(texts):
        try:
            name = parse_name(text)
        except InvalidNameError as error:
            problems.append((index, error))
            continue
        earlier = first.setdefault(name.certificate_name, index)
        if earlier == index:
            names.append(name)
        else:
            same = "is the same name as names[{earlier}]; give it once"
            problems.append((index, InvalidNameError("same", same, earlier=earlier)))
    return names, problems


def parse_name(text: str) -> Name:
    """Parse one name; raises InvalidNameError."""
    looked_up, wildcard = parse_form(text, _encode_label)
    if wildcard and is_public_suffix(looked_up):
        raise InvalidNameError(
            "public_suffix",
            "is a wildcard directly below the public suffix {suffix} (BR 3.2.2.6);"
            " ask for a name below a registered domain",
            suffix=looked_up,
        )
    return Name(text, looked_up, wildcard)


def is_owner(text: str) -> bool:
    """Whether a text is the owner of records in looked-up form: labels may have underscores.

    Such a name is no host's (RFC 8552), and stands in no certificate.
    """
    return len(text) <= MAX_NAME and _OWNER.fullmatch(text) is not None


def walk_levels(looked_up: str) -> list[str]:
    """Return the name, its parent, and so on up to the top-level domain (RFC 8659 section 3)."""
    levels = [looked_up]
    while (dot := looked_up.find(".")) >= 0:
        looked_up = looked_up[dot + 1 :]
        levels.append(looked_up)
    return levels


def is_public_suffix(looked_up: str) -> bool:
    """Whether a name is a public suffix by the ICANN section of the Public Suffix List.

    A top-level domain that is not in the list counts as one ("*" is the list's default rule).
    """
    return bool(_public_suffixes().is_public(looked_up))


def base_domain_name(looked_up: str) -> str | None:
    """Return the Base Domain Name of a name (BR 1.6.1): its public suffix and one label more.

    None: the name is a public suffix itself.
    """
    base: str | None = _public_suffixes().privatesuffix(looked_up)
    return base


@cache
def find_suffix_list_date() -> date | None:
    """Return of which day the Public Suffix List in use is; None: it does not say."""
    with open(PSLFILE, encoding="utf-8") as file:  # noqa: PTH123 - the library's own path
        head = "".join(islice(file, _HEAD_LINES))
    found = _LIST_VERSION.search(head)
    return date.fromisoformat(found[1]) if found else None


@cache
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def _encode_label(label: str) -> str:
    """Convert a U-label by IDNA 2008; letters are only mapped to lower case."""
    # One by one (RFC 5895 section 2): str.lower() of the whole of "ΟΔΟΣ" makes another last letter
    # than the same letter gets elsewhere.
    written, label = label, "".join(map(str.lower, label))
    if label.isascii():
        text = "has {label!r}, with a sign that only looks like an ASCII letter"
        raise InvalidNameError("looks_like_ascii", text, label=written)
    try:
        return idna.alabel(label).decode("ascii")
    except UnicodeError as error:  # idna.IDNAError is one
        text = "has {label!r}, which IDNA 2008 does not allow: {error}"
        raise InvalidNameError("idna", text, label=label, error=error) from error
