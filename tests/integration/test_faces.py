"""The same questions through every face of the coordinator: the same verdicts, the same reasons."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mpic.client import AsyncClient, Client, ClientError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from mpic.v1 import observation_pb2 as o
from tests.world.deployment import COORDINATOR, Deployment, Plan
from tests.world.http_caller import CORROBORATIONS, TOKEN, HttpCaller, http_table
from tests.world.requests import named

PLAN = Plan(coordinator_extra=http_table("accepted", TOKEN) + "[open_mpic]\nenabled = true\n")
GOOD = "child.parent.example.co.jp"
FORBIDDEN = "deny.caa.example.co.jp"
ALIAS = "alias.plain.example.co.jp"
PROOF = c.DomainControl(contact_email_txt=c.SelectedContact(contact="owner@example.test"))
UNDATED = c.DomainControl(
    dns_change=c.DnsChange(record_type=o.RECORD_TYPE_TXT, value="a-value-of-twenty-octets")
)

QUESTIONS: Mapping[str, c.CorroborateRequest] = {
    "a name": c.CorroborateRequest(names=named([GOOD])),
    "upper case": c.CorroborateRequest(names=named([GOOD.upper()])),
    "a wildcard": c.CorroborateRequest(names=named([f"*.{GOOD}"])),
    "a name that does not exist": c.CorroborateRequest(names=named([f"nobody.{GOOD}"])),
    "an unsigned zone": c.CorroborateRequest(names=named(["child.plain.example.co.jp"])),
    "an alias into a failing zone": c.CorroborateRequest(
        names=named(["alias.plain.example.co.jp"])
    ),
    "CAA forbids": c.CorroborateRequest(names=named([FORBIDDEN])),
    "two names": c.CorroborateRequest(names=named([GOOD, FORBIDDEN])),
    "DNSSEC does not validate": c.CorroborateRequest(names=named(["child.bogus.example.co.jp"])),
    "a signature has expired": c.CorroborateRequest(names=named(["child.expired.example.co.jp"])),
    "signatures are missing": c.CorroborateRequest(names=named(["child.stripped.example.co.jp"])),
    "a zone without a server": c.CorroborateRequest(names=named(["www.lame.example.co.jp"])),
    "no public name": c.CorroborateRequest(names=named(["www.corp.internal-name"])),
    "a proof that is not there": c.CorroborateRequest(
        names=[c.RequestedName(name=GOOD, domain_control=PROOF)], purpose=c.PURPOSE_VALIDATION
    ),
    "a proof without its date": c.CorroborateRequest(
        names=[c.RequestedName(name=GOOD, domain_control=UNDATED)], purpose=c.PURPOSE_VALIDATION
    ),
    "a dry run": c.CorroborateRequest(names=named([GOOD]), dry_run=True),
    "more than the policy demands": c.CorroborateRequest(
        names=named([GOOD]), tightening=c.Tightening(min_corroborating=5)
    ),
    "no name": c.CorroborateRequest(),
    "what is no name": c.CorroborateRequest(names=named([GOOD, "exa mple.com"])),
    "an address": c.CorroborateRequest(names=named(["192.0.2.1"])),
    "an issuer that nobody knows": c.CorroborateRequest(names=named([GOOD]), issuer="nobody"),
}


_CAPITAL = re.compile("[A-Z]")
"""Fields have another spelling in JSON: domainControl for domain_control."""


class Outcome(NamedTuple):
    """What a caller is told."""

    corroborated: bool
    approved: bool
    reasons: Sequence[str]
    """One for each name; the reason of an error and the fields that are wrong, if there is one."""


class Asked(NamedTuple):
    """A request for one face."""

    deployment: Deployment
    request: c.CorroborateRequest


def of_verdict(verdict: c.CorroborateResponse) -> Outcome:
    reasons = [c.Reason.Name(name.reason) for name in verdict.names]
    return Outcome(verdict.corroborated, verdict.approved, reasons)


def of_error(reason: str, fields: Sequence[str]) -> Outcome:
    return Outcome(corroborated=False, approved=False, reasons=[reason, *fields])


def ask_alone(asked: Asked) -> Outcome:
    try:
        return of_verdict(asked.deployment.send(asked.request))
    except grpc.RpcError as error:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        for detail in rpc_status.from_call(error).details:
            detail.Unpack(info) or detail.Unpack(bad)
        return of_error(info.reason, [one.field for one in bad.field_violations])


def ask_on_a_stream(asked: Asked) -> Outcome:
    with asked.deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        message = c.CorroborateStreamRequest(questions=[asked.request])
        ((outcome,),) = [one.outcomes for one in stub.CorroborateStream(iter([message]))]
    if outcome.HasField("verdict"):
        return of_verdict(outcome.verdict)
    return of_error(outcome.error.reason, [one.field for one in outcome.error.violations])


def ask_by_http(asked: Asked) -> Outcome:
    caller = HttpCaller(asked.deployment.caller_tls(), token=TOKEN)
    answer = caller.post(json_format.MessageToDict(asked.request), CORROBORATIONS)
    return of_json(answer.json)


def ask_by_lines(asked: Asked) -> Outcome:
    caller = HttpCaller(asked.deployment.caller_tls(), token=TOKEN)
    line = json_format.MessageToJson(asked.request, indent=None).encode() + b"\n"
    headers = {"Content-Type": "application/x-ndjson"}
    (told,) = caller.call("POST", CORROBORATIONS, line, headers).body.splitlines()
    outcome = json.loads(told)
    return of_json(outcome.get("verdict") or outcome["problem"])


def _lower(capital: re.Match[str]) -> str:
    return f"_{capital[0].lower()}"


def of_json(told: Mapping[str, Any]) -> Outcome:
    if "names" in told:
        verdict = json_format.ParseDict(told, c.CorroborateResponse())
        return of_verdict(verdict)
    fields = [
        _CAPITAL.sub(_lower, one["path"].removeprefix("$.")) for one in told.get("violations", [])
    ]
    return of_error(told["reason"], fields)


def ask_by_client(asked: Asked) -> Outcome:
    with open_client(asked.deployment) as client:
        try:
            return of_verdict(client.corroborate(asked.request))
        except ClientError as error:
            return of_client_error(error)


def ask_by_asyncio(asked: Asked) -> Outcome:
    return asyncio.run(_ask_by_asyncio(asked))


async def _ask_by_asyncio(asked: Asked) -> Outcome:
    tls = asked.deployment.caller_tls()
    async with AsyncClient(COORDINATOR, tls, server_name="localhost") as client:
        try:
            return of_verdict(await client.corroborate(asked.request))
        except ClientError as error:
            return of_client_error(error)


def ask_on_the_clients_stream(asked: Asked) -> Outcome:
    with open_client(asked.deployment) as client:
        (result,) = client.stream([asked.request])
    return of_client_error(result.error) if result.error else of_verdict(result.verdict)


def open_client(deployment: Deployment) -> Client:
    return Client(COORDINATOR, deployment.caller_tls(), server_name="localhost")


def of_client_error(error: ClientError) -> Outcome:
    return of_error(error.reason, [one.field for one in error.violations])


FACES: Mapping[str, Callable[[Asked], Outcome]] = {
    "stream": ask_on_a_stream,
    "HTTP": ask_by_http,
    "NDJSON": ask_by_lines,
    "client": ask_by_client,
    "client-asyncio": ask_by_asyncio,
    "client-stream": ask_on_the_clients_stream,
}


@pytest.fixture(scope="module")
def told(deployment: Deployment) -> Mapping[str, Outcome]:
    """What single calls over gRPC are told."""
    deployment.wait_ready()
    return {
        title: ask_alone(Asked(deployment, with_id(request, f"unary/{number}")))
        for number, (title, request) in enumerate(QUESTIONS.items())
    }


def with_id(request: c.CorroborateRequest, request_id: str) -> c.CorroborateRequest:
    one = c.CorroborateRequest()
    one.CopyFrom(request)
    one.request_id = request_id
    return one


@pytest.mark.parametrize("face", FACES)
def test_every_face_says_the_same(
    deployment: Deployment, told: Mapping[str, Outcome], face: str
) -> None:
    for number, (title, request) in enumerate(QUESTIONS.items()):
        asked = Asked(deployment, with_id(request, f"{face}/{number}"))
        assert (title, FACES[face](asked)) == (title, told[title])


def can_open_mpic_ask(request: c.CorroborateRequest) -> bool:
    """Whether its API has words for a request: one name, no issuer and no trial."""
    is_plain = request.purpose != c.PURPOSE_VALIDATION and not request.dry_run
    return len(request.names) == 1 and is_plain and not request.issuer


def ask_as_open_mpic(asked: Asked) -> tuple[bool, str]:
    """Whether it is valid, and the reason if it is not."""
    (name,) = asked.request.names
    body: dict[str, Any] = {"check_type": "caa", "domain_or_ip_target": name.name}
    if least := asked.request.tightening.min_corroborating:
        body["orchestration_parameters"] = {"perspective_count": 5, "quorum_count": least}
    answer = HttpCaller(asked.deployment.caller_tls(), token=TOKEN).post(body, "/mpic")
    if answer.status == 400:
        return False, "INVALID_REQUEST"
    told = answer.json
    if told["is_valid"]:
        return True, "CORROBORATED"
    message: str = told["perspectives"][0]["check_response"]["errors"][-1]["error_message"]
    return False, message.removeprefix("338: ").partition(":")[0]


def test_open_mpics_api_says_the_same(deployment: Deployment, told: Mapping[str, Outcome]) -> None:
    asked = {title: one for title, one in QUESTIONS.items() if can_open_mpic_ask(one)}
    assert len(asked) >= 14
    for title, request in asked.items():
        expected = told[title].approved, told[title].reasons[0].removeprefix("REASON_")
        assert (title, *ask_as_open_mpic(Asked(deployment, request))) == (title, *expected)


def test_the_questions_tell_verdicts_apart(told: Mapping[str, Outcome]) -> None:
    approved = [title for title, outcome in told.items() if outcome.approved]
    assert len(approved) >= 6, approved
    assert len({tuple(outcome.reasons) for outcome in told.values()}) >= 8, told
