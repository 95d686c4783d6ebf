"""Messages in wire form, joined from parts that are encoded already. Pure.

The wire form of a message is that of its fields one after the other, and a repeated field is its
entries one after the other. So what stands in many messages is encoded once, and to join it is a
fraction of the time that it takes to put it into each message and to encode that.
"""

from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

_SEVEN_BITS = 0x7F
_OCTETS = 2  # the wire type of what has its length before it
_FIXED = {1: 8, 5: 4}  # octets of a value by its wire type


@lru_cache(4096)  # most parts are shorter
def _encode_number(number: int) -> bytes:
    """Return a number in groups of seven bits, the lowest first ("varint")."""
    if number <= _SEVEN_BITS:
        return bytes((number,))
    return bytes((number & _SEVEN_BITS | 0x80,)) + _encode_number(number >> 7)


def tag_of(message: Descriptor, field: str) -> bytes:
    """Return what stands before each entry of a field: of text, octets or messages."""
    return _encode_number(message.fields_by_name[field].number << 3 | _OCTETS)


def encode_entry(tag: bytes, octets: bytes) -> bytes:
    """Return a field's entry of what is encoded already."""
    return tag + _encode_number(len(octets)) + octets


def count_fields(octets: bytes, most: int) -> int:
    """Count the fields of a message in wire form, as far as `most`: beyond that it is one more.

    What is no sequence of fields, or has groups, which the agreement does not, counts as too many.
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
    """Drop the fields that the agreement does not have, at any depth; return whether there were."""
    before = message.ByteSize()
    message.DiscardUnknownFields()
    return message.ByteSize() != before


def pass_on(octets: bytes) -> Any:  # noqa: ANN401 - it stands for any message
    """Return a message that a handler may give to grpcio for the one that these octets are of.

    It has no fields, so that it keeps whatever it reads as it is, and is encoded as that.
    """
    return Empty.FromString(octets)
