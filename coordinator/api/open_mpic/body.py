"""The octets of a request to a request in one of its two shapes. Pure.

`check_type` may be left out, as in Open MPIC: then it is "dcv" if there are `dcv_check_parameters`.
A name that stands twice in an object is refused, since readers do not agree on which one counts.
"""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError

from coordinator.api.open_mpic.messages import (
    METHOD_SHAPES,
    CaaParameters,
    MpicCaaRequest,
    MpicDcvRequest,
    MpicRequest,
    OrchestrationParameters,
)
from coordinator.api.open_mpic.refusal import RefusedError, from_shape, show_shape
from mpic.runtime.problem import suggest
from mpic.text import shorten

_ARMS: Mapping[str, type[MpicCaaRequest] | type[MpicDcvRequest]] = {
    "caa": MpicCaaRequest,
    "dcv": MpicDcvRequest,
}
_AT = ("body",)
_SHOWN = 64


class _NotJsonError(ValueError):
    """The octets are no JSON that everybody reads alike."""


def read_request(octets: bytes) -> MpicRequest:
    """Return the request; raises RefusedError that names what is wrong in its shape."""
    body = _read_json(octets)
    if not isinstance(body, dict):
        raise _refuse_shape("model_attributes_type", "Input should be an object", body)
    given = body.get("check_type", "dcv" if body.get("dcv_check_parameters") else "caa")
    arm = _ARMS.get(given) if isinstance(given, str) else None
    if arm is None:
        raise _refuse_check_type(given)
    try:
        return arm.model_validate(body)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        for one in errors:
            if one["type"] == "extra_forbidden":
                one["msg"] = f"Unknown field. {_suggest(arm, one['loc'])}"
        raise from_shape(errors, arm.__name__) from None


def _read_json(octets: bytes) -> object:
    """Return the value; raises RefusedError."""
    if not octets.strip():
        raise _refuse_shape("missing", "Field required", None)
    try:
        text = octets.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_read_object, parse_constant=_refuse_constant)
        # Half of a surrogate pair, written as an escape, is no character.
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise _refuse_json(error.msg, error.pos) from None
    except RecursionError:
        raise _refuse_json("Nested too deeply", 0) from None
    except ValueError as error:  # not UTF-8, a name twice, or a number of thousands of digits
        raise _refuse_json(str(error), 0) from None
    return value


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _NotJsonError(f"{shorten(name, _SHOWN)!r} stands twice in one object")
        found[name] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise _NotJsonError(f"{name} is no JSON number")


def _refuse_json(why: str, at: int) -> RefusedError:
    error = {"type": "json_invalid", "loc": (at,), "msg": "JSON decode error", "input": {}}
    return RefusedError([show_shape({**error, "ctx": {"error": why}}, _AT)])


def _refuse_shape(kind: str, text: str, value: object) -> RefusedError:
    return RefusedError([show_shape({"type": kind, "loc": (), "msg": text, "input": value}, _AT)])


def _refuse_check_type(given: object) -> RefusedError:
    """Say of both shapes what their check_type is."""
    issues = []
    for check_type, arm in _ARMS.items():
        error = {
            "type": "literal_error",
            "loc": ("check_type",),
            "msg": f"Input should be '{check_type}'",
            "input": given,
            "ctx": {"expected": f"'{check_type}'"},
        }
        issues.append(show_shape(error, ["body", arm.__name__]))
    return RefusedError(issues)


def _suggest(arm: type[BaseModel], at: tuple[int | str, ...]) -> str:
    """Return the nearest known field to an unknown one."""
    match at:
        case ("orchestration_parameters", _):
            shape: type[BaseModel] = OrchestrationParameters
        case ("caa_check_parameters", _):
            shape = CaaParameters
        case ("dcv_check_parameters", str(method), _):
            shape = METHOD_SHAPES[method]
        case _:
            shape = arm
    return suggest(shorten(str(at[-1]), _SHOWN), shape.model_fields)
