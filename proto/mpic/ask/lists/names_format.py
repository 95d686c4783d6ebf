"""One name a line. Pure."""

import re

from mpic.ask.lists.line import LineReading, read_names, remark

_SEPARATED = re.compile(r"[\s,;]")


def read_name(text: str) -> LineReading:
    """Read a line; what follows "#" is a comment."""
    name = text.split("#", 1)[0].strip()
    if not name:
        return LineReading()
    if _SEPARATED.search(name):
        return LineReading(malformed=remark(0, "several_names"))
    return read_names([name], 0)
