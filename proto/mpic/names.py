"""A DNS name as asked for in a certificate, parsed once. Pure.

Everything below works with the looked-up form: lower-case A-labels, no wildcard label, no final
dot. A name is refused here, before anybody is asked, if it cannot stand in a certificate as a
dNSName or cannot be looked up in the public DNS.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import islice

import idna
from publicsuffixlist import PSLFILE, PublicSuffixList

MAX_NAME = 253  # octets without the final dot (RFC 1035 section 2.3.4)
MAX_LABEL = 63

_LDH = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")  # RFC 5890 section 2.3.1
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LOOKED_UP = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_OWNER = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_REVERSE = ("in-addr.arpa", "ip6.arpa")
# The dots that IDNA maps to "." (RFC 5895 section 2, steps 2 and 4): ideographic, full-width and
# half-width.
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")
_LIST_VERSION = re.compile(r"^// VERSION: (\d{4}-\d{2}-\d{2})_", re.MULTILINE)
_HEAD_LINES = 30  # of the Public Suffix List, which names its version there
# IDNA 2008 allows these two unprintable characters in some places (RFC 5892 appendix A).
_JOINERS = str.maketrans("", "", "\u200c\u200d")


class InvalidNameError(ValueError):
    """The text is not a name for a certificate; it says what is wrong and what would be right."""


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
            same = f"is the same name as names[{earlier}]; give it once"
            problems.append((index, InvalidNameError(same)))
    return names, problems


def is_wildcard(text: str) -> bool:
    """Whether a name, as a caller wrote it, is a wildcard domain name."""
    return text[:2].translate(_DOTS) == "*."


def parse_name(text: str) -> Name:
    """Parse one name; raises InvalidNameError."""
    written, text = text, text if text.isascii() else text.translate(_DOTS)
    _check_characters(text)
    wildcard = is_wildcard(text)
    base = text[2:] if wildcard else text
    if "*" in base:
        raise InvalidNameError('"*" may only stand alone as the leftmost label, as *.example.com')
    labels = base.split(".")
    # Most names are written as they are looked up, and this check is quick.
    if "--" in base or not is_looked_up(base):
        labels = [_parse_label(label) for label in labels]
    looked_up = ".".join(labels)
    name = Name(written, looked_up, wildcard)
    if len(name.certificate_name) > MAX_NAME:
        octets = f"{len(name.certificate_name)} octets as A-labels"
        counted = ' and "*."' if wildcard else ""
        raise InvalidNameError(f"has {octets}{counted}; at most {MAX_NAME} fit")
    if len(labels) == 1 and not wildcard:
        raise InvalidNameError("is a single label; give a fully qualified name, as www.example.com")
    _check_place(labels, looked_up)
    if wildcard and is_public_suffix(looked_up):
        raise InvalidNameError(
            f"is a wildcard directly below the public suffix {looked_up} (BR 3.2.2.6);"
            " ask for a name below a registered domain"
        )
    return name


def is_looked_up(text: str) -> bool:
    """Whether a text has the looked-up form; not whether such a name may be asked for."""
    return len(text) <= MAX_NAME and _LOOKED_UP.fullmatch(text) is not None


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


def _check_characters(text: str) -> None:
    """Refuse what is not a name at all, with the reason a person would give."""
    if not text:
        raise InvalidNameError("is empty; give a name, as www.example.com")
    if len(text) > 4 * MAX_NAME:
        raise InvalidNameError(f"is far too long; a name has at most {MAX_NAME} octets")
    if not (text.isprintable() or text.translate(_JOINERS).isprintable()):
        raise InvalidNameError("holds a control or other unprintable character")
    if " " in text:
        raise InvalidNameError("holds a space; a name has none")
    if "://" in text or "/" in text or "@" in text:
        raise InvalidNameError("is a URL or an address; give the host name alone")
    if _is_ip_address(text):
        raise InvalidNameError("is an IP address; this service decides about names")
    if ":" in text:
        raise InvalidNameError("holds a port; give the host name alone")
    if text.endswith("."):
        raise InvalidNameError("ends with a dot; write it without")


def _is_ip_address(text: str) -> bool:
    bare = text.removeprefix("[").removesuffix("]")
    # Every address has one of these characters. Trying and failing would cost more than all else
    # here.
    if not bare[-1:].isdigit() and ":" not in bare:
        return False
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        return False
    return True


def _parse_label(label: str) -> str:
    """Return a label as a P-label, or an LDH label that is not reserved (BR 7.1.2.7.12)."""
    if not label:
        raise InvalidNameError("has an empty label; write one dot between two labels")
    label = label.lower() if label.isascii() else _encode_label(label)
    if len(label) > MAX_LABEL:
        raise InvalidNameError(f"has a label of {len(label)} octets; at most {MAX_LABEL} fit")
    if label.startswith("xn--"):
        _check_p_label(label)
    if "_" in label:
        raise InvalidNameError(
            f'has "_" in {label!r}; a certificate\'s dNSName may not (BR 7.1.2.7.12)'
        )
    if not _LDH.fullmatch(label):
        raise InvalidNameError(
            f"has the label {label!r}; labels are letters, digits and hyphens, with no hyphen"
            " at either end"
        )
    if label[2:4] == "--" and not label.startswith("xn--"):
        raise InvalidNameError(
            f'has {label!r}: "--" in the third and fourth place is for "xn--" alone (RFC 5890)'
        )
    return label


def _encode_label(label: str) -> str:
    """Convert a U-label by IDNA 2008; letters are only mapped to lower case."""
    # One by one (RFC 5895 section 2): str.lower() of the whole of "ΟΔΟΣ" makes another last letter
    # than the same letter gets elsewhere.
    written, label = label, "".join(map(str.lower, label))
    if label.isascii():
        raise InvalidNameError(f"has {written!r}, with a sign that only looks like an ASCII letter")
    try:
        return idna.alabel(label).decode("ascii")
    except UnicodeError as error:  # idna.IDNAError is one
        raise InvalidNameError(f"has {label!r}, which IDNA 2008 does not allow: {error}") from error


def _check_p_label(label: str) -> None:
    """Check that "xn--..." holds the output of the Punycode algorithm (BR 1.6.1, "P-Label").

    A caller that writes it so names what is in the DNS, whether or not IDNA 2008 allows the label.
    """
    encoded = label.removeprefix("xn--")
    try:
        decoded = encoded.encode("ascii").decode("punycode")
        again = decoded.encode("punycode").decode("ascii")
        decoded.encode()  # a surrogate is no character
    except UnicodeError as error:
        raise InvalidNameError(f"has {label!r}, which is no Punycode (RFC 3492)") from error
    if again != encoded:
        raise InvalidNameError(
            f"has {label!r}, which is not how Punycode writes what it decodes to (xn--{again})"
        )
    if encoded and decoded.isascii():
        raise InvalidNameError(f"has {label!r}, which is Punycode for plain ASCII; write {decoded}")


def _check_place(labels: Sequence[str], looked_up: str) -> None:
    """Refuse names outside the public DNS, and those no certificate may have (BR 4.2.2)."""
    if labels[-1].isdigit():
        raise InvalidNameError(f"ends in {labels[-1]}; a top-level domain is not a number")
    if labels[-1] == "onion":
        raise InvalidNameError("is an Onion name; it is not in the DNS (BR Appendix B)")
    if labels[-1] == "localhost":
        # Resolvers answer for it by themselves, so all of them would agree (RFC 6761 section 6.3).
        raise InvalidNameError("is in localhost, which is not in the public DNS (RFC 6761)")
    if any(looked_up == zone or looked_up.endswith(f".{zone}") for zone in _REVERSE):
        raise InvalidNameError("is in the reverse zones, which no certificate may name (BR 4.2.2)")
    if labels[-1] == "arpa":
        # Agents give it a trust anchor that nothing satisfies, to show that they validate.
        raise InvalidNameError(
            "is in arpa, which is for the Internet's infrastructure (RFC 3172); this service cannot"
            " look it up: to its resolvers arpa is bogus on purpose, to show that they validate"
        )
