"""How far an agent's clock is from ours, as far as one round trip shows it. Pure; reads no clock.

Verdicts carry our time: when they were decided, and until when the CAA check may be used (BR
4.2.2.1). If our clock is wrong, so are they, and nobody else notices. So each agent is asked for
its time.

    s    our time when the agent was asked
    r    our time when its answer was read
    a    the time that the agent told

The agent's clock minus ours lies in [a - r, a - s], because nobody knows how long each way took.
The difference is the bound nearer to 0, and 0 if 0 lies between the bounds. So a slow network is
never taken for a wrong clock, however slow it is.

s and r are times of our steady clock, which nobody sets. "Our clock minus our steady clock" is
added only when the difference is wanted. So a step of our own clock shows at once, and no agent has
to be asked again.
"""

import enum
from dataclasses import dataclass
from typing import NamedTuple

LATEST_US = 253_402_300_799_999_999
"""The end of the year 9999. An agent may tell any time."""


@dataclass(frozen=True, slots=True)
class ClockBounds:
    """How much two clocks may differ, in seconds."""

    warning: float = 5.0
    """Beyond this one it is told."""
    limit: float = 120.0
    """Beyond this one the agent is not asked."""


USUAL = ClockBounds()


class Agreement(enum.Enum):
    """Whether an agent's clock and ours agree."""

    UNTOLD = enum.auto()
    """The agent tells no time: it is older than this question."""
    AGREES = enum.auto()
    DIFFERS = enum.auto()
    """Beyond the warning."""
    TOO_FAR = enum.auto()
    """Beyond the limit."""


class Reading(NamedTuple):
    """An agent's clock minus our steady clock, in microseconds."""

    least: int
    most: int


def make_reading(told_us: int, asked_us: int, read_us: int) -> Reading:
    """Return what a told time shows that arrived between two moments of our steady clock."""
    told = min(max(told_us, 0), LATEST_US)
    return Reading(told - read_us, told - asked_us)


def find_difference(reading: Reading, ours_us: int) -> float:
    """Return an agent's clock minus ours, in seconds; `ours_us` is ours minus our steady clock."""
    least, most = reading.least - ours_us, reading.most - ours_us
    return (max(least, 0) + min(most, 0)) / 1e6


def judge_difference(difference: float | None, bounds: ClockBounds) -> Agreement:
    """Judge a difference by the bounds; None: the agent tells no time."""
    if difference is None:
        return Agreement.UNTOLD
    if abs(difference) > bounds.limit:
        return Agreement.TOO_FAR
    return Agreement.DIFFERS if abs(difference) > bounds.warning else Agreement.AGREES
