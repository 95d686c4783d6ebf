"""Shares lookups and walks in progress between questions that want the same.

    walk(name) = lookup(name), and walk(parent(name)) if that is an absence

This is RFC 8659 section 3. A lookup of one name is a walk of one level. Answers come in any order.
The first level that is no absence ends the walk, as soon as all levels below it have answered. If
that level has records, they are the relevant set. If it failed, the walk has failed: the lost
answer may be a prohibition.

All levels are asked at once. Most names that are looked up at one time have the same parents. So a
walk joins a walk of its parent that is already in progress (request coalescing). A question then
costs its own two lookups and little more.

Nothing is cached. No question is told an answer that this agent had before the question came. A
walk is joined only while none of its levels is answered. After that only its own lookup is shared,
as long as that is in progress. A later question then gets a second walk, which asks the parents
again.

The exception is a failure, for which the resolver was asked twice in vain. While its cause is
looked for, at most a second, it can be joined.

That holds for the agent alone. An answer may have been on its way when the question came. What it
holds may be as old as its lookup (`Answer.lookups_us`), because Unbound collects it step by step
and joins equal queries too. And Unbound may answer from its cache: records for `cache_max_ttl`,
absences for `cache_max_negative_ttl`. So the coordinator limits how long a CAA check may be used
(BR 4.2.2.1), and counts that time from before the sending of every lookup.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.connection import PendingLookup
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.dns.wire import failed

Receive = Callable[[Answer], None]

_SAID_BY_AD = (o.DNSSEC_SECURE, o.DNSSEC_INSECURE)


class SharedWalk:
    """A walk from one name: its own lookup, its parent's walk, and all who wait for the answer."""

    __slots__ = (
        "_depth",
        "_own",
        "_shared",
        "answer",
        "beside",
        "holders",
        "lookup",
        "parent",
        "target",
        "waiting",
    )

    def __init__(self, target: LookupTarget, shared: SharedLookups) -> None:
        """Begin without a lookup, and without a parent."""
        self.target = target
        self._shared = shared
        self.lookup: PendingLookup | None = None
        """Its own lookup, while it is in progress."""
        self.beside: SharedWalk | None = None
        """An older walk with the same own lookup, but with other parents."""
        self.parent: SharedWalk | None = None
        self.answer: Answer | None = None
        """The levels up to the end of the walk, once they are certain."""
        self.waiting: list[Receive] = []
        """The receivers of the answer."""
        self.holders = 0
        """How many holders have not released it, whether they have the answer or not."""
        self._own: Answer | None = None
        self._depth = 1

    @property
    def is_unanswered(self) -> bool:
        """Whether the lookup of every level is in progress, so that the walk may be joined."""
        walk: SharedWalk | None = self
        while walk is not None:
            if walk.lookup is None:
                return False
            walk = walk.parent
        return True

    @property
    def is_open(self) -> bool:
        """Whether the lookup of any level is in progress, awaited or not."""
        walk: SharedWalk | None = self
        while walk is not None:
            if walk.lookup is not None:
                return True
            walk = walk.parent
        return False

    @property
    def is_queued(self) -> bool:
        """Whether a lookup of any level has not been sent yet."""
        if self.lookup is not None and self.lookup.is_queued:
            return True
        return self.parent is not None and self.parent.is_queued

    @property
    def no_times(self) -> tuple[int, ...]:
        """`Answer.lookups_us` of a walk if none of its levels was awaited."""
        return (0,) * self._depth

    def set_parent(self, parent: SharedWalk) -> None:
        """Set the walk that goes on if this level is an absence."""
        self.parent = parent
        self._depth += parent._depth

    def sharers(self) -> list[SharedWalk]:
        """Return the walks that wait for the same own lookup: this one and older ones."""
        walk: SharedWalk | None = self
        found = []
        while walk is not None:
            if walk.lookup is not None:
                found.append(walk)
            walk = walk.beside
        return found

    def take(self, own: Answer) -> None:
        """Take the answer to the own lookup."""
        self._own = own
        self.conclude()

    def conclude(self, _of_parent: Answer | None = None) -> None:
        """Give the answer to everybody, once no open level can change it."""
        own, parent = self._own, self.parent
        if own is None or self.answer is not None:
            return
        if parent is None:
            self.answer = own
        elif not own.levels[0].HasField("absence"):
            self.answer = own._replace(lookups_us=own.lookups_us + parent.no_times)
        elif parent.answer is not None:
            self.answer = own.above(parent.answer)
        else:
            return
        waiting, self.waiting = self.waiting, []
        for receive in waiting:
            receive(self.answer)

    def cut_short(self, since: float, seconds: float) -> Answer:
        """Return the answer as if nothing more came: the lowest open level has failed."""
        if self.answer is not None:
            return self.answer
        if self._own is None:
            assert self.lookup is not None  # noqa: S101 - who gave it up asks no more
            level = self._shared.time_out(self.lookup, since, seconds)
            return Answer((level,), self.no_times)
        assert self.parent is not None  # noqa: S101 - or there would be an answer
        return self._own.above(self.parent.cut_short(since, seconds))

    def withdraw(self) -> None:
        """Send nothing more if there is only one holder, who still has to release the walk."""
        above: SharedWalk | None = self
        while above is not None and above.holders == 1:
            if above.lookup is not None:
                if not above.lookup.is_queued:
                    return  # it may be joined, and wants its parents
                self._shared.give_up(above)
            above = above.parent

    def release(self, receive: Receive) -> None:
        """Let go of the walk, answered or not; give up lookups that nobody holds any more."""
        if self.answer is None:
            self.waiting.remove(receive)
        self.holders -= 1
        if self.holders:
            return
        self._shared.give_up(self)
        if self.parent is not None:
            self.parent.release(self.conclude)


