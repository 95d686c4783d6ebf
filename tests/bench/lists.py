"""What `mpic ask --file` costs: rate, memory, and a run that is killed and gone on with.

    tests/bench/run.sh lists [LINES]

A list of a tenth of LINES (100,000) names runs to its end, then one of LINES. The second is killed
with SIGKILL at its half and gone on with. The service, its six agents and their resolvers are on
the same host. Every name is new; CAA and A of it are asked at all six.

- "Names a second" counts from the start of the command to its end.
- "Peak MB" is the most memory that the command had resident.
- Names that were under way when the command was killed are asked again under the same id. If they
  were decided by then, the record answers. So no name is approved twice, and none has two ids.
"""

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.names import NewHosts
from tests.bench.running import USUAL, running
from tests.world.deployment import COORDINATOR, COORDINATOR_ADMIN, MPIC, Deployment
from tests.world.pages import scrape
from tests.world.process import plain_environment

_LINES = 100_000
_LOOK_SECONDS = 0.2


@dataclass(slots=True)
class Run:
    """What one command came to."""

    seconds: float = 0.0
    peak_mb: float = 0.0
    status: int = 0
    said: str = ""


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else _LINES
    hosts = NewHosts()
    with running(USUAL) as (_, deployment):
        print(f"{'lines':>9}{'names a second':>16}{'peak MB':>10}{'status':>8}")
        few = _write_list(deployment.directory / "few.txt", hosts, lines // 10)
        _show(lines // 10, ask(deployment, few))
        many = _write_list(deployment.directory / "many.txt", hosts, lines)
        before = decided()
        killed = ask(deployment, many, kill_after=lines // 2)
        asked = decided() - before
        _show(int(asked), killed)
        again = ask(deployment, many)
        total = decided() - before
        _show(int(total - asked), again)
        told = _count_told(many.with_suffix(".jsonl"))
        print(f"{told} lines are told; {again.said.splitlines()[-1]}")
        several, twice = _read_record(deployment)
        print(f"names approved twice: {several}; asked under two ids: {twice}")


def ask(deployment: Deployment, file: Path, kill_after: int = 0) -> Run:
    """Ask about a list, and kill the command when so many names more are decided."""
    tls = deployment.caller_tls()
    files = ("--cert", tls.certificate, "--key", tls.private_key, "--ca", tls.authority)
    where = ("--server", COORDINATOR, "--server-name", "localhost", *map(str, files))
    output = file.with_suffix(".jsonl")
    command = [MPIC, "ask", *where, "--file", str(file), "--jsonl", "--output", str(output)]
    run, started, before = Run(), time.monotonic(), decided()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=plain_environment()
    ) as process:
        while process.poll() is None:
            run.peak_mb = max(run.peak_mb, _peak_mb(process.pid))
            if kill_after and decided() - before >= kill_after:
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(_LOOK_SECONDS)
        run.said = process.communicate()[1].decode()
    run.seconds, run.status = time.monotonic() - started, process.returncode
    return run


def decided() -> float:
    """Return how many names the coordinator has decided."""
    shown = scrape(COORDINATOR_ADMIN)
    return sum(value for key, value in shown.items() if key[0] == "mpic_verdicts_total")


def _write_list(file: Path, hosts: NewHosts, lines: int) -> Path:
    file.write_text("".join(f"{hosts.next()}\n" for _ in range(lines)))
    return file


def _peak_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peak[0]) / 1000 if peak else 0.0


def _show(lines: int, run: Run) -> None:
    rate = lines / run.seconds
    print(f"{lines:>9}{rate:>16.0f}{run.peak_mb:>10.1f}{run.status:>8}", flush=True)


def _count_told(output: Path) -> int:
    with output.open(encoding="ascii") as file:
        return sum(json.loads(line)["verdict"] == "approved" for line in file)


def _read_record(deployment: Deployment) -> tuple[int, int]:
    """Return how many names were approved twice, and how many asked under two request ids."""
    command = [MPIC, "record", "export", "--config", str(deployment.coordinator_file)]
    ids: dict[str, str] = {}
    decided_once: set[str] = set()
    several: set[str] = set()
    twice: set[str] = set()
    with subprocess.Popen(
        [*command, "--format", "csv"], stdout=subprocess.PIPE, text=True, env=plain_environment()
    ) as process:
        assert process.stdout is not None
        for row in process.stdout:
            _, request_id, _, _, _, approved, _, name, _ = row.split(",", 8)
            if approved == "true" and name in decided_once:
                several.add(name)
            if approved == "true":
                decided_once.add(name)
            if ids.setdefault(name, request_id) != request_id:
                twice.add(name)
    return len(several), len(twice)


if __name__ == "__main__":
    main()
