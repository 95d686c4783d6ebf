"""Which addresses are dialled, and whose failure it is if none is. No socket."""

import ipaddress
from collections.abc import Sequence

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.candidates import choose, gather
from perspective_agent.dns.wire import failed
from perspective_agent.egress import Egress

HOST = "www.example.test"
V6, V6_TOO = "2600::1", "2600::2"
V4, V4_TOO = "8.8.8.8", "9.9.9.9"
NONE: Sequence[str] = ()
PUBLIC = Egress()
SERVFAIL = failed(HOST, o.FAILURE_KIND_SERVFAIL, "the resolver answered SERVFAIL")
LATE = failed(HOST, o.FAILURE_KIND_TIMEOUT, "no answer within 3 s")
OVERLOADED = failed(HOST, o.FAILURE_KIND_OVERLOADED, "too much to do")


def found(*addresses: str) -> o.Lookup:
    if not addresses:
        return o.Lookup(name=HOST, absence=o.ABSENCE_NO_DATA)
    octets = [ipaddress.ip_address(one).packed for one in addresses]
    return o.Lookup(name=HOST, records=o.RecordSet(owner=HOST, rdata=octets))


@pytest.mark.parametrize(
    ("aaaa", "a", "dialled"),
    [
        (found(V6), found(V4), (V6, V4)),
        (found(V6, V6_TOO), found(V4, V4_TOO), (V6, V4)),
        (found(), found(V4_TOO, V4), (V4_TOO,)),
        (found(V6), found(), (V6,)),
        # One lookup of the two may fail.
        (SERVFAIL, found(V4), (V4,)),
        (found(V6), LATE, (V6,)),
        (OVERLOADED, found(V4), (V4,)),
        # The first that is public.
        (found("::1", V6), found("10.0.0.1", V4), (V6, V4)),
        (found("fe80::1"), found(V4), (V4,)),
        (found(V6), found("127.0.0.1"), (V6,)),
    ],
)
def test_h_14_the_first_address_of_each_family_ipv6_first(
    aaaa: o.Lookup, a: o.Lookup, dialled: tuple[str, ...]
) -> None:
    chosen = choose([aaaa, a], PUBLIC)
    assert chosen.addresses == dialled
    assert chosen.failure is None


@pytest.mark.parametrize(
    ("aaaa", "a", "kind"),
    [
        (found(), found(), o.FAILURE_KIND_NO_ADDRESS),
        (found("::1"), found(), o.FAILURE_KIND_NOT_PUBLIC),
        (found(), found("169.254.169.254"), o.FAILURE_KIND_NOT_PUBLIC),
        (found("64:ff9b::7f00:1"), found("192.168.0.1", "10.0.0.1"), o.FAILURE_KIND_NOT_PUBLIC),
        (SERVFAIL, SERVFAIL, o.FAILURE_KIND_SERVFAIL),
        (SERVFAIL, found(), o.FAILURE_KIND_SERVFAIL),
        (found(), LATE, o.FAILURE_KIND_TIMEOUT),
        # The failed lookup might have brought a public address.
        (found("::1"), SERVFAIL, o.FAILURE_KIND_SERVFAIL),
        (LATE, found("10.0.0.1"), o.FAILURE_KIND_TIMEOUT),
        # Our own failure before the domain's.
        (OVERLOADED, SERVFAIL, o.FAILURE_KIND_OVERLOADED),
        (SERVFAIL, OVERLOADED, o.FAILURE_KIND_OVERLOADED),
        (SERVFAIL, LATE, o.FAILURE_KIND_TIMEOUT),
    ],
)
def test_why_no_address_is_dialled(
    aaaa: o.Lookup, a: o.Lookup, kind: o.FailureKind.ValueType
) -> None:
    chosen = choose([aaaa, a], PUBLIC)
    assert chosen.addresses == ()
    assert chosen.failure.kind == kind
    assert chosen.failure.detail


@pytest.mark.parametrize(
    ("egress", "aaaa", "a", "dialled", "kind"),
    [
        (Egress(ipv6=False), found(V6), found(), (), o.FAILURE_KIND_NO_WAY_OUT),
        (Egress(ipv6=False), found(V6), found("10.0.0.1"), (), o.FAILURE_KIND_NO_WAY_OUT),
        (Egress(ipv6=False), found(V6), SERVFAIL, (), o.FAILURE_KIND_NO_WAY_OUT),
        (Egress(("198.20.0.1",)), found(V6), found(), (), o.FAILURE_KIND_NO_WAY_OUT),
        (Egress(("2a00::1",)), found(), found(V4), (), o.FAILURE_KIND_NO_WAY_OUT),
        # It is said also if the other family can be dialled: that may fail.
        (Egress(ipv6=False), found(V6), found(V4), (V4,), o.FAILURE_KIND_NO_WAY_OUT),
        # What is special-purpose would not be dialled by anybody.
        (Egress(ipv6=False), found("fc00::1"), found(), (), o.FAILURE_KIND_NOT_PUBLIC),
    ],
)
def test_an_agent_without_a_way_to_a_family_does_not_blame_the_domain(
    egress: Egress,
    aaaa: o.Lookup,
    a: o.Lookup,
    dialled: tuple[str, ...],
    kind: o.FailureKind.ValueType,
) -> None:
    chosen = choose([aaaa, a], egress)
    assert chosen.addresses == dialled
    assert chosen.failure.kind == kind


def test_octets_that_are_no_address_are_none() -> None:
    odd = o.Lookup(name=HOST, records=o.RecordSet(owner=HOST, rdata=[b"\x08\x08\x08"]))
    assert choose([found(), odd], PUBLIC).addresses == ()


def failure(kind: o.FailureKind.ValueType, detail: str) -> o.Failure:
    return o.Failure(kind=kind, detail=detail)


def test_of_several_failures_ours_counts_and_otherwise_the_last() -> None:
    refused = failure(o.FAILURE_KIND_CONNECTION_REFUSED, "refused")
    late = failure(o.FAILURE_KIND_TIMEOUT, "late")
    no_way = failure(o.FAILURE_KIND_NO_WAY_OUT, "no IPv6")
    assert gather([late, refused]).kind == o.FAILURE_KIND_CONNECTION_REFUSED
    assert gather([no_way, refused]).kind == o.FAILURE_KIND_NO_WAY_OUT
    assert gather([no_way, refused]).detail == "no IPv6; refused"
    assert refused.detail == "refused"  # the evidence of each stays
