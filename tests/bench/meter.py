"""What the programs of a deployment have used so far: CPU, memory, DNS queries.

CPU is user and system time of a process with all its threads, to the nanosecond (clock_gettime on
the process's own clock; /proc counts in steps of 10 ms).
"""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from perspective_agent.unbound.configuration import CONTROL_SOCKET
from tests.world.deployment import Deployment

_PAGE_MB = 4096 / 1e6
_COORDINATOR = "coordinator"


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds by process, workers of one program together; Unbounds as one."""

    programs: dict[str, float]
    resolvers: float

    @property
    def ours(self) -> float:
        return sum(self.programs.values())

    @property
    def coordinator(self) -> float:
        return self.programs[_COORDINATOR]

    def since(self, before: "Usage") -> "Usage":
        """Return what was used after `before`; a program started anew counts from its start."""
        used = {name: max(cpu - before.programs[name], 0.0) for name, cpu in self.programs.items()}
        return Usage(used, self.resolvers - before.resolvers)


def read_usage(deployment: Deployment) -> Usage:
    programs = {name: sum(map(cpu_of, pids)) for name, pids in _programs(deployment).items()}
    return Usage(programs, sum(map(cpu_of, _unbounds(deployment))))


def read_switches(deployment: Deployment) -> dict[str, int]:
    """Return how often each program has given up the CPU of itself so far, all its threads."""
    return {name: sum(map(_switches, pids)) for name, pids in _programs(deployment).items()}


def resident_mb(deployment: Deployment) -> dict[str, float]:
    """Return the resident memory of each program, of its largest worker; Unbounds apart."""
    return {name: max(map(_resident, pids)) for name, pids in _programs(deployment).items()}


def file_mb(deployment: Deployment) -> dict[str, float]:
    """Return how much of that is pages of files, code above all, which processes share."""
    return {name: max(map(_of_files, pids)) for name, pids in _programs(deployment).items()}


def dns_queries(deployment: Deployment, hung: str = "") -> int:
    """Return how many queries the agents' Unbounds have had so far, but that of one that hangs."""
    return sum(_queries(control) for control in _controls(deployment, hung))


def forget_zone(deployment: Deployment, zone: str) -> None:
    """Let every Unbound forget what it knows below a name, so that names are cold again."""
    for control in _controls(deployment):
        _tell(control, f"flush_zone {zone}")


def _programs(deployment: Deployment) -> dict[str, list[int]]:
    """Return the processes of each program, without Unbounds."""
    children = {_COORDINATOR: deployment.coordinator, **deployment.agents}
    return {
        name: [pid for pid in _family(child.pid) if not _is_unbound(pid)]
        for name, child in children.items()
    }


def _unbounds(deployment: Deployment, hung: str = "") -> Iterator[int]:
    for name, agent in deployment.agents.items():
        if name != hung:
            yield from filter(_is_unbound, _family(agent.pid))


def _controls(deployment: Deployment, hung: str = "") -> Iterator[Path]:
    for pid in _unbounds(deployment, hung):
        command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        yield Path(command[command.index("-c") + 1]).parent / CONTROL_SOCKET


def _queries(control: Path) -> int:
    counts = dict(line.split("=") for line in _tell(control, "stats_noreset") if "=" in line)
    return int(counts["total.num.queries"])


def _tell(control: Path, command: str) -> list[str]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(control))
        connection.sendall(f"UBCT1 {command}\n".encode())
        with connection.makefile() as reply:
            return reply.read().splitlines()


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all it has started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            for child in children.read_text().split():
                yield from _family(int(child))


def _is_unbound(pid: int) -> bool:
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/comm").read_text().strip() == "unbound"
    return False


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process so far; 0: it has ended."""
    with suppress(OSError):
        # The kernel's name for the CPU clock of another process, see clock_getcpuclockid(3).
        return time.clock_gettime((~pid << 3) | 2)
    return 0.0


def _switches(pid: int) -> int:
    """Return the voluntary switches of a process; the threads that have ended are left out."""
    lines = (
        line
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
    )
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))


def _resident(pid: int) -> float:
    return _pages_mb(pid, 1)


def _of_files(pid: int) -> float:
    return _pages_mb(pid, 2)


def _pages_mb(pid: int, field: int) -> float:
    """Return a field of /proc/PID/statm, see proc_pid_statm(5)."""
    with suppress(FileNotFoundError):
        return round(int(Path(f"/proc/{pid}/statm").read_text().split()[field]) * _PAGE_MB, 1)
    return 0.0
