"""Remembers when this agent did not keep up, and says which failures are its own for it. Pure.

A resolver that gets too little CPU reads answers late or not at all. What it says then (SERVFAIL,
or nothing) is our failure and never the domain's. RFC 8659 section 3 makes a failure a refusal; BR
4.2.2.1 may make it permission. Our own failure must be neither. So `cpu_starvation` notes, sample
by sample, whether the agent kept up. Nothing that a domain's servers do makes it fall behind: while
they are slow or silent, there is nothing to do.
"""

import time
from collections import deque

from mpic.v1 import observation_pb2 as o

SAMPLE_SECONDS = 0.25
"""Seconds: whatever does not keep up for this long has fallen behind."""

# A failure is ours if we were behind for this part of the lookup's time. If the lookup was shorter
# than the window, the last seconds count instead: no server is given up within less, and one short
# delay explains nothing.
_SHARE = 0.25
_WINDOW = 4.0
# Longer than any question may take.
_REMEMBERED = 120.0

_PERHAPS_OURS = frozenset(
    {
        o.FAILURE_KIND_TIMEOUT,
        o.FAILURE_KIND_SERVFAIL,
        o.FAILURE_KIND_RESOLVER_UNAVAILABLE,
        o.FAILURE_KIND_BOGUS,
    }
)
# RFC 8914: a lost answer too makes one kind of bogus, a DNSKEY that did not come.
_DNSKEY_MISSING = 9


class OverloadHistory:
    """The times in which this agent's side was behind."""

    def __init__(self) -> None:
        """Start with none."""
        self.is_on = False
        """Whether it was behind in the last sample."""
        self._spells: deque[tuple[float, float]] = deque()

    def note(self, start: float, end: float, *, is_on: bool) -> None:
        """Note a sample, in seconds of `time.perf_counter`."""
        self.is_on = is_on
        if not is_on:
            return
        if self._spells and self._spells[-1][1] >= start:
            start, _ = self._spells.pop()
        self._spells.append((start, end))
        while self._spells[0][1] < end - _REMEMBERED:
            self._spells.popleft()

    def explains(self, since: float, now: float) -> bool:
        """Whether a failure between two times was our own fault."""
        since = min(since, now - _WINDOW)
        if not self._spells or self._spells[-1][1] < since:
            return False
        behind = sum(max(end - max(start, since), 0.0) for start, end in self._spells)
        return behind >= _SHARE * (now - since)

    def attribute(self, lookup: o.Lookup, since: float) -> None:
        """Mark a lookup, begun at `since`, as our failure if it failed just now because of us."""
        failure = lookup.failure
        if failure.kind not in _PERHAPS_OURS or not self.explains(since, time.perf_counter()):
            return
        if failure.kind == o.FAILURE_KIND_BOGUS and failure.extended_error.code != _DNSKEY_MISSING:
            return
        failure.kind = o.FAILURE_KIND_OVERLOADED
        failure.detail = f"this agent has too much to do and blames nobody: {failure.detail}"
