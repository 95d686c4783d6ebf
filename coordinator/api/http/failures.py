"""How often callers from one address were not let in lately, and whether that is too often. Pure.

It never keeps out a caller that shows a good certificate or token: it is asked only after that has
failed. So nobody can lock out another who shares the address.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST = 10
"""Failures of one address in a window; beyond that it is told only to wait."""
_WINDOW = 60.0
"""Seconds."""
_ADDRESSES = 4096
"""Addresses that are remembered; beyond that the oldest is forgotten."""
_IPV6_PREFIX = 64
"""Bits of an IPv6 address that are one host's, as far as is known."""


class Failures:
    """The failures of each address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none."""
        self._clock = clock
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """By network: when its window began, and how many failures there were since."""

    def note(self, address: str) -> float | None:
        """Count a failure; return how many seconds to wait if there were too many, else None."""
        network, now = group_address(address), self._clock()
        since, count = self._windows.get(network, (now, 0))
        if now - since >= _WINDOW:
            since, count = now, 0
        self._windows[network] = since, count + 1
        if len(self._windows) > _ADDRESSES:
            self._windows.popitem(last=False)
        return since + _WINDOW - now if count >= _MOST else None


def group_address(address: str) -> str:
    """Return the network that counts as one: an IPv4 address, or 64 bits of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _IPV6_PREFIX), strict=False))
    return str(found)
