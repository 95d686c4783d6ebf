"""Walks in flight, and the levels they share.

    walk(name) = lookup(name); if that is an absence, and then walk(parent(name))

which is RFC 8659 section 3, and a lookup of one name only is a walk of one level. Answers come in
any order; the first level that is no absence ends the walk, once all below it have answered: its
set is the relevant one, its failure fails the walk (the lost answer could have been a prohibition).

All levels are asked at once. But most names in flight climb through the same parents, so the walk
of a parent is joined by every walk from below: a question then costs two lookups of its own, and
the five levels it shares with others next to nothing.

Nothing is remembered: no question is told what this agent was answered before it was asked. A walk
is joined while none of its levels is answered. Once one is, only the own lookup is shared, while it
is in flight: who asks then walks beside the walk that is there, and asks the parents anew.

That holds for the agent. An answer that is on its way may already have been when the question came,
and what it holds may be as old as its lookup (`Answer.lookups_us`), since Unbound collects it step
by step and joins equal queries in flight, too. Beside that, Unbound may answer with what it keeps:
records for `cache_max_ttl`, absences for `cache_max_negative_ttl`. The coordinator counts the time
in which a CAA check may be used from before the sending of every lookup (BR 4.2.2.1).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.connection import PendingLookup
from perspective_agent.dns.lookup import Answer, LookupRequest
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
        "waiting",
        "wanted",
    )

    def __init__(self, wanted: LookupRequest, shared: SharedLookups) -> None:
        """Begin without a lookup, and without a parent."""
        self.wanted = wanted
        self._shared = shared
        self.lookup: PendingLookup | None = None
        """The own lookup, while it is in flight."""
        self.beside: SharedWalk | None = None
        """One begun before, with other parents, that shares the own lookup."""
        self.parent: SharedWalk | None = None
        self.answer: Answer | None = None
        """The levels up to where the walk ends, once they are certain."""
        self.waiting: list[Receive] = []
        """Who is to be told of the answer."""
        self.holders = 0
        """How many have not let go, told or not."""
        self._own: Answer | None = None
        self._depth = 1

    @property
    def is_unanswered(self) -> bool:
        """Whether the lookup of every level is in flight."""
        walk: SharedWalk | None = self
        while walk is not None:
            if walk.lookup is None:
                return False
            walk = walk.parent
        return True

    @property
    def is_open(self) -> bool:
        """Whether a lookup of any level is in flight, awaited or not."""
        walk: SharedWalk | None = self
        while walk is not None:
            if walk.lookup is not None:
                return True
            walk = walk.parent
        return False

    @property
    def is_queued(self) -> bool:
        """Whether a lookup of any level was not even sent."""
        if self.lookup is not None and self.lookup.is_queued:
            return True
        return self.parent is not None and self.parent.is_queued

    @property
    def no_times(self) -> tuple[int, ...]:
        """What stands for its times (`Answer.lookups_us`) where none of its levels was awaited."""
        return (0,) * self._depth

    def set_parent(self, parent: SharedWalk) -> None:
        """Go on to the parent where this level is an absence."""
        self.parent = parent
        self._depth += parent._depth

    def sharers(self) -> list[SharedWalk]:
        """Return those that wait for the own lookup, of this walk and all beside it."""
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
        """Tell everybody, once no level that is open can change the answer."""
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
        """Return the answer if nothing more came: the lowest level that is open has failed."""
        if self.answer is not None:
            return self.answer
        if self._own is None:
            assert self.lookup is not None  # noqa: S101 - who gave it up asks no more
            level = self._shared.time_out(self.lookup, since, seconds)
            return Answer((level,), self.no_times)
        assert self.parent is not None  # noqa: S101 - or there would be an answer
        return self._own.above(self.parent.cut_short(since, seconds))

    def withdraw(self) -> None:
        """Send nothing more for the only holder, who still has to release it."""
        above: SharedWalk | None = self
        while above is not None and above.holders == 1:
            if above.lookup is not None:
                if not above.lookup.is_queued:
                    return  # it may be joined, and wants its parents
                self._shared.give_up(above)
            above = above.parent

    def release(self, receive: Receive) -> None:
        """Let go of it, answered or not; lookups nobody holds any more are given up."""
        if self.answer is None:
            self.waiting.remove(receive)
        self.holders -= 1
        if self.holders:
            return
        self._shared.give_up(self)
        if self.parent is not None:
            self.parent.release(self.conclude)


class SharedLookups:
    """The walks in flight at one agent."""

    def __init__(self, resolver: ResolverLink, validates: Callable[[], bool]) -> None:
        """Look through `resolver`; `validates` says whether its AD bit means something."""
        self._resolver = resolver
        self._validates = validates
        self._in_flight: dict[LookupRequest, SharedWalk] = {}
        """Those whose own lookup is; of several that share it, the one begun last."""

    def start(self, wanted: LookupRequest, receive: Receive) -> SharedWalk:
        """Walk from a name; `receive` gets the answer, once, unless `release` comes first."""
        walk = self._in_flight.get(wanted)
        if walk is None or not walk.is_unanswered:
            walk = self._begin(wanted, walk)
        walk.holders += 1
        walk.waiting.append(receive)
        return walk

    def _begin(self, wanted: LookupRequest, beside: SharedWalk | None) -> SharedWalk:
        """Begin a walk, beside one whose own lookup is in flight where there is such a one."""
        walk = self._in_flight[wanted] = SharedWalk(wanted, self)
        if beside is not None:
            walk.beside, walk.lookup = beside, beside.lookup
        parent = wanted.name.partition(".")[2]
        if wanted.climbs and parent:
            # Parents first: the name itself takes longest, and is then the last to be answered.
            above = LookupRequest(parent, wanted.rdtype, wanted.fresh, climbs=True)
            walk.set_parent(self.start(above, walk.conclude))
        if beside is None:
            walk.lookup = self._resolver.ask(wanted, partial(self._answered, wanted))
        return walk

    def _answered(self, wanted: LookupRequest, lookup: o.Lookup, elapsed_us: int) -> None:
        """Hand an answer to all walks that wait for it; nobody joins them any more."""
        walks = self._in_flight.pop(wanted).sharers()
        for walk in walks:
            walk.lookup = None
        if lookup.dnssec in _SAID_BY_AD and not self._validates():
            lookup.dnssec = o.DNSSEC_INDETERMINATE
        own = Answer((lookup,), (elapsed_us,))
        for walk in walks:
            walk.take(own)

    def give_up(self, walk: SharedWalk) -> None:
        """Wait no longer for the own lookup of a walk; the last to wait abandons it."""
        lookup, walk.lookup = walk.lookup, None
        if lookup is None:
            return
        waiting = self._in_flight.pop(walk.wanted).sharers()
        if waiting:
            self._in_flight[walk.wanted] = waiting[0]
        else:
            self._resolver.abandon(lookup)

    def time_out(self, lookup: PendingLookup, since: float, seconds: float) -> o.Lookup:
        """Fail a lookup by the deadline; if a first try had failed before, that is why."""
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
