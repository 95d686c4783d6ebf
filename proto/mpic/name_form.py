"""The form of a DNS name that can stand in a certificate: what needs no table of Unicode's. Pure.

`names` has the rest, and judges finally. A caller that has no library for internationalized names
finds with this what is no name at all, in the same words.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence

MAX_NAME = 253  # octets without the final dot (RFC 1035 section 2.3.4)
MAX_LABEL = 63

_LDH = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")  # RFC 5890 section 2.3.1
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LOOKED_UP = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_REVERSE = ("in-addr.arpa", "ip6.arpa")
# The dots that IDNA maps to "." (RFC 5895 section 2, steps 2 and 4): ideographic, full-width and
# half-width.
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")
# IDNA 2008 allows these two unprintable characters in some places (RFC 5892 appendix A).
_JOINERS = str.maketrans("", "", "\u200c\u200d")
_STAND_IN = "u"
"""For the A-label of a label that is not ASCII."""


class InvalidNameError(ValueError):
    """The text is not a name for a certificate; it says what is wrong and what would be right."""

    def __init__(self, code: str, text: str, **facts: object) -> None:
        """Take the code of what is wrong, and how English says it, with the facts in braces."""
        super().__init__(text.format(**facts))
        self.code = code
        """The catalogue has `name.CODE` in each language."""
        self.facts = facts


def is_wildcard(text: str) -> bool:
    """Whether a name, as a caller wrote it, is a wildcard domain name."""
    return text[:2].translate(_DOTS) == "*."


def is_looked_up(text: str) -> bool:
    """Whether a text has the looked-up form; not whether such a name may be asked for."""
    return len(text) <= MAX_NAME and _LOOKED_UP.fullmatch(text) is not None


def parse_form(text: str, encode: Callable[[str], str]) -> tuple[str, bool]:
    """Return a name as looked up, and whether it is a wildcard; raises InvalidNameError.

    `encode` returns the A-label of a label that is not ASCII, or raises InvalidNameError.
    """
    text = text if text.isascii() else text.translate(_DOTS)
    _check_characters(text)
    wildcard = is_wildcard(text)
    base = text[2:] if wildcard else text
    if "*" in base:
        raise InvalidNameError(
            "star", '"*" may only stand alone as the leftmost label, as *.example.com'
        )
    labels = base.split(".")
    # Most names are written as they are looked up, and this check is quick.
    if "--" in base or not is_looked_up(base):
        labels = [_parse_label(label, encode) for label in labels]
    looked_up = ".".join(labels)
    length = len(looked_up) + (2 if wildcard else 0)
    if length > MAX_NAME:
        counted = ' and "*."' if wildcard else ""
        text = "has {length} octets as A-labels{counted}; at most {most} fit"
        raise InvalidNameError("long", text, length=length, counted=counted, most=MAX_NAME)
    if len(labels) == 1 and not wildcard:
        text = "is a single label; give a fully qualified name, as www.example.com"
        raise InvalidNameError("single_label", text)
    _check_place(labels, looked_up)
    return looked_up, wildcard


def check_form(text: str) -> None:
    """Raise InvalidNameError if a text is no name. Labels that are not ASCII are not judged."""
    parse_form(text, lambda _: _STAND_IN)


def _check_characters(text: str) -> None:
    """Refuse what is not a name at all, with the reason a person would give."""
    if not text:
        raise InvalidNameError("empty", "is empty; give a name, as www.example.com")
    if len(text) > 4 * MAX_NAME:
        text = "is far too long; a name has at most {most} octets"
        raise InvalidNameError("far_too_long", text, most=MAX_NAME)
    if not (text.isprintable() or text.translate(_JOINERS).isprintable()):
        text = "holds a control or other unprintable character"
        raise InvalidNameError("unprintable", text)
    if " " in text:
        raise InvalidNameError("space", "holds a space; a name has none")
    if "://" in text or "/" in text or "@" in text:
        raise InvalidNameError("url", "is a URL or an address; give the host name alone")
    if _is_ip_address(text):
        text = "is an IP address; this service decides about names"
        raise InvalidNameError("ip_address", text)
    if ":" in text:
        raise InvalidNameError("port", "holds a port; give the host name alone")
    if text.endswith("."):
        raise InvalidNameError("final_dot", "ends with a dot; write it without")


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


def _parse_label(label: str, encode: Callable[[str], str]) -> str:
    """Return a label as a P-label, or an LDH label that is not reserved (BR 7.1.2.7.12)."""
    if not label:
        text = "has an empty label; write one dot between two labels"
        raise InvalidNameError("empty_label", text)
    label = label.lower() if label.isascii() else encode(label)
    if len(label) > MAX_LABEL:
        text = "has a label of {length} octets; at most {most} fit"
        raise InvalidNameError("long_label", text, length=len(label), most=MAX_LABEL)
    if label.startswith("xn--"):
        _check_p_label(label)
    if "_" in label:
        raise InvalidNameError(
            "underscore",
            'has "_" in {label!r}; a certificate\'s dNSName may not (BR 7.1.2.7.12)',
            label=label,
        )
    if not _LDH.fullmatch(label):
        raise InvalidNameError(
            "characters",
            "has the label {label!r}; labels are letters, digits and hyphens, with no hyphen"
            " at either end",
            label=label,
        )
    if label[2:4] == "--" and not label.startswith("xn--"):
        raise InvalidNameError(
            "hyphens",
            'has {label!r}: "--" in the third and fourth place is for "xn--" alone (RFC 5890)',
            label=label,
        )
    return label


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
        text = "has {label!r}, which is no Punycode (RFC 3492)"
        raise InvalidNameError("no_punycode", text, label=label) from error
    if again != encoded:
        raise InvalidNameError(
            "other_punycode",
            "has {label!r}, which is not how Punycode writes what it decodes to (xn--{again})",
            label=label,
            again=again,
        )
    if encoded and decoded.isascii():
        text = "has {label!r}, which is Punycode for plain ASCII; write {decoded}"
        raise InvalidNameError("ascii_punycode", text, label=label, decoded=decoded)


def _check_place(labels: Sequence[str], looked_up: str) -> None:
    """Refuse names outside the public DNS, and those no certificate may have (BR 4.2.2)."""
    if labels[-1].isdigit():
        text = "ends in {label}; a top-level domain is not a number"
        raise InvalidNameError("number", text, label=labels[-1])
    if labels[-1] == "onion":
        raise InvalidNameError("onion", "is an Onion name; it is not in the DNS (BR Appendix B)")
    if labels[-1] == "localhost":
        # Resolvers answer for it by themselves, so all of them would agree (RFC 6761 section 6.3).
        text = "is in localhost, which is not in the public DNS (RFC 6761)"
        raise InvalidNameError("localhost", text)
    if any(looked_up == zone or looked_up.endswith(f".{zone}") for zone in _REVERSE):
        text = "is in the reverse zones, which no certificate may name (BR 4.2.2)"
        raise InvalidNameError("reverse", text)
    if labels[-1] == "arpa":
        # Agents give it a trust anchor that nothing satisfies, to show that they validate.
        raise InvalidNameError(
            "arpa",
            "is in arpa, which is for the Internet's infrastructure (RFC 3172); this service cannot"
            " look it up: to its resolvers arpa is bogus on purpose, to show that they validate",
        )
