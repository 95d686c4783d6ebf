"""The codes that message ids are made of: the names of the agreement's values. Pure."""

from typing import Any

UNKNOWN = "unknown"


def code_of(enum: Any, value: int) -> str:  # noqa: ANN401 - any enum of protobuf
    """Return a value's name without what all values of its enum begin with, such as "REASON_".

    A value that only a newer release knows is "unknown".
    """
    if value not in enum.values():
        return UNKNOWN
    first: str = enum.Name(0)
    name: str = enum.Name(value)
    return name.removeprefix(first.removesuffix("UNSPECIFIED"))
