"""The link to this agent's own Unbound: pipelined TCP over loopback (RFC 7766).

TCP has three advantages here. On loopback it costs no more than UDP. It needs no retransmission,
and no fallback for long answers. Nothing outside the host can forge an answer into it.

A resolver may bound the unanswered queries of one connection. So there are several connections,
opened as needed. A connection with a query that nobody waits for any more takes no new queries. It
is closed when its other queries are answered. So hung lookups of one name delay no other name.

A query has no task, future or timer of its own. Answers come by callback, and deadlines belong to
the question. Nothing is shared here: `shared_lookups` has joined equal lookups before.

This module decides the speed of an agent, as `client` decides that of the coordinator. The figures
are in tests/bench/RESULTS.md.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.connection import PER_CONNECTION, PendingLookup, ResolverConnection, Take
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.overload_history import OverloadHistory
from perspective_agent.dns.wire import failed, make_query

Erase = Callable[[str, int], Coroutine[Any, Any, bool]]

CountLookup = Callable[[int, o.Lookup, int], None]
"""Gets the type and the result of a lookup, and the microseconds it took."""


class FailureExplainer(Protocol):
    """Says why a lookup failed, for a person."""

    def read(self, answer: o.Lookup, rdtype: int, since: float) -> bool:
        """Fill in what is known already; return whether anything is."""

    async def explain(
        self, answer: o.Lookup, rdtype: int, since: float, before: o.Lookup | None
    ) -> None:
        """Fill in what can be found out within a second or so; `before` is the failure before."""


_TRIES = 2
_SENDS = 2
# Lookups that wait for room, at most; questions that have begun by then may still add theirs.
_WAITING = 4096


class ResolverLink:
    """Asks the resolver at `address` ("127.0.0.1", 5300); at most `connections` connections."""

    def __init__(
        self,
        address: tuple[str, int],
        erase: Erase | None = None,
        connections: int = 64,
        count: CountLookup | None = None,
    ) -> None:
        """Open nothing yet. `erase` makes the resolver forget a failure, so that it is retried.

        `count` is told of every lookup once, however many questions wait for it.
        """
        self.address = address
        self.in_flight = 0
        """Lookups that are not answered, and diagnoses that are not done."""
        self.opened = 0
        """Connections opened since the start."""
        self.heard = 0
        """Answers the resolver has given so far."""
        self.overload_history = OverloadHistory()
        """The times when lookups waited because of our own side."""
        self.explainer: FailureExplainer | None = None
        """Explains failures that are retried in vain."""
        self._erase = erase
        self._count = count
        self._tasks: set[asyncio.Task[object]] = set()
        self._limit = connections
        self._connections: list[ResolverConnection] = []
        self._waiting: deque[PendingLookup] = deque()
        self._closed = False

    @property
    def connections(self) -> int:
        """The number of connections."""
        return len(self._connections)

    @property
    def is_full(self) -> bool:
        """Whether too many lookups wait for room to add any."""
        return len(self._waiting) >= _WAITING

    def ask(self, target: LookupTarget, take: Take) -> PendingLookup:
        """Look up a name; `take` gets the answer, once, unless `abandon` comes first.

        A fresh lookup is sent after the resolver has forgotten what it knows about the name.
        """
        lookup = PendingLookup(make_query(target.name, target.rdtype), take)
        self.in_flight += 1
        if target.fresh:
            self._spawn(self._ask_fresh(lookup))
        else:
            self._send(lookup)
        return lookup

    def abandon(self, lookup: PendingLookup) -> None:
        """Stop waiting for an answer; the lookup's connection takes no new queries."""
        lookup.take = None
        self.in_flight -= 1
        if self._count is not None:
            query = lookup.query
            given_up = failed(query.name, o.FAILURE_KIND_TIMEOUT, "nobody waits any longer")
            given_up.tries = lookup.tries
            self._count(query.rdtype, given_up, _elapsed_us(lookup))
        if lookup.connection is not None:
            lookup.connection.retire()
        else:
            with suppress(ValueError):
                self._waiting.remove(lookup)

    async def lookup(self, name: str, rdtype: int, timeout: float) -> o.Lookup:  # noqa: ASYNC109 - the result says so, no exception
        """Look up one name and wait; for the probe, not for questions."""
        answer: asyncio.Future[o.Lookup] = asyncio.get_running_loop().create_future()
        lookup = self.ask(LookupTarget(name, rdtype), lambda found, _: answer.set_result(found))
        done, _ = await asyncio.wait([answer], timeout=timeout)
        if done:
            return answer.result()
        self.abandon(lookup)
        return failed(name, o.FAILURE_KIND_TIMEOUT, f"no answer within {timeout:g} s")

    def close(self) -> None:
        """Close every connection; lookups in flight fail."""
        self._closed = True
        for connection in list(self._connections):
            connection.close()

    def _send(self, lookup: PendingLookup) -> None:
        for connection in self._connections:
            if connection.has_room():
                connection.send(lookup)
                return
        if len(self._connections) < self._limit and not self._closed:
            connection = ResolverConnection(self)
            self._connections.append(connection)
            self.opened += 1
            connection.open(self.address)
            connection.send(lookup)
        else:
            lookup.is_queued = True
            self._waiting.append(lookup)

    def _send_if_wanted(self, lookup: PendingLookup) -> None:
        """Send a lookup that was held back, unless nobody waits for it any more."""
        if lookup.take is not None:
            self._send(lookup)

    def _send_queued(self, count: int) -> None:
        """Send lookups that wait for room; those without room wait again."""
        for _ in range(min(count, len(self._waiting))):
            lookup = self._waiting.popleft()
            lookup.is_queued = False
            self._send(lookup)

    def answered(self, lookup: PendingLookup, answer: o.Lookup) -> None:
        """Hand an answer to whoever waits for it; a connection calls this."""
        if self._waiting:
            self._send_queued(1)
        if self._erase is None or not _is_worth_retrying(answer):
            self._deliver(lookup, answer)
        elif lookup.tries < _TRIES:
            self._spawn(self._ask_anew(lookup, answer, self._erase))
        elif self.explainer is not None:
            self._spawn(self._explain(lookup, answer, self.explainer))
        else:
            self._give_up(lookup, answer)

    def _deliver(self, lookup: PendingLookup, answer: o.Lookup) -> None:
        take, lookup.take = lookup.take, None
        if take is None:
            return
        self.in_flight -= 1
        self.overload_history.attribute(answer, lookup.sent_at)
        answer.tries = lookup.tries
        elapsed_us = _elapsed_us(lookup)
        if self._count is not None:
            self._count(lookup.query.rdtype, answer, elapsed_us)
        take(answer, elapsed_us)

    async def _ask_fresh(self, lookup: PendingLookup) -> None:
        """Ask for what the resolver may know; fail if it cannot be made to forget."""
        query = lookup.query
        if self._erase is not None and await self._erase(query.name, query.rdtype):
            self._send_if_wanted(lookup)
        else:
            reason = "the resolver could not be made to forget what it knows"
            kind = o.FAILURE_KIND_RESOLVER_UNAVAILABLE
            self._deliver(lookup, failed(query.name, kind, reason))

    async def _ask_anew(self, lookup: PendingLookup, answer: o.Lookup, erase: Erase) -> None:
        """Ask again for a failed lookup, once the resolver has forgotten the failure."""
        lookup.failure = answer
        lookup.connection = None
        lookup.sends = 0
        # If it cannot be made to forget, another query would only return the same failure.
        erased = await erase(lookup.query.name, lookup.query.rdtype)
        if self.explainer is not None:  # the deadline may come before the second try ends
            self.explainer.read(answer, lookup.query.rdtype, lookup.sent_at)
        if erased:
            lookup.tries += 1
            self._send_if_wanted(lookup)
        else:
            self._deliver(lookup, answer)

    async def _explain(
        self, lookup: PendingLookup, answer: o.Lookup, explainer: FailureExplainer
    ) -> None:
        """Deliver a failure with its cause."""
        # Before the cause is looked for: that takes time, in which we may have kept up.
        self.overload_history.attribute(answer, lookup.sent_at)
        query, lookup.connection = lookup.query, None
        await explainer.explain(answer, query.rdtype, lookup.sent_at, lookup.failure)
        self._give_up(lookup, answer)

    def _give_up(self, lookup: PendingLookup, answer: o.Lookup) -> None:
        """Deliver a failure, and let the resolver forget it: the next question would get it too."""
        self._deliver(lookup, answer)
        if self._erase is not None:
            self._spawn(self._erase(lookup.query.name, lookup.query.rdtype))

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def lost(
        self, connection: ResolverConnection, lookups: list[PendingLookup], reason: str
    ) -> None:
        """Send lookups of a lost connection again: it may have been closed because it was idle."""
        self._connections.remove(connection)
        for lookup in lookups:
            if lookup.take is None:
                continue
            lookup.connection = None
            if lookup.sends < _SENDS and not self._closed:
                self._send(lookup)
            else:
                answer = failed(lookup.query.name, o.FAILURE_KIND_RESOLVER_UNAVAILABLE, reason)
                self.answered(lookup, answer)
        if not self._closed:
            self._send_queued(PER_CONNECTION)


def _elapsed_us(lookup: PendingLookup) -> int:
    return min(int((time.perf_counter() - lookup.sent_at) * 1e6), 0xFFFFFFFF)


def _is_worth_retrying(answer: o.Lookup) -> bool:
    """Whether the resolver said that it failed; such a lookup may succeed when it is repeated."""
    return answer.failure.kind in (o.FAILURE_KIND_SERVFAIL, o.FAILURE_KIND_BOGUS)
