"""What the faces answer from, besides decisions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coordinator.api.answers import Answers
from coordinator.api.explain.links import ExplanationLinks
from coordinator.api.record_queries import RecordQueries
from coordinator.perspectives.open_questions import AnyClient


@dataclass(frozen=True, slots=True)
class Sources:
    """What is the same for gRPC and HTTP."""

    record_queries: RecordQueries | None
    """None: nothing is recorded."""
    links: Callable[[], Sequence[AnyClient]]
    """Those to the perspectives, as the roster in force has them."""
    answers: Answers
    explanation_links: ExplanationLinks
