"""What is wrong with a JSON value as a message of the agreement: each place, and the mend. Pure."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from coordinator.api.http.json_paths import below, to_camel
from mpic.runtime.grpc.errors import Violation
from mpic.runtime.problem import suggest

F = FieldDescriptor
AnyDescriptor = Any
"""A Descriptor, of whichever implementation protobuf has."""

MOST_ENTRIES = 256
"""Of one list: more than any request may have, and as few as are checked in no time."""
_SHOWN = 40
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_RANGES = {
    F.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    F.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    F.CPPTYPE_UINT32: (0, 2**32 - 1),
    F.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_TIMES = {
    "google.protobuf.Timestamp": (
        re.compile(
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{1,9})?"
            r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
        ),
        'a time such as "2026-12-15T00:00:00Z"',
    ),
    "google.protobuf.Duration": (
        re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?s"),
        'seconds with an s, such as "1.5s"',
    ),
}


class Repeated(dict[str, object]):
    """A JSON object that has a member twice."""

    def __init__(self, members: Mapping[str, object], pairs: list[tuple[str, object]]) -> None:
        """Note which members are there twice."""
        super().__init__(members)
        seen: set[str] = set()
        self.twice = {key for key, _ in pairs if key in seen or seen.add(key)}  # type: ignore[func-returns-value]


def check_message(value: object, kind: AnyDescriptor, path: str, most: int) -> list[Violation]:
    """Return at most `most` places where a JSON value is no message of this kind."""
    return list(islice(_check_message(value, kind, path), most))


def _check_message(value: object, kind: AnyDescriptor, path: str) -> Iterator[Violation]:
    if (time := _TIMES.get(kind.full_name)) is not None:
        form, wanted = time
        if not (isinstance(value, str) and form.fullmatch(value)):
            yield _want(path, wanted, value)
        return
    if not isinstance(value, dict):
        yield _want(path, "an object", value)
        return
    fields = {field.name: field for field in kind.fields}
    fields.update({to_camel(name): field for name, field in list(fields.items())})
    yield from _check_twice(value, fields, path)
    for key, member in value.items():
        place = below(path, key)
        if key not in fields:
            known = [to_camel(field.name) for field in kind.fields]
            yield Violation(
                place, f"there is no such field. {suggest(to_camel(key[:_SHOWN]), known)}"
            )
        elif member is not None:  # null stands for no value
            yield from _check_field(member, fields[key], place)


def _check_twice(
    value: dict[str, object], fields: Mapping[str, FieldDescriptor], path: str
) -> Iterator[Violation]:
    """Find members that are there twice, in one form of their name or in both."""
    for key in sorted(getattr(value, "twice", ())):
        yield Violation(below(path, key), "is there twice")
    forms: dict[str, str] = {}
    for key in value:
        name = fields[key].name if key in fields else key
        if name in forms:
            yield Violation(below(path, key), f"is there as {forms[name]} too")
        forms[name] = key
    chosen: dict[str, str] = {}
    for key, member in value.items():
        choice = fields[key].containing_oneof if key in fields else None
        if choice is None or member is None:
            continue
        if choice.name in chosen and fields[chosen[choice.name]] is not fields[key]:
            yield Violation(below(path, key), f"cannot stand beside {chosen[choice.name]}")
        chosen[choice.name] = key


def _check_field(value: object, field: FieldDescriptor, path: str) -> Iterator[Violation]:
    if not field.is_repeated:
        yield from _check_single(value, field, path)
    elif not isinstance(value, list):
        yield _want(path, "a list", value)
    elif len(value) > MOST_ENTRIES:
        text = f"has {len(value)} entries; no list of a request has more than {MOST_ENTRIES}"
        yield Violation(path, text)
    else:
        for index, one in enumerate(value):
            yield from _check_single(one, field, f"{path}[{index}]")


def _check_single(value: object, field: FieldDescriptor, path: str) -> Iterator[Violation]:
    if field.message_type is not None:
        yield from _check_message(value, field.message_type, path)
    elif field.enum_type is not None:
        yield from _check_enum(value, field.enum_type, path)
    elif field.cpp_type in _RANGES:
        yield from _check_integer(value, field.cpp_type, path)
    else:
        wanted, fits = _SIMPLE[field.type]
        if not fits(value):
            yield _want(path, wanted, value)


def _check_enum(value: object, kind: EnumDescriptor, path: str) -> Iterator[Violation]:
    if isinstance(value, str):
        if value not in kind.values_by_name:
            known = suggest(value[:_SHOWN].upper(), kind.values_by_name)
            yield Violation(path, f"{_show(value)} is no value of {kind.name}. {known}")
    else:
        yield from _check_integer(value, F.CPPTYPE_INT32, path)


def _check_integer(value: object, cpp_type: int, path: str) -> Iterator[Violation]:
    """Take a whole number, or one as text, as the mapping writes those of 64 bits."""
    number = value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        number = int(value)
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    least, most = _RANGES[cpp_type]
    if isinstance(number, bool) or not isinstance(number, int):
        yield _want(path, "a whole number", value)
    elif not least <= number <= most:
        yield Violation(path, f"is not from {least} to {most}")


def _is_text(value: object) -> bool:
    """Whether it is text that UTF-8 can hold: without lone surrogates."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_base64(value: object) -> bool:
    return isinstance(value, str) and _BASE64.fullmatch(value) is not None


_SIMPLE: Mapping[int, tuple[str, Callable[[object], bool]]] = {
    F.TYPE_STRING: ("text of Unicode characters", _is_text),
    F.TYPE_BYTES: ("octets in base64", _is_base64),
    F.TYPE_BOOL: ("true or false", lambda value: isinstance(value, bool)),
}
"""What a field of each other type takes."""


def _want(path: str, wanted: str, value: object) -> Violation:
    return Violation(path, f"must be {wanted}, and is {_show(value)}")


def _show(value: object) -> str:
    """Return a value as it was written, as far as a person needs it."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:
        return "a larger number"
    text = json.dumps(value if not isinstance(value, str) else value[: _SHOWN + 1])
    return text if len(text) <= _SHOWN + 2 else f"{text[:_SHOWN]}..."
