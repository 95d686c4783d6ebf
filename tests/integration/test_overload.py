"""Too many questions, too little time: nothing is decided then, and no domain is blamed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mpic.grpc.tls import channel_credentials
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc, perspective_pb2_grpc
from mpic.v1 import perspective_pb2 as p
from tests.world.deployment import Deployment, Plan, agent_address
from tests.world.places import PLACES
from tests.world.process import wait_until

CHILD = "child.parent.example.co.jp"
SLOW = "slow.hostile.example.co.jp"
PLAN = Plan(
    lookup_timeout=10,
    max_open_questions=120,
    coordinator_extra="[limits]\nnames_in_flight = 150\ncaller_names_in_flight = 150\n",
)


@dataclass
class Refusal:
    code: grpc.StatusCode
    reason: str
    retry_after: float


def refusal(error: grpc.RpcError) -> Refusal:
    status = rpc_status.from_call(error)
    assert status is not None, error
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        assert detail.Unpack(info) or detail.Unpack(retry)
    return Refusal(error.code(), info.reason, retry.retry_delay.ToTimedelta().total_seconds())


def slow_names(count: int, first: int = 300) -> list[str]:
    """Names that take half a second or more."""
    return [f"{first + number}.{SLOW}" for number in range(count)]


def question(request_id: str, *names: str) -> c.CorroborateRequest:
    return c.CorroborateRequest(request_id=request_id, names=names)


def lines(deployment: Deployment, event: str, request_id: str) -> list[dict[str, object]]:
    text = deployment.coordinator.log_file.read_text()
    all_lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [
        line
        for line in all_lines
        if line["event"] == event and line.get("request_id") == request_id
    ]


@contextmanager
def in_flight(
    deployment: Deployment, request_id: str, names: list[str]
) -> Iterator["grpc.Future[c.CorroborateResponse]"]:
    """Hold names open that take half a second or more, once the agents have room for them."""
    wait_until(lambda: _is_quiet(deployment), 20, lambda: "the agents are still busy")
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        future = stub.Corroborate.future(question(request_id, *names), timeout=30)
        # The way in is known to be passed once a question behind it on the connection is decided.
        assert stub.Corroborate(question("behind", CHILD), timeout=20).approved
        yield future


def _is_quiet(deployment: Deployment) -> bool:
    """Whether what an earlier test left open leaves room for a hundred names at every agent."""
    try:
        response = deployment.ask(*(f"quiet{n}.plain.example.co.jp" for n in range(100)))
    except grpc.RpcError:
        return False
    return all(verdict.quorum == "5/5" for verdict in response.names)


def refused(deployment: Deployment, request: c.CorroborateRequest, timeout: float = 20) -> Refusal:
    with pytest.raises(grpc.RpcError) as raised:
        deployment.send(request, timeout)
    return refusal(raised.value)


def test_beyond_the_bound_calls_are_refused_at_once_and_those_inside_are_decided(
    deployment: Deployment,
) -> None:
    with in_flight(deployment, "inside", slow_names(100)) as future:
        seen = refused(deployment, question("beyond", *slow_names(51, 400)))
        assert not future.done()
        assert (seen.code, seen.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CALLER_LIMIT")
        assert seen.retry_after == 1
        assert future.result().approved
    assert deployment.send(question("after", *slow_names(51, 400))).approved


def test_agents_beyond_their_bound_refuse_no_certificate(deployment: Deployment) -> None:
    """140 names at agents that take 120: 20 are not looked up, and of these nothing is known."""
    with in_flight(deployment, "inside", slow_names(100)) as future:
        seen = refused(deployment, question("agents", *slow_names(40, 400)))
        assert (seen.code, seen.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert future.result().approved
    assert not lines(deployment, "verdict", "agents")


def test_a_stream_is_not_read_rather_than_refused(deployment: Deployment) -> None:
    """It has 300 names; 150 may be in flight, and the agents take 120, so in steps of 50."""
    requests = [
        c.CorroborateStreamRequest(questions=[question(f"q{n}", f"h{n}.plain.example.co.jp")])
        for n in range(600)
    ]
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        responses = stub.CorroborateStream(iter(requests), timeout=30)
        outcomes = [outcome for response in responses for outcome in response.outcomes]
    assert len(outcomes) == 600
    assert not [one for one in outcomes if one.error.reason == "CALLER_LIMIT"]


def test_a_stream_beside_other_calls_is_told_for_each_question(deployment: Deployment) -> None:
    many = question("many", *slow_names(51, 400))
    with in_flight(deployment, "inside", slow_names(100)), deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        messages = iter([c.CorroborateStreamRequest(questions=[many, question("one", CHILD)])])
        outcomes = [
            outcome
            for response in stub.CorroborateStream(messages, timeout=20)
            for outcome in response.outcomes
        ]
    by_id = {one.request_id: one for one in outcomes}
    assert by_id["many"].error.reason == "CALLER_LIMIT"
    assert by_id["many"].error.status == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert by_id["many"].error.retry_after.seconds == 1
    assert by_id["one"].verdict.approved


def test_a_deadline_too_short_for_a_slow_domain_is_no_failure_of_the_domain(
    deployment: Deployment,
) -> None:
    (name,) = slow_names(1, 700)
    seen = refused(deployment, question("hasty", name), timeout=0.7)
    assert (seen.code, seen.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT")
    assert not lines(deployment, "verdict", "hasty")
    assert deployment.send(question("patient", name)).approved


def test_what_is_certain_in_time_is_decided_within_a_short_deadline(deployment: Deployment) -> None:
    assert deployment.send(question("quick", CHILD), timeout=3).approved


def test_a_cancelled_call_makes_room_at_once(deployment: Deployment) -> None:
    """Here and at the agents, whose lookups would otherwise go on for seconds."""
    with in_flight(deployment, "gone", slow_names(100, 60_000)) as future:
        assert _is_full(deployment)
        future.cancel()
        wait_until(lambda: not _is_full(deployment), 5, lambda: "no room was made")


def _is_full(deployment: Deployment) -> bool:
    try:
        deployment.send(question("room", *slow_names(50, 400)), timeout=5)
    except grpc.RpcError as error:
        return refusal(error).reason in {"CALLER_LIMIT", "OVERLOADED"}
    return False


def test_an_agent_does_not_answer_what_is_withdrawn(deployment: Deployment) -> None:
    """And begins something else in its place."""
    place = PLACES[5]
    pair = deployment.pki / "coordinator-main"
    tls = deployment.caller_tls()
    credentials = channel_credentials(
        type(tls)(pair.with_suffix(".pem"), pair.with_suffix(".key"), tls.authority)
    )
    options = [("grpc.ssl_target_name_override", f"{place.id}.perspective.mpic.test")]
    check = p.Check(addresses=p.AddressLookup())

    def ask(first: int, count: int, **fields: list[int]) -> p.ObserveRequest:
        questions = [
            p.Question(id=n, name=f"{300 + n}.{SLOW}", timeout_ms=9000, checks=[check])
            for n in range(first, first + count)
        ]
        return p.ObserveRequest(questions=questions, **fields)

    messages: Queue[p.ObserveRequest] = Queue()
    messages.put(ask(0, 120, withdrawn=list(range(120))))
    messages.put(ask(200, 100))
    answered: list[p.EncodedObservation] = []
    with grpc.secure_channel(agent_address(place), credentials, options) as channel:
        stub = perspective_pb2_grpc.PerspectiveServiceStub(channel)
        call = stub.Observe(iter(messages.get, None), timeout=20)
        while len(answered) < 100:
            answered += next(call).observations
        call.cancel()
        messages.put(p.ObserveRequest())  # lets the sending thread end
    assert sorted(one.question_id for one in answered) == list(range(200, 300))
    assert not [one for one in answered if b"too much to do" in one.observation]
