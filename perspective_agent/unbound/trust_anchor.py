"""The trust anchor file: which keys of the root are believed, and which the root signs with. Pure.

RFC 9718: IANA publishes the root's key signing keys. Without the key that signs now, no name
validates. Without the next one, no name will validate from the day on which it signs.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import dns.dnssec
import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.rdtypes.ANY.DS

_SHA256 = 2


class TrustAnchor(NamedTuple):
    """A key that is believed."""

    tag: int
    digest: str
    """SHA-256, in lower-case hexadecimal; "" where a DS record has another."""


@dataclass(frozen=True, slots=True)
class RootKey:
    """A key signing key of the IANA root."""

    name: str
    anchor: TrustAnchor
    signs_from: datetime
    signs_until: datetime | None = None
    """None: no end is planned."""

    def __str__(self) -> str:
        """Return how operators know it."""
        return f"{self.name} (key tag {self.anchor.tag})"


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


# Keys and digests: https://data.iana.org/root-anchors/root-anchors.xml (2026-11-30). Dates from
# which they sign: ICANN's plans for the rollovers of 2018 and 2026, of which the second revokes
# KSK-2017 on 2027-01-11.
ROOT_KEYS = (
    RootKey(
        "KSK-2010",
        TrustAnchor(19036, "49aac11d7b6f6446702e54a1607371607a1a41855200fd2ce1cdde32f24e8fb5"),
        _day(2010, 7, 15),
        _day(2018, 10, 11),
    ),
    RootKey(
        "KSK-2017",
        TrustAnchor(20326, "e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d"),
        _day(2018, 10, 11),
        _day(2026, 10, 11),
    ),
    RootKey(
        "KSK-2024",
        TrustAnchor(38696, "683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16"),
        _day(2026, 10, 11),
    ),
)


def read_key_tags(file: Path) -> list[int]:
    """Return the key tags of the DNSKEY and DS records in a trust anchor file.

    Raises OSError, or ValueError for a line that is no record.
    """
    return sorted({anchor.tag for anchor in read_anchors(file)})


def read_anchors(file: Path) -> set[TrustAnchor]:
    """Return the keys in a trust anchor file; raises OSError, or ValueError as above."""
    anchors = set()
    for line in file.read_text(encoding="utf-8").splitlines():
        fields = line.split(";")[0].split()
        kinds = [index for index, field in enumerate(fields) if field.upper() in ("DNSKEY", "DS")]
        if kinds:
            anchors.add(_anchor(fields[kinds[0]].upper(), " ".join(fields[kinds[0] + 1 :])))
    return anchors


def _anchor(rdtype: str, text: str) -> TrustAnchor:
    try:
        rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(rdtype), text)
    except dns.exception.DNSException as error:
        raise ValueError(f"not a {rdtype} record: {error}") from error
    if isinstance(rdata, dns.rdtypes.ANY.DNSKEY.DNSKEY):
        rdata = dns.dnssec.make_ds(dns.name.root, rdata, "SHA256")
    assert isinstance(rdata, dns.rdtypes.ANY.DS.DS)  # noqa: S101 - nothing else is read
    digest = rdata.digest.hex() if rdata.digest_type == _SHA256 else ""
    return TrustAnchor(int(rdata.key_tag), digest)


def find_known(anchors: Collection[TrustAnchor]) -> list[RootKey]:
    """Return those keys of the IANA root that are believed; none if the root is another."""
    return [
        key for key in ROOT_KEYS if {key.anchor, TrustAnchor(key.anchor.tag, "")} & set(anchors)
    ]


def find_missing(anchors: Collection[TrustAnchor], now: datetime) -> list[str]:
    """Return warnings: a key signs, or soon will, and is not believed.

    Another root than IANA's, as labs have, gets no warning.
    """
    known = find_known(anchors)
    if not known:
        return []
    here = ", ".join(map(str, known))
    return [
        f"the root key {key} {_say_when(key, now)}; only {here} is believed"
        for key in ROOT_KEYS
        if key not in known and (key.signs_until is None or now < key.signs_until)
    ]


def _say_when(key: RootKey, now: datetime) -> str:
    """Say since when a missing key is needed."""
    if key.signs_from <= now:
        return f"is missing: the root has been signed with it since {key.signs_from:%Y-%m-%d}"
    return f"is missing: the root will be signed with it from {key.signs_from:%Y-%m-%d} on"
