"""The test kit is what it says it is: seen through a real validating Unbound.

Run in a network of its own: unshare --net -- python -m pytest tests/integration/test_world.py
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tests.world import network, zones
from tests.world.internet import Internet
from tests.world.misbehaving import BEHAVIOURS, reply_to
from tests.world.process import Child, WorldError

_CONFIG = """
server:
  directory: "{directory}"
  pidfile: ""
  chroot: ""
  username: ""
  use-syslog: no
  num-threads: 1
  interface: 127.0.0.{number}
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
  val-bogus-ttl: 0
  trust-anchor-signaling: no
  ede: yes
  val-log-level: 2
  use-caps-for-id: yes
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  discard-timeout: 0
"""


@dataclass(frozen=True, slots=True)
class Resolver:
    """A throw-away Unbound that sends from the address of one perspective."""

    source: str
    address: str

    def ask(self, name: str, rdtype: str = "A", seconds: float = 10) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype, flags=dns.flags.RD | dns.flags.AD)
        query.use_edns(0)
        return dns.query.tcp(query, self.address, port=5300, timeout=seconds)

    def tries(self, name: str, rdtype: str = "A") -> bool:
        """Ask, and say whether any answer came in half a second."""
        try:
            self.ask(name, rdtype, seconds=0.5)
        except dns.exception.Timeout:
            return False
        return True


def _listens(address: str) -> bool:
    with socket.socket() as tcp:
        return tcp.connect_ex((address, 5300)) == 0


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    with Internet(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest.fixture(scope="module")
def resolvers(
    internet: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Resolver, Resolver]]:
    children, made = [], []
    for number in (1, 2):
        directory = tmp_path_factory.mktemp("unbound")
        resolver = Resolver(network.perspective_address(number), f"127.0.0.{number}")
        child = _start(directory, number, resolver, internet)
        child.wait_ready(lambda resolver=resolver: _listens(resolver.address))  # type: ignore[misc]
        children.append(child)
        made.append(resolver)
    yield made[0], made[1]
    for child in children:
        child.stop()


def _start(directory: Path, number: int, resolver: Resolver, internet: Internet) -> Child:
    config = directory / "unbound.conf"
    config.write_text(
        _CONFIG.format(
            directory=directory,
            number=number,
            source=resolver.source,
            hints=internet.root_hints_file,
            anchor=internet.trust_anchor_file,
        )
    )
    return Child(("unbound", "-d", "-p", "-c", str(config)), directory / "unbound.log")


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
