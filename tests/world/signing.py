"""Makes the text of a zone into what its server loads: signed, or wrong in a chosen way."""

import base64
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from tests.world.network import LIAR, WEB
from tests.world.zones import KEY_TRAP, Signing, Zone

_KEY_TRAP = dns.name.from_text(KEY_TRAP.name)
_SECURE_ENTRY_POINT = 257  # one key is both KSK and ZSK
_TTL = 3600
_USUAL_DAYS = (-1, 30)
_EXPIRED_DAYS = (-20, -10)


@dataclass(frozen=True, slots=True)
class Nsec3:
    """What kind of NSEC3 chain a zone has; never salted."""

    iterations: int = 0
    opt_out: bool = False


_NSEC3 = {
    Signing.NSEC3: Nsec3(),
    Signing.NSEC3_OPT_OUT: Nsec3(opt_out=True),
    Signing.NSEC3_COSTLY: Nsec3(iterations=2500),
}


@dataclass(slots=True)
class Signer:
    """The keys (ECDSA P-256) of all zones that have a DS record in their parent.

    Keys are made when first needed and stay the same, so a zone can be signed anew at any time.
    """

    secure: frozenset[dns.name.Name]
    _trap: list[DNSKEY] = field(default_factory=lambda: _colliding_keys(40))
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
        if zone.signing is Signing.KEY_TRAP:
            self._set_trap(loaded, origin)
        elif zone.signing not in {Signing.UNSIGNED, Signing.STRIPPED}:
            self._sign(loaded, origin, _EXPIRED_DAYS if zone.signing is Signing.EXPIRED else None)
        if zone.signing in _NSEC3:
            self._sign_nsec3(loaded, origin, _NSEC3[zone.signing])
        text = loaded.to_text(relativize=False)
        if zone.signing is Signing.BOGUS:
            text = _tamper(text)
        elif zone.signing is Signing.BOGUS_CAA:
            text = text.replace('issue "', 'issue "not-')
        return text, serial

    def _sign(
        self, zone: dns.zone.Zone, origin: dns.name.Name, days: tuple[int, int] | None
    ) -> None:
        cuts = {name for name, _ in zone.iterate_rdatasets(dns.rdatatype.NS)} - {origin}
        for child in cuts & self.secure:
            keys = self._trap if child == _KEY_TRAP else [self._key(child)[1]]
            ds = [dns.dnssec.make_ds(child, key, "SHA256") for key in keys]
            zone.replace_rdataset(child, dns.rdataset.from_rdata_list(_TTL, ds))
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

    def _sign_nsec3(self, zone: dns.zone.Zone, origin: dns.name.Name, chain: Nsec3) -> None:
        """Replace the NSEC chain of a signed zone by one of NSEC3 (RFC 5155 section 7.1)."""
        for name in list(zone):
            zone.delete_rdataset(name, dns.rdatatype.NSEC)
            zone.delete_rdataset(name, dns.rdatatype.RRSIG, dns.rdatatype.NSEC)
        types = _types_by_name(zone, origin)
        if chain.opt_out:
            delegated = {dns.rdatatype.NS}
            # Nor of names between while only such lie below (RFC 5155 section 7.1).
            types = {name: kinds for name, kinds in types.items() if not kinds <= delegated}
        hashed = sorted((_hash(name, chain), kinds) for name, kinds in types.items())
        following = [text for text, _ in hashed[1:]] + [hashed[0][0]]
        for (text, kinds), after in zip(hashed, following, strict=True):
            bitmap = " ".join(sorted(dns.rdatatype.to_text(kind) for kind in kinds))
            rdata = f"1 {int(chain.opt_out)} {chain.iterations} - {after} {bitmap}"
            self._add_signed(zone, origin, dns.name.from_text(text, origin), ("NSEC3", rdata))
        self._add_signed(zone, origin, origin, ("NSEC3PARAM", f"1 0 {chain.iterations} -"))

    def _add_signed(
        self,
        zone: dns.zone.Zone,
        origin: dns.name.Name,
        owner: dns.name.Name,
        record: tuple[str, str],
    ) -> None:
        rrset = dns.rrset.from_text(owner, _TTL, "IN", *record)
        zone.replace_rdataset(owner, rrset.to_rdataset())
        now = datetime.now(UTC)
        private, public = self._key(origin)
        start, end = (now + timedelta(days=day) for day in _USUAL_DAYS)
        signature = dns.dnssec.sign(rrset, private, origin, public, inception=start, expiration=end)
        zone.find_rdataset(owner, dns.rdatatype.RRSIG, rrset.rdtype, create=True).update(
            dns.rdataset.from_rdata(_TTL, signature)
        )

    def _set_trap(self, zone: dns.zone.Zone, origin: dns.name.Name) -> None:
        """Sign nothing, with many keys that all might have signed it."""
        tag = dns.dnssec.key_id(self._trap[0])
        zone.replace_rdataset(origin, dns.rdataset.from_rdata_list(_TTL, self._trap))
        for name, rdataset in list(zone.iterate_rdatasets()):
            rdtype, labels = dns.rdatatype.to_text(rdataset.rdtype), len(name) - 1
            head = f"{rdtype} 8 {labels} {_TTL} 20360101000000 20250101000000 {tag} {origin}"
            signatures = [
                f"{head} {base64.b64encode(secrets.token_bytes(128)).decode()}" for _ in self._trap
            ]
            signed = dns.rdataset.from_text_list("IN", "RRSIG", _TTL, signatures)
            zone.find_rdataset(name, "RRSIG", rdataset.rdtype, create=True).update(signed)

    def _key(self, zone: dns.name.Name) -> tuple[ec.EllipticCurvePrivateKey, DNSKEY]:
        if zone not in self._keys:
            private = ec.generate_private_key(ec.SECP256R1())
            public = dns.dnssec.make_dnskey(
                private.public_key(), "ECDSAP256SHA256", _SECURE_ENTRY_POINT
            )
            self._keys[zone] = (private, public)
        return self._keys[zone]


