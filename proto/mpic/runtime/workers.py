"""Several worker processes behind one identity: one parent starts, watches and ends them.

Worker number n listens on the configured port plus n. The parent does nothing else, so that it has
no reason to fail. If it is killed, the kernel ends the workers.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress

import structlog

log = structlog.get_logger()

_RESTART_SECONDS = 1.0
_TO_PARENT = "MPIC_WORKER_STARTED"
"""The variable with the file descriptor by which a worker tells its parent that it serves."""


async def run_workers(command: Sequence[str], count: int) -> int:
    """Run `command --worker N` for each worker until a signal; return the exit code.

    A worker that ends is started again. If one ends before it ever served, all are ended and its
    exit code is returned: the mistake is in what all share.
    """
    parent = _Parent(command)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, parent.stop)
    loop.add_signal_handler(signal.SIGHUP, parent.reload)
    return max(await asyncio.gather(*(parent.keep(worker) for worker in range(count))))


def tell_started() -> None:
    """Tell the parent, where there is one, that this worker serves."""
    if descriptor := os.environ.pop(_TO_PARENT, ""):
        with suppress(OSError), os.fdopen(int(descriptor), "wb", buffering=0) as parent:
            parent.write(b"1")


def _was_told(descriptor: int) -> bool:
    """Whether a worker that has ended had told so; closes its pipe."""
    with os.fdopen(descriptor, "rb", buffering=0) as worker:
        return bool(worker.read(1))


class _Parent:
    """The workers that run, and whether they are to end."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let every worker end gracefully."""
        self._stopping.set()
        self._send(signal.SIGTERM)

    def reload(self) -> None:
        """Let every worker read its files again."""
        self._send(signal.SIGHUP)

    def _send(self, number: signal.Signals) -> None:
        for process in self._running.values():
            with suppress(ProcessLookupError):  # it has just ended
                process.send_signal(number)

    async def keep(self, worker: int) -> int:
        """Keep one worker running; return its exit code once all are to end."""
        has_started = False
        while True:
            code, started = await self._run(worker)
            has_started = has_started or started
            if self._stopping.is_set():
                return code if not has_started and code > 0 else 0
            log.error("worker_ended", worker=worker, code=code)
            if not has_started:
                self.stop()
                return code or 1
            await asyncio.wait(
                [asyncio.ensure_future(self._stopping.wait())], timeout=_RESTART_SECONDS
            )

    async def _run(self, worker: int) -> tuple[int, bool]:
        """Run a worker until it ends; return its exit code, and whether it ever served."""
        told, telling = os.pipe()
        os.set_blocking(told, False)
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "TERM", *self._command, "--worker", str(worker),
            pass_fds=(telling,), env={**os.environ, _TO_PARENT: str(telling)},
        )  # fmt: skip
        os.close(telling)
        self._running[worker] = process
        if self._stopping.is_set():
            process.terminate()
        code = await process.wait()
        del self._running[worker]
        return code, _was_told(told)
