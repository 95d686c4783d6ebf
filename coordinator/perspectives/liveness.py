"""Whether an agent lives, by what comes from it over one connection. Pure; no clock.

The network does not tell: the kernel of a stopped process still acknowledges what comes. So if
nothing comes over a connection, the coordinator asks for a sign of life. An agent gives one at
once, whatever it is looking up. So an agent that takes long over a broken domain is never taken for
hung. A busy agent is never asked, because its observations are signs enough. Nor is an agent from
which nobody waits for anything: its silence is rest.

    TRYING --heard--> LIVE --PATIENCE beats of silence--> HUNG
    TRYING ------------------PATIENCE beats of silence--> HUNG, and a new connection is TRYING

Time is counted in beats of the coordinator's own event loop. A coordinator that was itself stopped
or busy has read nothing for that reason. It takes nobody for hung.
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
        """Note that something came. A connection that hung stays hung until it ends."""
        self._heard = True
        if self.state is State.TRYING:
            self.state = State.LIVE

    def rest(self) -> None:
        """Let a beat pass in which nobody waits for anything from it; its silence says nothing."""
        self._heard = False
        self._silent = 0

    def beat(self) -> bool:
        """Let one beat pass; return whether to ask for a sign of life now."""
        if self._heard:
            self._heard = False
            self._silent = 0
            return False
        self._silent += 1
        if self._silent > PATIENCE:
            self.state = State.HUNG
        # The connection loses nothing, so asking once is enough.
        return self._silent == 1
