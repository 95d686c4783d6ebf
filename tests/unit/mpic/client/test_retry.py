"""When the same request is asked again: as the agreement allows, and no more."""

import grpc
import pytest

from mpic.client import RetryPolicy, TrustError
from mpic.client.errors import Failure, make_error
from mpic.client.retry import is_undetermined, may_pass
from mpic.v1 import corroboration_pb2 as c

Code = grpc.StatusCode
DOMAIN, CALLER, SERVICE = c.RESPONSIBLE_DOMAIN, c.RESPONSIBLE_CALLER, c.RESPONSIBLE_SERVICE


@pytest.mark.parametrize(
    "failure",
    [
        Failure(Code.UNAVAILABLE, "down"),
        Failure(Code.UNAVAILABLE, "x", "SHUTTING_DOWN"),
        Failure(Code.UNAVAILABLE, "x", "RECORD_NOT_WRITTEN"),
        Failure(Code.RESOURCE_EXHAUSTED, "x", "CALLER_LIMIT", retry_after=1.0),
        Failure(Code.INTERNAL, "x", "INTERNAL"),
        Failure(Code.CANCELLED, "the connection broke"),
        Failure(Code.UNKNOWN, "the connection broke"),
    ],
)
def test_what_may_pass_is_asked_again(failure: Failure) -> None:
    assert RetryPolicy().wait_after(make_error(failure), 1, 0.5) is not None
    assert RetryPolicy(attempts=1).wait_after(make_error(failure), 1, 0.5) is None
    assert RetryPolicy(attempts=1).delay(make_error(failure), 1, 0.5) is None


@pytest.mark.parametrize(
    "failure",
    [
        Failure(Code.INVALID_ARGUMENT, "x", "INVALID_REQUEST", retry_after=1.0),
        Failure(Code.ALREADY_EXISTS, "x", "DUPLICATE_REQUEST_ID", retry_after=1.0),
        Failure(Code.RESOURCE_EXHAUSTED, "a message is too large"),
        Failure(Code.PERMISSION_DENIED, "x", "CALLER_NOT_ALLOWED"),
        Failure(Code.NOT_FOUND, "x", "RECORD_NOT_FOUND"),
        Failure(Code.FAILED_PRECONDITION, "x", "NO_POLICY_ROW"),
        Failure(Code.DEADLINE_EXCEEDED, "x", "DEADLINE_TOO_SHORT"),
        Failure(Code.DEADLINE_EXCEEDED, "x"),
        Failure(Code.DATA_LOSS, "x", "RECORD_NOT_WHOLE"),
        Failure(Code.UNIMPLEMENTED, "x"),
    ],
)
def test_what_stays_as_it_is_is_not_asked_again(failure: Failure) -> None:
    assert not may_pass(make_error(failure))
    assert RetryPolicy().wait_after(make_error(failure), 1, 0.5) is None


def test_a_certificate_that_is_not_accepted_does_not_pass() -> None:
    assert not may_pass(TrustError(Failure(Code.UNAVAILABLE, "x")))


def test_a_fault_that_nobody_foresaw_is_asked_again_once() -> None:
    error = make_error(Failure(Code.INTERNAL, "x", "INTERNAL"))
    assert RetryPolicy().delay(error, 1, 0.0) is not None
    assert RetryPolicy().delay(error, 2, 0.0) is None


def test_attempts_are_counted() -> None:
    error = make_error(Failure(Code.UNAVAILABLE, "down"))
    policy = RetryPolicy(attempts=3)
    assert policy.wait_after(error, 2, 0.0) is not None
    assert policy.wait_after(error, 3, 0.0) is None
    assert policy.delay(error, 30, 0.0) is not None


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_the_service_is_never_asked_earlier_than_it_says(chance: float) -> None:
    error = make_error(Failure(Code.RESOURCE_EXHAUSTED, "x", "OVERLOADED", retry_after=8.0))
    delay = RetryPolicy(longest_delay=1.0).wait_after(error, 1, chance)
    assert delay is not None
    assert 8.0 <= delay <= 10.0


def test_each_delay_is_longer_than_the_last_up_to_a_bound_and_spread() -> None:
    policy = RetryPolicy(first_delay=0.2, longest_delay=1.0)
    assert [policy.back_off(failures, 1.0) for failures in (1, 2, 3, 4, 9999)] == [
        0.2,
        0.4,
        0.8,
        1.0,
        1.0,
    ]
    assert policy.back_off(1, 0.0) == 0.1


def refusal(*responsible: c.Responsible.ValueType) -> c.CorroborateResponse:
    return c.CorroborateResponse(names=[c.NameVerdict(responsible=one) for one in responsible])


@pytest.mark.parametrize(
    ("responsible", "undetermined"),
    [
        ((SERVICE,), True),
        ((CALLER,), True),
        ((SERVICE, c.RESPONSIBLE_UNSPECIFIED), True),
        ((SERVICE, DOMAIN), False),
        ((DOMAIN,), False),
        ((c.RESPONSIBLE_UNSPECIFIED,), False),
    ],
)
def test_an_answer_is_asked_again_only_if_it_says_nothing_and_the_caller_wants_it(
    responsible: tuple[c.Responsible.ValueType, ...], undetermined: bool
) -> None:
    answer = refusal(*responsible)
    assert is_undetermined(answer) is undetermined
    asked = RetryPolicy(undetermined=True).wait_undetermined(answer, 1, 0.5)
    assert (asked is not None) is undetermined
    assert RetryPolicy().wait_undetermined(answer, 1, 0.5) is None
    assert RetryPolicy(attempts=2, undetermined=True).wait_undetermined(answer, 2, 0.5) is None


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"first_delay": -1}, {"longest_delay": -1}])
def test_what_makes_no_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="attempts must be"):
        RetryPolicy(**wrong)
