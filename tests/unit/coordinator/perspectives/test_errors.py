"""Why a perspective cannot be asked, in an operator's words."""

import pytest
from grpc import StatusCode, aio

from coordinator.perspectives.errors import PerspectiveProblem, explain_error
from mpic.bounds import DETAIL_OCTETS
from mpic.v1 import corroboration_pb2 as c


def error(code: StatusCode, details: str) -> aio.AioRpcError:
    return aio.AioRpcError(code, aio.Metadata(), aio.Metadata(), details=details)


@pytest.mark.parametrize(
    ("code", "details", "dissent", "says"),
    [
        (
            StatusCode.UNAVAILABLE,
            "Peer name tokyo.test is not in peer certificate",
            c.DISSENT_MISIDENTIFIED,
            "the certificate is another's",
        ),
        (
            StatusCode.UNAVAILABLE,
            "Hostname Verification Check failed.",
            c.DISSENT_MISIDENTIFIED,
            "the certificate is another's",
        ),
        (StatusCode.UNAVAILABLE, "ping timeout", c.DISSENT_UNREACHABLE, "no sign of life"),
        (
            StatusCode.RESOURCE_EXHAUSTED,
            "CLIENT: Received message larger than max (5000000 vs. 4718592)",
            c.DISSENT_GARBAGE,
            "sent more than may be",
        ),
        (
            StatusCode.PERMISSION_DENIED,
            "none of them is on the list",
            c.DISSENT_UNREACHABLE,
            "the agent refuses this coordinator",
        ),
        (StatusCode.UNAVAILABLE, "Connection refused", c.DISSENT_UNREACHABLE, "UNAVAILABLE: Conn"),
        (StatusCode.UNKNOWN, "", c.DISSENT_UNREACHABLE, "UNKNOWN"),
    ],
)
def test_an_error_is_told_by_what_it_means(
    code: StatusCode, details: str, dissent: c.Dissent.ValueType, says: str
) -> None:
    problem = explain_error(error(code, details))
    assert problem.dissent == dissent
    assert says in problem.detail


def test_what_an_agent_says_is_escaped_and_cut() -> None:
    said = explain_error(error(StatusCode.UNKNOWN, "\x1b[2J" * 100_000))
    assert said.detail.isprintable()
    assert len(said.detail.encode()) <= DETAIL_OCTETS
    assert PerspectiveProblem(c.DISSENT_LATE, "late\n").detail == "late\\010"
