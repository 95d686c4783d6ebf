"""What turning calls away takes of the time of those let in, hence how many fewer are let in. Pure.

While many calls are turned away, those in flight are worked off more slowly. Were as many in flight
as before, each of them would take longer (by Little's law); so fewer are.
"""

import math
import time
from collections.abc import Callable

# Of a CPU, as `tests/bench/overload.sh` shows it: of 650 questions/s, 400 are left when 1,500
# calls/s are turned away. Most of it is gRPC's own.
_SECONDS_EACH = 0.00025
# Seconds after which what happened counts a third.
_MEMORY = 1.0
# What each takes is a guess, too high for a faster machine, and some must always be let in.
_LEAST_SHARE = 0.25


class Toll:
    """Counts the calls turned away unread; a question of a stream takes next to nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody was, yet."""
        self._clock = clock
        self._since = clock()
        self._turned_away = 0.0

    def turn_away(self) -> None:
        """Count one."""
        now = self._clock()
        self._turned_away = self._turned_away * _fade(now - self._since) + 1
        self._since = now

    @property
    def share(self) -> float:
        """The part of the time that is left for those let in."""
        if self._turned_away < 1:
            return 1.0
        a_second = self._turned_away * _fade(self._clock() - self._since) / _MEMORY
        return max(1 - a_second * _SECONDS_EACH, _LEAST_SHARE)


def _fade(seconds: float) -> float:
    return math.exp(-seconds / _MEMORY)
