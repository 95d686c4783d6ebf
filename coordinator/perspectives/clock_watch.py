"""Asks an agent for its time, when it connects and every ten seconds, and tells a difference.

So a step of the agent's clock shows within ten seconds. A step of our own clock shows at once, see
`coordinator.perspectives.agent_clock`.
"""

from __future__ import annotations

import structlog

from coordinator.perspectives.agent_clock import (
    Agreement,
    ClockBounds,
    Reading,
    find_difference,
    judge_difference,
    make_reading,
)
from coordinator.perspectives.errors import PerspectiveProblem
from mpic.runtime.clock import read_clock_us, read_steady_us
from mpic.text import describe_difference
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

log = structlog.get_logger()

_INTERVAL_US = 10_000_000
_NEVER_US = -_INTERVAL_US
_MEND = (
    "One of the two clocks is wrong: this host's, where several agents differ alike. Run `mpic"
    " doctor` on both, and let a time service keep them"
)


def read_ours_us() -> int:
    """Return our clock minus our steady clock, in microseconds: it changes when ours is set."""
    return read_clock_us() - read_steady_us()


class ClockWatch:
    """Asks one agent for its time and compares it with ours."""

    def __init__(self, perspective_id: str, address: str, bounds: ClockBounds) -> None:
        """Nothing is known yet."""
        self._who = {"perspective": perspective_id, "address": address}
        self._bounds = bounds
        self._reading: Reading | None = None
        self._agreement: Agreement | None = None
        self._asked: tuple[int, int] | None = None
        """What the answer will echo, and when it was asked by our steady clock."""
        self._asked_last_us = _NEVER_US

    @property
    def difference(self) -> float | None:
        """The agent's clock minus ours, in seconds; None: it tells no time."""
        return None if self._reading is None else find_difference(self._reading, read_ours_us())

    def note_description(self, description: p.DescribeResponse, asked_us: int) -> None:
        """Take the agent's time from its description, asked at a moment of our steady clock.

        So no agent is asked a question before its clock is known.
        """
        told_us = description.clock_us
        self._reading = make_reading(told_us, asked_us, read_steady_us()) if told_us else None

    def begin(self) -> None:
        """Ask soon: the stream is new, and what was asked over the last is not answered."""
        self._asked, self._asked_last_us = None, _NEVER_US

    def ask(self) -> bytes:
        """Return the encoded question for the agent's time; empty if it is not yet time to ask.

        The next question is asked once the last one is answered. An agent that tells no time is not
        asked.
        """
        now_us = read_steady_us()
        if self._reading is None or self._asked or now_us < self._asked_last_us + _INTERVAL_US:
            return b""
        self._asked = read_clock_us(), now_us
        self._asked_last_us = now_us
        return p.ObserveRequest(clock_asked_us=self._asked[0]).SerializeToString()

    @property
    def is_asked(self) -> bool:
        """Whether the agent has not answered yet what its clock says."""
        return self._asked is not None

    def hear(self, response: p.ObserveResponse) -> None:
        """Take the agent's time from a message, if the message answers our question for it."""
        if self._asked is None or response.clock_asked_us != self._asked[0]:
            return
        self._reading = make_reading(response.clock_us, self._asked[1], read_steady_us())
        self._asked = None

    def find_problem(self) -> PerspectiveProblem | None:
        """Return why the agent must not be asked, if its clock is a reason; log what changed."""
        difference = self.difference
        agreement = judge_difference(difference, self._bounds)
        if agreement is not self._agreement:
            self._tell(agreement, difference)
        self._agreement = agreement
        if difference is None or agreement is not Agreement.TOO_FAR:
            return None
        detail = (
            f"the agent's clock is {describe_difference(difference)} this coordinator's, and"
            f" {self._bounds.limit:g} s are allowed: one of the two is wrong"
        )
        return PerspectiveProblem(c.DISSENT_CLOCK_DIFFERS, detail)

    def _tell(self, agreement: Agreement, difference: float | None) -> None:
        """Log that the agreement has changed."""
        if difference is None:
            mend = "Bring its agent up to this release: a clock that is wrong goes unseen"
            log.warning("clock_not_told", **self._who, mend=mend)
            return
        facts = {**self._who, "ahead_seconds": round(difference, 3)}
        if agreement is Agreement.TOO_FAR:
            log.error("clock_too_far", **facts, limit_seconds=self._bounds.limit, mend=_MEND)
        elif agreement is Agreement.DIFFERS:
            log.warning("clock_differs", **facts, mend=_MEND)
        elif self._agreement is not None:
            log.info("clock_agrees", **facts)
