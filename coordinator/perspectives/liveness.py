"""Whether an agent lives, by what is heard of it: the breaker of one connection. Pure; no clock.

The network does not tell: the kernel of a stopped process goes on acknowledging what comes. So a
link that hears nothing asks for a sign of life, which an agent gives at once whatever it is looking
up. An agent that takes long over a broken domain is therefore never taken for hung, and a busy one,
whose observations are sign enough, is never asked.

    TRYING --heard--> LIVE --PATIENCE beats of silence--> HUNG
    TRYING ------------------PATIENCE beats of silence--> HUNG, and a new connection is TRYING

Time is counted in beats of the coordinator's own event loop: one that was stopped or busy itself,
and has read nothing for that reason, takes nobody for hung.
"""

import enum

PATIENCE = 4
"""Beats of silence after which an agent counts as hung."""


class State(enum.Enum):
    """What is known of the agent at the other end."""

    TRYING = enum.auto()
    """Nothing has been heard on this connection; no question is trusted to it yet."""
    LIVE = enum.auto()
    HUNG = enum.auto()


class Liveness:
    """Counts beats of silence."""

    def __init__(self) -> None:
        """Nothing has been heard yet."""
        self.state = State.TRYING
        self._heard = False
        self._silent = 0

    def hear(self) -> None:
        """Note that something came; what is hung stays so for the rest of its connection."""
        self._heard = True
        if self.state is State.TRYING:
            self.state = State.LIVE

    def beat(self) -> bool:
        """Let one beat pass; return whether to ask for a sign of life now."""
        if self._heard:
            self._heard = False
            self._silent = 0
            return False
        self._silent += 1
        if self._silent > PATIENCE:
            self.state = State.HUNG
        # The connection loses nothing, so that asking once is enough.
        return self._silent == 1
