"""What an error of the system says, and whose failure it is. No socket."""

import errno
import os

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.errors import read_error

OURS = o.FAILURE_KIND_NO_WAY_OUT


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        (errno.ECONNREFUSED, o.FAILURE_KIND_CONNECTION_REFUSED, o.FAILURE_KIND_CONNECTION_REFUSED),
        (errno.ECONNRESET, o.FAILURE_KIND_CONNECTION_LOST, o.FAILURE_KIND_CONNECTION_LOST),
        (errno.ECONNABORTED, o.FAILURE_KIND_CONNECTION_LOST, o.FAILURE_KIND_CONNECTION_LOST),
        (errno.EPIPE, o.FAILURE_KIND_CONNECTION_LOST, o.FAILURE_KIND_CONNECTION_LOST),
        (errno.ETIMEDOUT, o.FAILURE_KIND_TIMEOUT, o.FAILURE_KIND_TIMEOUT),
        # Our own routes and rules say so at once; the network later.
        (errno.ENETUNREACH, OURS, o.FAILURE_KIND_UNREACHABLE),
        (errno.EHOSTUNREACH, OURS, o.FAILURE_KIND_UNREACHABLE),
        (errno.EACCES, OURS, o.FAILURE_KIND_UNREACHABLE),
        (errno.EHOSTDOWN, OURS, o.FAILURE_KIND_UNREACHABLE),
        (errno.EPERM, OURS, OURS),
        (errno.EADDRNOTAVAIL, OURS, OURS),
        (errno.EADDRINUSE, OURS, OURS),
        (errno.EAFNOSUPPORT, OURS, OURS),
        (errno.EMFILE, OURS, OURS),
        (errno.ENFILE, OURS, OURS),
        (errno.ENOBUFS, OURS, OURS),
        (errno.ENOMEM, OURS, OURS),
        (errno.EINVAL, OURS, OURS),
    ],
)
def test_whose_failure_an_error_is(
    code: int, before: o.FailureKind.ValueType, after: o.FailureKind.ValueType
) -> None:
    error = OSError(code, os.strerror(code))
    assert read_error(error, "dialling", was_sent=False).kind == before
    seen = read_error(error, "dialling", was_sent=True)
    assert seen.kind == after
    assert seen.detail == f"dialling: {os.strerror(code)}"


def test_an_error_that_says_nothing_is_a_lost_connection_once_there_was_one() -> None:
    seen = read_error(ConnectionError(), "reading", was_sent=True)
    assert seen.kind == o.FAILURE_KIND_CONNECTION_LOST
    assert seen.detail == "reading: ConnectionError"
