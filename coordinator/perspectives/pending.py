"""The open questions of one connection, and the other messages that come over it. No clock.

Answers to questions that were given up come late. A sign of life may carry no answer at all. A few
of both are normal. An agent that sends more keeps the coordinator busy, and is not believed.
"""

from collections.abc import Callable

from coordinator.perspectives.errors import PerspectiveError, PerspectiveProblem
from coordinator.perspectives.identity import check_answer
from coordinator.rules.roster import Perspective
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

Answer = p.EncodedObservation | PerspectiveProblem
Receive = Callable[[Perspective, int, Answer], None]
"""Gets the perspective that was asked, the question's id, and the result."""

MOST_LATE = 16384
"""Late answers to questions that were given up; more of them are never on the way."""
MOST_EMPTY = 200
"""Messages without an answer in EMPTY_SECONDS."""
EMPTY_SECONDS = 10.0


class Pending:
    """What one perspective was asked over one connection."""

    def __init__(self, perspective: Perspective) -> None:
        """Nothing was asked yet."""
        self._perspective = perspective
        self._open: dict[int, Receive] = {}
        self._late = 0
        """Answers that may still come, though nobody waits for them."""
        self._empty = 0
        """Messages without an answer, counted since:"""
        self._since = float("-inf")

    def __len__(self) -> int:
        """Return how many questions are not answered."""
        return len(self._open)

    def add(self, question_id: int, receive: Receive) -> None:
        """Wait for the answer to a question."""
        self._open[question_id] = receive

    def forget(self, question_id: int) -> None:
        """Stop waiting for an answer; if it still comes, it is dropped."""
        if self._open.pop(question_id, None) is not None:
            self._expect_late(1)

    def answer(self, encoded: p.EncodedObservation) -> None:
        """Hand an answer to whoever waits for it; raises PerspectiveError if nobody ever did."""
        question_id = encoded.question_id
        receive = self._open.pop(question_id, None)
        if receive is not None:
            receive(self._perspective, question_id, check_answer(encoded))
        elif self._late:
            self._late -= 1
        else:
            raise _garbage("it answers a question that it was not asked, or has answered")

    def note_empty(self, now: float) -> None:
        """Note a message without an answer; raises PerspectiveError if there are too many."""
        if now - self._since > EMPTY_SECONDS:
            self._since, self._empty = now, 0
        self._empty += 1
        if self._empty > MOST_EMPTY:
            raise _garbage(f"it sends {self._empty} messages without an answer")

    def fail(self, problem: PerspectiveProblem) -> None:
        """Answer all questions with a problem."""
        failed, self._open = self._open, {}
        self._expect_late(len(failed))
        for question_id, receive in failed.items():
            receive(self._perspective, question_id, problem)

    def _expect_late(self, answers: int) -> None:
        self._late = min(self._late + answers, MOST_LATE)


def _garbage(what: str) -> PerspectiveError:
    return PerspectiveError(
        PerspectiveProblem(c.DISSENT_GARBAGE, f"what the agent sends is garbage: {what}")
    )
