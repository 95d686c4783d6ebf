"""The whole test Internet: up in well under a second, changed while it runs, gone at the end.

with Internet(directory) as internet:
    ...                                    # Unbound with internet.trust_anchor_file, from
                                           # network.perspective_address(2)
    divert(perspective_address(2), AUTHORITATIVE, LIAR)      # a hijack that one sees
    internet.replace(zones.UPKI_WITHOUT_CHILD)               # an administrator edits his zone
"""

import sys
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import dns.exception
import dns.message
import dns.name
import dns.query

from tests.world import network, zones
from tests.world.authority import Authority
from tests.world.process import Child, WorldError
from tests.world.signing import Signer

_REPOSITORY = Path(__file__).resolve().parents[2]


class Internet:
    """Root, top level, authoritative servers, a liar and a misbehaving server."""

    def __init__(self, directory: Path) -> None:
        """Start nothing yet; zone files, keys and logs are kept in `directory`."""
        honest = (
            (network.ROOT, zones.ROOT_ZONES),
            (network.TLD, zones.TLD_ZONES),
            (network.AUTHORITATIVE, zones.AUTHORITATIVE_ZONES),
        )
        signer = Signer(
            frozenset(
                dns.name.from_text(zone.name)
                for _, served in honest
                for zone in served
                if zone.signing is not zones.Signing.UNSIGNED
            )
            | {dns.name.from_text(zones.LAME_SIGNED)}
        )
        self._directory = directory
        self._signer = signer
        self._authorities = {
            address: Authority(address, served, signer, directory / address)
            for address, served in (*honest, (network.LIAR, zones.LYING_ZONES))
        }
        self._hostile: list[Child] = []

    @property
    def trust_anchor_file(self) -> Path:
        """The root's DNSKEY, for Unbound's `trust-anchor-file`."""
        return self._directory / "root.anchor"

    @property
    def root_hints_file(self) -> Path:
        """Where the root server is, for Unbound's `root-hints`."""
        return self._directory / "root.hints"

    def start(self) -> None:
        """Bring up the addresses and all servers; returns when all answer."""
        numbers = range(network.PERSPECTIVES)
        addresses = map(network.perspective_address, numbers)
        addresses6 = map(network.perspective_address6, numbers)
        network.bring_up((*network.SERVERS, *addresses, *addresses6))
        self._directory.mkdir(parents=True, exist_ok=True)
        self.trust_anchor_file.write_text(self._signer.trust_anchor())
        self.root_hints_file.write_text(zones.ROOT_HINTS)
        self._hostile = [self._start_hostile(one) for one in (network.HOSTILE, network.HEAVY)]
        for authority in self._authorities.values():
            authority.start()
        for authority in self._authorities.values():
            authority.wait_ready()
        for child, address in zip(self._hostile, (network.HOSTILE, network.HEAVY), strict=True):
            child.wait_ready(partial(_hostile_answers, address))

    def stop(self) -> None:
        """End every hijack and every server."""
        for authority in self._authorities.values():
            authority.stop()
        if self._hostile:  # the network is up and ours
            for child in self._hostile:
                child.stop()
            network.restore_all()
            network.heal()

    def _start_hostile(self, address: str) -> Child:
        command = (sys.executable, "-m", "tests.world.misbehaving", address, zones.HOSTILE_ZONE)
        # What is late is to be late on purpose, however much this machine has to do.
        return Child(
            ("nice", "--adjustment=-10", *command),
            self._directory / f"misbehaving-{address}.log",
            _REPOSITORY,
        )

    def __enter__(self) -> Self:
        """Start; what was started before a failure is stopped."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def server(self, address: str) -> Authority:
        """Return the BIND on an address: `network.ROOT`, `TLD`, `AUTHORITATIVE` or `LIAR`."""
        return self._authorities[address]

    def replace(self, zone: zones.Zone) -> None:
        """Let the honest server of a zone serve this text of it from now on."""
        for address, authority in self._authorities.items():
            if address != network.LIAR and authority.serves(zone):
                authority.replace(zone)
                return
        raise WorldError(f"no server is authoritative for {zone.name}")

    def tell_lie(self, zone: zones.Zone) -> None:
        """Let the liar serve this text of a zone that he serves (see `zones.lie`)."""
        self._authorities[network.LIAR].replace(zone)


def _hostile_answers(address: str) -> bool:
    query = dns.message.make_query(f"healthy.{zones.HOSTILE_ZONE}", "A")
    try:
        dns.query.udp(query, address, timeout=0.2)
    except (OSError, dns.exception.Timeout):
        return False
    return True
