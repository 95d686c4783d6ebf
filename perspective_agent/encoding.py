"""Observations in wire form, joined from parts that were encoded once. Pure.

The wire form of a message is that of its fields one after the other, and a repeated field is its
entries one after the other. So a level of a walk is encoded once, whoever climbs through it, and an
observation of four levels and an address is a join: 1 us, against 5 to put the levels into messages
and encode those. The tests hold it, octet for octet, against protobuf's deterministic form.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor

from mpic.v1 import observation_pb2 as o

_SEVEN_BITS = 0x7F
_OCTETS = 2  # the wire type of what has its length before it


def _encode_length(length: int) -> bytes:
    """Return a number in groups of seven bits, the lowest first ("varint")."""
    if length <= _SEVEN_BITS:
        return _SHORT[length]
    return bytes((length & _SEVEN_BITS | 0x80,)) + _encode_length(length >> 7)


_SHORT = [bytes((length,)) for length in range(_SEVEN_BITS + 1)]


def _tag(message: Descriptor, field: str) -> bytes:
    return _encode_length(message.fields_by_name[field].number << 3 | _OCTETS)


_LEVEL = _tag(o.CaaFinding.DESCRIPTOR, "levels")
assert _tag(o.AddressFinding.DESCRIPTOR, "lookup") == _LEVEL  # noqa: S101 - so they share entries
_KINDS = {
    field.name: _tag(o.Finding.DESCRIPTOR, field.name) for field in o.Finding.DESCRIPTOR.fields
}
_NAME = _tag(o.Observation.DESCRIPTOR, "name")
_FINDING = _tag(o.Observation.DESCRIPTOR, "findings")


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
    part = level.SerializeToString()
    return _LEVEL + _encode_length(len(part)) + part


def encode_levels(levels: Iterable[o.Lookup]) -> bytes:
    """Return levels as a finding holds them."""
    return b"".join(map(encode_level, levels))


def encode_finding(kind: str, entries: bytes) -> bytes:
    """Return the finding of a kind of check from its levels."""
    return _KINDS[kind] + _encode_length(len(entries)) + entries


def encode_observation(name: str, findings: Iterable[bytes]) -> bytes:
    """Return the observation of a name, which is ASCII and not empty, from its findings."""
    text = name.encode("ascii")
    parts = [_FINDING + _encode_length(len(finding)) + finding for finding in findings]
    return _NAME + _encode_length(len(text)) + text + b"".join(parts)
