"""Choose the reports that are sent whole if not all of them can be. Pure.

The smallest are chosen. So a perspective that sends much loses its own report before others.
"""

from collections.abc import Callable, Sequence

FRAME = 12
"""Octets around an entry, at most: its tag and its length, twice if it is nested."""


def choose_whole(
    whole: Sequence[int],
    short: Sequence[int],
    room: int,
    wanted: Callable[[int], bool] = lambda _: False,
) -> set[int]:
    """Return the indexes of the entries that are sent whole, so that all fit if they can.

    `whole` and `short` are the octets of each entry in both forms; `room` is the octets for all. An
    entry that is not sent whole is sent short. `wanted` tells, by index, which entries come first.
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
