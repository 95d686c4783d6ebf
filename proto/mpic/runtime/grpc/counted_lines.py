"""Log lines that others can cause without end: one a second of each kind, with their number."""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable

_SECONDS = 1.0
_KINDS = 100
"""Kinds in a second; of those beyond only the number is logged."""

_Key = tuple[tuple[str, Hashable], ...]


class CountedLines:
    """One event, logged with how often it happened with the same facts."""

    def __init__(self, write: Callable[..., object]) -> None:
        """Take a function that writes a line of these facts, and of `calls`."""
        self._write = write
        self._counts: Counter[_Key] = Counter()

    def note(self, **facts: Hashable) -> None:
        """Have it told within a second."""
        if not self._counts:
            asyncio.get_running_loop().call_later(_SECONDS, self.write)
        key = tuple(facts.items())
        self._counts[key if len(self._counts) < _KINDS or key in self._counts else ()] += 1

    def write(self) -> None:
        """Write the lines of what happened since the last time."""
        for facts, calls in self._counts.items():
            self._write(**dict(facts), calls=calls)
        self._counts.clear()
