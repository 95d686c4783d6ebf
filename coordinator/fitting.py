"""Which reports come whole where not all of them can. Pure.

The smallest do: so a perspective that sends much leaves out itself before others.
"""

from collections.abc import Callable, Sequence

FRAME = 12
"""Octets, at most, around an entry: its tag and its length, twice where it is nested."""


def fit(
    whole: Sequence[bytes],
    make_short: Callable[[int], bytes],
    room: int,
    wanted: Callable[[int], bool] = lambda _: False,
) -> list[bytes]:
    """Return the entries in their order, whole as far as `room` octets allow, otherwise short.

    `make_short` gets the index of an entry; those that are `wanted` become whole first.
    """
    if sum(map(len, whole)) + FRAME * len(whole) <= room:
        return list(whole)
    fitting = [make_short(index) for index in range(len(whole))]
    room -= sum(map(len, fitting)) + FRAME * len(fitting)
    for index in sorted(range(len(whole)), key=lambda one: (not wanted(one), len(whole[one]))):
        more = len(whole[index]) - len(fitting[index])
        if more <= room:
            fitting[index] = whole[index]
            room -= more
    return fitting
