"""Fields of messages that others made: how many there are, and which are unknown. Pure."""

from google.protobuf.message import Message

_SEVEN_BITS = 0x7F
_OCTETS = 2  # the wire type of what has its length before it
_FIXED = {1: 8, 5: 4}  # octets of a value by its wire type


def count_fields(octets: bytes, most: int) -> int:
    """Count the fields of a message in wire form; beyond `most`, return `most` + 1.

    Octets that are no sequence of fields count as too many. So do groups, which the agreement does
    not use.
    """
    at = count = 0
    try:
        while at < len(octets) and count <= most:
            key, at = _read_number(octets, at)
            at = _skip_field(octets, at, key & 7)
            count += 1
    except (IndexError, KeyError):
        return most + 1
    return count


def _skip_field(octets: bytes, at: int, wire_type: int) -> int:
    if wire_type == _OCTETS:
        length, at = _read_number(octets, at)
        return at + length
    if wire_type == 0:
        return _read_number(octets, at)[1]
    return at + _FIXED[wire_type]


def _read_number(octets: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while octets[at] > _SEVEN_BITS:
        number |= (octets[at] & _SEVEN_BITS) << shift
        shift += 7
        at += 1
    return number | octets[at] << shift, at + 1


def discard_unknown(message: Message) -> bool:
    """Drop the fields that the agreement does not have, at any depth; return whether any were."""
    before = message.ByteSize()
    message.DiscardUnknownFields()
    return message.ByteSize() != before
