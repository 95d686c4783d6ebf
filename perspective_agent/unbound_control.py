"""Making Unbound forget failures, so that asking again is a retry and not an echo.

Unbound remembers a SERVFAIL for 5 s, and a zone whose keys it could not validate for 60 s: after a
hijack of a signed zone ends, every name in it would stay bogus for a minute (RFC 9520 allows up to
five). What is remembered of successes is not touched.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import structlog

log = structlog.get_logger()

_GATHER_SECONDS = 0.005
_COMMAND_SECONDS = 2.0


class FailureEraser:
    """Erases by Unbound's control socket; failures that come together are erased together."""

    def __init__(self, socket: Path) -> None:
        """Connect nothing yet."""
        self._socket = socket
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
            async with asyncio.timeout(_COMMAND_SECONDS):
                await self._command("flush_bogus")
                for command in _flush_commands(failed):
                    await self._command(command)
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            log.warning("unbound_control_failed", error=str(error) or type(error).__name__)
            return False
        return True

    async def _command(self, command: str) -> None:
        """Send one command; raises OSError, or ValueError when Unbound refuses it."""
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            writer.write(f"UBCT1 {command}\n".encode("ascii"))
            reply = (await reader.read()).decode(errors="replace")
        finally:
            writer.close()
        if not reply.startswith("ok"):
            raise ValueError(f"{command}: {reply.strip()}")


def _flush_commands(failed: Iterable[tuple[str, int]]) -> list[str]:
    return [f"flush_type {name or '.'} TYPE{rdtype}" for name, rdtype in sorted(failed)]
