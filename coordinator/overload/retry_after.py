"""When refused callers are to ask again. Pure.

The more calls are refused for each that is let in, the later a caller is told to come back. So
about as many come back as can be let in. Each is told another moment, so that they do not all come
back together.
"""

import math
import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple

# Seconds after which an event counts a third (1/e).
_MEMORY = 5.0


class RetryAfter(NamedTuple):
    """Bounds of what callers are told, in seconds; the most is at least twice the least."""

    least: float = 1.0
    most: float = 30.0


class RetryAdvice:
    """How much was let in and turned away lately."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        lot: Random = Random(),  # noqa: B008, S311 - nobody gains by foreseeing it
    ) -> None:
        """Nothing was asked yet."""
        self._clock, self._lot = clock, lot
        self._since = clock()
        self._let_in = 0.0
        self._turned_away = 0.0
        self._let_in_since = 0

    def let_in(self) -> None:
        """Count a question that is let in."""
        self._let_in_since += 1

    def turn_away(self, bounds: RetryAfter) -> float:
        """Count a refused call; return after how many seconds the caller may ask again."""
        now = self._clock()
        faded = math.exp((self._since - now) / _MEMORY)
        self._since = now
        self._let_in = self._let_in * faded + self._let_in_since
        self._let_in_since = 0
        self._turned_away = self._turned_away * faded + 1
        times = 1 + self._turned_away / max(self._let_in, 1)
        soonest = min(bounds.least * times, bounds.most / 2)
        return self._lot.uniform(soonest, 2 * soonest)
