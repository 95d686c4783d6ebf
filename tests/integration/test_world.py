"""The test kit is what it says it is: seen through a real validating Unbound.

Run in a network of its own: unshare --net -- python -m pytest tests/integration/test_world.py
"""

import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.world import network, zones
from tests.world.internet import Internet
from tests.world.misbehaving import BEHAVIOURS
from tests.world.process import Child, WorldError, wait_until

_CONFIG = """
server:
  directory: "{directory}"
  pidfile: ""
  chroot: ""
  username: ""
  use-syslog: no
  num-threads: 1
  interface: {address}
  port: 5300
  outgoing-interface: {source}
  access-control: 127.0.0.0/8 allow
  do-ip6: no
  do-not-query-localhost: no
  local-zone: "test." nodefault
  local-zone: "invalid." nodefault
  root-hints: "{hints}"
  trust-anchor-file: "{anchor}"
  module-config: "validator iterator"
  val-sig-skew-min: 0
  key-cache-size: 1
  key-cache-slabs: 1
  trust-anchor-signaling: no
  ede: yes
  val-log-level: 2
  use-caps-for-id: yes
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  discard-timeout: 0
  incoming-num-tcp: 100
"""


@dataclass(frozen=True, slots=True)
class Resolver:
    """A throw-away Unbound that sends from the address of one perspective."""

    source: str
    address: str

    def ask(self, name: str, rdtype: str = "A", seconds: float = 60) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype, flags=dns.flags.RD | dns.flags.AD)
        query.use_edns(0)
        return dns.query.tcp(query, self.address, port=5300, timeout=seconds)

    def outcome(self, name: str, rdtype: str, seconds: float = 60) -> str:
        """The response code, or "silence" for so long, or "unreadable"."""
        try:
            return dns.rcode.to_text(self.ask(name, rdtype, seconds).rcode())
        except dns.exception.Timeout:
            return "silence"
        except dns.exception.FormError:
            return "unreadable"


def _listens(address: str) -> bool:
    with socket.socket() as tcp:
        return tcp.connect_ex((address, 5300)) == 0


@pytest.fixture(scope="module")
def resolvers(
    internet: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Resolver, Resolver]]:
    started = [_start(tmp_path_factory.mktemp("unbound"), number, internet) for number in (1, 2)]
    for resolver, child in started:
        child.wait_ready(partial(_listens, resolver.address))
    yield started[0][0], started[1][0]
    for _, child in started:
        child.stop()


def _start(directory: Path, number: int, internet: Internet) -> tuple[Resolver, Child]:
    resolver = Resolver(network.perspective_address(number), f"127.0.0.{number}")
    config = directory / "unbound.conf"
    config.write_text(
        _CONFIG.format(
            directory=directory,
            address=resolver.address,
            source=resolver.source,
            hints=internet.root_hints_file,
            anchor=internet.trust_anchor_file,
        )
    )
    command = ("unbound", "-d", "-p", "-c", str(config))
    return resolver, Child(command, directory / "unbound.log")


@pytest.fixture
def resolver(resolvers: tuple[Resolver, Resolver]) -> Resolver:
    return resolvers[0]


def _is_secure(answer: dns.message.Message) -> bool:
    return bool(answer.flags & dns.flags.AD)


def _extended_error(answer: dns.message.Message) -> int | None:
    codes = [int(o.code) for o in answer.options if isinstance(o, dns.edns.EDEOption)]
    return codes[0] if codes else None


def _values(answer: dns.message.Message) -> list[str]:
    return [str(record) for rrset in answer.answer for record in rrset]


CHILD = "child.parent.example.co.jp"


def test_the_childs_address_is_secure(resolver: Resolver) -> None:
    answer = resolver.ask(CHILD)
    assert _values(answer) == [network.WEB]
    assert _is_secure(answer)


