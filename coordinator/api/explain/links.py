"""Signed links: whoever has one may see the page of one record, until it expires. Pure.

    PUBLIC_URL/explain/RECORD_ID?expires=SECONDS&signature=SIGNATURE

The signature is HMAC-SHA256 (RFC 2104) over a purpose, the record id and the end of the link, in
base64url without padding. `expires` is in seconds since 1970. Nothing is stored: another key makes
every link that was signed before worthless.
"""

import base64
import hmac
import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

PATH = "/explain"
EXPIRES, SIGNATURE = "expires", "signature"
KEY_OCTETS = 32
"""A key has at least so many: 256 bits."""

_PURPOSE = "mpic explanation link 1"
"""Nothing else may be signed with the key under this purpose."""
_SECONDS = re.compile(r"[0-9]{1,11}")


class LinkTerms(NamedTuple):
    """How links are made, as the configuration in force says."""

    public_url: str
    """What the port is called from outside, without a slash at the end."""
    key: bytes
    lifetime: int
    """Seconds."""


class LinkProof(NamedTuple):
    """What a link brings beside the record id, as it stands in the query."""

    expires: str
    signature: str


class ExplanationLinks:
    """Makes links, and checks them."""

    def __init__(self, terms: LinkTerms | None, clock: Callable[[], datetime]) -> None:
        """Make them by `terms`, until others are adopted; None: there are no links."""
        self.terms = terms
        self._clock = clock

    @property
    def public_url(self) -> str:
        """Where the pages are for those who have a link; empty: there are no links."""
        return self.terms.public_url if self.terms is not None else ""

    def adopt(self, terms: LinkTerms | None) -> None:
        """Make and check by other terms from now on."""
        self.terms = terms

    def make(self, record_id: str) -> str:
        """Return the link to the page of a record; empty: there are no links, or no record."""
        if self.terms is None or not record_id:
            return ""
        url, key, lifetime = self.terms
        expires = str(int(self._clock().timestamp()) + lifetime)
        query = f"{EXPIRES}={expires}&{SIGNATURE}={sign(key, record_id, expires)}"
        return f"{url}{PATH}/{record_id}?{query}"

    def is_valid(self, record_id: str, proof: LinkProof) -> bool:
        """Whether a link is of this record, signed with the key in force, and not expired."""
        if self.terms is None:
            return False
        wanted = sign(self.terms.key, record_id, proof.expires)
        is_signed = hmac.compare_digest(wanted.encode(), proof.signature.encode(errors="replace"))
        if not is_signed or _SECONDS.fullmatch(proof.expires) is None:
            return False
        return self._clock().timestamp() < int(proof.expires)


def sign(key: bytes, record_id: str, expires: str) -> str:
    """Return the signature of a link: 43 characters."""
    message = f"{_PURPOSE}\n{record_id}\n{expires}".encode(errors="replace")
    digest = hmac.digest(key, message, "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def read_key(text: bytes) -> bytes:
    """Return the key that the file of it holds: base64, on one line or more; raises ValueError."""
    key = base64.b64decode(b"".join(text.split()), validate=True)
    if len(key) < KEY_OCTETS:
        raise ValueError(f"the key has {8 * len(key)} bits")
    return key
