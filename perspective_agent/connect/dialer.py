"""Looks up a host, dials one address of it, and hands the open connection over.

IPv6 is dialled first. IPv4 is dialled if no connection over IPv6 could be opened, or after any
failure if that is asked for. All that was looked up and dialled is evidence (`Connection`), also if
the time is over in the middle: `Dialing.cut_short` says how far it had come.
"""

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.candidates import FAMILIES, Candidates, choose, gather
from perspective_agent.connect.dialed_socket import DialedSocket, open_socket
from perspective_agent.connect.places import ConnectionSlot, Limits, Places
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.dns.overload_history import OverloadHistory
from perspective_agent.dns.shared_lookups import SharedLookups, SharedWalk
from perspective_agent.egress import Egress

OTHER_LOOKUP_SECONDS = 3.0
"""Some servers do not answer for one of the types. Once there are addresses of the other family, so
much is waited for it."""
IPV6_SECONDS = 3.0
"""For opening a connection. Little, so that there is time for IPv4."""
IPV4_SECONDS = 5.0

Use = Callable[[DialedSocket], Awaitable[o.Failure | None]]
"""Uses a connection, and returns why nothing came of it; None: something did. The connection is
closed after it."""


class Destination(NamedTuple):
    """What to reach."""

    host: str
    """In looked-up form."""
    port: int
    ipv4_after_any_failure: bool = False
    """Dial IPv4 also if a connection over IPv6 was opened, but nothing came of its use."""


class Counts(Protocol):
    """Counts what is looked at over connections."""

    def count_dial(self, dialed: o.DialedAddress) -> None:
        """Count an address that was dialled, and what came of it."""

    def count_look(self, finding: o.HttpFinding | o.TlsFinding, seconds: float) -> None:
        """Count a GET or a handshake once, however many questions wait for it."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an agent reaches, as its operator says."""

    egress: Egress = field(default_factory=Egress)
    limits: Limits = field(default_factory=Limits)
    contact_url: str = ""
    """Where the operators of web servers learn who asks; "": they are not told."""
    counts: Counts | None = None


@dataclass(frozen=True, slots=True)
class CutShort:
    """How far a dialing had come when its time was over."""

    connection: o.Connection
    failure: o.Failure


class Dialer:
    """Reaches hosts, for all checks of an agent."""

    def __init__(self, lookups: SharedLookups, reach: Reach, history: OverloadHistory) -> None:
        """Look up by `lookups`; `history` says when this agent did not keep up."""
        self.lookups = lookups
        self.egress = reach.egress
        self.counts = reach.counts
        self.places = Places(reach.limits)
        self.history = history

    def begin(self, destination: Destination) -> "Dialing":
        """Return a dialing that has done nothing yet; `run` does it."""
        return Dialing(self, destination)

    def blame(self, failure: o.Failure, since: float) -> o.Failure:
        """Return the failure; ours, if this agent did not keep up since a time."""
        is_late = failure.kind == o.FAILURE_KIND_TIMEOUT
        if is_late and self.history.explains(since, time.perf_counter()):
            failure.kind = o.FAILURE_KIND_OVERLOADED
            failure.detail = f"this agent has too much to do and blames nobody: {failure.detail}"
        return failure


