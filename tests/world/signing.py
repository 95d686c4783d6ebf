"""Makes the text of a zone into what its server loads: signed, or wrong in a chosen way."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from tests.world.network import LIAR, WEB
from tests.world.zones import Signing, Zone

_SECURE_ENTRY_POINT = 257  # one key is both KSK and ZSK
_TTL = 3600
_USUAL_DAYS = (-1, 30)
_EXPIRED_DAYS = (-20, -10)


@dataclass(slots=True)
class Signer:
    """The keys (ECDSA P-256) of all zones that have a DS record in their parent.

    Keys are made when first needed and stay the same, so a zone can be signed anew at any time.
    """

    secure: frozenset[dns.name.Name]
    _keys: dict[dns.name.Name, tuple[ec.EllipticCurvePrivateKey, DNSKEY]] = field(
        default_factory=dict
    )

    def trust_anchor(self) -> str:
        """Return the root's DNSKEY as a line for `trust-anchor-file`."""
        return f". {_TTL} IN DNSKEY {self._key(dns.name.root)[1]}\n"

    def zone_file(self, zone: Zone, serial: int) -> tuple[str, int]:
        """Return what to load, and its serial: the text's own, but at least `serial`."""
        loaded = dns.zone.from_text(zone.text, zone.name, relativize=False)
        origin = dns.name.from_text(zone.name)
        soa = loaded.get_soa()
        serial = max(serial, soa.serial)
        loaded.replace_rdataset(origin, dns.rdataset.from_rdata(_TTL, soa.replace(serial=serial)))
        if zone.signing not in {Signing.UNSIGNED, Signing.STRIPPED}:
            self._sign(loaded, origin, _EXPIRED_DAYS if zone.signing is Signing.EXPIRED else None)
        text = loaded.to_text(relativize=False)
        return (_tamper(text) if zone.signing is Signing.BOGUS else text), serial

    def _sign(
        self, zone: dns.zone.Zone, origin: dns.name.Name, days: tuple[int, int] | None
    ) -> None:
        cuts = {name for name, _ in zone.iterate_rdatasets(dns.rdatatype.NS)} - {origin}
        for child in cuts & self.secure:
            ds = dns.dnssec.make_ds(child, self._key(child)[1], "SHA256")
            zone.replace_rdataset(child, dns.rdataset.from_rdata(_TTL, ds))
        now = datetime.now(UTC)
        start, end = days or _USUAL_DAYS
        with zone.writer() as transaction:
            dns.dnssec.sign_zone(
                zone,
                transaction,
                [self._key(origin)],
                inception=now + timedelta(days=start),
                expiration=now + timedelta(days=end),
            )

    def _key(self, zone: dns.name.Name) -> tuple[ec.EllipticCurvePrivateKey, DNSKEY]:
        if zone not in self._keys:
            private = ec.generate_private_key(ec.SECP256R1())
            public = dns.dnssec.make_dnskey(
                private.public_key(), "ECDSAP256SHA256", _SECURE_ENTRY_POINT
            )
            self._keys[zone] = (private, public)
        return self._keys[zone]


def _tamper(text: str) -> str:
    """Change addresses and the SOA, and leave the signatures as they are."""
    return text.replace(f" A {WEB}", f" A {LIAR}").replace(" 604800 ", " 604801 ")
