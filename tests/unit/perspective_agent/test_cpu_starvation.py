"""Whether the resolver keeps up: a thread that does not go to sleep, by a kernel's account."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from perspective_agent.cpu_starvation import CpuStarvation, ran_throughout, read_sleeps
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.unbound.control import UnboundControl

PID, OTHER = 4711, 4712


class Control(UnboundControl):
    """Says under which process id it runs."""

    def __init__(self, pid: int = PID) -> None:
        super().__init__(Path("/run/control"))
        self.pid = pid
        self.asked = 0

    async def command(self, command: str) -> str:
        assert command == "status"
        self.asked += 1
        return f"version: 1.17.1\nverbosity: 0\nunbound (pid {self.pid}) is running...\n"


class Kernel:
    """A /proc with one process."""

    def __init__(self, root: Path, name: str = "unbound") -> None:
        self.root = root
        self.tell(PID, 10, "S (sleeping)")
        (root / str(PID) / "comm").write_text(f"{name}\n")

    def tell(self, thread: int, sleeps: int, state: str) -> None:
        task = self.root / str(PID) / "task" / str(thread)
        task.mkdir(parents=True, exist_ok=True)
        (task / "status").write_text(
            f"Name:\tunbound\nState:\t{state}\nThreads:\t1\n"
            f"voluntary_ctxt_switches:\t{sleeps}\nnonvoluntary_ctxt_switches:\t99\n"
        )


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a beat take no time, and none be late."""
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda _seconds: sleep(0))


def busy() -> ResolverLink:
    """Return a resolver with a lookup that nobody answers."""
    resolver = ResolverLink(("127.0.0.1", 9), connections=0)
    resolver.ask(LookupTarget("www.example.test", 1), lambda *_: None)
    return resolver


async def feel(one: CpuStarvation, resolver: ResolverLink) -> bool:
    await one.measure()
    return resolver.overload_history.is_on


async def test_who_does_not_sleep_is_strained(tmp_path: Path) -> None:
    kernel, resolver, control = Kernel(tmp_path), busy(), Control()
    one = CpuStarvation(resolver, control, tmp_path)
    assert not await feel(one, resolver)  # whose process it is
    assert not await feel(one, resolver)  # from where on to count
    kernel.tell(PID, 10, "R (running)")
    assert await feel(one, resolver)
    assert await feel(one, resolver)
    kernel.tell(PID, 11, "R (running)")
    assert not await feel(one, resolver)
    assert control.asked == 1


@pytest.mark.parametrize(
    ("state", "is_on"),
    [("S (sleeping)", False), ("R (running)", True), ("T (stopped)", True), ("D (disk)", True)],
)
async def test_who_waits_for_the_network_is_not(tmp_path: Path, state: str, *, is_on: bool) -> None:
    kernel, resolver = Kernel(tmp_path), busy()
    one = CpuStarvation(resolver, Control(), tmp_path)
    for _ in range(2):
        await feel(one, resolver)
    kernel.tell(PID, 10, state)
    assert await feel(one, resolver) is is_on


async def test_without_lookups_nobody_looks(tmp_path: Path) -> None:
    Kernel(tmp_path).tell(PID, 10, "R (running)")
    resolver, control = ResolverLink(("127.0.0.1", 9)), Control()
    one = CpuStarvation(resolver, control, tmp_path)
    assert not any([await feel(one, resolver) for _ in range(4)])
    assert not control.asked


async def test_each_thread_must_sleep(tmp_path: Path) -> None:
    kernel, resolver = Kernel(tmp_path), busy()
    kernel.tell(OTHER, 20, "S (sleeping)")
    one = CpuStarvation(resolver, Control(), tmp_path)
    for _ in range(2):
        await feel(one, resolver)
    kernel.tell(OTHER, 20, "R (running)")
    assert await feel(one, resolver)


async def test_one_that_is_started_again_is_found_again(tmp_path: Path) -> None:
    kernel, resolver, control = Kernel(tmp_path), busy(), Control()
    one = CpuStarvation(resolver, control, tmp_path)
    for _ in range(2):
        await feel(one, resolver)
    (tmp_path / str(PID)).rename(tmp_path / str(OTHER))
    control.pid = OTHER
    assert not await feel(one, resolver)
    assert not await feel(one, resolver)
    kernel.root.joinpath(str(OTHER), "task", str(PID), "status").write_text(
        "Name:\tunbound\nState:\tR (running)\nvoluntary_ctxt_switches:\t10\n"
    )
    assert await feel(one, resolver)


@pytest.mark.parametrize("status", ["", "State:\n", "Name:\tunbound\nState:\tR (running)\n"])
async def test_a_kernel_that_does_not_count_is_endured(tmp_path: Path, status: str) -> None:
    Kernel(tmp_path)
    (tmp_path / str(PID) / "task" / str(PID) / "status").write_text(status)
    resolver = busy()
    one = CpuStarvation(resolver, Control(), tmp_path)
    assert not any([await feel(one, resolver) for _ in range(4)])


async def test_a_process_of_another_name_is_none(tmp_path: Path) -> None:
    """It is another's, in whose PID namespace the number means something else."""
    Kernel(tmp_path, "postgres").tell(PID, 10, "R (running)")
    resolver, control = busy(), Control()
    one = CpuStarvation(resolver, control, tmp_path)
    assert not any([await feel(one, resolver) for _ in range(4)])
    assert control.asked == 4


async def test_a_beat_that_takes_twice_its_time_is_strain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = ResolverLink(("127.0.0.1", 9))
    clock = iter([100.0, 100.51, 200.0, 200.49])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    one = CpuStarvation(resolver, Control(), tmp_path)
    assert [await feel(one, resolver) for _ in range(2)] == [True, False]


def test_this_process_is_read_too() -> None:
    sleeps = read_sleeps(Path("/proc") / str(os.getpid()))
    assert os.getpid() in sleeps
    assert not ran_throughout({}, sleeps)
