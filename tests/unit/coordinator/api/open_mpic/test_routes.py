"""The paths of Open MPIC's API: by which rules a request is asked, and how errors are told."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from grpc import StatusCode

from coordinator.api.http.calls import read_deadline
from coordinator.api.http.problems import HttpError, to_problem
from coordinator.api.http.routes import Visit
from coordinator.api.open_mpic.routes import OpenMpic, tell_error
from coordinator.api.open_mpic.settings import OpenMpicTable
from coordinator.checks.caa.issuer import Issuer
from coordinator.corroboration import Call
from coordinator.rules.policy import BASELINE_ROWS, Policy
from coordinator.rules.roster import Roster
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from tests.world.main_path import MainPath
from tests.world.open_mpic import caa_body, dcv_body
from tests.world.places import PLACES
from tests.world.samples import ISSUER, NOVEMBER, WORLD, perspective

SEVEN = Roster(WORLD.primary, [perspective(place) for place in PLACES[1:8]])
SETS_OF_FIVE = Policy([replace(row, remotes_per_attempt=5) for row in BASELINE_ROWS])


class Face:
    """The API over a main path whose perspectives all see no CAA and no address."""

    def __init__(self, path: MainPath | None = None, **table: object) -> None:
        self.path = path or MainPath()
        self.asked: list[c.CorroborateRequest] = []
        corroborate = self.path.corroborator.corroborate

        async def listen(question: c.CorroborateRequest, call: Call) -> Any:  # noqa: ANN401 - a record
            self.asked.append(question)
            return await corroborate(question, call)

        patched: Any = self.path.corroborator
        patched.corroborate = listen
        settings = OpenMpicTable(enabled=True, **{"linger": 0.0, **table})
        self.is_ready = True
        self.api = OpenMpic(
            self.path.corroborator, settings, lambda: NOVEMBER, lambda: self.is_ready
        )
        self._by_path = {one.path: one for one in self.api.routes()}

    async def call(self, path: str, body: object = None) -> web.Response:
        payload = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16)
        payload.feed_data(json.dumps(body).encode())
        payload.feed_eof()
        request = make_mocked_request("POST", path, payload=payload)
        visit = Visit(request, Call("pipeline", lambda: None), ["pipeline"])
        response = await self._by_path[path].handle(visit)
        assert isinstance(response, web.Response)
        return response

    async def ask(self, body: object, path: str = "/mpic") -> dict[str, Any]:
        response = await self.call(path, body)
        return {"status": response.status, **json.loads(response.body)}


@pytest.mark.parametrize("path", ["/mpic", "//mpic", "/mpic-coordinator/mpic"])
async def test_a_request_is_decided_on_the_main_path(path: str) -> None:
    face = Face()
    answer = await face.ask(caa_body(), path)
    assert (answer["status"], answer["is_valid"]) == (200, True)
    (question,) = face.asked
    assert (question.issuer, question.purpose) == ("one", c.PURPOSE_ISSUANCE)
    assert not question.dry_run


async def test_the_answer_says_where_it_is_recorded_and_that_a_labs_is_a_dry_run() -> None:
    plain = await Face().call("/mpic", caa_body())
    assert len(plain.headers["Mpic-Record-Id"]) == 36
    assert "Mpic-Dry-Run" not in plain.headers
    lab = await Face(honour_smaller_quorum=True).call("/mpic", caa_body())
    assert lab.headers["Mpic-Dry-Run"] == "true"


async def test_the_policy_in_force_says_how_many_are_asked() -> None:
    face = Face(MainPath(SEVEN, SETS_OF_FIVE))
    answer = await face.ask(caa_body())
    assert len(answer["perspectives"]) == 5
    config = await face.ask(None, "/configz")
    assert config["default_perspective_count"] == 5
    six = {"orchestration_parameters": {"perspective_count": 6}}
    assert (await face.ask(caa_body(top=six)))["status"] == 400


@pytest.mark.parametrize(("is_ready", "status"), [(True, 200), (False, 503)])
async def test_a_probe_is_told_whether_requests_may_come(*, is_ready: bool, status: int) -> None:
    face = Face()
    (health,) = face.api.public()
    face.is_ready = is_ready
    response: Any = await health.handle(make_mocked_request("GET", health.path))
    assert response.status == status
    assert json.loads(response.body) == {"status": "healthy" if is_ready else "unhealthy"}


async def test_a_quorum_is_tightened_above_the_policy_and_never_to_less() -> None:
    face = Face()
    for quorum, tightened in ((3, 0), (4, 0), (5, 5)):
        await face.ask(caa_body(top={"orchestration_parameters": {"quorum_count": quorum}}))
        assert face.asked[-1].tightening.min_corroborating == tightened


async def test_the_row_of_the_day_is_in_force() -> None:
    first, second = BASELINE_ROWS
    rows = Policy([first, replace(second, minimum_corroborating=5)])
    for now, tightened in ((NOVEMBER, 5), (second.effective_from, 0)):
        face = Face(MainPath(policy=rows, now=now))
        answer = await face.ask(caa_body(top={"orchestration_parameters": {"quorum_count": 5}}))
        assert face.asked[-1].tightening.min_corroborating == tightened
        assert answer["actual_orchestration_parameters"]["quorum_count"] == 5


async def test_what_is_refused_is_told_as_400() -> None:
    face = Face()
    wrong_shape = await face.ask({"check_type": "caa"})
    wrong_value = await face.ask(caa_body("a b"))
    refused_by_our_rules = await face.ask(dcv_body("acme-http-01", token="x" * 5))
    for answer in (wrong_shape, wrong_value, refused_by_our_rules):
        assert (answer["status"], answer["error"]) == (400, "request-validation-failed")
    assert len(face.asked) == 2


async def test_an_issuer_is_that_of_the_table_or_the_only_one() -> None:
    face = Face(issuer="two")
    one, two = Issuer(frozenset({ISSUER})), Issuer(frozenset({"two.example"}))
    in_force = face.path.in_force(b"v")
    face.path.corroborator.adopt(replace(in_force, issuers={"one": one, "two": two}))
    await face.ask(caa_body())
    await face.ask(caa_body(caa_domains=[ISSUER]))
    assert [question.issuer for question in face.asked] == ["two", "one"]


async def test_the_last_perspectives_are_waited_for_no_longer_than_an_attempt() -> None:
    face = Face(linger=2.5)
    await face.ask(caa_body())
    face.path.corroborator.max_linger = 1.0
    await face.ask(caa_body())
    assert [question.linger.ToMilliseconds() for question in face.asked] == [2500, 1000]


async def test_when_a_challenge_was_created_may_be_required() -> None:
    body = dcv_body("contact-email-txt"), dcv_body("acme-dns-01")
    strict = Face(require_challenge_created_at=True)
    assert (await strict.ask(body[1]))["status"] == 400
    (question,) = strict.asked
    assert not question.names[0].domain_control.HasField("challenge_created_at")


async def test_a_service_that_stops_decides_nothing() -> None:
    path = MainPath()
    path.is_stopping = True
    with pytest.raises(RequestError) as raised:
        await Face(path).ask(caa_body())
    assert raised.value.reason == "SHUTTING_DOWN"


ERRORS = [
    (HttpError(404, "PATH_NOT_FOUND", "x"), 404, {"detail": "Not Found"}),
    (HttpError(405, "METHOD_NOT_ALLOWED", "x"), 405, {"detail": "Method Not Allowed"}),
    (HttpError(401, "NOT_AUTHENTICATED", "who?"), 401, {"error": "who?"}),
    (HttpError(403, "CALLER_NOT_ALLOWED", "not you"), 403, {"error": "not you"}),
    (HttpError(413, "CONTENT_TOO_LARGE", "too much"), 413, {"error": "too much"}),
    (HttpError(429, "TOO_MANY_FAILURES", "later"), 429, {"error": "later"}),
    (RequestError(StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "busy"), 503, {"error": "busy"}),
    (RequestError(StatusCode.RESOURCE_EXHAUSTED, "CALLER_LIMIT", "busy"), 503, {"error": "busy"}),
    (RequestError(StatusCode.UNAVAILABLE, "SHUTTING_DOWN", "end"), 503, {"error": "end"}),
    (RequestError(StatusCode.FAILED_PRECONDITION, "NO_POLICY_ROW", "x"), 503, {"error": "x"}),
    (RequestError(StatusCode.INTERNAL, "INTERNAL", "oops"), 500, {"error": "oops"}),
    (ValueError("a secret"), 500, {"error": "internal error; nothing was decided"}),
]


@pytest.mark.parametrize(("error", "status", "body"), ERRORS, ids=str)
async def test_an_error_is_told_in_the_form_of_open_mpic(
    error: Exception, status: int, body: dict[str, Any]
) -> None:
    response = tell_error(to_problem(error))
    assert (response.status, json.loads(response.body)) == (status, body)


async def test_a_header_that_is_wrong_is_told_as_a_wrong_request() -> None:
    with pytest.raises(RequestError) as raised:
        read_deadline(["soon"])
    body = json.loads(tell_error(to_problem(raised.value)).body)
    assert body["error"] == "request-validation-failed"
    assert "Grpc-Timeout must be" in body["validation_issues"][0]["message"]


async def test_when_to_ask_again_is_told() -> None:
    error = RequestError(StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "busy", retry_after=1.2)
    assert tell_error(to_problem(error)).headers["Retry-After"] == "2"


async def test_callers_may_show_a_token_as_an_api_key_at_every_path() -> None:
    assert all(route.api_key and route.tell is tell_error for route in Face().api.routes())
    (public,) = Face().api.public()
    health = await public.handle(make_mocked_request("GET", "/healthz"))
    assert (public.path, json.loads(health.body)) == ("/healthz", {"status": "healthy"})
