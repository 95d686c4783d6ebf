"""Browsers that have signed in with a token: which cookie stands for which token. Pure.

The cookie is chance and says nothing. The token is kept in this process's memory alone, and is
checked anew at each request: a token that a reload takes away lets nobody in.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

COOKIE = "__Host-mpic"
"""A browser takes it from this host alone, over TLS, and for all paths (RFC 6265bis 4.1.3.2)."""
SECONDS = 8 * 3600
"""Until a browser has to sign in again."""
MOST = 256
"""Browsers in each process; beyond that the one that signed in first is forgotten."""


class Sessions:
    """The browsers that have signed in."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none; `clock` gives seconds."""
        self._clock = clock
        self._tokens: OrderedDict[bytes, tuple[float, str]] = OrderedDict()
        """By the SHA-256 of the cookie: until when, and the token."""

    def begin(self, token: str) -> str:
        """Return the cookie that stands for a token from now on."""
        cookie = secrets.token_urlsafe(32)
        self._tokens[_hash(cookie)] = self._clock() + SECONDS, token
        if len(self._tokens) > MOST:
            self._tokens.popitem(last=False)
        return cookie

    def find(self, cookie: str) -> str:
        """Return the token that a cookie stands for; empty: it stands for none."""
        until, token = self._tokens.get(_hash(cookie), (0.0, ""))
        return token if self._clock() < until else ""

    def end(self, cookie: str) -> None:
        """Forget a cookie."""
        self._tokens.pop(_hash(cookie), None)


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode(errors="replace")).digest()
