"""What a server says when it is asked directly."""

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.diagnosis.referral import classify, find_delegation

NAME, ZONE = "www.example.test.", dns.name.from_text("test.")
SOA = dns.rrset.from_text("test.", 60, "IN", "SOA", "ns.test. h.test. 1 2 3 4 5")
CAA = dns.rrset.from_text(NAME, 60, "IN", "CAA", '0 issue ";"')
DOWN = dns.rrset.from_text("example.test.", 60, "IN", "NS", "ns.example.test.", "ns.other.test.")
GLUE = dns.rrset.from_text("ns.example.test.", 60, "IN", "A", "203.0.113.1")
GLUE6 = dns.rrset.from_text("ns.example.test.", 60, "IN", "AAAA", "2001:db8::1")


def message(
    *,
    answer: tuple[dns.rrset.RRset, ...] = (),
    authority: tuple[dns.rrset.RRset, ...] = (),
    additional: tuple[dns.rrset.RRset, ...] = (),
    rcode: int = 0,
    flags: int = 0,
) -> dns.message.Message:
    made = dns.message.make_response(dns.message.make_query(NAME, "CAA"))
    made.answer.extend(answer)
    made.authority.extend(authority)
    made.additional.extend(additional)
    made.flags |= flags
    made.set_rcode(dns.rcode.Rcode(rcode))
    return made


AA, TC = dns.flags.AA, dns.flags.TC


def away(owner: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(owner, 60, "IN", "NS", "ns.example.test.")


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (message(answer=(CAA,), flags=AA), o.SERVER_OUTCOME_ANSWERED),
        (message(authority=(SOA,), flags=AA), o.SERVER_OUTCOME_ANSWERED),
        (message(flags=AA), o.SERVER_OUTCOME_ANSWERED),
        (message(authority=(SOA,), flags=AA, rcode=3), o.SERVER_OUTCOME_ANSWERED),
        (message(authority=(DOWN,)), o.SERVER_OUTCOME_ANSWERED),
        # What is not authoritative, a resolver might take all the same.
        (message(answer=(CAA,)), o.SERVER_OUTCOME_ANSWERED),
        (message(rcode=3), o.SERVER_OUTCOME_ANSWERED),
        (message(answer=(CAA,), flags=AA | TC), o.SERVER_OUTCOME_TRUNCATED),
        (message(rcode=2, flags=TC), o.SERVER_OUTCOME_TRUNCATED),
        (message(rcode=2), o.SERVER_OUTCOME_FAILED),
        (message(rcode=5, flags=AA), o.SERVER_OUTCOME_FAILED),
        (message(rcode=16), o.SERVER_OUTCOME_FAILED),
        (message(), o.SERVER_OUTCOME_LAME),
        (message(authority=(SOA,)), o.SERVER_OUTCOME_LAME),
        (message(authority=(away("."),)), o.SERVER_OUTCOME_LAME),
        (message(authority=(away("test."),)), o.SERVER_OUTCOME_LAME),
        (message(authority=(away("other.test."),)), o.SERVER_OUTCOME_LAME),
        (message(authority=(away("example.net."),)), o.SERVER_OUTCOME_LAME),
    ],
)
def test_outcomes(said: dns.message.Message, outcome: int) -> None:
    assert classify(said, ZONE) == outcome


def test_a_delegation_has_every_server_and_the_addresses_that_came_along() -> None:
    found = find_delegation(message(authority=(DOWN,), additional=(GLUE, GLUE6)), ZONE)
    assert found is not None
    assert found.zone == dns.name.from_text("example.test.")
    assert found.servers == {
        dns.name.from_text("ns.example.test."): {"203.0.113.1", "2001:db8::1"},
        dns.name.from_text("ns.other.test."): frozenset(),
    }


def test_addresses_that_the_zone_has_no_say_in_are_not_taken() -> None:
    """A server of test. says where a server of another top-level domain is."""
    referral = dns.rrset.from_text("example.test.", 60, "IN", "NS", "ns.example.net.")
    glue = dns.rrset.from_text("ns.example.net.", 60, "IN", "A", "203.0.113.1")
    found = find_delegation(message(authority=(referral,), additional=(glue,)), ZONE)
    assert found is not None
    assert list(found.servers.values()) == [frozenset()]


@pytest.mark.parametrize(
    "said",
    [
        message(authority=(DOWN,), flags=AA),
        message(authority=(DOWN,), flags=TC),
        message(authority=(DOWN,), rcode=3),
        message(authority=(DOWN,), answer=(CAA,)),
        message(authority=(away("test."),)),
        message(authority=(away("."),)),
        message(authority=(away("xample.test."),)),
    ],
)
def test_what_does_not_lead_down_is_no_delegation(said: dns.message.Message) -> None:
    assert find_delegation(said, ZONE) is None
