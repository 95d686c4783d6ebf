"""One coordinator's stream: many questions open at once, each answered when it is done."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog
from google.protobuf.message import Message

from mpic.runtime.grpc.batching import Outbox, OutboxFullError
from mpic.runtime.in_flight import GATHER_SECONDS, InFlight
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.examine import Examination

log = structlog.get_logger()

_LAST_SECONDS = 2.0
"""Seconds: a stream that is to end waits this long to hear that no question is on its way."""


class CountObservation(Protocol):
    """Counts observations."""

    def __call__(self, observation: p.EncodedObservation, *, looked: bool) -> None:
        """Count an observation that is sent."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How a stream gathers observations."""

    window: float = GATHER_SECONDS
    """Seconds that an observation waits for others at most."""
    limit: int = 65536
    """Observations waiting to be sent, at most."""
    max_open: int = 4096
    """Questions looked up at the same time over all streams; more are answered at once."""
    count: CountObservation | None = None


class ObservationStream:
    """The questions a coordinator has open, and the observations on their way to it."""

    def __init__(self, options: StreamOptions) -> None:
        """Begin with nothing open."""
        self._in_flight = InFlight()
        self.outbox: Outbox[p.EncodedObservation] = Outbox(
            options.window, options.limit, _octets, self._in_flight
        )
        self.open: dict[int, Examination] = {}
        """By question id."""
        self._count = options.count
        self.is_leaving = False
        """Whether the coordinator is told to send no more questions."""
        self.tells_causes = False
        """Whether the coordinator knows the causes of failures; an older one does not."""
        self._was_asked_all = False
        self._clock_asked_us = 0

    def examine(self, examination: Examination, question_id: int) -> None:
        """Begin an examination, which runs until it reports."""
        self.open[question_id] = examination
        self._in_flight.expect()
        examination.start()

    def withdraw(self, question_ids: Iterable[int]) -> None:
        """Stop looking up questions whose answers nobody waits for any more."""
        for question_id in question_ids:
            examination = self.open.pop(question_id, None)
            if examination is not None:
                examination.withdraw()
                self._in_flight.arrive()
        self._close_when_drained()

    def report(self, observation: p.EncodedObservation, *, looked: bool = True) -> None:
        """Send an observation; a coordinator that does not read loses its stream."""
        examination = self.open.pop(observation.question_id, None)
        if not self.tells_causes:
            observation.observation = leave_out_causes(observation.observation)
        if self._count is not None:
            self._count(observation, looked=looked)
        try:
            self.outbox.put(observation)
        except OutboxFullError as error:
            log.error("coordinator_does_not_read", error=str(error))  # noqa: TRY400 - it says all
            self.outbox.close()
        if examination is not None:
            self._in_flight.arrive()
        self._close_when_drained()

    def ask_clock(self, asked_us: int) -> None:
        """Tell the time at once, and echo when the coordinator asked."""
        self._clock_asked_us = asked_us
        self.outbox.nudge()

    def take_clock_asked(self) -> int:
        """Return the time to echo in the next message, once; 0: nobody asked for the time."""
        asked_us, self._clock_asked_us = self._clock_asked_us, 0
        return asked_us

    def drain(self) -> None:
        """Ask for no more questions, and end once all are answered."""
        self.is_leaving = True
        self.outbox.nudge()
        # An older coordinator does not know about leaving. It does not say which question is its
        # last.
        asyncio.get_running_loop().call_later(_LAST_SECONDS, self.close)

    def close(self) -> None:
        """End once all open questions are answered; no other question comes."""
        self._was_asked_all = True
        self._close_when_drained()

    def _close_when_drained(self) -> None:
        if self._was_asked_all and not self.open:
            self.outbox.close()


def leave_out_causes(octets: bytes) -> bytes:
    """Return an observation without the causes of its failures, for an older coordinator."""
    observation = o.Observation.FromString(octets)
    for failure in _find_failures(observation):
        failure.ClearField("cause")
        failure.ClearField("zone")
    return observation.SerializeToString()


def _find_failures(message: Message) -> Iterator[o.Failure]:
    """Yield every failure that is anywhere in a message."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for one in [value] if isinstance(value, Message) else value:
            if isinstance(one, o.Failure):
                yield one
            else:
                yield from _find_failures(one)


def _octets(encoded: p.EncodedObservation) -> int:
    return len(encoded.observation)
