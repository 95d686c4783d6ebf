"""Open MPIC's API as its callers meet it: paths, who may call, verdicts of real perspectives."""

import json

import pytest

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import Deployment, Plan
from tests.world.http_caller import CALLER, TOKEN, Answer, HttpCaller, http_table
from tests.world.open_mpic import caa_body, dcv_body

GOOD = "child.parent.example.co.jp"
FORBIDDEN = "deny.caa.example.co.jp"
TABLE = "[open_mpic]\nenabled = true\n"
PLAN = Plan(coordinator_extra=http_table("accepted", TOKEN) + TABLE)


@pytest.fixture(autouse=True)
def _ready(deployment: Deployment) -> None:
    deployment.wait_ready()


@pytest.fixture
def caller(deployment: Deployment) -> HttpCaller:
    return HttpCaller(deployment.caller_tls(), headers={"x-api-key": TOKEN})


def post(caller: HttpCaller, body: object, path: str = "/mpic") -> Answer:
    return caller.post(body, path)


@pytest.mark.parametrize("path", ["/mpic", "//mpic", "/mpic-coordinator/mpic"])
def test_a_caller_of_open_mpic_changes_the_address_alone(caller: HttpCaller, path: str) -> None:
    answer = post(caller, caa_body(GOOD, top={"trace_identifier": "t-1"}), path)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    told = answer.json
    assert (told["is_valid"], told["mpic_completed"]) == (True, True)
    assert [one["check_response"]["check_passed"] for one in told["perspectives"]] == [True] * 5
    assert (told["domain_or_ip_target"], told["trace_identifier"]) == (GOOD, "t-1")


def test_the_verdict_is_recorded_for_the_caller_like_any_other(
    deployment: Deployment, caller: HttpCaller
) -> None:
    answer = post(caller, caa_body(GOOD, top={"trace_identifier": "order-17"}))
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        asked = c.GetCorroborationRequest(record_id=answer.headers["Mpic-Record-Id"])
        found = stub.GetCorroboration(asked)
    assert found.verdict.approved
    assert found.verdict.request_id.endswith(":order-17")
    assert "Mpic-Dry-Run" not in answer.headers
    line = deployment.coordinator.events("verdict")[-1]
    assert (line["caller"], line["request_id"]) == (CALLER, found.verdict.request_id)


def test_caa_that_forbids_is_not_valid(caller: HttpCaller) -> None:
    told = post(caller, caa_body(FORBIDDEN)).json
    assert (told["is_valid"], told["mpic_completed"]) == (False, True)
    details = [one["check_response"]["details"] for one in told["perspectives"]]
    assert {one["found_at"] for one in details} == {FORBIDDEN}
    assert not any(one["check_response"]["check_passed"] for one in told["perspectives"])


def test_domain_control_is_looked_for_by_every_perspective(caller: HttpCaller) -> None:
    told = post(caller, dcv_body("acme-dns-01", GOOD)).json
    assert told["is_valid"] is False
    kinds = {one["check_response"]["errors"][0]["error_type"] for one in told["perspectives"]}
    assert kinds == {"mpic_error:dcv_checker:lookup"}


def test_who_may_not_call_is_told_so_in_their_form(deployment: Deployment) -> None:
    for headers in ({}, {"x-api-key": TOKEN[:-1] + "x"}, {"x-api-key": ""}):
        answer = post(HttpCaller(deployment.caller_tls(), headers=headers), caa_body(GOOD))
        assert (answer.status, list(answer.json)) == (401, ["error"])
    twice = HttpCaller(deployment.caller_tls(), token=TOKEN, headers={"x-api-key": TOKEN})
    assert post(twice, caa_body(GOOD)).status == 401
    by_bearer = HttpCaller(deployment.caller_tls(), token=TOKEN)
    assert post(by_bearer, caa_body(GOOD)).status == 200
    by_certificate = HttpCaller(deployment.caller_tls(), shows=True)
    assert post(by_certificate, caa_body(GOOD)).status == 200
    other_api = HttpCaller(deployment.caller_tls(), headers={"x-api-key": TOKEN})
    assert other_api.ask("r-1", GOOD).status == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/mpic", 405, {"detail": "Method Not Allowed"}),
        ("DELETE", "//mpic", 405, {"detail": "Method Not Allowed"}),
        ("GET", "/mpic/x", 404, {"detail": "Not Found"}),
        ("POST", "/mpic-coordinator/mpic/x", 404, {"detail": "Not Found"}),
        ("GET", "/healthz", 200, {"status": "healthy"}),
    ],
)
def test_other_methods_and_paths_are_told_in_their_form(
    deployment: Deployment, method: str, path: str, status: int, body: dict[str, str]
) -> None:
    answer = HttpCaller(deployment.caller_tls()).call(method, path)
    assert (answer.status, answer.json) == (status, body)


def test_the_configuration_is_told_to_callers(deployment: Deployment, caller: HttpCaller) -> None:
    assert HttpCaller(deployment.caller_tls()).call("GET", "/configz").status == 401
    told = caller.call("GET", "/configz").json
    assert list(told) == [
        "open_mpic_api_spec_version", "app_version", "mpic_core_version", "absolute_max_attempts",
        "default_perspective_count", "http_client_timeout_seconds",
        "http_client_keepalive_timeout_seconds", "log_level", "uvicorn_server_timeout_keep_alive",
    ]  # fmt: skip
    assert (told["absolute_max_attempts"], told["default_perspective_count"]) == (1, 5)


@pytest.mark.parametrize(
    ("octets", "status"),
    [(b"{", 400), (b"", 400), (b" " * 65_537, 413), (json.dumps(caa_body("a b")).encode(), 400)],
)
def test_a_bad_body_is_told_in_their_form(caller: HttpCaller, octets: bytes, status: int) -> None:
    answer = caller.call("POST", "/mpic", octets)
    assert answer.status == status
    assert set(answer.json) == ({"error", "validation_issues"} if status == 400 else {"error"})


def test_a_deadline_that_is_none_is_told_in_their_form(caller: HttpCaller) -> None:
    octets = json.dumps(caa_body(GOOD)).encode()
    answer = caller.call("POST", "/mpic", octets, {"Grpc-Timeout": "soon"})
    assert (answer.status, answer.json["error"]) == (400, "request-validation-failed")
