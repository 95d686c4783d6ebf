"""Which reports come whole where not all of them can. Pure.

The smallest do: so a perspective that sends much leaves out itself before others.
"""

from collections.abc import Callable, Sequence

FRAME = 12
"""Octets, at most, around an entry: its tag and its length, twice where it is nested."""


def choose_whole(
    whole: Sequence[int],
    short: Sequence[int],
    room: int,
    wanted: Callable[[int], bool] = lambda _: False,
) -> set[int]:
    """Return the indexes of the entries that come whole, so that all fit as far as they can.

    All four are octets but `wanted`: entries that come first, by their index. What does not come
    whole comes short.
    """
    entries = range(len(whole))
    if sum(whole) + FRAME * len(whole) <= room:
        return set(entries)
    room -= sum(short) + FRAME * len(short)
    chosen = set()
    for index in sorted(entries, key=lambda one: (not wanted(one), whole[one])):
        more = whole[index] - short[index]
        if more <= room:
            chosen.add(index)
            room -= more
    return chosen
