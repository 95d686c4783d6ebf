"""Wraps text at the width of a terminal, in Japanese too. Pure.

A line may end at a blank, or beside a character that is two columns wide: Japanese has no blanks.
Then it does not begin with what closes a sentence or a bracket (JIS X 4051).
What has no such place is longer than a line: it is cut where the line ends.
"""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

_NOT_FIRST = frozenset("。、)」』】・ー,.:;!?")
_LEAST = 20
"""Columns: no terminal is taken to be narrower."""


def wrap(text: Text, width: int) -> Iterator[Text]:
    """Yield the lines of a text, none wider than `width` columns."""
    ends = list(_find_ends(text.plain, max(width, _LEAST)))
    for line in text.divide(ends):
        line.rstrip()
        yield line


def _find_ends(text: str, width: int) -> Iterator[int]:
    """Yield where each line but the last ends: the offset of the next line's first character."""
    start = columns = 0
    at = 0
    while at < len(text):
        columns += cell_len(text[at])
        if columns > width and text[at] != " ":
            end = _find_end(text, start, at)
            yield end
            start = at = end
            columns = 0
        else:
            at += 1


def _find_end(text: str, start: int, over: int) -> int:
    """Return the last place at which a line from `start` may end before `over`."""
    for at in range(over, start, -1):
        if _may_end_before(text, at):
            return at
    return max(over, start + 1)


def _may_end_before(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if after in _NOT_FIRST:
        return False
    return (
        before == " " or cell_len(before) > 1 or (cell_len(after) > 1 and before not in "(「『【")
    )
