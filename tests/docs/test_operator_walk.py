"""A new operator's walk: deploy/README.md followed from top to bottom, on seven clean hosts.

    tests/run.sh -s tests/docs/test_operator_walk.py

prints every command and how long it took. Each host has its own network, file system and processes.
Not verbatim are: the values of ID and RIR and the name asked about, which are each host's own; what
tells the agents that the name servers of the test Internet have documentation addresses; and
`systemctl`, which is tests/world/systemctl.py. What needs the Internet (Debian's and Python's
packages) is found in place, unless MPIC_WALK_OUTSIDE=1, with which the first agent's host installs
it all for real.
"""

import os
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.world.hosts import Host, Place
from tests.world.internet import Internet
from tests.world.places import PLACES
from tests.world.process import wait_until

README = (Path(__file__).resolve().parents[2] / "deploy/README.md").read_text()
OUTSIDE = bool(os.environ.get("MPIC_WALK_OUTSIDE"))
PATIENCE = 90.0  # seconds for what was just started

_BLOCK = re.compile(r"<!-- on: (\w+) -->\n```sh\n(.*?)```", re.DOTALL)
_NEEDS_OUTSIDE = ("apt-get ", "python3 -m venv ", "/opt/mpic/bin/pip ")
_SETTING = re.compile(r"(export )?[A-Z_]+=\S+( [A-Z_]+=\S+)*")
_LAB = r"""sed -i 's/^# root_hints_file/root_hints_file/; s/^# ipv6 = true/ipv6 = false/;
s/^# \(lab_allow_special_purpose_servers\) = false/\1 = true/' /etc/mpic/agent.toml"""

_READ = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"

REGIONS = PLACES[:6]
OFFICE = Place("office", 6)


def read_blocks() -> dict[str, list[list[str]]]:
    """The blocks of commands by who types them, in the order of the page."""
    blocks: dict[str, list[list[str]]] = defaultdict(list)
    for role, text in _BLOCK.findall(README):
        blocks[role].append(text.splitlines())
    return blocks


BLOCKS = read_blocks()


def test_every_command_on_the_page_is_walked() -> None:
    shown = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    assert len(shown) == sum(map(len, BLOCKS.values()))
    assert {role: len(blocks) for role, blocks in BLOCKS.items()} == {
        "authority": 2, "agent": 3, "coordinator": 2, "caller": 1,
    }  # fmt: skip


def test_an_agent_is_installed_by_fewer_than_ten_commands() -> None:
    assert len([line for line in BLOCKS["agent"][0] if not _SETTING.fullmatch(line)]) < 10


class Walk:
    """Types blocks of commands on hosts, and keeps the time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.typed = 0

    def type(self, host: Host, lines: Sequence[str], values: str = "", **how: bool) -> str:
        """Type the commands of a block; returns what all of them printed."""
        settings, printed = [], []
        for line in lines:
            if _SETTING.fullmatch(line):
                settings.append(values or line)
            elif (OUTSIDE and host.place.number == 0) or not line.startswith(_NEEDS_OUTSIDE):
                printed.append(self._type_one(host, "\n".join([*settings, line]), **how))
            if line.endswith("/etc/mpic/agent.toml") and "sed" in line:
                assert host.run(_LAB).returncode == 0
        return "\n".join(printed)

    def _type_one(self, host: Host, script: str, *, patiently: bool = False) -> str:
        line = script.rpartition("\n")[2]
        script = f"export PATH=/opt/mpic/bin:$PATH COLUMNS=160\n{script}"
        started = time.monotonic()
        while True:
            done = host.run(script, outside=line.startswith(_NEEDS_OUTSIDE))
            took = time.monotonic() - started
            if done.returncode == 0 or not patiently or took > PATIENCE:
                break
            time.sleep(0.2)
        self.seconds += took
        self.typed += 1
        sys.stdout.write(f"{host.place.name:<13} {took:6.2f} s  {line}\n")
        if done.returncode:
            logs = host.run("tail -n 20 /run/walk/*.log || true").stdout
            pytest.fail(f"{host.place.name}: {line}\n{done.stdout}\n{done.stderr}\n{logs}")
        return done.stdout


@pytest.fixture
def hosts(internet: Internet, tmp_path: Path) -> Iterator[dict[str, Host]]:
    """One host for each region, the first with the coordinator, and an office."""
    places = [*(Place(one.id, number) for number, one in enumerate(REGIONS)), OFFICE]
    names = {f"{place.name}.example.net": place.address for place in places}
    names["coordinator.example.net"] = places[0].address
    programs = Path(sys.prefix)
    with ExitStack() as stack:
        booted = {}
        for place in places:
            in_place = None if OUTSIDE and place.number == 0 else programs
            host = stack.enter_context(Host(place, names, in_place))
            host.boot(internet, tmp_path)
            booted[place.name] = host
        yield booted


def test_the_walk_ends_with_an_approval(hosts: dict[str, Host]) -> None:
    walk, office = Walk(), hosts["office"]
    sys.stdout.write("\n")
    walk.type(office, BLOCKS["authority"][0])
    for place in REGIONS:
        host = hosts[place.id]
        host.take(office, "ca.pem", f"perspective-{place.id}.pem", f"perspective-{place.id}.key")
        values = f"ID={place.id} RIR={place.rir}"
        assert "0 errors" in walk.type(host, BLOCKS["agent"][0], values, patiently=True)
    primary = hosts[REGIONS[0].id]
    primary.take(office, "coordinator-main.pem", "coordinator-main.key")
    assert "0 errors" in walk.type(primary, BLOCKS["coordinator"][0], patiently=True)
    answer = walk.type(office, _with_name(BLOCKS["caller"][0]), patiently=True)
    assert "6 of 6 can be asked" in answer
    assert "APPROVED" in answer
    # The command waits for the last of them only for a second.
    assert "5/5" in answer or ("4/5" in answer and "NOT_AWAITED" in answer)
    for port in (8310, 8300):
        seen = primary.run(f"python3 -c '{_READ}' http://127.0.0.1:{port}/metrics").stdout
        assert "process_resident_memory_bytes " in seen  # the unit hides less than /proc/stat

    frankfurt = hosts["frankfurt"]
    shown = _certificate_of(primary, "frankfurt.example.net:7310")
    walk.type(office, BLOCKS["authority"][1])
    frankfurt.take(office, "perspective-frankfurt.pem", "perspective-frankfurt.key")
    walk.type(frankfurt, BLOCKS["agent"][1])
    wait_until(
        lambda: _certificate_of(primary, "frankfurt.example.net:7310") not in {shown, ""},
        60,
        lambda: f"still {shown}",
    )
    walk.type(frankfurt, BLOCKS["agent"][2])
    again = walk.type(office, _with_name(BLOCKS["caller"][0]), patiently=True)
    assert "6 of 6 can be asked" in again
    walk.type(primary, BLOCKS["coordinator"][1], patiently=True)
    sys.stdout.write(f"{walk.typed} commands on {len(hosts)} hosts: {walk.seconds:.1f} s\n")


def _certificate_of(host: Host, address: str) -> str:
    """The certificate shown at an address, as seen from a host; "" when none is."""
    fetch = f"openssl s_client -connect {address} </dev/null 2>/dev/null"
    return host.run(f"{fetch} | openssl x509 -noout -fingerprint || true").stdout


def _with_name(lines: Sequence[str]) -> list[str]:
    return [line.replace("www.example.com", "child.parent.example.co.jp") for line in lines]
