"""Which new connections get a TLS handshake, and when. Pure.

A handshake takes about a millisecond of the event loop that decides, over gRPC too. So strangers
who begin them without end would keep everybody waiting. Three bounds prevent that:

- Handshakes of all together keep a pace. Beyond it connections wait in the kernel.
- One address has so many connections at a time.
- One address begins a quarter as many in a second, after as many at once.

Beyond the last two a connection is ended without a handshake, which costs little.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable

from coordinator.api.http.failures import group_address

_HANDSHAKES = 200
"""In a second, in each process."""
_AT_ONCE = 32
"""Handshakes that need not keep the pace."""
_SHARE = 4
"""One address begins one in so many of its connections in a second."""
_ADDRESSES = 4096
"""Addresses that are remembered; beyond that the one that was seen longest ago is forgotten."""


class Arrivals:
    """The connections of each address, and when handshakes began."""

    def __init__(self, of_address: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Let one address have so many connections."""
        self.of_address = of_address
        self._clock = clock
        self._open = Counter[str]()
        self._due: OrderedDict[str, float] = OrderedDict()
        """By network: when it will have used up nothing, if it opens no connection until then."""
        self._all_due = 0.0

    def enter(self, address: str) -> bool:
        """Whether a connection may begin; if so, it is open until it leaves."""
        network, now = group_address(address), self._clock()
        interval = _SHARE / self.of_address
        due = max(self._due.get(network, 0.0), now)
        if self._open[network] >= self.of_address or due - now > interval * (self.of_address - 1):
            self._forget_closed(network)
            return False
        self._open[network] += 1
        self._due[network] = due + interval
        self._due.move_to_end(network)
        if len(self._due) > _ADDRESSES:
            self._due.popitem(last=False)
        return True

    def leave(self, address: str) -> None:
        """Note that a connection ended."""
        network = group_address(address)
        self._open[network] -= 1
        self._forget_closed(network)

    def find_pause(self) -> float:
        """Return the seconds until the next handshake may begin, after one began."""
        now = self._clock()
        self._all_due = max(self._all_due, now) + 1 / _HANDSHAKES
        return max(0.0, self._all_due - now - _AT_ONCE / _HANDSHAKES)

    def _forget_closed(self, network: str) -> None:
        if not self._open[network]:
            del self._open[network]
