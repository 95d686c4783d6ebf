"""One name a line. Pure."""

import re

from mpic.ask.lists.line import LineReading, Remark, read_names

_SEPARATED = re.compile(r"[\s,;]")


def read_name(text: str) -> LineReading:
    """Read a line; what follows "#" is a comment."""
    name = text.split("#", 1)[0].strip()
    if not name:
        return LineReading()
    if _SEPARATED.search(name):
        wrong = "has more than one name; write one a line, or a CSV for certificates with several"
        return LineReading(malformed=Remark(0, wrong))
    return read_names([name], 0)
