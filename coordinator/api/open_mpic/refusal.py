"""What a caller hears of a request that is not judged, in the two forms that Open MPIC has. Pure.

    400 {"error": "request-validation-failed", "validation_issues": [...]}
    500 {"error": "<text>"}

An issue is one of the shape, as pydantic tells it (`type`, `loc`, `msg`, `input`), or of what the
values mean (`issue_type`, `message`). Whatever the caller wrote is bounded before it is told again.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from mpic.runtime.grpc.errors import Violation
from mpic.text import shorten

FAILED = "request-validation-failed"
_ISSUES = 64
_TEXT_OCTETS = 512
_ITEMS = 32
_DEPTH = 4

Issue = Mapping[str, object]

_METHOD = "names[0].domain_control."
_FIELDS: Mapping[str, str] = {
    "names[0].name": "domain_or_ip_target",
    "names[0].validation_method": "caa_check_parameters.validation_method",
    "names[0].domain_control": "check_type",
    "account_uri": "caa_check_parameters.account_uri",
    "issuer": "caa_check_parameters.caa_domains",
    "tightening.min_corroborating": "orchestration_parameters.quorum_count",
}
_FIELDS_OF_METHODS: Mapping[str, str] = {
    "authorization_domain_name": "domain_or_ip_target",
    "challenge_created_at": "challenge_created_at",
    "account_uris": "expected_account_uri",
    "account_uris[0]": "expected_account_uri",
    "contact": "challenge_value",
    "contained": "require_exact_match",
    "key_authorization": "key_authorization",
    "key_authorization_sha256": "key_authorization_hash",
    "label": "dns_name_prefix",
    "path": "http_token_path",
    "record_type": "dns_record_type",
    "token": "token",
    "value": "challenge_value",
}
_PARAMETERS = "dcv_check_parameters"


class RefusedError(Exception):
    """The request is not judged, because something in it is wrong: 400."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        """Take what is wrong."""
        super().__init__(FAILED)
        self.issues = issues

    def to_json(self) -> dict[str, object]:
        """Return the body."""
        return {"error": FAILED, "validation_issues": list(self.issues)}


def refuse(field: str, text: str, issue_type: str = "") -> RefusedError:
    """Make the error for one field that means what cannot be done; `text` follows its name."""
    return RefusedError([make_issue(field, text, issue_type)])


def make_issue(field: str, text: str, issue_type: str = "") -> Issue:
    """Return an issue about a field; its type is made from the field's name if none is given."""
    last = field.rpartition(".")[2].replace("_", "-")
    message = shorten(f"{field} {text}", _TEXT_OCTETS)
    return {"issue_type": issue_type or f"invalid-{last}", "message": message}


def from_violations(violations: Sequence[Violation]) -> RefusedError:
    """Make the error for a request that was translated, but that our own rules refuse."""
    return RefusedError([make_issue(_name_field(one.field), one.description) for one in violations])


def from_shape(errors: Sequence[ErrorDetails], arm: str) -> RefusedError:
    """Make the error for a body that does not have the shape of a request.

    `arm` is the name of the model that it was read as.
    """
    return RefusedError([show_shape(dict(one), ["body", arm]) for one in errors[:_ISSUES]])


def show_shape(error: Mapping[str, Any], at: Sequence[str | int]) -> Issue:
    """Return one of pydantic's errors as it is told; `at` is where the model stands."""
    shown = {
        "type": error["type"],
        "loc": [*at, *(_bound(one, 0) for one in error["loc"])],
        "msg": shorten(error["msg"], _TEXT_OCTETS),
        "input": _bound(error.get("input"), _DEPTH),
    }
    if "ctx" in error:
        shown["ctx"] = _bound(error["ctx"], _DEPTH)
    return shown


def _name_field(ours: str) -> str:
    """Return what Open MPIC calls the field that one of ours was made from."""
    if ours in _FIELDS:
        return _FIELDS[ours]
    inner = ours.removeprefix(_METHOD)
    if inner == ours:
        return ours
    last = _FIELDS_OF_METHODS.get(inner) or _FIELDS_OF_METHODS.get(inner.partition(".")[2])
    if last == "domain_or_ip_target":
        return last
    return f"{_PARAMETERS}.{last or 'validation_method'}"


def _bound(value: object, depth: int) -> object:
    """Return a value that JSON can hold, with a bound on how much of it."""
    if isinstance(value, str):
        return shorten(value, _TEXT_OCTETS)
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, dict) and depth:
        items = list(value.items())[:_ITEMS]
        return {shorten(str(key), _TEXT_OCTETS): _bound(one, depth - 1) for key, one in items}
    if isinstance(value, list) and depth:
        return [_bound(one, depth - 1) for one in value[:_ITEMS]]
    return None if value is None else shorten(str(value)[: 4 * _TEXT_OCTETS], _TEXT_OCTETS)
