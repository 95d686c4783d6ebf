"""Observations in wire form, joined from parts that were encoded once. Pure.

A level of a walk is encoded once, whoever climbs through it, and an observation of four levels and
an address is a join: 1 us, against 5 to put the levels into messages and encode those. The tests
hold it, octet for octet, against protobuf's deterministic form.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mpic.encoded import encode_entry, tag_of
from mpic.v1 import observation_pb2 as o

_LEVEL = tag_of(o.CaaFinding.DESCRIPTOR, "levels")
assert tag_of(o.AddressFinding.DESCRIPTOR, "lookup") == _LEVEL  # noqa: S101 - so they share entries
_KINDS = {
    field.name: tag_of(o.Finding.DESCRIPTOR, field.name) for field in o.Finding.DESCRIPTOR.fields
}
_NAME = tag_of(o.Observation.DESCRIPTOR, "name")
_FINDING = tag_of(o.Observation.DESCRIPTOR, "findings")


class Answer(NamedTuple):
    """What came of a walk: its levels from the name upwards, as far as it went."""

    levels: tuple[o.Lookup, ...]
    entries: bytes
    """The levels as CaaFinding holds them, and AddressFinding the only one."""
    lookups_us: tuple[int, ...]
    """As in EncodedObservation: of each level up to the top, 0 where none was awaited."""

    def above(self, parent: Answer) -> Answer:
        """Return the answer whose lowest levels are these, and whose others are `parent`'s."""
        return Answer(
            self.levels + parent.levels,
            self.entries + parent.entries,
            self.lookups_us + parent.lookups_us,
        )


def encode_level(level: o.Lookup) -> bytes:
    """Return a level as the findings hold it."""
    # There is no map in a Lookup: this is its deterministic form too, in a third of the time.
    return encode_entry(_LEVEL, level.SerializeToString())


def encode_levels(levels: Iterable[o.Lookup]) -> bytes:
    """Return levels as a finding holds them."""
    return b"".join(map(encode_level, levels))


def encode_finding(kind: str, entries: bytes) -> bytes:
    """Return the finding of a kind of check from its levels."""
    return encode_entry(_KINDS[kind], entries)


def encode_observation(name: str, findings: Iterable[bytes]) -> bytes:
    """Return the observation of a name, which is ASCII and not empty, from its findings."""
    parts = [encode_entry(_FINDING, finding) for finding in findings]
    return encode_entry(_NAME, name.encode("ascii")) + b"".join(parts)
