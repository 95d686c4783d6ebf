"""Messages of the agreement as JSON values, by a plan for each kind of message. Pure.

The result is that of protobuf's own `json_format`, which a test compares. That takes about four
times as long, which would be the largest part of an answer's cost.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

F = FieldDescriptor
Convert = Callable[[Any], Any] | None
"""Turns one value into a JSON value; None: it is one."""

_LONG = (F.CPPTYPE_INT64, F.CPPTYPE_UINT64)
_FLOATS = (F.CPPTYPE_FLOAT, F.CPPTYPE_DOUBLE)
_WELL_KNOWN = ("google.protobuf.Timestamp", "google.protobuf.Duration")


class _Plan(NamedTuple):
    """How a kind of message is written."""

    empty: dict[str, Any]
    """What is there if no field has a value."""
    fields: dict[int, tuple[str, Convert, bool]]
    """By number: the name in JSON, how a value is turned into JSON, whether there can be many."""


def to_json_value(message: Message) -> dict[str, Any]:
    """Return a message as a JSON object, with the fields that have no value. Do not change it."""
    plan = _PLANS.get(type(message)) or _make_plan(type(message))
    told = plan.empty.copy()
    for field, value in message.ListFields():
        key, convert, is_repeated = plan.fields[field.number]
        if is_repeated:
            told[key] = [one if convert is None else convert(one) for one in value]
        else:
            told[key] = value if convert is None else convert(value)
    return told


_PLANS: dict[type[Message], _Plan] = {}


def _make_plan(kind: type[Message]) -> _Plan:
    """Return how a kind of message is written, and keep it."""
    plan = _PLANS[kind] = _Plan({}, {})
    for field in kind.DESCRIPTOR.fields:
        convert = _find_conversion(field)
        plan.fields[field.number] = field.json_name, convert, field.is_repeated
        if field.is_repeated:
            plan.empty[field.json_name] = []
        elif not field.has_presence:
            default = field.default_value
            plan.empty[field.json_name] = default if convert is None else convert(default)
    return plan


def _find_conversion(field: Any) -> Convert:  # noqa: ANN401 - a descriptor, of whichever implementation
    if field.cpp_type in _FLOATS or _is_map(field):
        raise NotImplementedError(f"{field.full_name}: the agreement has had no such field so far")
    if field.message_type is not None:
        is_known = field.message_type.full_name in _WELL_KNOWN
        return _tell_time if is_known else to_json_value
    if field.enum_type is not None:
        names = {number: one.name for number, one in field.enum_type.values_by_number.items()}
        return lambda number: names.get(number, number)
    if field.type == F.TYPE_BYTES:
        return lambda octets: b64encode(octets).decode()
    return str if field.cpp_type in _LONG else None


def _is_map(field: Any) -> bool:  # noqa: ANN401
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _tell_time(message: Any) -> str:  # noqa: ANN401 - a Timestamp or a Duration
    text: str = message.ToJsonString()
    return text
