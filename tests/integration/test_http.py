"""HTTP/JSON: the same questions and verdicts as over gRPC, for those who may ask."""

import pytest

from tests.integration.test_reload import changed
from tests.world.deployment import Deployment, Plan
from tests.world.http_caller import CALLER, TOKEN, HttpCaller, http_table

GOOD = "child.parent.example.co.jp"
BAD = "forbidden.parent.example.co.jp"
OTHER = "mpic_" + "u" * 43
PLAN = Plan(coordinator_extra=http_table("accepted", TOKEN))


@pytest.fixture
def by_token(deployment: Deployment) -> HttpCaller:
    return HttpCaller(deployment.caller_tls(), token=TOKEN)


@pytest.fixture
def by_certificate(deployment: Deployment) -> HttpCaller:
    return HttpCaller(deployment.caller_tls(), shows=True)


def test_a_question_is_answered_as_over_grpc(
    deployment: Deployment, by_token: HttpCaller, by_certificate: HttpCaller
) -> None:
    over_grpc = deployment.ask(GOOD)
    for caller in (by_token, by_certificate):
        answer = caller.ask("r-1", GOOD)
        assert answer.status == 200, answer.body
        assert answer.headers["Content-Type"] == "application/json"
        assert (answer.json["requestId"], answer.json["approved"]) == ("r-1", True)
        (verdict,) = answer.json["names"]
        assert verdict["quorum"] == over_grpc.names[0].quorum
        assert len(verdict["perspectives"]) == 6
    lines = deployment.coordinator.events("verdict")
    assert {line["caller"] for line in lines} == {CALLER}


@pytest.mark.parametrize(
    ("token", "stranger", "status", "reason"),
    [
        ("", False, 401, "NOT_AUTHENTICATED"),
        (OTHER, False, 401, "NOT_AUTHENTICATED"),
        ("", True, 403, "CALLER_NOT_ALLOWED"),
        (TOKEN, True, 403, "CALLER_NOT_ALLOWED"),
    ],
)
def test_who_may_not_call_is_told_so(
    deployment: Deployment, token: str, stranger: bool, status: int, reason: str
) -> None:
    tls = deployment.caller_tls("stranger" if stranger else "pipeline")
    answer = HttpCaller(tls, token=token, shows=stranger).ask("r-1", GOOD)
    assert (answer.status, answer.json["reason"]) == (status, reason)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_a_token_that_is_taken_away_does_not_work_any_more(
    deployment: Deployment, by_token: HttpCaller
) -> None:
    table = http_table("accepted", TOKEN)
    with changed(deployment, table, http_table("accepted", OTHER)):
        assert by_token.ask("r-1", GOOD).status == 401
        assert HttpCaller(deployment.caller_tls(), token=OTHER).ask("r-1", GOOD).status == 200
    assert by_token.ask("r-1", GOOD).status == 200


@pytest.fixture(autouse=True)
def _ready(deployment: Deployment) -> None:
    deployment.wait_ready()
