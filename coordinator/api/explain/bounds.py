"""How often a page is shown, and asked to check again: by record, by address, at a time. Pure.

Whoever has a link can make this process make pages, and the perspectives ask the domain's servers.
So both are bounded for each process, as are the failures to be let in
(`coordinator.api.http.failures`).
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
VIEWS = 60
"""Pages of one record for whoever has a link to it, in a window of views."""
VIEW_WINDOW = 60.0
"""Seconds."""
_REMEMBERED = 4096
"""Records and addresses; beyond that the oldest are forgotten."""


class TooOftenError(Exception):
    """It was checked too often, or is being checked."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait
        """Seconds until it can be checked again."""


class Windows:
    """When each key was counted lately."""

    def __init__(self, seconds: float) -> None:
        """Look back so many seconds."""
        self._seconds = seconds
        self._moments: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_for(self, key: str, now: float, most: int) -> float:
        """Return how many seconds to wait until a key is counted less than `most` times."""
        moments = self._moments.get(key, deque())
        while moments and now - moments[0] >= self._seconds:
            moments.popleft()
        return moments[0] + self._seconds - now if len(moments) >= most else 0.0

    def last_of(self, key: str) -> float | None:
        """Return when a key was counted last."""
        moments = self._moments.get(key)
        return moments[-1] if moments else None

    def count(self, key: str, now: float) -> None:
        """Count a key; beyond a bound the key is forgotten that was not counted for longest."""
        self._moments.setdefault(key, deque()).append(now)
        self._moments.move_to_end(key)
        if len(self._moments) > _REMEMBERED:
            self._moments.popitem(last=False)


class ViewBounds:
    """Counts pages that links opened."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none; `clock` gives seconds."""
        self._clock = clock
        self._shown = Windows(VIEW_WINDOW)

    def count(self, record_id: str) -> None:
        """Count a page of a record; raises TooOftenError."""
        now = self._clock()
        if (wait := self._shown.wait_for(record_id, now, VIEWS)) > 0:
            raise TooOftenError(wait)
        self._shown.count(record_id, now)


class CheckBounds:
    """Counts checks that pages asked for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none; `clock` gives seconds."""
        self._clock = clock
        self._begun = Windows(WINDOW)
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
        is_full = self._running.get(key, 0) >= at_a_time
        return self._begun.wait_for(key, now, most) or (PAUSE if is_full else 0.0)

    def _wait_since_last(self, key: str, now: float) -> float:
        last = self._begun.last_of(key)
        return 0.0 if last is None else last + PAUSE - now

    def _begin(self, key: str, now: float) -> None:
        self._begun.count(key, now)
        self._running[key] = self._running.get(key, 0) + 1

    def _end(self, key: str) -> None:
        self._running[key] -= 1
        if not self._running[key]:
            del self._running[key]
