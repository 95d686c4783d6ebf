"""The key authorization of ACME (RFC 8555 section 8.1), as callers give it. Pure.

keyAuthorization = token || '.' || base64url(Thumbprint(accountKey))
"""

import re
from typing import Protocol

from coordinator.checks.check import ParameterError
from coordinator.checks.domain_control.method import hash_value

# 22 characters of base64url hold 128 bits, which RFC 8555 section 8.3 demands of a token.
TOKEN = re.compile(r"[A-Za-z0-9_-]{22,256}")
# A thumbprint is a SHA-256 (RFC 7638), so it has 43 characters.
_KEY_AUTHORIZATION = re.compile(rf"{TOKEN.pattern}\.[A-Za-z0-9_-]{{43}}")
_DIGEST_OCTETS = 32
_OF_NOTHING = hash_value("")
"""Programs that went wrong publish it, and an empty page has it."""


class HasKeyAuthorization(Protocol):
    """Parameters with a key authorization, or with its SHA-256."""

    key_authorization: str
    key_authorization_sha256: bytes


def read_key_authorization(parameters: HasKeyAuthorization, method: str) -> None:
    """Check it, and put its SHA-256 in its place; raises ParameterError."""
    value, digest = parameters.key_authorization, parameters.key_authorization_sha256
    field = f"{method}.key_authorization"
    if value and not _KEY_AUTHORIZATION.fullmatch(value):
        text = (
            'must be <token>"."<thumbprint>: base64url, a token of 22 or more characters, a'
            " thumbprint of 43 (RFC 8555 section 8.1)"
        )
        raise ParameterError(field, text)
    if digest and len(digest) != _DIGEST_OCTETS:
        text = f"has {len(digest)} octets; a SHA-256 has {_DIGEST_OCTETS}"
        raise ParameterError(f"{field}_sha256", text)
    if digest == _OF_NOTHING:
        raise ParameterError(f"{field}_sha256", "is the SHA-256 of nothing")
    if not value and not digest:
        raise ParameterError(field, f"is empty; give it, or {field}_sha256")
    if value and digest and digest != hash_value(value):
        raise ParameterError(f"{field}_sha256", f"is not the SHA-256 of {field}; give one of both")
    parameters.key_authorization = ""
    parameters.key_authorization_sha256 = digest or hash_value(value)


def is_key_authorization(text: bytes, token: str) -> bool:
    """Whether a text is the key authorization of a token and of some account."""
    read = text.decode("latin-1")
    return read.startswith(f"{token}.") and _KEY_AUTHORIZATION.fullmatch(read) is not None
