"""RFC 8659 section 6.3: name servers at special-purpose addresses are not asked, but in a lab.

The test Internet itself lives at documentation and benchmarking addresses, so the agents here may
ask those, and nothing else that is special.
"""

import ipaddress
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from perspective_agent.egress import SPECIAL_PURPOSE
from perspective_agent.unbound.configuration import UnboundOptions, unbound_config
from tests.world import network, zones
from tests.world.internet import Internet
from tests.world.process import Child, wait_until

# Of the test Internet: documentation (RFC 5737) and benchmarking (RFC 2544).
LAB = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")
PORT = 5398


@pytest.fixture(scope="module")
def strict(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An agent's Unbound as in production, but for the addresses of the test Internet."""
    directory = tmp_path_factory.mktemp("strict")
    options = UnboundOptions(
        internet.trust_anchor_file,
        internet.root_hints_file,
        outgoing_address=network.perspective_address(7),
        cache_max_ttl=0,
        ipv6=False,
    )
    text = unbound_config(options, PORT, directory)
    for block in LAB:
        assert f"  do-not-query-address: {block}\n" in text
        text = text.replace(f"  do-not-query-address: {block}\n", "")
    file = directory / "unbound.conf"
    file.write_text(text)
    child = Child(("unbound", "-d", "-p", "-c", str(file)), directory / "log")
    child.wait_ready(lambda: ask("child.plain.example.co.jp") == "NOERROR")
    yield
    child.stop()


def ask(name: str) -> str:
    try:
        answer = dns.query.tcp(dns.message.make_query(name, "A"), "127.0.0.1", 60, PORT)
    except (OSError, dns.exception.Timeout):
        return "silence"
    return dns.rcode.to_text(answer.rcode())


@pytest.fixture(scope="module", params=zones.SPECIAL_SERVERS)
def special_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A healthy server at a special-purpose address; gives the address."""
    address: str = request.param
    network.bring_up([address])
    log = tmp_path_factory.mktemp("special") / "log"
    zone = zones.special_zone(address)
    command = (sys.executable, "-m", "tests.world.misbehaving", address, zone)
    child = Child(command, log, Path(__file__).parents[2])
    wait_until(lambda: asked(address) is not None, 60, log.read_text)
    yield address
    child.stop()


def asked(address: str) -> int | None:
    """Return how often the server was asked of its healthy zone; None: it does not answer."""
    query = dns.message.make_query(f"healthy.counter.{zones.special_zone(address)}", "TXT")
    try:
        answer = dns.query.udp(query, address, timeout=1)
    except (OSError, dns.exception.Timeout):
        return None
    return int(answer.answer[0][0].strings[0])


@pytest.mark.usefixtures("strict")
def test_a_special_purpose_name_server_is_not_asked(special_server: str) -> None:
    block = ipaddress.ip_address(special_server)
    assert any(block in ipaddress.IPv4Network(one) for one in SPECIAL_PURPOSE if ":" not in one)
    name = f"x.healthy.{zones.special_zone(special_server)}"
    assert ask(name) == "SERVFAIL"
    # That it would have answered, and counted, is shown by asking it.
    dns.query.udp(dns.message.make_query(name, "A"), special_server, timeout=60)
    wait_until(lambda: asked(special_server) is not None, 60, lambda: "it does not answer")
    assert asked(special_server) == 1


@pytest.mark.usefixtures("strict")
def test_others_are(internet: Internet) -> None:
    assert internet.trust_anchor_file.exists()
    assert ask(f"x.healthy.{zones.HOSTILE_ZONE}") == "NOERROR"
