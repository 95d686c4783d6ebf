"""Bearer tokens: what one looks like, how one is made, and what is kept of it. Pure but for chance.

A token has 256 bits of chance, so its SHA-256 needs neither salt nor a slow hash: nobody can guess
it from the hash. What is shorter than a token made here is refused before it is looked up.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

_PREFIX = "mpic_"
"""So that a token is recognised where it should not be: in a log, or in a repository."""
_OCTETS = 32
# RFC 6750 section 2.1; a token made here has 48 characters.
_FORM = re.compile(r"[A-Za-z0-9._~+/-]{43,512}=*")


def make_token() -> str:
    """Return a new token."""
    return _PREFIX + secrets.token_urlsafe(_OCTETS)


def hash_token(token: str) -> bytes:
    """Return what is kept of a token: its SHA-256, 32 octets."""
    return hashlib.sha256(token.encode()).digest()


def is_token(text: str) -> bool:
    """Whether a text has the form of a token, and could have been made with enough chance."""
    return len(text) <= 1024 and _FORM.fullmatch(text) is not None  # noqa: PLR2004 - of any padding


def find_caller(token: str, callers: Mapping[bytes, str]) -> str | None:
    """Return whose token it is, by the hashes of all tokens; None: it is none of them.

    Every hash is compared, each in constant time. So the time says nothing about them.
    """
    found = None
    presented = hash_token(token)
    for one, caller in callers.items():
        if hmac.compare_digest(one, presented):
            found = caller
    return found