def test_the_child_has_no_caa_and_the_answer_carries_the_soa_that_users_are_shown(
    internet: Internet,
) -> None:
    query = dns.message.make_query(CHILD, "CAA")
    answer = dns.query.udp(query, internet.server(network.AUTHORITATIVE).address, timeout=60)
    assert answer.rcode() == dns.rcode.NOERROR
    assert not answer.answer
    assert "3600 IN SOA ns1.parent.example.co.jp. admin.parent.example.co.jp. 20250424" in str(
        answer.authority[0]
    )


def test_a_zone_is_replaced_live(internet: Internet, resolver: Resolver) -> None:
    internet.replace(zones.UPKI_WITHOUT_CHILD)
    _forget()
    without = resolver.ask(CHILD, "CAA")
    internet.replace(zones.UPKI)
    _forget()
    assert (without.rcode(), _is_secure(without)) == (dns.rcode.NXDOMAIN, True)
    assert resolver.ask(CHILD, "CAA").rcode() == dns.rcode.NOERROR


def test_an_unsigned_zone_is_answered_without_ad(resolver: Resolver) -> None:
    answer = resolver.ask("child.plain.example.co.jp")
    assert _values(answer) == [network.WEB]
    assert not _is_secure(answer)


@pytest.mark.parametrize("rdtype", ["A", "CAA"])
@pytest.mark.parametrize(
    ("zone", "code"),
    [
        (zones.BOGUS, dns.edns.EDECode.DNSSEC_BOGUS),
        (zones.EXPIRED, dns.edns.EDECode.SIGNATURE_EXPIRED),
        (zones.STRIPPED, dns.edns.EDECode.DNSKEY_MISSING),
    ],
)
def test_a_broken_zone_is_servfail_with_its_reason(
    resolver: Resolver, zone: zones.Zone, code: int, rdtype: str
) -> None:
    answer = resolver.ask(f"child.{zone.name}", rdtype)
    assert answer.rcode() == dns.rcode.SERVFAIL
    assert _extended_error(answer) == code


@pytest.mark.parametrize(
    ("label", "rcode", "records"),
    [
        ("allow", "NOERROR", 1),
        ("below.allow", "NOERROR", 0),
        ("empty", "NOERROR", 0),
        ("big", "NOERROR", 40),
        ("x.wildcard", "NOERROR", 1),
        ("alias-allow", "NOERROR", 2),
        ("alias-below", "NOERROR", 1),
        ("alias-dangling", "NXDOMAIN", 1),
        ("alias-bogus", "SERVFAIL", 0),
        ("alias-loop", "SERVFAIL", 0),
        ("deny.dname", "NOERROR", 3),
        ("11.link", "NOERROR", 12),
        ("12.link", "SERVFAIL", 0),  # Unbound follows 11 aliases
    ],
)
def test_caa_names_answer(resolver: Resolver, label: str, rcode: str, records: int) -> None:
    answer = resolver.ask(f"{label}.caa.example.co.jp", "CAA")
    assert dns.rcode.to_text(answer.rcode()) == rcode
    assert len(_values(answer)) == records
    assert _is_secure(answer) == (rcode != "SERVFAIL")


def test_octets_and_flags_of_caa_arrive_unchanged(resolver: Resolver) -> None:
    assert _values(resolver.ask("octets.caa.example.co.jp", "CAA")) == [r'0 issue "\255\000\254"']
    assert _values(resolver.ask("reserved.caa.example.co.jp", "CAA")) == ['130 tbs "unknown"']


def test_a_diversion_is_seen_by_one_perspective_and_ends(
    resolvers: tuple[Resolver, Resolver],
) -> None:
    victim, other = resolvers
    plain = "child.plain.example.co.jp"
    assert _values(victim.ask(plain)) == [network.WEB]

    network.divert(victim.source, network.AUTHORITATIVE, network.LIAR)
    _forget()
    lied_to, hijacked = victim.ask(plain), victim.ask(CHILD)
    assert _values(lied_to) == [network.LIAR]
    assert hijacked.rcode() == dns.rcode.SERVFAIL
    assert _values(other.ask(plain)) == _values(other.ask(CHILD)) == [network.WEB]

    network.restore(victim.source, network.AUTHORITATIVE)
    _forget()
    assert _values(victim.ask(plain)) == [network.WEB]
    # Unbound holds the zone's key for bogus for 60 s, unless another zone's key pushes it out of
    # this small key cache.
    victim.ask("example.co.jp", "CAA")
    assert _is_secure(victim.ask(CHILD))


