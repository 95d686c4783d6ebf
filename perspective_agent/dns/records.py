"""Reading the resource records of an answer section, strictly. Pure.

This is own code for two reasons. It is in the hot path, and dnspython takes many times as long. And
the record data must come out octet for octet, even if dnspython refuses it (a CAA tag with a
hyphen). The tests compare it with dnspython.
"""

import struct
from typing import NamedTuple

_RECORD = struct.Struct("!HHIH")
_NAME_ASKED = b"\xc0\x0c"  # a pointer to behind the header (RFC 1035 section 4.1.4)
_MAX_NAME = 255  # RFC 1035 section 2.3.4
_MAX_POINTERS = 127  # as many as such a name has labels; more only cost time
_MAX_TTL = 0x7FFFFFFF  # RFC 2181 section 8: with the top bit set, zero
_OF_ONE_NAME = (5, 12)  # CNAME, PTR
_OCTETS = {1: 4, 28: 16}  # A, AAAA
_POINTER = 0xC0  # the two bits of a pointer
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_*")


class MalformedRecordError(ValueError):
    """The octets are not resource records (RFC 1035 section 4.1)."""


class ResourceRecord(NamedTuple):
    """One resource record: `owner` is a lower-case wire name, `rdata` as it stands."""

    owner: bytes
    rdtype: int
    rdclass: int
    ttl: int
    rdata: bytes
    rdata_at: int


def read_records(
    wire: bytes, offset: int, count: int, name_asked: bytes = b""
) -> tuple[list[ResourceRecord], int]:
    """Read `count` records from `offset`; return them and where they end.

    `name_asked` is the wire name in the question, if it has been read. Nearly every record belongs
    to it, and reading it again would take half of the time. Raises MalformedRecordError.
    """
    records = []
    for _ in range(count):
        if name_asked and wire.startswith(_NAME_ASKED, offset):
            owner, offset = name_asked, offset + 2
        else:
            owner, offset = read_name(wire, offset)
        start = offset + _RECORD.size
        if start > len(wire):
            raise MalformedRecordError("a record ends in its header")
        rdtype, rdclass, ttl, length = _RECORD.unpack_from(wire, offset)
        offset = start + length
        if offset > len(wire):
            raise MalformedRecordError("a record ends in its data")
        ttl = 0 if ttl > _MAX_TTL else ttl
        records.append(ResourceRecord(owner, rdtype, rdclass, ttl, wire[start:offset], start))
    return records, offset


def read_name(wire: bytes, offset: int) -> tuple[bytes, int]:
    """Read a name, following compression (RFC 1035 section 4.1.4).

    Returns it as a lower-case wire name and where it ends. Pointers must point backwards, or
    reading might never end. Raises MalformedRecordError.
    """
    labels = []
    end = pointers = 0
    earliest = offset
    size = 1
    try:
        while length := wire[offset]:
            if length >= _POINTER:
                end = end or offset + 2
                pointers += 1
                offset = (length & 0x3F) << 8 | wire[offset + 1]
                if offset >= earliest or pointers > _MAX_POINTERS:
                    raise MalformedRecordError("a name points forward, or too often")
                earliest = offset
                continue
            if length > 63:  # noqa: PLR2004 - RFC 1035 section 2.3.4
                raise MalformedRecordError("a label of an unknown kind")
            size += length + 1
            if size > _MAX_NAME:
                raise MalformedRecordError("a name of over 255 octets")
            labels.append(wire[offset : offset + length + 1])
            offset += length + 1
    except IndexError:
        raise MalformedRecordError("a name ends in the middle") from None
    return b"".join(labels).lower() + b"\x00", end or offset + 1


def read_data(rdtype: int, wire: bytes, records: list[ResourceRecord]) -> list[bytes]:
    """Return the data of the records of a set, in a form that needs no message around it.

    A name in it is written whole and in lower case, as in RFC 4034 section 6.2. How it was
    compressed, and in which case, differs from answer to answer. Raises MalformedRecordError.
    """
    if rdtype in _OF_ONE_NAME:
        return [read_only_name(wire, record) for record in records]
    octets = _OCTETS.get(rdtype)
    if octets is not None and any(len(record.rdata) != octets for record in records):
        raise MalformedRecordError(f"an address that has not {octets} octets")
    return [record.rdata for record in records]


def read_only_name(wire: bytes, record: ResourceRecord) -> bytes:
    """Return the name that is all the data of a record; raises MalformedRecordError."""
    name, end = read_name(wire, record.rdata_at)
    if end != record.rdata_at + len(record.rdata):
        raise MalformedRecordError("an alias or a pointer whose data is not one name")
    return name


def skip_records(wire: bytes, offset: int, count: int) -> int:
    """Return where `count` records from `offset` on end; raises MalformedRecordError."""
    try:
        for _ in range(count):
            while 0 < (length := wire[offset]) < _POINTER:
                offset += length + 1
            offset += (1 if length == 0 else 2) + _RECORD.size
            offset += int.from_bytes(wire[offset - 2 : offset], "big")
    except IndexError:
        raise MalformedRecordError("a record ends in its name") from None
    return offset


def is_below(name: bytes, ancestor: bytes) -> bool:
    """Whether a wire name is a subdomain of another, and not that itself."""
    while length := name[0]:
        name = name[length + 1 :]
        if name == ancestor:
            return True
    return False


def name_to_text(name: bytes) -> str:
    r"""Presentation form of a wire name without the final dot; odd octets as \DDD."""
    labels = []
    offset = 0
    while length := name[offset]:
        label = name[offset + 1 : offset + 1 + length]
        labels.append("".join(chr(c) if c in _PLAIN else f"\\{c:03d}" for c in label))
        offset += length + 1
    return ".".join(labels)
