"""How many connections this agent has open at a time: in all, to one host, to one address.

Nobody can make this agent hammer a server: however many questions name it, the agent has only a few
connections to it. Whoever finds no room waits in turn. One that waits because of its own target
holds up no other: the places that are free go to the next one that may have them.

If the time is over before there was a place, it counts whose limit it was. While other connections
to the same host or address take all the time, that target is slow: its failure, a timeout. If this
agent has as many connections open as it may have in all, the target is not to blame: overloaded.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections may be open at a time."""

    in_all: int = 512
    to_host: int = 4
    """By name. One name is seldom asked for twice at a time, and equal questions are joined."""
    to_address: int = 32
    """A certificate may have a hundred names that are all on one server, and the server far away:
    all of them have to get their turn in time."""

    def within(self, open_files: int) -> "Limits":
        """Return the limits of a process that may have so many files open.

        A quarter of them is for connections. Without a free file no connection can be opened, nor
        one of a coordinator be taken up.
        """
        return replace(self, in_all=min(self.in_all, open_files // 4))


class ConnectionSlot:
    """One connection to be opened, or open."""

    __slots__ = ("address", "host", "turn")

    def __init__(self, host: str, address: str) -> None:
        """Ask for a connection to the address of a host."""
        self.host = host
        self.address = address
        self.turn: asyncio.Future[None] | None = None
        """Set while it waits; done once the place is taken."""


class Places:
    """All that are taken, and who waits."""

    def __init__(self, limits: Limits) -> None:
        """Start with all free."""
        self._limits = limits
        self._in_all = 0
        self._hosts: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._waiting: dict[ConnectionSlot, None] = {}
        """In the order in which they came."""
        self._wanted: Counter[str] = Counter()
        """How many of them wait for each host and each address."""

    @property
    def taken(self) -> int:
        """How many are taken."""
        return self._in_all

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def take(self, place: ConnectionSlot) -> None:
        """Take a place, or wait for it; who is cancelled has none. `free` gives it back."""
        # Nobody who waits could have it: what is freed is given away at once.
        if self._has_room(place):
            self._count(place, 1)
            return
        place.turn = asyncio.get_running_loop().create_future()
        self._waiting[place] = None
        self._wanted.update((place.host, place.address))
        try:
            await place.turn
        except asyncio.CancelledError:
            if place in self._waiting:
                self._forget(place)
            else:
                self.free(place)
            raise
        finally:
            place.turn = None

    def free(self, place: ConnectionSlot) -> None:
        """Give a place back, and pass on what is free now."""
        was_full = self._in_all >= self._limits.in_all
        self._count(place, -1)
        if not (was_full or self._wanted[place.host] or self._wanted[place.address]):
            return  # all who wait do so because of their own targets
        for one in list(self._waiting):
            if self._in_all >= self._limits.in_all:
                return
            if one.turn is None or one.turn.done():
                continue  # it was cancelled a moment ago
            if self._has_room(one):
                self._count(one, 1)
                self._forget(one)
                one.turn.set_result(None)

    def _forget(self, place: ConnectionSlot) -> None:
        """Let one wait no more."""
        del self._waiting[place]
        for key in (place.host, place.address):
            self._wanted[key] -= 1
            if not self._wanted[key]:
                del self._wanted[key]

    def is_kept_by_all(self, place: ConnectionSlot) -> bool:
        """Whether a place waits only because too many are taken in all."""
        return place in self._waiting and self._has_room_at_target(place)

    def _has_room(self, place: ConnectionSlot) -> bool:
        return self._in_all < self._limits.in_all and self._has_room_at_target(place)

    def _has_room_at_target(self, place: ConnectionSlot) -> bool:
        return (
            self._hosts[place.host] < self._limits.to_host
            and self._addresses[place.address] < self._limits.to_address
        )

    def _count(self, place: ConnectionSlot, number: int) -> None:
        self._in_all += number
        for counter, key in ((self._hosts, place.host), (self._addresses, place.address)):
            counter[key] += number
            if not counter[key]:
                del counter[key]