def test_the_liar_can_tell_another_lie(
    internet: Internet, resolvers: tuple[Resolver, Resolver]
) -> None:
    victim, other = resolvers
    internet.tell_lie(zones.lie(zones.PLAIN, '0 issue "evil.example.test"'))
    network.divert(victim.source, network.AUTHORITATIVE, network.LIAR)
    _forget()
    seen = [_values(r.ask("child.plain.example.co.jp", "CAA")) for r in resolvers]
    network.restore_all()
    internet.tell_lie(zones.lie(zones.PLAIN))
    assert seen == [['0 issue "evil.example.test"'], []]
    assert other.source != victim.source


def test_an_open_tcp_connection_does_not_survive_a_diversion(resolver: Resolver) -> None:
    with socket.create_connection(
        (network.AUTHORITATIVE, 53), timeout=60, source_address=(resolver.source, 0)
    ) as tcp:
        query = dns.message.make_query("parent.example.co.jp", "SOA")
        dns.query.send_tcp(tcp, query)
        dns.query.receive_tcp(tcp)
        network.divert(resolver.source, network.AUTHORITATIVE, network.LIAR)
        with suppress(ConnectionError):
            dns.query.send_tcp(tcp, query)
        with pytest.raises((ConnectionError, EOFError)):
            dns.query.receive_tcp(tcp)
    network.restore_all()


def test_restoring_what_is_not_diverted_changes_nothing() -> None:
    network.restore(network.perspective_address(7), network.AUTHORITATIVE)


def test_a_black_hole_is_silent_and_heals(resolvers: tuple[Resolver, Resolver]) -> None:
    network.black_hole(resolvers[1].source, network.AUTHORITATIVE)
    seen = resolvers[0].outcome("lost.plain.example.co.jp", "A")
    lost = resolvers[1].outcome("lost.plain.example.co.jp", "A", SILENCE)
    network.heal()
    assert (seen, lost) == ("NXDOMAIN", "silence")
    assert resolvers[1].ask("found.plain.example.co.jp").rcode() == dns.rcode.NXDOMAIN


# What Unbound makes of each behaviour, asked for CAA; it is silent for seconds, if it is.
SILENCE = 0.5
OUTCOMES = {
    "healthy": "NOERROR",
    "emptytc": "NOERROR",
    "silent": "silence",
    "dropcaa": "silence",
    "servfail": "SERVFAIL",
    "servfailcaa": "silence",
    "failsbelow": "silence",
    "failsbelowours": "silence",
    "refused": "SERVFAIL",
    "notimp": "SERVFAIL",
    "formerr": "SERVFAIL",
    "nxdomain": "NXDOMAIN",
    "wrongid": "silence",
    "wrongname": "SERVFAIL",
    "wrongtype": "SERVFAIL",
    "wrongclass": "SERVFAIL",
    "notaresponse": "SERVFAIL",
    "garbage": "SERVFAIL",
    "truncated": "SERVFAIL",
    "slow": "NOERROR",
    "held": "NOERROR",
    "slowtcp": "silence",
    "loop": "SERVFAIL",
    "chain": "NOERROR",
    "lame": "SERVFAIL",
    "nosoa": "NOERROR",
    "lowercase": "NOERROR",
    "noedns": "NOERROR",
    "dropsedns": "silence",
    "brokencaa": "unreadable",
    "rawcaa": "NOERROR",
    "many": "NOERROR",
    "manyours": "NOERROR",
    "wide": "NOERROR",
    "truncatedtcp": "silence",
    "yxdomain": "YXDOMAIN",
    "nxalias": "NXDOMAIN",
    "poison": "NOERROR",
    "bomb": "SERVFAIL",
    "partial": "NOERROR",
    "counter": "NOERROR",
    "aliasfirst": "NOERROR",
    "aliaslast": "NOERROR",
    "another": "NOERROR",
    "dnamealone": "NXDOMAIN",
    "othertype": "NOERROR",
    "classinside": "NOERROR",
    "denied": "NXDOMAIN",
    "uppercase": "NOERROR",
    # This resolver mixes case (0x20) and asks for names cut short, as agents' do not.
    "capsnx": "NXDOMAIN",
    "capsempty": "NOERROR",
    "capsnosoa": "NOERROR",
    "capscaa": "NXDOMAIN",
    "betweennx": "NXDOMAIN",
    "betweenrefused": "SERVFAIL",
    "betweenservfail": "SERVFAIL",
    "betweensilent": "silence",
    "betweenalias": "NOERROR",
    "publishes": "NOERROR",
}


