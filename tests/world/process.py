"""A server as a child process: its log, its readiness, its certain end."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_STOP_SECONDS = 3.0
# Between two looks: so many times what the last took, in seconds.
_REST, _SHORTEST_REST, _LONGEST_REST = 9, 0.005, 0.1


class WorldError(Exception):
    """The world cannot be what a test asks for."""


def wait_until(ready: Callable[[], bool], seconds: float, explain: Callable[[], str]) -> None:
    """Return when `ready` says so; after `seconds` raise WorldError with the explanation.

    A wait that ends early costs nothing: the bound is for a machine that is slow, or stands still.
    Looking may take as much CPU as what is waited for, so it is done for a small part of the time.
    """
    deadline = time.monotonic() + seconds
    while True:
        looked = time.monotonic()
        if ready():
            return
        now = time.monotonic()
        if now > deadline:
            raise WorldError(explain())
        time.sleep(min(max(_REST * (now - looked), _SHORTEST_REST), _LONGEST_REST))


def plain_environment() -> dict[str, str]:
    """Return the environment without what this process has set up for itself in it.

    gRPC reads variables, and `mpic` sets one: a program that is tried must do so on its own.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("GRPC_")}


class Child:
    """A running program. The kernel kills it when the thread that started it ends.

    So start children from the main thread, all of them first, and wait for each afterwards.
    """

    def __init__(
        self,
        command: Sequence[str],
        log_file: Path,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it; its output goes to `log_file`. `setpriv` becomes the command, same pid."""
        self.command = list(command)
        self.log_file = log_file
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=plain_environment() if environment is None else environment,
                start_new_session=True,
            )

    def wait_ready(self, ready: Callable[[], bool], seconds: float = 60.0) -> None:
        """Return when `ready` says so; raises WorldError if it ends before, or time runs out."""
        wait_until(
            lambda: self._process.poll() is not None or ready(),
            seconds,
            lambda: self._report(f"is not ready after {seconds:g} s"),
        )
        if self._process.returncode is not None:
            raise WorldError(self._report(f"ended with code {self._process.returncode}"))

    def events(self, event: str) -> list[dict[str, Any]]:
        """Return the log's lines about an event; one that is being written does not count yet."""
        lines = self.log_file.read_text(errors="replace").splitlines(keepends=True)
        whole = [line for line in lines if line.startswith("{") and line.endswith("\n")]
        return [line for line in map(json.loads, whole) if line["event"] == event]

    @property
    def pid(self) -> int:
        """The process, and its group."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def is_running(self) -> bool:
        """Say whether it has not ended."""
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to whatever it started (SIGSTOP makes it a dead server)."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def stop(self) -> None:
        """End it, by force if it does not hurry."""
        if self.is_running():
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        self.signal(signal.SIGKILL)
        self._process.wait()

    def _report(self, problem: str) -> str:
        tail = self.log_file.read_text(errors="replace").splitlines()[-15:]
        return "\n".join((f"{' '.join(self.command)} {problem}:", *tail))
