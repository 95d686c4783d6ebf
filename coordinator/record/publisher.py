"""Writes the heads of a chain to places that nobody on this machine can change.

A head goes to the program's log, and to a file if one is configured. It is written when the chain
has moved, and now and then when it has not. It is what this process has made durable itself, not
what the store says later. Each process writes only the head of its own chain. Of other chains it
knows only what is in the store, and that is what is to be verified.

Nothing waits for this, and if it fails nothing else does. The file may be on another host with a
disk that hangs. So a thread writes it, and nothing waits for that thread without end, not even at
shutdown.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from coordinator.record.chain import Head
from coordinator.record.heads import EVENT, KeptHead, encode_head, is_due, word_head
from coordinator.record.timestamps import to_us
from coordinator.record.writer import Clock
from mpic.runtime.log_sink import SINK
from mpic.runtime.logs import write_always
from mpic.runtime.problem import explain_os_error

log = structlog.get_logger()

_PATIENCE_SECONDS = 5.0
"""How long a head may take to be in the file."""
_MODE = 0o640


class HeadPublisher:
    """Writes the head of one chain, as often as it is told."""

    def __init__(
        self, find_head: Callable[[], Head], file: Path | None, every: float, clock: Clock
    ) -> None:
        """Write nothing yet."""
        self._find_head, self._every, self._clock = find_head, every, clock
        self._file = HeadsFile(file) if file is not None else None
        self._logged: KeptHead | None = None
        self._filed: KeptHead | None = None
        self._running: asyncio.Task[None] | None = None
        self.failure = ""
        """Why the last head is not in the file; "" when it is."""
        self.heads = {True: 0, False: 0}
        """How many were written to the file, and how many could not be."""

    def start(self) -> None:
        """Write now, and from now on."""
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write the last head, even if it has not moved: it tells when this process ended."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        self._logged = self._filed = None
        await self.publish()

    async def publish(self) -> None:
        """Write the head where it is due."""
        now_us = to_us(self._clock())
        kept = KeptHead(self._find_head(), now_us, is_own=True)
        if is_due(kept.head, self._logged, now_us):
            lost = SINK.lost
            write_always(EVENT, **word_head(kept.head, now_us))
            self._logged = kept if SINK.lost == lost else None
        if self._file is not None and is_due(kept.head, self._filed, now_us):
            await self._put(self._file, kept)

    async def _run(self) -> None:
        while True:
            await self.publish()
            await asyncio.sleep(self._every)

    async def _put(self, file: "HeadsFile", kept: KeptHead) -> None:
        line = encode_head(kept.head, kept.noted_at_us, is_own=True)
        try:
            await file.append(line)
        except OSError as error:
            self.heads[False] += 1
            what, mend = explain_os_error(error)
            if what != self.failure:
                facts = {"file": str(file.path), "error": what, "mend": mend}
                log.error("record_head_not_kept", **facts)  # noqa: TRY400 - it says all
            self.failure = what
            return
        self.heads[True] += 1
        self._filed = kept
        if self.failure:
            self.failure = ""
            log.info("record_heads_kept_again", file=str(file.path))


class HeadsFile:
    """A file that lines are added to, also by other processes."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self.path = path
        self._is_torn = True
        """Whether the file may end within a line: another process may have been killed there."""
        self._under_way: asyncio.Future[None] | None = None

    async def append(self, line: str) -> None:
        """Return once a line is durable; raises OSError, TimeoutError among them."""
        if self._under_way is not None:
            await _wait_for(self._under_way)
        start, self._is_torn = "\n" if self._is_torn else "", True
        self._under_way = _in_thread(lambda: append_durably(self.path, f"{start}{line}\n"))
        await _wait_for(self._under_way)
        self._under_way.result()
        self._is_torn = False


def append_durably(path: Path, text: str) -> None:
    """Add text to the end of a file, and make the file if there is none; raises OSError.

    It is one write, so that the lines of several processes do not mix.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, _MODE)
    try:
        data = text.encode()
        if os.write(descriptor, data) != len(data):
            raise OSError("there is no room for the whole line")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _wait_for(writing: "asyncio.Future[None]") -> None:
    """Wait until a line is written or has failed; raises TimeoutError."""
    done, _ = await asyncio.wait([writing], timeout=_PATIENCE_SECONDS)
    if not done:
        raise TimeoutError(f"a line is not written after {_PATIENCE_SECONDS:g} s")


def _in_thread(call: Callable[[], None]) -> "asyncio.Future[None]":
    """Call in a thread; the program does not wait for it when it ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def settle(error: OSError | None) -> None:
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
            future.exception()  # nobody may be waiting for it any more

    def work() -> None:
        error = None
        try:
            call()
        except OSError as raised:
            error = raised
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, error)

    try:
        threading.Thread(target=work, name="record-heads", daemon=True).start()
    except RuntimeError as error:
        raise OSError(str(error)) from error
    return future
