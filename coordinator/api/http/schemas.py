"""JSON schemas of the agreement's messages, as OpenAPI 3.1 wants them. Pure.

The descriptions are the comments of the .proto files. A field that is sent even if it has no value
is required in an answer.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from coordinator.api.http.json_paths import to_camel

F = FieldDescriptor
Schema = dict[str, Any]
PREFIX = "#/components/schemas/"

_SIMPLE: Mapping[int, Schema] = {
    F.TYPE_STRING: {"type": "string"},
    F.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    F.TYPE_BOOL: {"type": "boolean"},
    F.TYPE_INT32: {"type": "integer", "format": "int32"},
    F.TYPE_UINT32: {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
    F.TYPE_INT64: {"type": "string", "pattern": "^-?[0-9]+$"},
    F.TYPE_UINT64: {"type": "string", "pattern": "^[0-9]+$"},
    F.TYPE_DOUBLE: {"type": "number"},
}
_WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
}


def make_schemas(
    asked: Iterable[Any], told: Iterable[Any], comments: Mapping[str, str]
) -> dict[str, Schema]:
    """Return a schema for each message that can be in a request or an answer, by its short name.

    `asked` and `told` are descriptors. What can be in requests alone has no other members.
    """
    requests, answers = _reach(asked), _reach(told)
    schemas = {}
    for name, kind in {**requests, **answers}.items():
        if isinstance(kind, EnumDescriptor) or hasattr(kind, "values"):
            schemas[name] = _describe_enum(kind, comments)
            continue
        schemas[name] = _describe_message(kind, comments, is_answer=name not in requests)
        if name not in answers:
            schemas[name]["additionalProperties"] = False
    return dict(sorted(schemas.items()))


def refer(kind: Any) -> Schema:  # noqa: ANN401 - a descriptor, of whichever implementation
    """Return the schema that refers to a message's or an enum's."""
    return {"$ref": PREFIX + kind.name}


def _reach(kinds: Iterable[Any]) -> dict[str, Any]:
    """Return all messages and enums that can be in these messages, by their short names."""
    found: dict[str, Any] = {}
    todo = list(kinds)
    while todo:
        kind = todo.pop()
        if kind.full_name in _WELL_KNOWN or kind.name in found:
            continue
        found[kind.name] = kind
        for field in getattr(kind, "fields", ()):
            todo += [one for one in (field.message_type, field.enum_type) if one is not None]
    return found


def _describe_message(kind: Any, comments: Mapping[str, str], *, is_answer: bool) -> Schema:  # noqa: ANN401
    schema: Schema = {"type": "object"}
    _comment(schema, comments.get(kind.full_name))
    schema["properties"] = {
        to_camel(field.name): _describe_field(field, comments) for field in kind.fields
    }
    required = [to_camel(field.name) for field in kind.fields if not field.has_presence]
    if is_answer and required:
        schema["required"] = required
    return schema


def _describe_field(field: Any, comments: Mapping[str, str]) -> Schema:  # noqa: ANN401
    one = _describe_type(field)
    schema: Schema = {"type": "array", "items": one} if field.is_repeated else dict(one)
    comment = comments.get(field.full_name)
    if field.containing_oneof is not None:
        rule = f"At most one member of `{field.containing_oneof.name}` can be there."
        comment = f"{comment}\n\n{rule}" if comment else rule
    _comment(schema, comment)
    return schema


def _describe_type(field: Any) -> Schema:  # noqa: ANN401
    if field.enum_type is not None:
        return refer(field.enum_type)
    if field.message_type is None:
        return _SIMPLE[field.type]
    known = _WELL_KNOWN.get(field.message_type.full_name)
    return refer(field.message_type) if known is None else known


def _describe_enum(kind: Any, comments: Mapping[str, str]) -> Schema:  # noqa: ANN401
    values = [f"- `{one.name}`: {_line(comments, kind, one)}" for one in kind.values]
    schema: Schema = {"type": "string", "enum": [one.name for one in kind.values]}
    head = comments.get(kind.full_name, "")
    _comment(schema, "\n".join((head, "", *values)).strip())
    return schema


def _line(comments: Mapping[str, str], kind: Any, value: Any) -> str:  # noqa: ANN401
    return " ".join(comments.get(f"{kind.full_name}.{value.name}", "").split())


def _comment(schema: Schema, comment: str | None) -> None:
    if comment:
        schema["description"] = comment
