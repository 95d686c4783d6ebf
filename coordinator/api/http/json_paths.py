"""Paths into a JSON body: "$.names[0].domainControl" (RFC 9535), as people write them. Pure."""

import re

from mpic.text import ELLIPSIS

_SNAKE = re.compile(r"_([a-z0-9])")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ROOT = "$"
QUERY = "query "
"""Stands before the name of a parameter of the query that is wrong."""
HEADER = "header "
"""Stands before the name of a header that is wrong."""


def to_camel(name: str) -> str:
    """Return the JSON name of a field, as the proto3 mapping makes it."""
    return _SNAKE.sub(lambda found: found[1].upper(), name)


def to_json_path(field: str) -> str:
    """Return where a field of the agreement, "names[0].domain_control", is in a JSON body.

    What is a path already, or no field but a header, stays.
    """
    return (
        field if field.startswith((ROOT, HEADER, QUERY, ELLIPSIS)) else f"{ROOT}.{to_camel(field)}"
    )


def below(path: str, key: str) -> str:
    """Return the path of a member of an object; a key that is no name stands in quotes."""
    if _NAME.fullmatch(key):
        return f"{path}.{key}"
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"{path}['{quoted}']"
