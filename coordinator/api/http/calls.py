"""What a request says of itself in headers: its deadline, its trace, its id. Pure.

Grpc-Timeout: 5S            seconds the caller waits, as gateways from HTTP to gRPC take it
traceparent: 00-...-01      as over gRPC (W3C Trace Context)
Idempotency-Key: "..."      stands for the request id (draft-ietf-httpapi-idempotency-key-header)
"""

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from coordinator.api.http.json_paths import HEADER, QUERY
from mpic.runtime.grpc.errors import RequestError, Violation, invalid_argument
from mpic.runtime.problem import suggest
from mpic.trace import Trace, read_traceparent

DEADLINE = "Grpc-Timeout"
REQUEST_ID = "Idempotency-Key"

_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
# An item of a structured field (RFC 9651 section 3.3.3), or the bare text.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_ESCAPED = re.compile(r"\\(.)")


def read_deadline(values: Sequence[str]) -> float | None:
    """Return the seconds that a caller waits; None: it does not say. Raises RequestError."""
    if not values:
        return None
    found = _TIMEOUT.fullmatch(values[0]) if len(values) == 1 else None
    if found is None:
        text = "must be one number of up to 8 digits and a unit, such as 5S or 1500m"
        raise invalid_argument([Violation(HEADER + DEADLINE, text)])
    return int(found[1]) * _SECONDS[found[2]]


def count_down(seconds: float | None) -> Callable[[], float | None]:
    """Return a function that says how many of these seconds are left."""
    if seconds is None:
        return lambda: None
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def read_query(query: Mapping[str, str], known: Collection[str]) -> dict[str, list[str]]:
    """Return the parameters of a query, each of which may be there more than once.

    `query` yields each name as often as it is there. Raises RequestError if one is not known.
    """
    found: dict[str, list[str]] = {}
    for name, value in query.items():
        found.setdefault(name, []).append(value)
    strangers = [
        Violation(QUERY + name, f"there is no such parameter. {suggest(name, known)}")
        for name in found
        if name not in known
    ]
    if strangers:
        raise invalid_argument(strangers)
    return found


def read_trace(values: Sequence[str]) -> Trace | None:
    """Return the trace that a caller has begun; None: there is none, or it is invalid."""
    return read_traceparent(values[0]) if len(values) == 1 else None


def read_request_id(values: Sequence[str]) -> str | None:
    """Return the request id that a header gives; None: there is no header. Raises RequestError."""
    if not values:
        return None
    text = values[0].strip(" \t")
    if text.startswith('"'):
        found = _QUOTED.fullmatch(text)
        text = _ESCAPED.sub(r"\1", found[1]) if found else ""
    if len(values) > 1 or not text or not text.isascii():
        wanted = 'must be one text in ASCII, such as "r-2026-0001"'
        raise invalid_argument([Violation(HEADER + REQUEST_ID, wanted)])
    return text


def refuse_request_id() -> RequestError:
    """Return the error for a header that would be the request id of many requests."""
    text = "would stand for every line; give each line its own requestId"
    return invalid_argument([Violation(HEADER + REQUEST_ID, text)])


def agree_on_id(in_body: str, in_header: str | None) -> str:
    """Return the id of a request; raises RequestError if header and body name two."""
    if in_header is None or in_body == in_header:
        return in_body
    if in_body:
        text = "is another than the requestId of the body; leave one of them out"
        raise invalid_argument([Violation(HEADER + REQUEST_ID, text)])
    return in_header
