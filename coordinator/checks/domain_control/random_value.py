"""A Random Value or Request Token (BR 1.6.1), as callers give it, and where it is found. Pure.

A Random Value has at least 112 bits of entropy. How many it has does not show, but whether so many
can be written in it does. An empty or short value would be found almost everywhere.

It is recorded as its SHA-256 and its length alone. So it is found in a text by the hash of every
part that is as long.
"""

import hashlib
import re
from typing import Protocol

from coordinator.checks.check import ParameterError
from coordinator.checks.domain_control.method import ValueRules, hash_value

_LONGEST = 1024
"""Octets; a bound on what it costs to find one."""
# Blanks and line ends are changed by editors, and would be found in many texts.
_VISIBLE = re.compile(r"[!-~]*")


class HasValue(Protocol):
    """Parameters with a value, and with what is recorded of it."""

    value: str
    value_sha256: bytes
    value_octets: int


def read_value(parameters: HasValue, method: str, rules: ValueRules) -> str:
    """Check a value, put its SHA-256 and length in its place, and return it.

    Raises ParameterError.
    """
    value = parameters.value
    for field in ("value_sha256", "value_octets"):
        if getattr(parameters, field):
            text = f"is only for answers; give {method}.value"
            raise ParameterError(f"{method}.{field}", text)
    field = f"{method}.value"
    if not _VISIBLE.fullmatch(value):
        raise ParameterError(field, "must be visible ASCII characters, without blanks or line ends")
    if not max(1, rules.shortest_value) <= len(value) <= _LONGEST:
        text = (
            f"has {len(value)} octets; a Random Value or Request Token must have"
            f" {rules.shortest_value} to {_LONGEST} (BR 1.6.1: at least 112 bits)"
        )
        raise ParameterError(field, text)
    parameters.value = ""
    parameters.value_sha256 = hash_value(value)
    parameters.value_octets = len(value)
    return value


def contains_value(text: bytes, recorded: HasValue) -> bool:
    """Whether a text has a value somewhere in it."""
    octets, digest = recorded.value_octets, recorded.value_sha256
    if not octets:
        return False
    parts = (text[at : at + octets] for at in range(len(text) - octets + 1))
    return any(hashlib.sha256(part).digest() == digest for part in parts)
