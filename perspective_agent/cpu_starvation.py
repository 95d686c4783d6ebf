"""Whether this agent and its resolver keep up with their work, checked four times a second.

A program that waits for events sleeps as soon as it has nothing left to do. The kernel counts how
often each thread went to sleep (proc(5), voluntary_ctxt_switches). A thread that has not slept for
a whole sample had work waiting all that time, for itself or for a CPU. Time in which it waits for a
domain's servers is sleep. So nobody outside can make it look busy, except by giving it work.

Time spent waiting for a CPU (proc(5), schedstat; cpu.pressure of a cgroup) says less. It grows if a
thread shares a CPU and keeps up. It does not grow if a thread has too much work or is stopped.

The agent itself has fallen behind if a sample takes twice as long as it should.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from perspective_agent.dns.overload_history import SAMPLE_SECONDS
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.unbound.control import UnboundControl

_PROC = Path("/proc")
_PID = re.compile(r"\(pid (\d+)\)")
_NAME = "unbound"
_ASLEEP = ("S", "I")
"""Not a stopped thread: it does not get to its work, whoever stopped it."""

Sleeps = Mapping[int, tuple[int, bool]]
"""By thread: how often it went to sleep, and whether it sleeps now."""


class CpuStarvation:
    """Watches a resolver, and notes in its overload history whether it kept up."""

    def __init__(self, resolver: ResolverLink, control: UnboundControl, proc: Path = _PROC) -> None:
        """Measure nothing yet."""
        self._resolver = resolver
        self._control = control
        self._proc = proc
        self._pid = 0
        self._sleeps: Sleeps = {}

    async def measure(self) -> None:
        """Wait for one sample, and note whether everything kept up with it."""
        start = time.perf_counter()
        await asyncio.sleep(SAMPLE_SECONDS)
        before, self._sleeps = self._sleeps, {}
        if self._resolver.in_flight:
            self._sleeps = self._read()
            if not self._sleeps:
                await self._find()
        end = time.perf_counter()
        is_late = end - start > 2 * SAMPLE_SECONDS
        is_on = is_late or ran_throughout(before, self._sleeps)
        self._resolver.overload_history.note(start, end, is_on=is_on)

    def _read(self) -> Sleeps:
        """Return what the kernel says; nothing if the process has ended or is hidden from us.

        It also returns nothing if the kernel says something else than Linux does: this watch must
        not end.
        """
        if not self._pid:
            return {}
        try:
            return read_sleeps(self._proc / str(self._pid))
        except (OSError, ValueError, IndexError):
            self._pid = 0
            return {}

    async def _find(self) -> None:
        """Find the resolver's process.

        A process in another PID namespace cannot be watched. Then only the time of its replies
        tells.
        """
        with suppress(OSError, ValueError):
            found = _PID.search(await self._control.command("status"))
            if found and _is_unbound(self._proc / found[1]):
                self._pid = int(found[1])


def read_sleeps(process: Path) -> Sleeps:
    """Read the sleeps of each thread of a process; raises OSError, ValueError, IndexError."""
    sleeps = {}
    for task in (process / "task").iterdir():
        text = (task / "status").read_text()
        count = text.partition("\nvoluntary_ctxt_switches:")[2].partition("\n")[0]
        state = text.partition("\nState:")[2].split(maxsplit=1)[0]
        sleeps[int(task.name)] = int(count), state in _ASLEEP
    return sleeps


def ran_throughout(before: Sleeps, after: Sleeps) -> bool:
    """Whether a thread has not slept between two readings. Pure."""
    return any(
        not is_asleep and before[thread][0] == count
        for thread, (count, is_asleep) in after.items()
        if thread in before
    )


def _is_unbound(process: Path) -> bool:
    with suppress(OSError):
        return (process / "comm").read_text().strip() == _NAME
    return False
