"""One BIND on one address, authoritative for some zones, whose texts can be replaced live.

One process for each address: a server that knows parent and child never shows the delegation.
"""

import signal
from collections.abc import Iterable
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rdataclass
import dns.rdatatype

from tests.world.process import Child, WorldError
from tests.world.signing import Signer
from tests.world.zones import Zone

_OPTIONS = """\
options {{
  directory "{directory}"; pid-file "named.pid"; session-keyfile "session.key";
  managed-keys-directory "{directory}";
  listen-on port 53 {{ {address}; }}; listen-on-v6 {{ none; }};
  recursion no; allow-query {{ any; }}; dnssec-validation no; notify no; empty-zones-enable no;
}};
controls {{ }};
"""
_ZONE = 'zone "{name}" {{ type primary; file "{file}"; }};\n'


class Authority:
    """A running BIND. `start` does not wait, so that several can start together."""

    def __init__(
        self, address: str, zones: Iterable[Zone], signer: Signer, directory: Path
    ) -> None:
        """Start nothing yet; everything is kept in `directory`."""
        self.address = address
        self._zones = tuple(zones)
        self._signer = signer
        self._directory = directory
        self._serials: dict[str, int] = {}
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The process (to stop and continue it by signals)."""
        if self._child is None:
            raise WorldError(f"the server on {self.address} is not started")
        return self._child

    def start(self) -> None:
        """Write zones and configuration, and start."""
        self._directory.mkdir(parents=True)
        config = _OPTIONS.format(directory=self._directory, address=self.address)
        for zone in self._zones:
            self._write(zone)
            config += _ZONE.format(name=zone.name, file=_file_name(zone))
        file = self._directory / "named.conf"
        file.write_text(config)
        command = ("named", "-g", "-4", "-n", "1", "-X", "none", "-c", str(file))
        self._child = Child(command, self._directory / "named.log")

    def wait_ready(self) -> None:
        """Return when every zone is answered."""
        self.child.wait_ready(lambda: all(map(self._is_served, self._serials)))

    def serves(self, zone: Zone) -> bool:
        """Say whether it is authoritative for a zone of this name."""
        return zone.name in self._serials

    def replace(self, zone: Zone) -> None:
        """Serve another text (or signing) of a zone; returns when it is answered."""
        if not self.serves(zone):
            raise WorldError(f"{self.address} does not serve {zone.name}")
        self._write(zone)
        self.child.signal(signal.SIGHUP)
        self.child.wait_ready(lambda: self._is_served(zone.name))

    def stop(self) -> None:
        """End it."""
        if self._child is not None:
            self._child.stop()

    def _write(self, zone: Zone) -> None:
        next_serial = self._serials.get(zone.name, 0) + 1
        text, self._serials[zone.name] = self._signer.zone_file(zone, next_serial)
        (self._directory / _file_name(zone)).write_text(text)

    def _is_served(self, name: str) -> bool:
        query = dns.message.make_query(name, dns.rdatatype.SOA)
        try:
            answer = dns.query.udp(query, self.address, timeout=0.2)
        except (OSError, dns.exception.Timeout):
            return False
        soa = answer.get_rrset(
            answer.answer, query.question[0].name, dns.rdataclass.IN, dns.rdatatype.SOA
        )
        return soa is not None and soa[0].serial == self._serials[name]


def _file_name(zone: Zone) -> str:
    return f"{zone.name.strip('.') or 'root'}.zone"
