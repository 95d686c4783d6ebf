"""Errors as problem details: every status and every reason has its form."""

import math
from typing import get_args

import pytest
from grpc import StatusCode

from coordinator.api.http.problems import (
    HTTP_STATUS,
    TITLES,
    HttpError,
    ProblemDetails,
    find_status,
    to_problem,
)
from coordinator.rules.responsibility import OF_ERROR
from mpic.runtime.grpc.errors import RequestError, Violation, invalid_argument
from mpic.runtime.grpc.reasons import ErrorReason


def test_every_status_of_grpc_has_one_of_http() -> None:
    assert set(HTTP_STATUS) == set(StatusCode)
    for status, told in HTTP_STATUS.items():
        assert (told < 400) == (status is StatusCode.OK)


def test_every_reason_has_a_title_of_its_own() -> None:
    assert set(TITLES) == set(get_args(ErrorReason)) == set(OF_ERROR)
    assert len(set(TITLES.values())) == len(TITLES)


@pytest.mark.parametrize(
    ("reason", "told"),
    [("NOTHING_RECORDED", 503), ("NO_POLICY_ROW", 503), ("TOO_MANY_ISSUANCES", 409)],
)
def test_what_the_service_lacks_is_not_the_callers_error(reason: ErrorReason, told: int) -> None:
    assert find_status(StatusCode.FAILED_PRECONDITION, reason) == told


def test_an_error_of_the_request_in_full() -> None:
    error = invalid_argument([Violation("names[0].domain_control", "is wrong")])
    assert to_problem(error).to_json() == {
        "type": "urn:mpic:error:INVALID_REQUEST",
        "title": "The request is wrong",
        "status": 400,
        "detail": "$.names[0].domainControl: is wrong",
        "reason": "INVALID_REQUEST",
        "responsible": "caller",
        "violations": [{"path": "$.names[0].domainControl", "description": "is wrong"}],
    }


@pytest.mark.parametrize("seconds", [0.2, 1.0, 2.5, 29.999])
def test_when_to_ask_again_is_told_in_whole_seconds_and_exactly(seconds: float) -> None:
    error = RequestError(StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "later", retry_after=seconds)
    problem = to_problem(error)
    assert problem.status == 429
    assert problem.all_headers() == {"Retry-After": str(math.ceil(seconds))}
    members = problem.to_json()
    assert (members["retryAfter"], members["responsible"]) == (seconds, "service")


def test_a_defect_is_told_without_its_text() -> None:
    problem = to_problem(KeyError("hush-hush"))
    assert (problem.status, problem.reason) == (500, "INTERNAL")
    assert "hush" not in str(problem.to_json())


def test_texts_of_strangers_are_escaped_and_cut() -> None:
    error = HttpError(400, "INVALID_REQUEST", "\x1b[31m" + "x" * 5000)
    assert "\x1b" not in error.details.detail
    assert len(error.details.detail) <= 1024


def test_headers_of_an_error_come_with_it() -> None:
    details = ProblemDetails(405, "METHOD_NOT_ALLOWED", "", headers={"Allow": "GET"})
    assert details.all_headers() == {"Allow": "GET"}