def test_every_behaviour_has_an_outcome() -> None:
    assert OUTCOMES.keys() == BEHAVIOURS.keys()


@pytest.mark.parametrize("behaviour", OUTCOMES)
def test_a_misbehaviour_reaches_the_resolver(resolver: Resolver, behaviour: str) -> None:
    name, expected = f"child.{behaviour}.{zones.HOSTILE_ZONE}", OUTCOMES[behaviour]
    patience = SILENCE if expected == "silence" else 60
    assert resolver.outcome(name, "CAA", patience) == expected


def test_arguments_of_misbehaviours(resolver: Resolver) -> None:
    asked = time.monotonic()
    assert resolver.ask(f"300.slow.{zones.HOSTILE_ZONE}").rcode() == dns.rcode.NOERROR
    assert time.monotonic() - asked >= 0.3
    assert len(resolver.ask(f"5.chain.{zones.HOSTILE_ZONE}").answer) == 6
    assert resolver.ask(f"20.chain.{zones.HOSTILE_ZONE}").rcode() == dns.rcode.SERVFAIL


def test_nothing_stops_the_misbehaving_server(resolver: Resolver) -> None:
    chance = random.Random(338)  # noqa: S311 - the same octets each time
    good = dns.message.make_query(f"chain.{zones.HOSTILE_ZONE}", "CAA").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for _ in range(500):
            broken = bytearray(good[: chance.randrange(len(good))])
            for _ in range(min(3, len(broken))):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            udp.sendto(broken, (network.HOSTILE, 53))
    with socket.create_connection((network.HOSTILE, 53)) as tcp:
        tcp.sendall(b"\x00\x05hello")
    assert resolver.outcome(f"still.healthy.{zones.HOSTILE_ZONE}", "CAA") == "NOERROR"


def test_other_interfaces_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
    refused = pytest.raises(WorldError, match=r"interfaces \(eth0\).*unshare --net")
    with refused, Internet(tmp_path):
        pass
    with refused:
        network.heal()


def test_a_child_that_ends_at_once_says_why(tmp_path: Path) -> None:
    child = Child(("ls", "/does-not-exist"), tmp_path / "log")
    with pytest.raises(WorldError, match=r"ended with code 2:\n.*does-not-exist"):
        child.wait_ready(lambda: False)


def test_a_child_does_not_outlive_its_parent(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from tests.world.process import Child;"
        "child = Child(('sleep', '60'), Path(sys.argv[1]));"
        "comm = Path(f'/proc/{child.pid}/comm');"
        "child.wait_ready(lambda: comm.read_text() == 'sleep\\n');"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        (sys.executable, "-c", program, str(tmp_path / "log")), stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout as output:
        child = Path("/proc", output.readline().strip(), "stat")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: _is_gone(child), 60, lambda: "the child lives on")


def _is_gone(stat: Path) -> bool:
    # Where nobody reaps orphans, they stay as zombies.
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def _forget() -> None:
    """Wait: to Unbound, what has a TTL of 0 is good until the second is over."""
    time.sleep(1.1)
