"""What a caller hears instead of a verdict fits in what its client takes, whatever it asked."""

import grpc
from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st

from mpic.runtime.grpc.errors import (
    RequestError,
    Violation,
    invalid_argument,
    shutting_down,
    to_status,
)

METADATA = 8192
"""Octets that a client of gRPC takes by default: keys and values, and 32 for each pair."""


def octets_on_the_way(error: RequestError) -> int:
    """Return how much of the metadata a status takes: the message in percent-encoding, and all."""
    message = error.message.encode()
    details = to_status(error).SerializeToString()
    return 3 * len(message) + 4 * (len(details) + 2) // 3 + 2 * 32 + 100


@given(st.text(max_size=50), st.integers(1, 1000), st.integers(1, 200))
def test_any_violations_fit(text: str, times: int, count: int) -> None:
    error = invalid_argument([Violation(f"names[{n}]", text * times) for n in range(count)])
    assert octets_on_the_way(error) < METADATA


def test_as_many_fields_are_told_as_fit_and_then_how_many_more() -> None:
    error = invalid_argument([Violation(f"names[{n}]", "x" * 900) for n in range(100)])
    bad = error_details_pb2.BadRequest()
    assert to_status(error).details[1].Unpack(bad)
    told = bad.field_violations
    assert 5 < len(told) < 20
    assert told[0].field == "names[0]"
    assert (told[-1].field, told[-1].description) == (
        "...",
        f"{100 - len(told) + 1} more fields are wrong",
    )
    assert len(error.violations) == 100


def test_any_message_is_escaped_and_cut() -> None:
    text = "\x1b[31m none of these " * 1000
    error = RequestError(grpc.StatusCode.PERMISSION_DENIED, "CALLER_NOT_ALLOWED", text)
    assert octets_on_the_way(error) < METADATA
    assert error.message.startswith("\\027[31m none")
    assert to_status(error).message == error.message == str(error)


def test_any_field_is_cut() -> None:
    """Whatever stands for it in what a caller wrote."""
    one = Violation("x" * 10_000, "y" * 10_000)
    assert len(one.field) <= 96
    assert len(one.description) <= 256


def test_what_callers_programs_go_by() -> None:
    """An error of the request is not tried again; one that stops is left for another."""
    wrong = invalid_argument([Violation("names", "is empty")])
    assert wrong.status is grpc.StatusCode.INVALID_ARGUMENT
    assert shutting_down().status is grpc.StatusCode.UNAVAILABLE


def test_when_to_ask_again_is_told_where_it_helps() -> None:
    full = RequestError(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "ask later", (), 1.5)
    again = error_details_pb2.RetryInfo()
    assert to_status(full).details[1].Unpack(again)
    assert again.retry_delay.ToMilliseconds() == 1500
    assert len(to_status(shutting_down()).details) == 1
