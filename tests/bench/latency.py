"""What one check costs at concurrency 1: with all agents well, and with one of five stopped.

    unshare --net -- python -m tests.bench.latency [CHECKS]

Real programs, real BIND and Unbound, mutual TLS, everything on this machine; every name is new, so
nothing about it is in a cache. CPU is user and system time of coordinator and agents, without their
Unbounds.
"""

import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import Deployment
from tests.world.internet import Internet
from tests.world.process import Child


def main() -> None:
    """Measure and print a table."""
    checks = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    directory = Path(tempfile.mkdtemp(prefix="mpic-bench-"))
    with (
        Internet(directory / "internet") as internet,
        Deployment(directory, internet) as deployment,
        deployment.channel() as channel,
    ):
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        names = (f"host{number}.child.parent.example.co.jp" for number in count())
        measure(stub, names, deployment, 50)
        print(f"{'phase':<24}{'checks/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms/check':>14}")
        for phase in ("all well", "one of five stopped", "all well again"):
            stopped = deployment.agents["ashburn"]
            if phase == "one of five stopped":
                stopped.signal(signal.SIGSTOP)
            print(f"{phase:<24}{measure(stub, names, deployment, checks)}")
            stopped.signal(signal.SIGCONT)
            time.sleep(2)


def measure(
    stub: corroboration_pb2_grpc.CorroborationServiceStub,
    names: Iterator[str],
    deployment: Deployment,
    checks: int,
) -> str:
    """Ask so many questions one after the other; return the figures as a line."""
    programs = [deployment.coordinator, *deployment.agents.values()]
    cpu = sum(map(cpu_seconds, programs))
    started = time.perf_counter()
    times = []
    for number in range(checks):
        request = c.CorroborateRequest(request_id=f"bench-{number}", names=[next(names)])
        asked = time.perf_counter()
        response = stub.Corroborate(request, timeout=30)
        times.append((time.perf_counter() - asked) * 1000)
        if not response.approved:
            raise SystemExit(f"not approved: {response}")
    rate = checks / (time.perf_counter() - started)
    cpu = (sum(map(cpu_seconds, programs)) - cpu) * 1000 / checks
    p99 = statistics.quantiles(times, n=100)[98]
    return f"{rate:>10.0f}{statistics.median(times):>9.1f}{p99:>9.1f}{cpu:>14.1f}"


def cpu_seconds(child: Child) -> float:
    """Return user and system time of a process, its threads included, its children not."""
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    main()
