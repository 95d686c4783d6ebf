"""What many questions end in, and the limits within which they are asked."""

from dataclasses import dataclass

from mpic.client.errors import ClientError, read_outcome
from mpic.v1 import corroboration_pb2 as c


@dataclass(frozen=True, slots=True)
class Result:
    """What one of many questions ended in: a verdict, or an error after which nothing was decided.

    One of `verdict` and `error` is None.
    """

    request: c.CorroborateRequest
    """As it was asked, with its id."""
    verdict: c.CorroborateResponse | None = None
    error: ClientError | None = None


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How much is under way, and for how long nothing may come back."""

    open_names: int = 1000
    """Names of questions without a result, at most; a single question may have more."""
    timeout: float = 60.0
    """Seconds without any answer while questions are open, across streams that break. For so long,
    too, a question is asked again after errors that may pass."""


def read_result(request: c.CorroborateRequest, outcome: c.CorroborateOutcome) -> Result:
    """Return what a stream says of one question."""
    if outcome.WhichOneof("result") == "verdict":
        return Result(request, verdict=outcome.verdict)
    return Result(request, error=read_outcome(outcome.error))
