"""Reads denials: what NSEC and NSEC3 records say does not exist. Pure.

It uses dnspython, since denials are read rarely.
"""

import base64

import dns.message
import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3

from mpic.v1 import observation_pb2 as o

_SHA1 = 1  # RFC 5155 section 11, the only one there is
_OPT_OUT = 0x01  # RFC 5155 section 3.1.2.1
_MAX_ITERATIONS = 150  # as many as Unbound takes for a proof; RFC 9276 section 3.2


def lists(denial: NSEC | NSEC3, rdtype: int) -> bool:
    """Whether the type bit map of an NSEC or NSEC3 record holds a type (RFC 4034 section 4.1.2)."""
    window, offset = divmod(rdtype, 256)
    octet, bit = divmod(offset, 8)
    bits: bytes = dict(denial.windows).get(window, b"")
    return octet < len(bits) and bool(bits[octet] & (0x80 >> bit))


def read_denial(name: str, wire: bytes) -> o.InsecurityProof | None:
    """Read why there is no DS record at `name`, if `name` is an insecure delegation.

    The message is a NODATA answer to a DS query with DO. For NSEC and NSEC3 the answer's AD bit
    shows that the denial was validated. For opt-out AD is never set (RFC 5155 section 9.2); there
    the caller must know that the zone is secure.
    """
    asked = dns.name.from_text(name)
    for rrset in dns.message.from_wire(wire).authority:
        for rdata in rrset:
            kind = ""
            if isinstance(rdata, NSEC) and rrset.name == asked and _is_insecure_cut(rdata):
                kind = "NSEC"
            elif isinstance(rdata, NSEC3):
                kind = _read_nsec3(asked, rrset.name, rdata)
            if kind:
                owner = rrset.name.to_text(omit_final_dot=True).lower()
                return o.InsecurityProof(zone_cut=name, denied_by=owner, kind=kind)
    return None


def _is_insecure_cut(denial: NSEC | NSEC3) -> bool:
    """Whether the parent says: a delegation, and no DS (RFC 6840 section 4.4, RFC 5155 8.9)."""
    present = [lists(denial, rdtype) for rdtype in (dns.rdatatype.NS, dns.rdatatype.SOA)]
    return present == [True, False] and not lists(denial, dns.rdatatype.DS)


def _read_nsec3(asked: dns.name.Name, owner: dns.name.Name, denial: NSEC3) -> str:
    if denial.algorithm != _SHA1 or denial.iterations > _MAX_ITERATIONS:
        return ""
    # Loaded only here: it brings along the making of signatures, which few agents ever need.
    from dns.dnssec import nsec3_hash  # noqa: PLC0415

    hashed = nsec3_hash(asked, denial.salt, denial.iterations, denial.algorithm)
    first = owner.labels[0].decode("ascii").upper()
    if first == hashed:
        return "NSEC3" if _is_insecure_cut(denial) else ""
    after = base64.b32hexencode(denial.next).decode("ascii")
    # The last record of the chain leads back to the first (RFC 5155 section 3.1.7).
    covers = first < hashed < after if first < after else (hashed > first or hashed < after)
    return "NSEC3 opt-out" if covers and denial.flags & _OPT_OUT else ""
