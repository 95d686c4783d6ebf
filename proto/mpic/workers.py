"""Several worker processes behind one identity: one parent that starts, watches and ends them.

Worker number n listens on the configured port plus n. The parent does nothing else, so that it has
no reason to fail; should it be killed, the kernel ends the workers.
"""

import asyncio
import signal
from collections.abc import Sequence

import structlog

log = structlog.get_logger()

# Who ends sooner after the start has not started: the mistake is in what all share.
_STARTED_SECONDS = 3.0
_RESTART_SECONDS = 1.0


async def run_workers(command: Sequence[str], count: int) -> int:
    """Run `command --worker N` for each worker until a signal; return the exit code.

    A worker that ends is started again. If one does not start at all, all are ended and its exit
    code is returned.
    """
    parent = _Parent(command)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, parent.stop)
    loop.add_signal_handler(signal.SIGHUP, parent.reload)
    return max(await asyncio.gather(*(parent.keep(worker) for worker in range(count))))


class _Parent:
    """The workers that run, and whether they are to end."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let every worker end gracefully."""
        self._stopping.set()
        for process in self._running.values():
            process.terminate()

    def reload(self) -> None:
        """Let every worker read its files again."""
        for process in self._running.values():
            process.send_signal(signal.SIGHUP)

    async def keep(self, worker: int) -> int:
        """Keep one worker running; return its exit code once all are to end."""
        loop = asyncio.get_running_loop()
        has_started = False
        while True:
            started = loop.time()
            code = await self._run(worker)
            if self._stopping.is_set():
                return code if not has_started and code > 0 else 0
            has_started = has_started or loop.time() - started > _STARTED_SECONDS
            log.error("worker_ended", worker=worker, code=code)
            if not has_started:
                self.stop()
                return code or 1
            await asyncio.wait(
                [asyncio.ensure_future(self._stopping.wait())], timeout=_RESTART_SECONDS
            )

    async def _run(self, worker: int) -> int:
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "TERM", *self._command, "--worker", str(worker)
        )
        self._running[worker] = process
        if self._stopping.is_set():
            process.terminate()
        code = await process.wait()
        del self._running[worker]
        return code
