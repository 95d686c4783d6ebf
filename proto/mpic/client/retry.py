"""When a request is asked again, with the same id: as the agreement allows at `request_id`. Pure.

A request gets one verdict, however often it is repeated. What determined nothing is decided again:
an RPC error, or a refusal in which the domain is responsible for no name. So these are safe to
repeat. Whether it helps is another question: a wrong request stays wrong.
"""

from dataclasses import dataclass

import grpc

from mpic.client.errors import BusyError, ClientError, TrustError
from mpic.v1 import corroboration_pb2 as c

_PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        # A connection that broke, as some proxies and gRPC itself say it, or INTERNAL of the
        # service, which decided nothing.
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)
_ONCE = "INTERNAL"
"""A fault of the service that nobody foresaw: it is asked again once."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and when a request is asked again; always within the caller's time."""

    attempts: int = 4
    """Calls for one request at most; 1: never ask again. In a stream, time is the bound: see
    StreamLimits."""
    first_delay: float = 0.2
    """Seconds before the second call; each further delay is twice as long."""
    longest_delay: float = 5.0
    """Seconds; the service may ask for longer, and is heeded."""
    undetermined: bool = False
    """Whether a refusal is asked again too if nothing was determined about any name."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense; raises ValueError."""
        if self.attempts < 1 or self.first_delay < 0 or self.longest_delay < 0:
            raise ValueError("attempts must be 1 or more, and delays must not be negative")

    def wait_after(self, error: ClientError, calls: int, chance: float) -> float | None:
        """Return the seconds to wait after an error and `calls` calls; None: do not ask again.

        `chance`, 0 to 1, spreads callers that failed at the same moment.
        """
        return None if calls >= self.attempts else self.delay(error, calls, chance)

    def delay(self, error: ClientError, calls: int, chance: float) -> float | None:
        """Return the same where time is the only bound on how often a question is asked."""
        if self.attempts == 1 or not may_pass(error):
            return None
        if error.reason == _ONCE and calls > 1:
            return None
        if error.retry_after is not None:  # never earlier than the service says
            return error.retry_after * (1 + chance / 4)
        return self.back_off(calls, chance)

    def wait_undetermined(
        self, answer: c.CorroborateResponse, calls: int, chance: float
    ) -> float | None:
        """Return the seconds to wait after an answer; None: it is the caller's."""
        if not self.undetermined or calls >= self.attempts or not is_undetermined(answer):
            return None
        return self.back_off(calls, chance)

    def back_off(self, failures: int, chance: float) -> float:
        """Return the seconds to wait after so many failures, 1 or more, in a row."""
        # Any more doublings are beyond the longest delay, or beyond a float.
        delay = self.first_delay * 2.0 ** min(failures - 1, 30)
        return min(delay, self.longest_delay) * (1 + chance) / 2


def may_pass(error: ClientError) -> bool:
    """Whether the same request may get an answer later."""
    if isinstance(error, BusyError):
        return error.retry_after is not None
    return error.status in _PASSING and not isinstance(error, TrustError)


def is_undetermined(answer: c.CorroborateResponse) -> bool:
    """Whether a refusal says nothing about any name: the domain is responsible for none."""
    refused = [one for one in answer.names if one.responsible]
    return bool(refused) and all(one.responsible != c.RESPONSIBLE_DOMAIN for one in refused)
