"""How much of our source one warm check enters, in the coordinator and in one agent.

    tests/bench/run.sh path [--list]

It prints how many files and functions of ours are entered. `--list` prints which ones, in the order
of first entry. A function counts if each of several checks enters it, so that work on a timer does
not count. The resolvers know the answers already.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from mpic.v1 import corroboration_pb2 as c
from tests.bench.names import CHILD
from tests.bench.running import USUAL
from tests.world.deployment import Deployment
from tests.world.internet import Internet
from tests.world.process import Child, wait_until
from tests.world.requests import named

_WARM_UP = 20
_CHECKS = 8
# What a check leaves to be done after its answer: agents still report, and are told to stop.
_REST_SECONDS = 0.06

Function = tuple[str, str]
"""File and qualified name."""


class TracedDeployment(Deployment):
    """A deployment whose programs write down what they enter."""

    def start_program(self, program: str, file: Path) -> Child:
        entered = ("-m", "tests.bench.entered", str(file.with_suffix(".entered")))
        command = (sys.executable, *entered, program, "--config", str(file))
        return Child(command, self.directory / f"{file.stem}.log")

    def check(self) -> None:
        """Ask for a name once, as a caller does."""
        request = c.CorroborateRequest(request_id=uuid.uuid4().hex, names=named([f"www.{CHILD}"]))
        if not self.send(request).approved:
            raise SystemExit("a check was not approved")


class Traced:
    """One of its programs."""

    def __init__(self, child: Child, file: Path) -> None:
        self._child = child
        self._file = file.with_suffix(".entered")
        self._file.touch()

    def start(self) -> None:
        os.kill(self._child.pid, signal.SIGUSR1)
        wait_until(lambda: not self._file.exists(), 10, lambda: "it does not begin")

    def stop(self) -> Sequence[Function]:
        os.kill(self._child.pid, signal.SIGUSR2)
        wait_until(self._file.exists, 10, lambda: "it does not end")
        return [(file, function) for file, function in json.loads(self._file.read_text())]


def trace(deployment: TracedDeployment) -> dict[str, list[Function]]:
    """Return what one check enters in the coordinator and in the first remote agent."""
    agent = deployment.plan.places[1].id
    traced = {
        "coordinator": Traced(deployment.coordinator, deployment.coordinator_file),
        "agent": Traced(deployment.agents[agent], deployment.agent_file(agent)),
    }
    for _ in range(_WARM_UP):
        deployment.check()
    rounds = []
    for _ in range(_CHECKS):
        for one in traced.values():
            one.start()
        deployment.check()
        time.sleep(_REST_SECONDS)
        rounds.append({program: one.stop() for program, one in traced.items()})
    return {program: in_each([one[program] for one in rounds]) for program in traced}


def in_each(rounds: Sequence[Sequence[Function]]) -> list[Function]:
    """Return what is in every round, in the order of the last."""
    common = set(rounds[0]).intersection(*rounds)
    return [function for function in rounds[-1] if function in common]


def show(program: str, entered: Sequence[Function], *, listed: bool) -> None:
    """Print the counts of one program, and the functions by file if wanted."""
    files = list(dict.fromkeys(file for file, _ in entered))
    print(f"{program:<12}{len(files):>6} files{len(entered):>6} functions")
    if listed:
        for file in files:
            print(f"  {file}")
            for function in (name for at, name in entered if at == file):
                print(f"      {function}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print files and functions, too")
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="mpic-bench-"))
    with (
        Internet(directory / "internet") as internet,
        TracedDeployment(directory, internet, USUAL) as deployment,
    ):
        deployment.wait_ready()
        for program, entered in trace(deployment).items():
            show(program, entered, listed=arguments.list)


if __name__ == "__main__":
    main()
