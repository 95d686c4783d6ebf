"""The comments of the agreement, by the full name of what they are about.

They come from the descriptor set that is generated beside the stubs: the stubs do not have them.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

_SET = "agreement.binpb"
# Field numbers in descriptor.proto: of FileDescriptorProto, then of what it holds.
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6
_FIELD, _NESTED, _NESTED_ENUM, _VALUE, _METHOD = 2, 3, 4, 2, 2


def read_comments() -> Mapping[str, str]:
    """Return every comment of `mpic.v1`, by names such as "mpic.v1.NameVerdict.reason"."""
    octets = (files("mpic.v1") / _SET).read_bytes()
    return {
        name: comment
        for file in FileDescriptorSet.FromString(octets).file
        if file.package == "mpic.v1"
        for name, comment in _of_file(file)
    }


def _of_file(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    names = {path: f"{file.package}.{name}" for path, name in _name_all(file)}
    for location in file.source_code_info.location:
        path = tuple(location.path)
        if location.leading_comments and path in names:
            yield names[path], _clean(location.leading_comments)


def _name_all(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yield the path and the name of each message, field, enum, value, service and method."""
    for index, message in enumerate(file.message_type):
        yield from _name_message((_MESSAGE, index), message.name, message)
    for index, enum in enumerate(file.enum_type):
        yield from _name_enum((_ENUM, index), enum.name, enum)
    for index, service in enumerate(file.service):
        yield (_SERVICE, index), service.name
        for place, method in enumerate(service.method):
            yield (_SERVICE, index, _METHOD, place), f"{service.name}.{method.name}"


def _name_message(
    path: tuple[int, ...], name: str, message: DescriptorProto
) -> Iterator[tuple[tuple[int, ...], str]]:
    yield path, name
    for index, field in enumerate(message.field):
        yield (*path, _FIELD, index), f"{name}.{field.name}"
    for index, nested in enumerate(message.nested_type):
        yield from _name_message((*path, _NESTED, index), f"{name}.{nested.name}", nested)
    for index, enum in enumerate(message.enum_type):
        yield from _name_enum((*path, _NESTED_ENUM, index), f"{name}.{enum.name}", enum)


def _name_enum(
    path: tuple[int, ...], name: str, enum: EnumDescriptorProto
) -> Iterator[tuple[tuple[int, ...], str]]:
    yield path, name
    for index, value in enumerate(enum.value):
        yield (*path, _VALUE, index), f"{name}.{value.name}"


def _clean(comment: str) -> str:
    """Return a comment as paragraphs, without the blank that follows each //."""
    lines = [line.removeprefix(" ") for line in comment.splitlines()]
    return "\n".join(lines).strip()
