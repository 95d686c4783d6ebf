"""Asking the servers of a name directly: what is seen of real servers, one for each fault."""

import asyncio
import ipaddress
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator.checks.caa.servers import find_doubt
from mpic.v1 import observation_pb2 as o
from perspective_agent import egress as egress_module
from perspective_agent.diagnosis.servers import Diagnoser
from perspective_agent.dns.overload_history import OverloadHistory
from perspective_agent.egress import SPECIAL_PURPOSE, Egress
from perspective_agent.unbound.configuration import UnboundOptions, unbound_config
from tests.world import network, zones
from tests.world.internet import Internet
from tests.world.process import Child, wait_until

PORT = 5397
SOURCE = network.perspective_address(8)
LAB = Egress((SOURCE,), ipv6=False, allow_special_purpose=True)

ANSWERED, FAILED, LAME = "ANSWERED", "FAILED", "LAME"
CUT, SILENT, GONE, STALLED = "TRUNCATED", "SILENT", "UNREACHABLE", "STALLED"
ODD = "UNREADABLE"

# What each server does over UDP and over TCP, and whether that shows the failure to be its own.
OUTCOMES = {
    "healthy": (ANSWERED, ANSWERED, False),
    "nxdomain": (ANSWERED, ANSWERED, False),
    "nosoa": (ANSWERED, ANSWERED, False),
    "noedns": (ANSWERED, ANSWERED, False),
    "dnamealone": (ANSWERED, ANSWERED, False),
    "servfail": (FAILED, FAILED, True),
    "servfailcaa": (FAILED, FAILED, True),
    "refused": (FAILED, FAILED, True),
    "notimp": (FAILED, FAILED, True),
    "formerr": (FAILED, FAILED, True),
    "lame": (LAME, LAME, True),
    "truncated": (CUT, GONE, True),
    "truncatedtcp": (CUT, CUT, False),
    "emptytc": (CUT, ANSWERED, False),
    "1001.many": (CUT, ANSWERED, False),
    "slowtcp": (CUT, STALLED, False),
    "silent": (SILENT, STALLED, False),
    "2000.slow": (ANSWERED, ANSWERED, False),
    "wrongid": (ODD, ODD, False),
    "wrongname": (ODD, ODD, False),
    "wrongclass": (ODD, ODD, False),
    "notaresponse": (ODD, ODD, False),
    "garbage": (ODD, ODD, False),
}


@pytest.fixture(scope="module")
def resolver(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An agent's own Unbound."""
    directory = tmp_path_factory.mktemp("unbound")
    options = UnboundOptions(
        internet.trust_anchor_file,
        internet.root_hints_file,
        outgoing_address=SOURCE,
        cache_max_ttl=0,
        ipv6=False,
        allow_special_purpose_servers=True,
    )
    file = directory / "unbound.conf"
    file.write_text(unbound_config(options, PORT, directory))
    child = Child(("unbound", "-d", "-p", "-c", str(file)), directory / "log")
    child.wait_ready(lambda: not look("child.plain.example.co.jp").incomplete)
    yield
    child.stop()


def diagnoser(egress: Egress = LAB) -> Diagnoser:
    return Diagnoser(("127.0.0.1", PORT), egress, OverloadHistory())


def look(name: str, egress: Egress = LAB) -> o.Diagnosis:
    return asyncio.run(diagnoser(egress).diagnose(name))


def outcomes(replies: "list[o.ServerReply]") -> list[str]:
    return [o.ServerOutcome.Name(one.outcome).removeprefix("SERVER_OUTCOME_") for one in replies]


def doubt(name: str, diagnosis: o.Diagnosis) -> str:
    """Say what a coordinator would doubt."""
    proof = o.InsecurityProof(zone_cut=diagnosis.zone)
    return find_doubt(o.Lookup(name=name, diagnosis=diagnosis, insecurity_proof=proof))


@pytest.mark.usefixtures("resolver")
def test_each_servers_fault_is_seen_as_it_is() -> None:
    names = [f"www.{behaviour}.{zones.HOSTILE_ZONE}" for behaviour in OUTCOMES]

    async def look_at_all() -> list[o.Diagnosis]:
        return await asyncio.gather(*(diagnoser().diagnose(name) for name in names))

    for name, diagnosis, expected in zip(
        names, asyncio.run(look_at_all()), OUTCOMES.values(), strict=True
    ):
        udp, tcp, is_its_own = expected
        assert not diagnosis.incomplete, name
        assert name.endswith(f".{diagnosis.zone}")
        assert outcomes(list(diagnosis.servers)) == [udp, tcp], name
        assert outcomes(list(diagnosis.known)) == [ANSWERED, ANSWERED]
        assert (not doubt(name, diagnosis)) == is_its_own, doubt(name, diagnosis)


@pytest.mark.usefixtures("resolver")
def test_every_address_of_every_server_is_asked() -> None:
    diagnosis = look(f"www.partial.{zones.HOSTILE_ZONE}")
    assert [(one.address, one.transport) for one in diagnosis.servers] == [
        (address, transport)
        for address in (network.HOSTILE, network.NOBODY)
        for transport in (o.TRANSPORT_UDP, o.TRANSPORT_TCP)
    ]
    assert outcomes(list(diagnosis.servers)) == [ANSWERED, ANSWERED, SILENT, GONE]


@pytest.mark.usefixtures("resolver")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("www.one.example.co.jp", "name server ns.two.example.co.jp cannot be looked up"),
        ("www.crowd.example.co.jp", "its zone has 14 name servers"),
        ("www.homes.example.co.jp", "the name servers of its zone have 17 addresses"),
    ],
)
def test_servers_that_cannot_all_be_asked_are_no_proof(name: str, says: str) -> None:
    diagnosis = look(name)
    assert says in diagnosis.incomplete
    assert says in doubt(name, diagnosis)


