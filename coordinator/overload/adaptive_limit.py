"""Lets in fewer names while agents have too much to do, and more again when they keep up. Pure.

An agent that falls behind refuses what is beyond it. Each agent does so by itself. What one of them
looks up and another refuses is wasted work. At twice what agents can do, hardly a question would
find room at all of them. So when verdicts depend on such refusals, fewer names are let in here.
With time and without refusals it becomes more again.
"""

import time
from collections.abc import Callable

from mpic.bounds import MAX_NAMES

_LESS = 0.8
_MORE_PER_SECOND = 1.1
# As often as agents find out whether they keep up (their BEAT).
_PAUSE = 0.25
# By then every bound is fully open again. Without it the power could grow beyond a float.
_OPEN_AFTER = 300.0


class AdaptiveLimit:
    """A bound that follows the agents."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start wide open."""
        self._clock = clock
        self._narrowed: tuple[float, float] | None = None
        """The bound that was set last, and when; None: wide open."""

    def limit(self, most: int) -> int:
        """Return how many names may be in flight now; `most` is the configured bound."""
        if self._narrowed is None:
            return most
        names, since = self._narrowed
        elapsed = self._clock() - since
        limit = names * _MORE_PER_SECOND ** min(elapsed, _OPEN_AFTER)
        if limit < most:
            return int(limit)
        self._narrowed = None
        return most

    def narrow(self, in_flight: int, most: int) -> None:
        """Let in fewer names than are in flight: agents have refused one of them."""
        now = self._clock()
        if self._narrowed is not None and now - self._narrowed[1] < _PAUSE:
            return
        # Agents always take at least this many (their Room), so a lower bound would help nobody.
        names = max(min(in_flight, self.limit(most)) * _LESS, min(MAX_NAMES, most))
        self._narrowed = names, now