class SharedLookups:
    """The walks in progress at one agent."""

    def __init__(self, resolver: ResolverLink, validates: Callable[[], bool]) -> None:
        """Look through `resolver`; `validates` says whether its AD bit means something."""
        self._resolver = resolver
        self._validates = validates
        self._in_flight: dict[LookupTarget, SharedWalk] = {}
        """Walks whose own lookup is in progress; of several that share it, the newest."""

    def start(self, target: LookupTarget, receive: Receive) -> SharedWalk:
        """Join or begin a walk; `receive` gets the answer, once, unless it is released before."""
        walk = self._in_flight.get(target)
        if walk is None or not walk.is_unanswered:
            walk = self._begin(target, walk)
        walk.holders += 1
        walk.waiting.append(receive)
        return walk

    def _begin(self, target: LookupTarget, beside: SharedWalk | None) -> SharedWalk:
        """Begin a walk; it shares the own lookup of an older one, if there is one."""
        walk = self._in_flight[target] = SharedWalk(target, self)
        if beside is not None:
            walk.beside, walk.lookup = beside, beside.lookup
        parent = target.name.partition(".")[2]
        if target.climbs and parent:
            # Parents first: the lookup of the name itself takes longest, and is then answered last.
            above = LookupTarget(parent, target.rdtype, target.fresh, climbs=True)
            walk.set_parent(self.start(above, walk.conclude))
        if beside is None:
            walk.lookup = self._resolver.ask(target, partial(self._answered, target))
        return walk

    def _answered(self, target: LookupTarget, lookup: o.Lookup, elapsed_us: int) -> None:
        """Hand an answer to all walks that wait for it; nobody can join them any more."""
        walks = self._in_flight.pop(target).sharers()
        for walk in walks:
            walk.lookup = None
        if lookup.dnssec in _SAID_BY_AD and not self._validates():
            lookup.dnssec = o.DNSSEC_INDETERMINATE
        own = Answer((lookup,), (elapsed_us,))
        for walk in walks:
            walk.take(own)

    def give_up(self, walk: SharedWalk) -> None:
        """Stop waiting for a walk's own lookup; abandon the lookup if nobody else waits."""
        lookup, walk.lookup = walk.lookup, None
        if lookup is None:
            return
        waiting = self._in_flight.pop(walk.target).sharers()
        if waiting:
            self._in_flight[walk.target] = waiting[0]
        else:
            self._resolver.abandon(lookup)

    def time_out(self, lookup: PendingLookup, since: float, seconds: float) -> o.Lookup:
        """Return a lookup's failure at the deadline; if its first try failed, say why."""
        detail = f"no answer within {seconds:g} s"
        if lookup.failure is None:
            late = failed(lookup.query.name, o.FAILURE_KIND_TIMEOUT, detail)
            late.tries = 1
        else:
            late = o.Lookup()
            late.CopyFrom(lookup.failure)
            late.failure.detail += f"; asked anew, {detail}"
            late.tries = lookup.tries
        self._resolver.overload_history.attribute(late, since)
        return late
