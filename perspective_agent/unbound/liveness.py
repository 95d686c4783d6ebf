"""Whether the resolver lives, checked twice a second, so that a hung one is known soon.

A question without an answer shows nothing, because a domain's own servers may be slow. Any answer
shows that the resolver lives. If there is none, Unbound is asked over its control socket for what
it knows by itself. A resolver that is asked nothing is not checked, as long as it was last shown to
validate. A question wakes the check, as does a proof that fails.
"""

import asyncio

from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.unbound.control import UnboundControl

INTERVAL = 0.5
"""Seconds between two checks."""
_REPLY_SECONDS = 1.0
# One miss may be the moment in which Unbound is started again.
_MISSES = 2


class ResolverLiveness:
    """The last checks of one resolver."""

    def __init__(self, resolver: ResolverLink, control: UnboundControl) -> None:
        """Check nothing yet."""
        self._resolver = resolver
        self._control = control
        self._heard = resolver.heard
        self._misses = 0

    async def check(self, *, is_proven: bool) -> str:
        """Return what the resolver does not react to; "" when it lives, or may.

        `is_proven` says whether it was last shown to validate.
        """
        at_rest = is_proven and not self._resolver.in_flight and not self._misses
        problem = "" if at_rest else await self._ask()
        self._misses = self._misses + 1 if problem else 0
        return problem if self._misses >= _MISSES else ""

    async def _ask(self) -> str:
        """Return why there is no sign of life; "" when there is one."""
        if self._resolver.heard != self._heard:
            self._heard = self._resolver.heard
            return ""
        try:
            async with asyncio.timeout(_REPLY_SECONDS):
                await self._control.command("status")
        except TimeoutError:
            return f"no reply within {_REPLY_SECONDS:g} s over {self._control.socket}"
        except OSError as error:
            return f"{self._control.socket}: {error.strerror}"
        except ValueError:
            pass  # a refusal is a sign of life
        return ""
