"""The identities that certificates are issued under, and the CAA tags each understands. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from mpic.runtime.problem import Flaw, suggest

# BR 4.2.2.1: "CAs MUST process the issue, issuewild, and iodef property tags". issuemail concerns
# S/MIME only (RFC 9495 section 4: it neither restricts nor permits TLS certificates). A CA that
# understands it ignores it, so a critical issuemail forbids nothing.
ALWAYS_UNDERSTOOD = frozenset({"issue", "issuewild", "iodef", "issuemail"})

# Tags in IANA's registry that a CA may understand. They help to find a misspelt tag.
_REGISTERED = ("contactemail", "contactphone", "issuevmc")

# RFC 8659 section 4.1: a tag is 1 to 255 letters and digits; case does not count.
_TAG = re.compile(r"[a-z0-9]{1,255}")


@dataclass(frozen=True, slots=True)
class Issuer:
    """One identity."""

    domains: frozenset[str]
    """Lower-case issuer domain names that its CP/CPS lists (BR 4.2.2.1)."""
    understood_tags: frozenset[str] = frozenset()
    """Lower-case property tags that it understands beside ALWAYS_UNDERSTOOD. A critical property
    with such a tag forbids nothing (RFC 8659 section 4.1)."""


Issuers = Mapping[str, Issuer]
"""By the name of the identity."""


def check_tag(text: str) -> None:
    """Check a property tag that a configuration lists; raises Flaw."""
    if text in ALWAYS_UNDERSTOOD:
        raise Flaw(f"{text!r} is always understood", "Leave it out")
    if text != text.lower() and _TAG.fullmatch(text.lower()):
        raise Flaw(f"{text!r} is not in lower case", f'Write "{text.lower()}"')
    if not _TAG.fullmatch(text):
        raise Flaw(f"{text!r} is no CAA property tag", "A tag is letters and digits alone")
    if text not in _REGISTERED and get_close_matches(text, _REGISTERED, n=1):
        raise Flaw(f"{text!r} is in no standard", suggest(text, _REGISTERED))
