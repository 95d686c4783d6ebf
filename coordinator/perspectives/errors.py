"""Why a perspective cannot be asked, in an operator's words. Pure."""

from dataclasses import dataclass

from grpc import StatusCode, aio

from mpic.bounds import DETAIL_OCTETS
from mpic.text import shorten
from mpic.v1 import corroboration_pb2 as c

# What gRPC says when the certificate is valid but for another name.
_WRONG_NAME = ("is not in peer certificate", "Hostname Verification Check failed")
# What gRPC says when its own pings come back too late, or nothing at all on a new connection.
_NO_ECHO = ("ping timeout", "keepalive", "timed out before receiving SETTINGS frame")
# What gRPC says of a message beyond what is received.
_TOO_LARGE = "message larger than max"


@dataclass(frozen=True, slots=True)
class PerspectiveProblem:
    """Why a perspective has no observation to give."""

    dissent: c.Dissent.ValueType
    detail: str
    """Escaped, and cut to a bound: it may be what the agent says."""
    check: str = ""
    """By which there is none, where it is one check."""

    def __post_init__(self) -> None:
        """Escape and cut the detail."""
        object.__setattr__(self, "detail", shorten(self.detail, DETAIL_OCTETS))


class PerspectiveError(Exception):
    """The link cannot be used; `problem` says why."""

    def __init__(self, problem: PerspectiveProblem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def explain_error(error: aio.AioRpcError) -> PerspectiveProblem:
    """Say what a failed call means to an operator."""
    text = error.details() or error.code().name
    if any(mark in text for mark in _WRONG_NAME):
        return PerspectiveProblem(c.DISSENT_MISIDENTIFIED, f"the certificate is another's: {text}")
    if any(mark in text for mark in _NO_ECHO):
        return explain_silence(text)
    if _TOO_LARGE in text:
        return PerspectiveProblem(c.DISSENT_GARBAGE, f"the agent sent more than may be: {text}")
    if error.code() is StatusCode.PERMISSION_DENIED:
        return PerspectiveProblem(
            c.DISSENT_UNREACHABLE, f"the agent refuses this coordinator: {text}"
        )
    return PerspectiveProblem(c.DISSENT_UNREACHABLE, f"{error.code().name}: {text}")


def explain_silence(what: str) -> PerspectiveProblem:
    """Say what it means if a connection stands but nothing comes back over it."""
    detail = f"no sign of life: the agent hangs, or the network loses what is sent ({what})"
    return PerspectiveProblem(c.DISSENT_UNREACHABLE, detail)
