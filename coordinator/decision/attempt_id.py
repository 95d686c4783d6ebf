"""The id of a record: a UUID version 7 of RFC 9562, sorted by the moment of asking."""

import os
import uuid
from datetime import UTC, datetime

OCTETS = 16


def make_id(moment: datetime) -> bytes:
    """Return a new id: 48 bits of milliseconds, 74 random ones (RFC 9562 section 5.7)."""
    octets = bytearray(_milliseconds(moment).to_bytes(6) + os.urandom(10))
    octets[6] = octets[6] & 0x0F | 0x70
    octets[8] = octets[8] & 0x3F | 0x80
    return bytes(octets)


def lowest_id(moment: datetime) -> bytes:
    """Return the lowest id of a moment: earlier ids sort below it, and no later id does."""
    return _milliseconds(moment).to_bytes(6) + bytes(10)


def moment_of(record: bytes) -> datetime:
    """Return the moment an id was made at, to the millisecond."""
    return datetime.fromtimestamp(int.from_bytes(record[:6]) / 1000, UTC)


def microseconds_of(record: bytes) -> int:
    """Return that moment in microseconds since 1970, also where `datetime` cannot hold it."""
    return int.from_bytes(record[:6]) * 1000


def show_id(record: bytes) -> str:
    """Return the text of an id."""
    text = record.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def read_id(text: str) -> bytes:
    """Return the octets of an id's text; raises ValueError."""
    return uuid.UUID(text).bytes


def _milliseconds(moment: datetime) -> int:
    return max(0, int(moment.timestamp() * 1000))
