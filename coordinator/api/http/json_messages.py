"""JSON text to messages of the agreement, and back: the proto3 JSON mapping, read strictly. Pure.

Field names are read in both forms, `requestId` and `request_id`; the first is sent. Everything
wrong is told with its place. Stricter than the mapping:

- A field that the agreement does not have is refused, since it may demand more than is checked.
- The same member twice in an object is refused, in one form or in both (RFC 8259 section 4).
- NaN, Infinity, lone surrogates and base64 with other characters are refused.

Fields that have no value are sent too, so that `"approved": false` is there to be seen.
"""

import json
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from coordinator.api.http.json_check import Repeated, check_message
from coordinator.api.http.json_paths import ROOT
from mpic.runtime.grpc.errors import Violation, invalid_argument

M = TypeVar("M", bound=Message)

BODY_OCTETS = 1024 * 1024
"""Of one request: a hundred names, each at all its bounds, take half of it."""
_MOST_TOLD = 20
"""Wrong fields of one body; more are not looked for."""


def read_message(body: bytes, message: M) -> M:
    """Fill an empty message from a JSON text, and return it; raises RequestError."""
    value = read_json(body)
    violations = check_message(value, message.DESCRIPTOR, ROOT, _MOST_TOLD)
    if violations:
        raise invalid_argument(violations)
    try:
        json_format.ParseDict(value, message)
    except (json_format.ParseError, ValueError) as error:
        # It is checked already; what is left is a value that does not fit, as a time beyond 9999.
        raise invalid_argument([Violation(ROOT, str(error))]) from None
    return message


def read_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of one JSON text in UTF-8; an object is a dict, or a `Repeated`.

    Raises RequestError.
    """
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_make_object, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        text = f"is not UTF-8 at octet {error.start}"
    except json.JSONDecodeError as error:
        text = f"is no JSON text: {error.msg} at line {error.lineno} column {error.colno}"
    except RecursionError:
        text = "nests deeper than any request does"
    except ValueError as error:
        text = f"is no JSON text: {error}"
    raise invalid_argument([Violation(ROOT, text)])


def write_json(value: object) -> bytes:
    """Return the JSON text of a value, in UTF-8, on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _make_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(found, pairs)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")
