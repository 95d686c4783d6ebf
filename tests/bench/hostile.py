"""What one hostile agent of six costs a coordinator: memory, and time in which nobody is served.

    tests/bench/run.sh hostile

For each behaviour (`tests.world.fake_agent`) a question of one name, or of a hundred, is asked over
and over.

- `pause`: the longest time that the coordinator's own liveness page took meanwhile.
- `grown`: how much larger the resident memory of its process was at its peak than before.
- `answer`: how the question ended, and how many octets the answer had.
"""

import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import grpc

from mpic.v1 import corroboration_pb2 as c
from tests.world.deployment import COORDINATOR_ADMIN, Deployment, Plan
from tests.world.impostor import replaced
from tests.world.internet import Internet
from tests.world.requests import named

ONE = ["nothing-here.parent.example.co.jp"]
HUNDRED = [f"host{number}.parent.example.co.jp" for number in range(100)]
CASES: Sequence[tuple[str, Sequence[str]]] = (
    ("honest", ONE),
    ("nested", ONE),
    ("unknown-field", ONE),
    ("long-detail", ONE),
    ("empty-16-mib", ONE),
    ("empty-4-mib", ONE),
    ("many-times", ONE),
    ("honest", HUNDRED),
    ("large-set", HUNDRED),
)
TIMES = 5


class Watch(threading.Thread):
    """Looks at the coordinator from outside until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/statm")
        self.before = self._resident()
        self.peak = self.before
        self.pause = 0.0
        self.stopped = threading.Event()

    def _resident(self) -> float:
        """Return MiB."""
        return int(self._status.read_text().split()[1]) * 4096 / 2**20

    def run(self) -> None:
        while not self.stopped.is_set():
            started = time.perf_counter()
            with urllib.request.urlopen(f"http://{COORDINATOR_ADMIN}/livez", timeout=60):
                self.pause = max(self.pause, time.perf_counter() - started)
            self.peak = max(self.peak, self._resident())
            time.sleep(0.002)


def ask(deployment: Deployment, names: Sequence[str]) -> str:
    """Ask once; return how it ended."""
    request = c.CorroborateRequest(names=named(names), request_id=f"{time.time_ns()}")
    request.linger.FromSeconds(3)
    try:
        response = deployment.send(request)
    except grpc.RpcError as error:
        return f"{error.code().name}: {(error.details() or '')[:60]}"
    quorums = sorted({name.quorum for name in response.names})
    return f"{', '.join(quorums)} in {response.ByteSize():,} octets"


def main() -> None:
    """Print a row for each behaviour."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        with (
            Internet(root / "internet") as internet,
            Deployment(root, internet, Plan(lookup_timeout=20)) as deployment,
        ):
            print("| behaviour | names | pause | grown | answer |\n|---|---|---|---|---|")
            for behaviour, names in CASES:
                with replaced(deployment, behaviour, root / "fake.log"):
                    watch = Watch(deployment.coordinator.pid)
                    watch.start()
                    answers = [ask(deployment, names) for _ in range(TIMES)]
                    watch.stopped.set()
                    watch.join()
                pause, grown = watch.pause * 1000, watch.peak - watch.before
                print(
                    f"| {behaviour} | {len(names)} | {pause:.0f} ms | {grown:.0f} MiB"
                    f" | {answers[-1]} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
