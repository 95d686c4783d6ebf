"""Makes Unbound forget failures, so that asking again really asks the servers again.

Unbound remembers a SERVFAIL for 5 s. It remembers a zone with keys that it could not validate for
60 s. So after a hijack of a signed zone every name in it would stay bogus for a minute. It
remembers a silent server for longer still, and fails at once without asking it. What it remembers
of successes is not touched.
"""

import asyncio
from pathlib import Path

import structlog

from perspective_agent.unbound.configuration import GIVEN_UP_MS

log = structlog.get_logger()

_GATHER_SECONDS = 0.005
_COMMAND_SECONDS = 2.0


class UnboundControl:
    """Unbound's remote control over its Unix socket (control-use-cert: no)."""

    def __init__(self, socket: Path) -> None:
        """Connect nothing yet."""
        self.socket = socket

    async def command(self, command: str) -> str:
        """Send one command and return the reply.

        Raises OSError (TimeoutError is one), or ValueError when Unbound refuses the command.
        """
        async with asyncio.timeout(_COMMAND_SECONDS):
            reader, writer = await asyncio.open_unix_connection(self.socket)
            try:
                writer.write(f"UBCT1 {command}\n".encode("ascii"))
                reply = (await reader.read()).decode(errors="replace")
            finally:
                writer.close()
        if reply.startswith("error"):
            raise ValueError(f"{command}: {reply.strip()}")
        return reply


class FailureEraser:
    """Erases by Unbound's control; failures that come together are erased together."""

    def __init__(self, control: UnboundControl) -> None:
        """Erase nothing yet."""
        self._control = control
        self._failed: set[tuple[str, int]] = set()
        self._erasing: asyncio.Task[bool] | None = None

    async def erase(self, name: str, rdtype: int) -> bool:
        """Let Unbound forget that this lookup failed; return whether it did."""
        self._failed.add((name, rdtype))
        if self._erasing is None:
            self._erasing = asyncio.create_task(self._erase_soon())
        return await asyncio.shield(self._erasing)

    async def _erase_soon(self) -> bool:
        await asyncio.sleep(_GATHER_SECONDS)
        failed, self._failed, self._erasing = self._failed, set(), None
        try:
            await self._control.command("flush_bogus")
            for name, rdtype in sorted(failed):
                await self._control.command(f"flush_type {name or '.'} TYPE{rdtype}")
            for server in read_given_up(await self._control.command("dump_infra")):
                await self._control.command(f"flush_infra {server}")
        except (OSError, ValueError) as error:
            log.warning("unbound_control_failed", error=str(error) or type(error).__name__)
            return False
        return True


def read_given_up(infra: str) -> list[str]:
    """Return the servers that Unbound no longer asks, from its `dump_infra`.

    A line has an address, a zone, "expired" or "ttl" with a number, and then names with numbers.
    "rto" is the time-out in ms, which grows with each silence.
    """
    servers = []
    for line in infra.splitlines():
        fields = line.split()
        if "rto" in fields[:-1] and int(fields[fields.index("rto") + 1]) >= GIVEN_UP_MS:
            servers.append(fields[0])
    return list(dict.fromkeys(servers))
