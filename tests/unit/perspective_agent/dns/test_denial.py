"""RFC 4035, RFC 5155: which denial of a DS record shows an insecure delegation."""

import base64

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rrset
import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.wire import DS, make_query, read_answer

NAME = "child.example"
QUERY = make_query(NAME, DS)
ID = 338
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
HASH = dns.dnssec.nsec3_hash(dns.name.from_text(NAME), b"", 0, 1)


def hashed(iterations: int) -> str:
    return dns.dnssec.nsec3_hash(dns.name.from_text(NAME), b"", iterations, 1).lower()


def near(hashed: str, by: int) -> str:
    """Return a hash a little below or above."""
    number = int.from_bytes(base64.b32hexdecode(hashed), "big") + by
    return base64.b32hexencode(number.to_bytes(20, "big")).decode().lower()


BELOW, ABOVE, FAR = near(HASH, -9), near(HASH, 9), near(HASH, 99)


def read(*authority: str, rcode: int = 0, ad: bool = True) -> o.Lookup:
    message = dns.message.make_response(dns.message.from_wire(QUERY.encode(ID)))
    message.use_edns(0, ednsflags=dns.flags.DO)
    message.set_rcode(rcode)
    message.flags |= dns.flags.AD if ad else 0
    for text in authority:
        owner, rdtype, rdata = text.split(" ", 2)
        message.authority.append(dns.rrset.from_text(owner, 5, "IN", rdtype, rdata))
    return read_answer(QUERY, ID, message.to_wire())


def test_rfc_3225_only_the_ds_query_asks_for_denials() -> None:
    assert dns.message.from_wire(QUERY.encode(ID)).ednsflags & dns.flags.DO
    assert not dns.message.from_wire(make_query(NAME, 1).encode(ID)).ednsflags & dns.flags.DO


@pytest.mark.parametrize(
    ("authority", "kind"),
    [
        (f"{NAME}. NSEC next.example. NS RRSIG NSEC", "NSEC"),
        ("CHILD.Example. NSEC next.example. NS RRSIG NSEC", "NSEC"),
        # A host, an empty non-terminal, the child's own apex, a signed delegation, another name.
        (f"{NAME}. NSEC next.example. A RRSIG NSEC", ""),
        (f"{NAME}. NSEC next.example. RRSIG NSEC", ""),
        (f"{NAME}. NSEC next.example. NS SOA RRSIG NSEC DNSKEY", ""),
        (f"{NAME}. NSEC next.example. NS DS RRSIG NSEC", ""),
        ("b.example. NSEC next.example. NS RRSIG NSEC", ""),
        (f"{HASH.lower()}.example. NSEC3 1 0 0 - {ABOVE} NS", "NSEC3"),
        (f"{HASH.lower()}.example. NSEC3 1 1 0 - {ABOVE} NS", "NSEC3"),
        (f"{HASH.lower()}.example. NSEC3 1 0 0 - {ABOVE} A RRSIG", ""),
        (f"{HASH.lower()}.example. NSEC3 1 0 0 - {ABOVE} NS SOA RRSIG", ""),
        (f"{HASH.lower()}.example. NSEC3 1 0 0 - {ABOVE} NS DS RRSIG", ""),
        # Beside the name: only opt-out, and only where it covers.
        (f"{BELOW}.example. NSEC3 1 1 0 - {ABOVE} NS", "NSEC3 opt-out"),
        (f"{BELOW}.example. NSEC3 1 0 0 - {ABOVE} NS", ""),
        (f"{ABOVE}.example. NSEC3 1 1 0 - {FAR} NS", ""),
        (f"{ABOVE}.example. NSEC3 1 1 0 - {BELOW} NS", ""),
        # The end of the chain leads back to its beginning.
        (f"{BELOW}.example. NSEC3 1 1 0 - {near(HASH, -99)} NS", "NSEC3 opt-out"),
        (f"{FAR}.example. NSEC3 1 1 0 - {ABOVE} NS", "NSEC3 opt-out"),
        (f"{ABOVE}.example. NSEC3 1 1 0 - {near(HASH, -99)} NS", ""),
        # RFC 9276: nobody computes so many.
        (f"{hashed(150)}.example. NSEC3 1 0 150 - {ABOVE} NS", "NSEC3"),
        (f"{hashed(151)}.example. NSEC3 1 0 151 - {ABOVE} NS", ""),
        # RFC 5155 section 8.1: another hash than SHA-1.
        (f"{HASH.lower()}.example. NSEC3 2 0 0 - {ABOVE} NS", ""),
        ("example. SOA ns.example. admin.example. 1 2 3 4 5", ""),
    ],
)
def test_which_denial_is_one_of_an_insecure_delegation(authority: str, kind: str) -> None:
    lookup = read(authority)
    assert lookup.absence == o.ABSENCE_NO_DATA
    assert lookup.HasField("insecurity_proof") == bool(kind)
    assert lookup.insecurity_proof.kind == kind
    if kind:
        assert lookup.insecurity_proof.zone_cut == NAME
        assert lookup.insecurity_proof.denied_by == authority.split(". ", maxsplit=1)[0].lower()


def test_a_name_that_does_not_exist_is_no_delegation() -> None:
    denial = f"{BELOW}.example. NSEC3 1 1 0 - {ABOVE} NS"
    assert not read(denial, rcode=3).HasField("insecurity_proof")


def test_ad_is_the_callers_to_weigh() -> None:
    lookup = read(f"{NAME}. NSEC next.example. NS RRSIG NSEC", ad=False)
    assert lookup.dnssec == o.DNSSEC_INSECURE
    assert lookup.HasField("insecurity_proof")
