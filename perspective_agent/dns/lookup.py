"""What a check asks of DNS, and the result. Pure."""

from __future__ import annotations

from typing import NamedTuple

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.wire import failed


class LookupTarget(NamedTuple):
    """What to look up, and whether a cached answer of the resolver counts."""

    name: str
    rdtype: int
    fresh: bool = False
    """Let the resolver forget the name first, so that the answer is fresh."""
    climbs: bool = False
    """Look up its parents too, up to the top-level domain; the first level that is no absence
    counts (`shared_lookups`)."""

    def too_large(self, detail: str) -> Answer:
        """Return the failure of a domain whose sets and aliases are too large together."""
        return Answer((failed(self.name, o.FAILURE_KIND_TOO_LARGE, detail),), ())


class Answer(NamedTuple):
    """The result of a lookup or walk: its levels from the name upwards, up to its end."""

    levels: tuple[o.Lookup, ...]
    """Shared with other walks, so it is never changed."""
    lookups_us: tuple[int, ...]
    """As in EncodedObservation: the time of each level up to the top, 0 if it was not awaited."""

    def above(self, parent: Answer) -> Answer:
        """Return an answer with these levels at the bottom, and `parent`'s levels above."""
        return Answer(self.levels + parent.levels, self.lookups_us + parent.lookups_us)
