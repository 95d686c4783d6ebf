"""The header `traceparent` of W3C Trace Context, which names the trace of a request. Pure.

    version "-" trace-id "-" parent-id "-" trace-flags        00-4bf92f...4736-00f067aa0ba902b7-01

An invalid header is no trace (section 4.3): it comes from a caller and goes into logs.
"""

import re
from typing import NamedTuple

HEADER = "traceparent"

_FORM = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    r"(?P<rest>-.*)?"
)
_INVALID_VERSION = "ff"
_VERSION = "00"
_MOST = 512
"""Characters; a later version may be longer than ours, but not without end."""


class Trace(NamedTuple):
    """A trace that a caller has begun."""

    trace_id: str
    """32 hexadecimal digits."""
    parent_id: str
    """16 hexadecimal digits."""
    flags: str
    """2 hexadecimal digits; the last bit says that the caller records."""

    @property
    def traceparent(self) -> str:
        """Return the header, in the version that we know (section 4.3)."""
        return f"{_VERSION}-{self.trace_id}-{self.parent_id}-{self.flags}"


def read_traceparent(header: str) -> Trace | None:
    """Return the trace of a header; None where it is not valid."""
    found = _FORM.fullmatch(header) if len(header) <= _MOST else None
    if found is None or found["version"] == _INVALID_VERSION:
        return None
    if found["version"] == _VERSION and found["rest"]:
        return None
    if not int(found["trace"], 16) or not int(found["parent"], 16):
        return None
    return Trace(found["trace"], found["parent"], found["flags"])
