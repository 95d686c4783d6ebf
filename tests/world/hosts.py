"""Hosts of their own: each with its network, its processes, and what is written on it.

A host reads this machine's files; what it writes to them is its own and gone with it. It hangs on
the network of the test Internet, which must run already, by a cable of its own.
"""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.world.internet import Internet
from tests.world.process import Child

_REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = "/mnt/source"
"""Where a host has this source."""

# Process 1 of a host, in mount, network and process namespaces of its own. Arguments: this source,
# what to find at /opt/mpic, a directory with its hosts, root.key and root.hints.
_BOOT = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
cp -r "$3" /mnt/seed
lay() {
    mkdir -p "/mnt/$3/upper" "/mnt/$3/work" "$2"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=/mnt/$3/upper,workdir=/mnt/$3/work" "$2"
}
lay "$1" /mnt/source source
for place in etc opt root usr var; do lay /$place /$place $place; done
mkdir -p /opt/mpic
[ -z "$2" ] || mount --bind "$2" /opt/mpic
mkdir /mnt/project
mount --bind "$1" /mnt/project
echo "$1" >/mnt/project-place
for place in /run /tmp; do mount -t tmpfs -o mode=1777 tmpfs $place; done
# Programs name their interpreter by its whole path, which may lead through what was just covered.
[ -e "$1" ] || { mkdir -p "$1"; mount --bind /mnt/project "$1"; }  # as in systemctl.py
cat /mnt/seed/hosts >>/etc/hosts
rm -f /etc/resolv.conf
echo "nameserver 127.0.0.1" >/etc/resolv.conf  # where nobody is: refused at once
cp /mnt/seed/root.key /mnt/seed/root.hints /usr/share/dns/
rm -f /usr/bin/systemctl
printf '#!/bin/sh\\nexec python3 /mnt/source/tests/world/systemctl.py "$@"\\n' >/usr/bin/systemctl
chmod +x /usr/bin/systemctl
echo booted
exec sleep infinity
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A host's name, and its number, from which its address follows."""

    name: str
    number: int

    @property
    def address(self) -> str:
        return f"198.18.{100 + self.number}.10"


class Host:
    """A running host."""

    def __init__(self, place: Place, hosts: Mapping[str, str], programs: Path | None) -> None:
        """Start nothing yet.

        `hosts` are addresses by name for its /etc/hosts; `programs` is what it finds at /opt/mpic.
        """
        self.place = place
        self._hosts = hosts
        self._programs = programs
        self._child: Child | None = None

    def boot(self, internet: Internet, directory: Path) -> None:
        """Start it and put its cable in; returns when it can be worked on."""
        seed = directory / f"seed-{self.place.name}"
        seed.mkdir()
        (seed / "hosts").write_text("".join(f"{a} {name}\n" for name, a in self._hosts.items()))
        (seed / "root.key").write_bytes(internet.trust_anchor_file.read_bytes())
        (seed / "root.hints").write_bytes(internet.root_hints_file.read_bytes())
        log = directory / f"host-{self.place.name}.log"
        unshare = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
        arguments = (str(_REPOSITORY), str(self._programs or ""), str(seed))
        self._child = Child((*unshare, "bash", "-c", _BOOT, "boot", *arguments), log)
        self._child.wait_ready(lambda: "booted" in log.read_text())
        self._plug_in()

    def run(self, script: str, *, outside: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a script in the source's directory; `outside` with the real machine's network."""
        net = f"--net=/proc/{_outer_process()}/ns/net" if outside else "--net"
        enter = ("nsenter", f"--target={self._pid()}", "--mount", "--pid", net)
        command = (*enter, "env", "-C", SOURCE, "bash", "-euo", "pipefail", "-c", script)
        # What this run has set for its own Python does not hold there.
        clean = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, env=clean
        )

    def take(self, other: "Host", *files: str) -> None:
        """Bring files of pki/ from another host."""
        packed = other.run(f"tar -C pki -c {' '.join(files)} | base64").stdout
        done = self.run(f"mkdir -p pki && base64 -d <<<'{packed}' | tar -C pki -x")
        assert done.returncode == 0, done.stderr

    def _pid(self) -> int:
        """Return process 1 of the host as this machine counts it."""
        assert self._child is not None
        pid = self._child.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def _plug_in(self) -> None:
        cable, gateway = f"walk{self.place.number}", f"198.18.{100 + self.place.number}.1"
        _ip(f"link add {cable} type veth peer name eth0 netns {self._pid()}")
        _ip(f"address add {gateway}/24 dev {cable}", f"link set {cable} up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        done = self.run(
            f"ip link set lo up; ip address add {self.place.address}/24 dev eth0;"
            f" ip link set eth0 up; ip route add default via {gateway}"
        )
        assert done.returncode == 0, done.stderr

    def halt(self) -> None:
        """Pull the cable and end every process."""
        cable = f"walk{self.place.number}"
        subprocess.run(["ip", "link", "delete", cable], capture_output=True, check=False)
        if self._child is not None:
            with suppress(ProcessLookupError, IndexError, FileNotFoundError):  # it is gone already
                os.kill(self._pid(), signal.SIGKILL)  # and with process 1 all others
            self._child.stop()

    def __enter__(self) -> Self:
        """Halt it in the end, wherever it has got to."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.halt()


def _outer_process() -> int:
    """Return the nearest process this one descends from that is in a network with others."""
    pid, own = os.getpid(), Path("/proc/self/ns/net").readlink()
    while Path(f"/proc/{pid}/ns/net").readlink() == own or _is_alone(pid):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


def _is_alone(pid: int) -> bool:
    """Say whether the network of a process has `lo` alone."""
    _, _, *interfaces = Path(f"/proc/{pid}/net/dev").read_text().splitlines()
    return len(interfaces) == 1


def _ip(*lines: str) -> None:
    text = "\n".join(lines) + "\n"
    subprocess.run(["ip", "-batch", "-"], input=text, text=True, check=True, capture_output=True)