class Dialing:
    """One way from a host to a connection that is used."""

    def __init__(self, dialer: Dialer, destination: Destination) -> None:
        """Do nothing yet."""
        self._dialer = dialer
        self._to = destination
        self._started = time.perf_counter()
        self.connection = o.Connection()
        """The evidence so far."""
        self._walks: list[SharedWalk] = []
        """While the host is looked up."""
        self._place: ConnectionSlot | None = None
        self._opening: o.DialedAddress | None = None
        """While it is dialled."""
        self._is_open = False
        """Whether the address dialled last was reached."""

    @property
    def is_queued(self) -> bool:
        """Whether our own load keeps it from going on."""
        if self._place is not None:
            return self._dialer.places.is_kept_by_all(self._place)
        return any(walk.is_queued for walk in self._walks)

    async def run(self, use: Use) -> o.Failure | None:
        """Look up, dial, and use the connection; return why nothing came of it, or None."""
        candidates = await self._look_up()
        failures = [candidates.failure] if candidates.failure is not None else []
        for address in candidates.addresses:
            failure = await self._reach(address, use)
            if failure is None:
                return None
            if self._is_open and not self._to.ipv4_after_any_failure:
                return failure
            failures.append(failure)
            if address != candidates.addresses[-1]:
                self.connection.dialed[-1].failure.CopyFrom(failure)
        return gather(failures)

    def cut_short(self, since: float, seconds: float) -> CutShort:
        """Return how far it has come, failed by a deadline; it does not end by this.

        The deadline belongs to a question that began at `since` and might take `seconds`.
        """
        connection = o.Connection()
        connection.CopyFrom(self.connection)
        if self._walks:
            levels = [walk.cut_short(since, seconds).levels[0] for walk in self._walks]
            connection.lookups.extend(levels)
            candidates = choose(levels, self._dialer.egress)
            late = self._late("its addresses came too late", seconds)
            if candidates.failure is not None and not candidates.addresses:
                late = candidates.failure
        else:
            late = self._late(self._describe(), seconds)
            if self._opening is not None:
                connection.dialed[-1].failure.CopyFrom(late)
        return CutShort(connection, self._dialer.blame(late, since))

    async def _look_up(self) -> Candidates:
        """Look up both families, and note the lookups."""
        host, lookups = self._to.host, self._dialer.lookups
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Answer]] = [loop.create_future() for _ in FAMILIES]
        targets = [LookupTarget(host, family) for family in FAMILIES]
        self._walks = [
            lookups.start(target, answer.set_result)
            for target, answer in zip(targets, answers, strict=True)
        ]
        try:
            first, rest = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
            if rest:
                (lookup,) = first.pop().result().levels
                has_addresses = bool(choose([lookup], self._dialer.egress).addresses)
                seconds = OTHER_LOOKUP_SECONDS if has_addresses else None
                await asyncio.wait(rest, timeout=seconds)
            found = [
                walk.cut_short(self._started, OTHER_LOOKUP_SECONDS).levels[0]
                for walk in self._walks
            ]
        finally:
            for walk, answer in zip(self._walks, answers, strict=True):
                walk.release(answer.set_result)
            self._walks = []
        self.connection.lookups.extend(found)
        return choose(found, self._dialer.egress)

    async def _reach(self, address: str, use: Use) -> o.Failure | None:
        """Wait for a place, dial one address, and use the connection."""
        places = self._dialer.places
        place = self._place = ConnectionSlot(self._to.host, address)
        await places.take(place)
        self._place = None
        try:
            sock = await self._dial(address)
            if isinstance(sock, o.Failure):
                return sock
            with sock:
                return await use(sock)
        finally:
            places.free(place)

    async def _dial(self, address: str) -> DialedSocket | o.Failure:
        """Dial one address, and note what comes of it."""
        parsed = ipaddress.ip_address(address)
        entry = self._opening = self.connection.dialed.add(
            address=parsed.packed, port=self._to.port
        )
        seconds = IPV4_SECONDS if parsed.version == 4 else IPV6_SECONDS  # noqa: PLR2004 - IPv4
        source = self._dialer.egress.source_for(address)
        since = time.perf_counter()
        try:
            opened = await open_socket(address, self._to.port, source, seconds)
        except asyncio.CancelledError:
            entry.failure.CopyFrom(self._late(self._describe(), time.perf_counter() - since))
            raise
        else:
            if isinstance(opened, o.Failure):
                entry.failure.CopyFrom(self._dialer.blame(opened, since))
        finally:
            self._opening = None
            if self._dialer.counts is not None:
                self._dialer.counts.count_dial(entry)
        self._is_open = isinstance(opened, DialedSocket)
        return opened

    def _late(self, what: str, seconds: float) -> o.Failure:
        kind = o.FAILURE_KIND_OVERLOADED if self.is_queued else o.FAILURE_KIND_TIMEOUT
        return o.Failure(kind=kind, detail=f"not done within {seconds:g} s: {what}")

    def _describe(self) -> str:
        """Say what it does now."""
        if self.is_queued:
            return "this agent has as many connections open as it may"
        if self._place is not None:
            return f"waiting for other connections to {self._to.host} or its address"
        where = f"{self._to.host}, port {self._to.port}"
        return f"dialling {where}" if self._opening is not None else f"connected to {where}"
