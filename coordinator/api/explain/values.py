"""Text of strangers in a page: nothing in it acts, nothing is invisible, and it has an end. Pure.

A browser shows no control characters, and turns the direction of writing where a text says so. So
each such character is shown by its number, in an element of its own.
"""

import re
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup, escape

SHORT = 160
"""Characters of a value that are shown at once."""
LONG = 64 * 1024
"""Characters of a value that are shown at all."""

# What need not be drawn (Unicode's Default_Ignorable_Code_Point), and the blank pattern of Braille.
# Python calls some of them printable.
_UNDRAWN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_MARK = Markup('<span class="mark">\\u{{{:x}}}</span>')


class ShownValue(NamedTuple):
    """A value, and as much of it as is shown at once."""

    short: str
    """All of it, if it is not long."""
    whole: str
    """Empty if `short` is all."""
    characters: int
    """Of the value, also if it has more than is shown."""


def is_visible(character: str) -> bool:
    """Whether a browser draws a character, and nothing happens but that."""
    return character.isprintable() and _UNDRAWN.match(character) is None


def show_text(value: object) -> object:
    """Return what a template puts out for a value: text that is escaped, with all of it visible."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if value.isascii() and value.isprintable():
        return value
    return Markup("").join(_show_parts(value[:LONG]))


def cut_value(text: str) -> ShownValue:
    """Return a value as it is shown: a long one by its beginning."""
    if len(text) <= SHORT:
        return ShownValue(text, "", len(text))
    return ShownValue(text[:SHORT], text[:LONG], len(text))


def _show_parts(text: str) -> Iterator[Markup]:
    key: Callable[[str], bool] = is_visible
    for drawn, run in groupby(text, key):
        if drawn:
            yield escape("".join(run))
        else:
            yield from (_MARK.format(ord(character)) for character in run)
