"""How often pages are asked to check again: of one record, from one address, and at a time. Pure.

Whoever has a link can make the perspectives ask the domain's servers. So it is bounded for each
process, as are the failures to be let in (`coordinator.api.http.failures`).
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from coordinator.api.http.failures import group_address

PAUSE = 30.0
"""Seconds from one check of a record to the next."""
WINDOW = 600.0
"""Seconds."""
MOST_OF_RECORD = 5
"""Checks of one record in a window."""
MOST_OF_ADDRESS = 20
"""Checks from one address in a window; a proxy in front is one address."""
AT_A_TIME = 2
"""Checks of one address, whatever the records; of one record it is one."""
_REMEMBERED = 4096
"""Records and addresses; beyond that the oldest are forgotten."""


class TooOftenError(Exception):
    """It was checked too often, or is being checked."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait
        """Seconds until it can be checked again."""


class CheckBounds:
    """Counts checks that pages asked for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none; `clock` gives seconds."""
        self._clock = clock
        self._begun: OrderedDict[str, deque[float]] = OrderedDict()
        self._running: dict[str, int] = {}

    @contextmanager
    def enter(self, record_id: str, address: str) -> Iterator[None]:
        """Let one check in until the end of `with`; raises TooOftenError."""
        now = self._clock()
        record, network = f"record {record_id}", f"address {group_address(address)}"
        waits = (
            self._wait_for(record, now, MOST_OF_RECORD, 1),
            self._wait_for(network, now, MOST_OF_ADDRESS, AT_A_TIME),
            self._wait_since_last(record, now),
        )
        if (wait := max(waits)) > 0:
            raise TooOftenError(wait)
        for key in (record, network):
            self._begin(key, now)
        try:
            yield
        finally:
            for key in (record, network):
                self._end(key)

    def _wait_for(self, key: str, now: float, most: int, at_a_time: int) -> float:
        """Return how many seconds to wait for a place."""
        begun = self._begun.get(key, deque())
        while begun and now - begun[0] >= WINDOW:
            begun.popleft()
        if len(begun) >= most:
            return begun[0] + WINDOW - now
        return PAUSE if self._running.get(key, 0) >= at_a_time else 0.0

    def _wait_since_last(self, key: str, now: float) -> float:
        begun = self._begun.get(key)
        return begun[-1] + PAUSE - now if begun else 0.0

    def _begin(self, key: str, now: float) -> None:
        self._begun.setdefault(key, deque()).append(now)
        self._begun.move_to_end(key)
        self._running[key] = self._running.get(key, 0) + 1
        if len(self._begun) > _REMEMBERED:
            self._begun.popitem(last=False)

    def _end(self, key: str) -> None:
        self._running[key] -= 1
        if not self._running[key]:
            del self._running[key]
