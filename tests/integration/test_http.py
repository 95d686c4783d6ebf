"""HTTP/JSON: the same questions and verdicts as over gRPC, for those who may ask."""

import json
import re
import subprocess
import uuid
from pathlib import Path

import pytest

from coordinator.doctor import examine
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.integration.test_reload import changed
from tests.world.deployment import COORDINATOR_ADMIN, Deployment, Plan
from tests.world.held import hold
from tests.world.http_caller import CALLER, CORROBORATIONS, PORT, TOKEN, HttpCaller, http_table
from tests.world.pages import scrape
from tests.world.requests import named

GOOD = "child.parent.example.co.jp"
OTHER = "mpic_" + "u" * 43
PAGE = (Path(__file__).resolve().parents[2] / "deploy/http.md").read_text()
PLAN = Plan(lookup_timeout=30, coordinator_extra=http_table("accepted", TOKEN))


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


def test_what_was_answered_is_read_back_and_a_certificate_is_added(by_token: HttpCaller) -> None:
    answer = by_token.ask("to-be-read", GOOD).json
    path = f"{CORROBORATIONS}/{answer['recordId']}"
    read = by_token.call("GET", f"{path}?names={GOOD}").json
    assert read["verdict"]["names"] == answer["names"]
    assert read["issuances"] == []
    issuance = {"serialNumber": "AQI=", "notAfter": "2027-01-01T00:00:00Z"}
    reported = by_token.post(issuance, f"{path}/issuance")
    assert (reported.status, reported.json) == (200, {"recordId": answer["recordId"]})
    (told,) = by_token.call("GET", path).json["issuances"]
    assert told.pop("reportedAt")
    assert told == {**issuance, "sha256Fingerprint": ""}
    for wrong, status, reason in (
        (f"{CORROBORATIONS}/{uuid.uuid4()}", 404, "RECORD_NOT_FOUND"),
        (f"{CORROBORATIONS}/none", 400, "INVALID_REQUEST"),
        (f"{path}?nmaes=x", 400, "INVALID_REQUEST"),
    ):
        answer = by_token.call("GET", wrong)
        assert (answer.status, answer.json["reason"]) == (status, reason)


def test_the_doctor_finds_the_port(deployment: Deployment) -> None:
    found = {one.check: one for one in examine(deployment.coordinator_file)}["http port"]
    assert (found.outcome, found.what) == ("ok", f"the program listens on 127.0.0.1:{PORT}")


def test_perspectives_are_listed(deployment: Deployment, by_token: HttpCaller) -> None:
    listed = by_token.call("GET", "/v1/perspectives").json["perspectives"]
    assert [one["perspectiveId"] for one in listed] == [
        one.perspective_id for one in deployment.perspectives()
    ]
    assert all(one["ready"] for one in listed)


def test_the_description_is_for_everybody(deployment: Deployment) -> None:
    stranger = HttpCaller(deployment.caller_tls())
    answer = stranger.call("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.json["openapi"] == "3.1.0"
    assert stranger.call("HEAD", "/openapi.json").body == b""
    assert stranger.call("GET", "/v1/perspectives").status == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/v1/corroborations/", 404, None),
        ("POST", "/v1/corroborations/%2e%2e/perspectives", 404, None),
        ("GET", "/v1/corroborations", 405, "POST"),
        ("DELETE", "/v1/perspectives", 405, "GET, HEAD"),
        ("OPTIONS", "/v1/corroborations", 204, "POST"),
        ("OPTIONS", "/nowhere", 404, None),
    ],
)
def test_other_paths_and_methods(
    by_token: HttpCaller, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = by_token.call(method, path)
    assert (answer.status, answer.headers.get("Allow")) == (status, allow)
    if status != 204:
        assert answer.headers["Content-Type"] == "application/problem+json"
        reason = "PATH_NOT_FOUND" if status == 404 else "METHOD_NOT_ALLOWED"
        assert answer.json["reason"] == reason


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"Content-Type": "text/plain"}, 415, "MEDIA_TYPE_NOT_SUPPORTED"),
        ({"Content-Type": "application/json; charset=utf-16"}, 415, "MEDIA_TYPE_NOT_SUPPORTED"),
        ({"Content-Type": "application/json; charset=UTF-8"}, 400, "INVALID_REQUEST"),
        ({"Content-Encoding": "gzip"}, 415, "MEDIA_TYPE_NOT_SUPPORTED"),
        ({"Grpc-Timeout": "5"}, 400, "INVALID_REQUEST"),
        ({"Grpc-Timeout": "0S"}, 504, "DEADLINE_TOO_SHORT"),
        ({"Idempotency-Key": ""}, 400, "INVALID_REQUEST"),
        ({"Expect": "a-miracle"}, 417, "INVALID_REQUEST"),
    ],
)
def test_headers_that_cannot_be_met(
    by_token: HttpCaller, headers: dict[str, str], status: int, reason: str
) -> None:
    answer = by_token.call("POST", CORROBORATIONS, b'{"names":[]}', headers)
    assert (answer.status, answer.json["reason"]) == (status, reason)
    assert answer.json["status"] == status


