"""Check that a perspective's CAA walk follows RFC 8659 section 3, and find its end. Pure.

    RelevantCAASet(domain):
      while domain is not ".":
        if CAA(domain) is not Empty:
          return CAA(domain)
        domain = Parent(domain)
      return Empty

The walk is followed again here, level by level: an agent is not trusted to have walked completely.

A failure also ends the walk, since the lost answer may forbid. The exception is a failure that
counts as permission (`lookup_failure`). Then only that level is skipped, and the levels above
decide.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from coordinator.checks.check import (
    ABSENCES,
    UNVALIDATED_TOO,
    MalformedFindingError,
    Statuses,
    check_validated,
)
from mpic.caa_record import shorten
from mpic.v1 import observation_pb2 as o

_STATED = frozenset({*UNVALIDATED_TOO, o.DNSSEC_BOGUS})

Excuse = Callable[[o.Lookup], bool]
"""Whether a failed lookup counts as permission at its level."""


class Walk(NamedTuple):
    """A walk, up to the level that decides."""

    name: str
    """Where it began."""
    end: o.Lookup
    """Where it ended: a set, a failure that is not excused, or the top-level domain."""
    excused: Sequence[o.Lookup] = ()
    """The failures that the walk excused, from the name upwards; the end may be the last of
    them."""

    @property
    def ends_excused(self) -> bool:
        """Whether the end is itself excused: the top-level domain failed, or the walk is cut."""
        return bool(self.excused) and self.excused[-1] is self.end

    @property
    def is_cut(self) -> bool:
        """Whether an excused failure ends it below the top; walks of older agents end so."""
        return self.ends_excused and "." in self.end.name


def never(_: o.Lookup) -> bool:
    """Excuse no failure."""
    return False


def follow_walk(
    finding: o.CaaFinding, name: str, believed: Statuses, excuse: Excuse = never
) -> Walk:
    """Follow a walk from `name` to its end.

    Raises MalformedFindingError, or NotValidatedError for an answer that is not `believed`.
    """
    levels, excused = finding.levels[:], []
    kinds = _check_levels(levels, name, believed)
    for level, kind in zip(levels, kinds, strict=True):
        if kind == "failure" and excuse(level):
            excused.append(level)
        elif kind != "absence":
            return Walk(name, level, excused)
    return Walk(name, levels[-1], excused)


def _check_levels(levels: Sequence[o.Lookup], name: str, believed: Statuses) -> Sequence[str]:
    """Check that each level is the parent of the one before, up to a set, a failure or the top.

    An agent that was asked to prove insecurity goes on above a failure. Others end there. Returns
    how each level ended.
    """
    domain = name
    kinds: list[str] = []
    for position, level in enumerate(levels, 1):
        if level.name != domain:
            raise MalformedFindingError(f"a CAA walk with {shorten(level.name)!r} for {domain!r}")
        kind = _kind_of(level, believed)
        kinds.append(kind)
        if kind == "records" or "." not in domain:
            if position != len(levels):
                raise MalformedFindingError(f"a CAA walk that goes on above its end at {domain!r}")
            return kinds
        domain = domain.partition(".")[2]
    if not kinds or kinds[-1] != "failure":
        raise MalformedFindingError(f"a CAA walk that stops before {domain!r}")
    return kinds


def _kind_of(level: o.Lookup, believed: Statuses) -> str:
    """Say how a lookup ended; raises like `follow_walk` when its result is not sound."""
    kind = level.WhichOneof("result")
    if kind == "absence":
        sound = level.absence in ABSENCES
    elif kind == "records":
        sound = bool(level.records.rdata)
    elif kind == "failure":
        # A failure of a kind that only a newer agent knows is still a failure.
        sound = bool(level.failure.kind) and level.dnssec in _STATED
    else:
        raise MalformedFindingError(f"a CAA lookup of {level.name!r} without a result")
    if not sound:
        what = f"{kind} is unstated or empty"
        raise MalformedFindingError(f"a CAA lookup of {level.name!r} whose {what}")
    if kind != "failure":
        check_validated(level, believed)
    return kind
