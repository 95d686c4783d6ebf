"""Starts a private Unbound on loopback, and starts it again whenever it ends.

Nobody else uses it. So its cache belongs to this perspective alone (BR 3.2.2.9: nothing is shared
between perspectives). What it says of DNSSEC reaches the agent only over loopback (RFC 8657 section
5.6).
"""

import asyncio
import re
import shutil
import socket
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from perspective_agent.unbound.configuration import CONTROL_SOCKET, UnboundOptions, unbound_config
from perspective_agent.unbound.servfail import ServfailLog

log = structlog.get_logger()

# Options that some versions do not know; `unbound-checkconf` decides.
_IF_KNOWN = (
    # Without this, Debian's Unbound silently drops every answer that took over 1.9 s.
    "discard-timeout: 0",
    # The agent is its only client and bounds what it asks.
    "wait-limit: 0",
)

# What it does without at its start, and goes on.
_COMPLAINT = re.compile(r"\b(warning|error): ")

_START_SECONDS = 10.0
_RESTART_SECONDS = (0.2, 1.0, 5.0)


class UnboundError(Exception):
    """Unbound is missing, refuses its configuration, or does not start."""


@dataclass(slots=True)
class PrivateUnbound:
    """An Unbound child process that is started again whenever it ends."""

    options: UnboundOptions
    address: tuple[str, int] = ("127.0.0.1", 0)
    version: str = ""
    servfails: ServfailLog = field(default_factory=ServfailLog)
    """Why its lookups failed."""
    _directory: Path | None = None
    _process: asyncio.subprocess.Process | None = None
    _watch: asyncio.Task[None] | None = None
    _tail: list[str] = field(default_factory=list)

    async def start(self) -> None:
        """Start it and wait until it listens; raises UnboundError."""
        if shutil.which(self.options.executable) is None:
            raise UnboundError(
                f"{self.options.executable} is not installed: install the package `unbound`,"
                " or set [resolver] mode to use one that runs beside the agent"
            )
        self.address = ("127.0.0.1", self.options.port or _free_port())
        self.version = await self._read_version()
        self._directory = Path(tempfile.mkdtemp(prefix="mpic-unbound-"))
        await self._write_config()
        await self._spawn()
        self._watch = asyncio.create_task(self._restart_for_ever())

    @property
    def control_socket(self) -> Path:
        """Where it takes commands."""
        assert self._directory is not None  # noqa: S101 - made by `start`
        return self._directory / CONTROL_SOCKET

    async def stop(self) -> None:
        """End it and remove its files."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            await self._process.wait()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def kill(self) -> None:
        """End one that hangs; another is started in its place."""
        if self._process is not None and self._process.returncode is None:
            log.error("unbound_killed", pid=self._process.pid, reason="it hangs")
            self._process.kill()

    async def _read_version(self) -> str:
        text = await self._run(self.options.executable, "-V")
        return text.splitlines()[0].replace("Version", "Unbound").strip()

    async def _run(self, *command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise UnboundError(f"{' '.join(command)}: {output.decode(errors='replace').strip()}")
        return output.decode(errors="replace")

    async def _write_config(self) -> None:
        """Write the configuration with all optional lines this version knows."""
        assert self._directory is not None  # noqa: S101 - made by `start`
        file = self._directory / "unbound.conf"
        base = unbound_config(self.options, self.address[1], self._directory)
        known = []
        for line in _IF_KNOWN:
            file.write_text(base + f"  {line}\n")
            with suppress(UnboundError):
                await self._run("unbound-checkconf", str(file))
                known.append(line)
        file.write_text(base + "".join(f"  {line}\n" for line in known))
        await self._run("unbound-checkconf", str(file))

    async def _spawn(self) -> None:
        assert self._directory is not None  # noqa: S101 - made by `start`
        self._tail.clear()
        self._process = process = await asyncio.create_subprocess_exec(
            # Should the agent be killed, the kernel ends Unbound too.
            "setpriv",
            "--pdeathsig",
            "KILL",
            self.options.executable,
            "-d",
            "-p",
            "-c",
            str(self._directory / "unbound.conf"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        reading = asyncio.create_task(self._read_log(process))
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await _listens(self.address):
                    if process.returncode is not None:
                        await reading
                        raise UnboundError(f"unbound ended at once: {' / '.join(self._tail)}")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            process.kill()
            raise UnboundError(f"unbound does not listen after {_START_SECONDS:g} s") from None
        log.info("unbound_started", pid=process.pid, address=self.address, version=self.version)
        for line in self._tail:
            if _COMPLAINT.search(line):
                log.warning("unbound_complains", line=line)

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        """Keep the last lines, to be able to say why it ended, and why lookups failed."""
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        async for line in process.stderr:
            text = line.decode(errors="replace").strip()
            if not self.servfails.note(text):
                self._tail.append(text)
                del self._tail[:-5]

    async def _restart_for_ever(self) -> None:
        failures = 0
        while True:
            assert self._process is not None  # noqa: S101 - `start` spawned it
            code = await self._process.wait()
            log.error("unbound_ended", code=code, last_lines=self._tail[-5:])
            await asyncio.sleep(_RESTART_SECONDS[min(failures, len(_RESTART_SECONDS) - 1)])
            try:
                await self._spawn()
                failures = 0
            except (UnboundError, OSError) as error:
                failures += 1
                log.error("unbound_restart_failed", error=str(error))  # noqa: TRY400 - it says all


def _free_port() -> int:
    """Return a loopback port that is free for both UDP and TCP right now."""
    for _ in range(20):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            with (
                suppress(OSError),
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            ):
                udp.bind(("127.0.0.1", port))
                return port
    raise UnboundError("no loopback port is free for both UDP and TCP")


async def _listens(address: tuple[str, int]) -> bool:
    try:
        _, writer = await asyncio.open_connection(*address)
    except OSError:
        return False
    writer.close()
    return True