def _colliding_keys(count: int) -> list[DNSKEY]:
    """Make RSA keys with one key tag: the tag is a sum of words, whose order does not count."""
    private = rsa.generate_private_key(65537, 1024)  # noqa: S505 - signs nothing
    head = private.public_key().public_numbers().n.to_bytes(128, "big")
    words = [head[at : at + 2] for at in range(0, len(head), 2)]
    keys = []
    for turn in range(count):
        middle = words[1:-1]
        modulus = b"".join([words[0], *middle[turn:], *middle[:turn], words[-1]])
        text = base64.b64encode(b"\x03\x01\x00\x01" + modulus).decode()
        key = dns.rdata.from_text("IN", "DNSKEY", f"{_SECURE_ENTRY_POINT} 3 8 {text}")
        assert isinstance(key, DNSKEY)
        keys.append(key)
    return keys


def _hash(name: dns.name.Name, chain: Nsec3) -> str:
    return dns.dnssec.nsec3_hash(name, b"", chain.iterations, "SHA1").lower()


def _types_by_name(
    zone: dns.zone.Zone, origin: dns.name.Name
) -> dict[dns.name.Name, set[dns.rdatatype.RdataType]]:
    """Return which types each name has that the zone is authoritative for, and the names between.

    Below a delegation is glue, of which a zone says nothing; a delegation is NS and perhaps DS.
    """
    cuts = {name for name, _ in zone.iterate_rdatasets(dns.rdatatype.NS)} - {origin}
    types: dict[dns.name.Name, set[dns.rdatatype.RdataType]] = {}
    for name, rdataset in zone.iterate_rdatasets():
        if any(name != cut and name.is_subdomain(cut) for cut in cuts):
            continue
        types.setdefault(name, set()).add(rdataset.rdtype)
        between = name
        while between != origin:
            between = between.parent()
            types.setdefault(between, set())
    types[origin].add(dns.rdatatype.NSEC3PARAM)
    return types


def _tamper(text: str) -> str:
    """Change addresses and the SOA, and leave the signatures as they are."""
    return text.replace(f" A {WEB}", f" A {LIAR}").replace(" 604800 ", " 604801 ")
