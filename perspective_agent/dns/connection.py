"""One TCP connection to the resolver, and the lookups that are on it."""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import structlog

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.wire import Query, read_answer

Take = Callable[[o.Lookup, int], None]
"""Gets the answer, and how many microseconds it took."""

PER_CONNECTION = 32
"""Unanswered queries, at most. So little is lost when a retired connection closes."""

log = structlog.get_logger()

_LENGTH = struct.Struct("!H")
_CONNECT_SECONDS = 2.0


def _draw_ids() -> Iterator[int]:
    """Yield ids that nobody can foresee, drawn from the kernel many at a time: that costs less."""
    while True:
        yield from memoryview(secrets.token_bytes(512)).cast("H")


class PendingLookup:
    """One query on its way, and who waits for its answer."""

    __slots__ = (
        "connection",
        "failure",
        "is_queued",
        "query",
        "sends",
        "sent_at",
        "take",
        "tries",
    )

    def __init__(self, query: Query, take: Take) -> None:
        """Start, not sent."""
        self.query = query
        self.take: Take | None = take
        """None once nobody waits any more."""
        self.connection: ResolverConnection | None = None
        self.is_queued = False
        """Whether it waits for room on a connection."""
        self.sent_at = time.perf_counter()
        self.sends = 0
        """How often it was written to a connection; a connection that is lost loses it."""
        self.tries = 1
        """How often the resolver was asked again; an answer that is a failure is retried."""
        self.failure: o.Lookup | None = None
        """What the try before this one ended in."""


class ConnectionOwner(Protocol):
    """Who opened a connection."""

    heard: int
    """Answers read, whatever they say."""

    def answered(self, lookup: PendingLookup, answer: o.Lookup) -> None:
        """Take the answer to a lookup."""

    def lost(
        self, connection: ResolverConnection, lookups: list[PendingLookup], reason: str
    ) -> None:
        """Take back what a connection lost."""


class ResolverConnection(asyncio.Protocol):
    """One TCP connection to the resolver and the queries it has not answered."""

    def __init__(self, owner: ConnectionOwner) -> None:
        """Connect nothing yet; `open` does."""
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._pending: dict[int, PendingLookup] = {}
        self._ids = _draw_ids()
        self._out: list[bytes] = []
        self._in = b""
        self._retired = False
        self._lost = False

    def open(self, address: tuple[str, int]) -> None:
        """Start connecting; what is sent meanwhile waits."""
        self._opening = self._loop.create_task(self._connect(address))

    async def _connect(self, address: tuple[str, int]) -> None:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._loop.create_connection(lambda: self, *address)
        except OSError as error:  # TimeoutError is one
            self._give_back(f"the resolver at {address[0]}:{address[1]} cannot be reached: {error}")

    def has_room(self) -> bool:
        """Whether it takes another lookup."""
        return not self._retired and len(self._pending) < PER_CONNECTION

    def send(self, lookup: PendingLookup) -> None:
        """Send a lookup under an id that no other has here."""
        query_id = next(self._ids)
        while query_id in self._pending:
            query_id = next(self._ids)
        self._pending[query_id] = lookup
        lookup.connection = self
        lookup.sends += 1
        message = lookup.query.encode(query_id)
        # All queries of one turn of the loop leave in one write.
        if not self._out and self._transport is not None:
            self._loop.call_soon(self._flush)
        self._out.append(_LENGTH.pack(len(message)) + message)

    def retire(self) -> None:
        """Take no new lookups; close as soon as nobody waits for a lookup on this connection."""
        self._retired = True
        if not any(lookup.take for lookup in self._pending.values()):
            self.close()

    def close(self) -> None:
        """Close it now; its owner gets its lookups back."""
        if self._opening is not None:
            self._opening.cancel()
        if self._transport is not None:
            self._transport.abort()
        else:
            self._give_back("the link to the resolver is closed")

    def _flush(self) -> None:
        if self._transport is not None and self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what has waited."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_connection gives
        self._transport = transport
        self._socket = transport.get_extra_info("socket")
        self._flush()
        self._acknowledge()

    def _acknowledge(self) -> None:
        """Let the kernel acknowledge at once what has come; it forgets the wish each time.

        Unbound holds its second answer back until the first is acknowledged (Nagle). A delayed
        acknowledgement would make every check several times as slow.
        """
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def data_received(self, data: bytes) -> None:
        """Read the answers that are whole, each with its length before it (RFC 7766)."""
        self._acknowledge()
        if self._in:
            data = self._in + data
        start, whole = _LENGTH.size, len(data)
        while start <= whole:
            end = start + int.from_bytes(data[start - _LENGTH.size : start])
            if end > whole:
                break
            self._answer(data[start:end])
            start = end + _LENGTH.size
        self._in = data[start - _LENGTH.size :]

    def _answer(self, wire: bytes) -> None:
        query_id = int.from_bytes(wire[:2], "big")
        lookup = self._pending.pop(query_id, None)
        if lookup is None or len(wire) < _LENGTH.size:
            # The resolver answers what nobody asked, so nothing on this connection can be trusted.
            log.warning("resolver_answer_unasked", id=query_id, octets=len(wire))
            self.close()
            return
        self._owner.heard += 1
        if lookup.take is not None:
            self._owner.answered(lookup, read_answer(lookup.query, query_id, wire))
        if self._retired:
            self.retire()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what was not answered."""
        self._give_back(f"the resolver closed the connection: {exc or 'no reason given'}")

    def _give_back(self, reason: str) -> None:
        if not self._lost:
            self._lost = self._retired = True
            lookups = list(self._pending.values())
            self._pending.clear()
            self._owner.lost(self, lookups, reason)
