"""How the clients of all perspectives behave."""

from dataclasses import dataclass, field

from coordinator.perspectives.agent_clock import USUAL, ClockBounds
from mpic.channel import Tls
from mpic.runtime.in_flight import GATHER_SECONDS, InFlight


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """The options of every link."""

    tls: Tls
    window: float = GATHER_SECONDS
    """Seconds that a question waits for others at most."""
    limit: int = 16384
    """Questions not answered yet, at most; only an agent that hangs has this many."""
    hung_after: float = 2.0
    """Seconds without the sign of life that was asked for; the agent then counts as hung."""
    restart_patience: float = 3.0
    """Seconds that questions wait for the return of an agent that was stopped."""
    clock: ClockBounds = USUAL
    """How far an agent's clock may be from ours."""
    company: InFlight = field(default_factory=InFlight)
    """The attempts under way; where they are many, more questions are soon to come."""
