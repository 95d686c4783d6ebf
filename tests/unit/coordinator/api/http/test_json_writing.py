"""Messages as JSON: the same as protobuf's own library makes of them."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from coordinator.api.http.json_writing import to_json_value
from mpic.v1 import corroboration_pb2 as c

ANSWERS: Sequence[type[Message]] = (
    c.CorroborateResponse,
    c.GetCorroborationResponse,
    c.RecordIssuanceResponse,
    c.ListPerspectivesResponse,
    c.CorroborateRequest,
)


def fill(message: Any, lot: Random, depth: int = 0) -> None:  # noqa: ANN401 - any message
    """Give some of its fields some values."""
    for field in message.DESCRIPTOR.fields:
        if lot.random() < 0.4 or depth > 6:
            continue
        if field.message_type is not None and field.is_repeated:
            for _ in range(lot.randrange(3)):
                fill(getattr(message, field.name).add(), lot, depth + 1)
        elif field.message_type is not None:
            inner = getattr(message, field.name)
            inner.SetInParent()
            fill(inner, lot, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).extend(value(field, lot) for _ in range(lot.randrange(3)))
        else:
            setattr(message, field.name, value(field, lot))


def value(field: Any, lot: Random) -> object:  # noqa: ANN401
    if field.enum_type is not None:
        return lot.choice([*field.enum_type.values_by_number, 9999])
    if field.containing_type.full_name.startswith("google.protobuf."):
        return lot.randrange(1_000_000)
    values: dict[int, Sequence[object]] = {
        FieldDescriptor.TYPE_STRING: ("", "a", "ü\n\x00"),
        FieldDescriptor.TYPE_BYTES: (b"", b"\0\xff"),
        FieldDescriptor.TYPE_BOOL: (False, True),
    }
    return lot.choice(values.get(field.type, (0, 1, 2**31 - 1)))


@pytest.mark.parametrize("kind", ANSWERS)
def test_it_is_what_the_library_makes(kind: type[Message]) -> None:
    lot = Random(7)  # noqa: S311 - the same each time
    for _ in range(50):
        message = kind()
        fill(message, lot)
        told = to_json_value(message)
        assert told == json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


def test_every_field_of_every_answer_can_be_written() -> None:
    seen, todo = set(), [kind.DESCRIPTOR for kind in ANSWERS]
    while todo:
        kind: Any = todo.pop()
        if kind.full_name not in seen:
            seen.add(kind.full_name)
            to_json_value(kind._concrete_class())
            todo += [field.message_type for field in kind.fields if field.message_type]
    assert len(seen) > 40