def test_the_header_stands_for_the_request_id_and_a_trace_is_taken(
    deployment: Deployment, by_token: HttpCaller
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"Idempotency-Key": '"by-header"', "traceparent": trace}
    body = json.dumps({"names": [{"name": GOOD}]}).encode()
    answer = by_token.call("POST", CORROBORATIONS, body, headers)
    assert answer.json["requestId"] == "by-header"
    (line,) = [
        one for one in deployment.coordinator.events("verdict") if one["request_id"] == "by-header"
    ]
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    other = by_token.post({"requestId": "a", "names": []}, **{"Idempotency-Key": "b"})
    assert other.json["violations"][0]["path"] == "header Idempotency-Key"


def test_a_large_body_is_refused_before_it_is_read(by_token: HttpCaller) -> None:
    answer = by_token.call("POST", CORROBORATIONS, b" " * (1024 * 1024 + 1))
    assert (answer.status, answer.json["reason"]) == (413, "CONTENT_TOO_LARGE")


def test_the_same_request_id_has_one_verdict_over_both_faces(
    deployment: Deployment, by_token: HttpCaller
) -> None:
    """An id that is being decided over gRPC is not taken by another request over HTTP."""
    with deployment.channel() as channel, hold() as held:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        request = c.CorroborateRequest(request_id="both", names=named(held.names(1)))
        running = stub.Corroborate.future(request, timeout=60)
        deployment.wait_looking(1)
        answer = by_token.ask("both", GOOD)
        assert (answer.status, answer.json["reason"]) == (409, "DUPLICATE_REQUEST_ID")
        held.release()
        assert running.result().request_id == "both"


def test_failures_are_counted_and_bounded_and_lock_nobody_out(
    deployment: Deployment, by_token: HttpCaller
) -> None:
    stranger = HttpCaller(deployment.caller_tls(), token=OTHER)
    told = [stranger.ask("r", GOOD) for _ in range(25)]
    assert told[-1].status == 429
    assert int(told[-1].headers["Retry-After"]) <= 60
    assert by_token.ask("r", GOOD).status == 200
    shown = scrape(COORDINATOR_ADMIN)
    failures = shown["mpic_http_authentication_failures_total", "failure=token_unknown"]
    assert failures >= 25
    route = f"route={CORROBORATIONS}"
    assert shown["mpic_http_requests_total", route, "status=200"] >= 1
    assert shown["mpic_http_requests_total", route, "status=429"] >= 1


def run_example(deployment: Deployment, example: str) -> list[dict[str, object]]:
    tls = deployment.caller_tls()
    environment = {
        "PATH": "/usr/bin:/bin",
        "URL": f"https://localhost:{PORT}",
        "MPIC_CA": str(tls.authority),
        "MPIC_CERT": str(tls.certificate),
        "MPIC_KEY": str(tls.private_key),
        "TOKEN": TOKEN,
    }
    script = re.sub(r'"name": "(www\.)?example\.co\.jp"', f'"name": "{GOOD}"', example)
    assert GOOD in script
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_example_of_the_page_runs(deployment: Deployment) -> None:
    by_token, by_certificate, by_lines = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for example, request_id in ((by_token, "r-2026-0001"), (by_certificate, "r-2026-0002")):
        (answer,) = run_example(deployment, example)
        assert (answer["requestId"], answer["approved"]) == (request_id, True)
    lines = run_example(deployment, by_lines)
    assert {(one["line"], one["requestId"]) for one in lines} == {
        (1, "r-2026-0003"),
        (2, "r-2026-0004"),
    }
