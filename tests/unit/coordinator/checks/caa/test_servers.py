"""BR 4.2.2.1: whose failure it is, by what the servers did when they were asked directly."""

from collections.abc import Callable
from itertools import product

import pytest

from coordinator.checks.caa.servers import find_doubt
from mpic.v1 import observation_pb2 as o

NAME, ZONE = "www.example.test", "example.test"
V4, OTHER_V4, V6 = "203.0.113.67", "203.0.113.68", "2001:db8::53"
ROOT_V4, ROOT_V6 = "198.51.100.4", "2001:db8:1::4"
UDP, TCP = o.TRANSPORT_UDP, o.TRANSPORT_TCP
ALL = [one for one in o.ServerOutcome.values() if one]

ANSWERED, FAILED, LAME = (
    o.SERVER_OUTCOME_ANSWERED,
    o.SERVER_OUTCOME_FAILED,
    o.SERVER_OUTCOME_LAME,
)
CUT, SILENT = o.SERVER_OUTCOME_TRUNCATED, o.SERVER_OUTCOME_SILENT
GONE, STALLED = o.SERVER_OUTCOME_UNREACHABLE, o.SERVER_OUTCOME_STALLED


def said(address: str, udp: int, tcp: int) -> list[o.ServerReply]:
    return [
        o.ServerReply(address=address, transport=way, outcome=outcome)
        for way, outcome in ((UDP, udp), (TCP, tcp))
    ]


def lookup(*servers: o.ServerReply, known: list[o.ServerReply] | None = None) -> o.Lookup:
    """A failed lookup; without more, servers that are known to answer did, over IPv4."""
    known = said(ROOT_V4, ANSWERED, ANSWERED) if known is None else known
    return o.Lookup(
        name=NAME,
        insecurity_proof=o.InsecurityProof(zone_cut=ZONE),
        diagnosis=o.Diagnosis(zone=ZONE, servers=servers, known=known),
    )


def is_theirs(udp: int, tcp: int) -> bool:
    """The table of the module, written apart from it."""
    if ANSWERED in (udp, tcp):
        return False
    if udp in (FAILED, LAME):
        return True
    return udp in (CUT, SILENT) and tcp in (FAILED, LAME, SILENT, GONE)


@pytest.mark.parametrize(("udp", "tcp"), list(product(ALL, ALL)))
def test_each_pair_of_outcomes(udp: int, tcp: int) -> None:
    doubt = find_doubt(lookup(*said(V4, udp, tcp)))
    assert (not doubt) == is_theirs(udp, tcp)
    assert not doubt or V4 in doubt


@pytest.mark.parametrize("outcome", [0, 99])
def test_what_is_unstated_or_unknown_shows_nothing(outcome: int) -> None:
    assert V4 in find_doubt(lookup(*said(V4, outcome, FAILED)))
    assert V4 in find_doubt(lookup(*said(V4, SILENT, outcome)))


def test_every_server_has_to_fail() -> None:
    assert not find_doubt(lookup(*said(V4, FAILED, FAILED), *said(OTHER_V4, SILENT, GONE)))
    doubt = find_doubt(lookup(*said(V4, FAILED, FAILED), *said(OTHER_V4, SILENT, ANSWERED)))
    assert doubt == f"{OTHER_V4} answered over TCP when it was asked directly"


@pytest.mark.parametrize("missing", [UDP, TCP])
def test_every_server_has_to_be_asked_over_both_transports(missing: int) -> None:
    servers = [one for one in said(V4, SILENT, GONE) if one.transport != missing]
    assert V4 in find_doubt(lookup(*servers))


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_replies_of_one_server_the_answer_counts(order: int) -> None:
    servers = [*said(V4, FAILED, FAILED), *said(V4, ANSWERED, ANSWERED)][::order]
    assert "answered" in find_doubt(lookup(*servers))


@pytest.mark.parametrize("servers", [said(V4, SILENT, GONE), said(V4, FAILED, FAILED)])
@pytest.mark.parametrize(
    ("known", "lacks"),
    [
        ([], "IPv4 and UDP"),
        (said(ROOT_V4, ANSWERED, GONE), "IPv4 and TCP"),
        (said(ROOT_V4, SILENT, ANSWERED), "IPv4 and UDP"),
        (said(ROOT_V6, ANSWERED, ANSWERED), "IPv4 and UDP"),
        (said(ROOT_V4, FAILED, ANSWERED), "IPv4 and UDP"),
        (said(ROOT_V4, ANSWERED, CUT), "IPv4 and TCP"),
    ],
)
def test_the_way_out_has_to_be_shown_open(
    servers: list[o.ServerReply], known: list[o.ServerReply], lacks: str
) -> None:
    assert find_doubt(lookup(*servers, known=known)) == (
        f"no server that is known to answer did over {lacks}"
    )


def test_one_that_is_known_to_answer_is_enough() -> None:
    known = [*said(ROOT_V4, SILENT, GONE), *said("198.51.100.5", ANSWERED, ANSWERED)]
    assert not find_doubt(lookup(*said(V4, SILENT, GONE), known=known))


def test_ipv6_has_to_be_shown_open_where_a_server_has_it() -> None:
    servers = [*said(V4, FAILED, FAILED), *said(V6, FAILED, FAILED)]
    assert find_doubt(lookup(*servers)).endswith("over IPv6 and UDP")
    both = [*said(ROOT_V4, ANSWERED, ANSWERED), *said(ROOT_V6, ANSWERED, ANSWERED)]
    assert not find_doubt(lookup(*servers, known=both))


def test_what_was_not_asked_is_ours_and_says_why() -> None:
    reply = said(V6, o.SERVER_OUTCOME_NOT_ASKED, o.SERVER_OUTCOME_NOT_ASKED)
    reply[0].detail = "this agent does not use IPv6"
    doubt = find_doubt(lookup(*said(V4, FAILED, FAILED), *reply))
    assert doubt.startswith(f"{V6} NOT_ASKED (this agent does not use IPv6) over UDP")


def with_zone(zone: str) -> Callable[[o.Lookup], object]:
    return lambda one: setattr(one.diagnosis, "zone", zone)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: one.ClearField("diagnosis"), "nobody asked the servers directly"),
        (lambda one: one.diagnosis.ClearField("servers"), "no server was asked"),
        (lambda one: setattr(one.diagnosis, "incomplete", "13 servers"), "directly: 13 servers"),
        # The servers above are not those of the domain, nor those of another one.
        (with_zone(""), "led to the root and no further"),
        (with_zone("test"), "led to test and no further"),
        (with_zone("ample.test"), "led to ample.test"),
        (with_zone("example.net"), "led to example.net"),
        (with_zone(f"a.{NAME}"), f"led to a.{NAME}"),
    ],
)
def test_without_the_servers_of_the_domain_nothing_is_shown(
    change: Callable[[o.Lookup], object], says: str
) -> None:
    one = lookup(*said(V4, FAILED, FAILED))
    assert not find_doubt(one)
    change(one)
    assert says in find_doubt(one)


def test_a_zone_below_the_insecure_delegation_is_insecure_too() -> None:
    one = lookup(*said(V4, FAILED, FAILED))
    one.insecurity_proof.zone_cut = "test"
    assert not find_doubt(one)