@pytest.mark.usefixtures("resolver")
def test_an_agent_that_does_not_keep_up_proves_nothing() -> None:
    overload_history = OverloadHistory()
    overload_history.explains = lambda since, now: since <= now  # type: ignore[method-assign]
    diagnosis = asyncio.run(
        Diagnoser(("127.0.0.1", PORT), LAB, overload_history).diagnose("www.lame.example.co.jp")
    )
    assert "too much to do" in diagnosis.incomplete


def test_without_a_resolver_nothing_is_proven() -> None:
    diagnosis = asyncio.run(
        Diagnoser(("127.0.0.1", 9), LAB, OverloadHistory()).diagnose("www.example")
    )
    assert "cannot be looked up" in diagnosis.incomplete


@pytest.fixture
def metadata(tmp_path: Path) -> Iterator[str]:
    """A healthy server at the special-purpose address where clouds keep their metadata."""
    address = zones.SPECIAL_SERVERS[4]
    network.bring_up([address])
    command = (
        sys.executable,
        "-m",
        "tests.world.misbehaving",
        address,
        zones.special_zone(address),
    )
    child = Child(command, tmp_path / "log", Path(__file__).parents[2])
    name = f"www.healthy.{zones.special_zone(address)}"
    wait_until(lambda: ANSWERED in outcomes(list(look(name).servers)), 60, lambda: "no answer")
    yield name
    child.stop()


@pytest.mark.usefixtures("resolver")
def test_rfc_8659_6_3_servers_that_our_rules_refuse_are_not_asked(
    metadata: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in production, but for the addresses of the test Internet itself."""
    lab = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")
    blocks = [ipaddress.ip_network(one) for one in SPECIAL_PURPOSE if one not in lab]
    monkeypatch.setattr(egress_module, "_SPECIAL", tuple(blocks))
    diagnosis = look(metadata, Egress((SOURCE,), ipv6=False))
    assert outcomes(list(diagnosis.servers)) == ["NOT_ASKED", "NOT_ASKED"]
    assert "a special-purpose address" in doubt(metadata, diagnosis)
    assert outcomes(list(diagnosis.known)) == [ANSWERED, ANSWERED]


@pytest.mark.usefixtures("resolver")
def test_a_way_out_that_is_closed_is_seen_at_those_who_are_known_to_answer() -> None:
    name = f"www.1001.many.{zones.HOSTILE_ZONE}"
    network.refuse_tcp(SOURCE)
    diagnosis = look(name)
    assert outcomes(list(diagnosis.servers)) == [CUT, GONE]
    assert outcomes(list(diagnosis.known)) == [ANSWERED, GONE]
    assert doubt(name, diagnosis) == ("no server that is known to answer did over IPv4 and TCP")
