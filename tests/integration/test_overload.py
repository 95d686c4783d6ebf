"""Too many questions, too little time: nothing is decided then, and no domain is blamed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mpic.channel import TlsFiles, channel_credentials
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc, perspective_pb2_grpc
from mpic.v1 import perspective_pb2 as p
from tests.world.deployment import (
    COORDINATOR_ADMIN,
    Deployment,
    Plan,
    agent_address,
    agent_admin,
)
from tests.world.held import hold
from tests.world.pages import scrape
from tests.world.places import PLACES
from tests.world.process import wait_until
from tests.world.requests import named

CHILD = "child.parent.example.co.jp"
# Longer than names are held, and than a call below is given. Agents that a busy machine holds up
# take no fewer than a hundred names.
PLAN = Plan(
    lookup_timeout=30,
    max_open_questions=100,
    coordinator_extra="[limits]\nnames_in_flight = 120\ncaller_names_in_flight = 120\n",
)


@dataclass
class Refusal:
    code: grpc.StatusCode
    reason: str
    retry_after: float


def refusal(error: grpc.RpcError) -> Refusal | None:
    """Return what the service says; None: it said nothing before the caller's deadline."""
    status = rpc_status.from_call(error)
    if status is None:
        return None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        assert detail.Unpack(info) or detail.Unpack(retry)
    return Refusal(error.code(), info.reason, retry.retry_delay.ToTimedelta().total_seconds())


def plain_names(count: int) -> list[str]:
    """Names that are answered at once."""
    return [f"host{number}.plain.example.co.jp" for number in range(count)]


def question(request_id: str, *names: str) -> c.CorroborateRequest:
    return c.CorroborateRequest(request_id=request_id, names=named(names))


@contextmanager
def in_flight(
    deployment: Deployment, names: Sequence[str]
) -> Iterator["grpc.Future[c.CorroborateResponse]"]:
    """Ask about names that are held, and wait until every agent is looking up all of them."""
    deployment.wait_looking(0)
    # After refusals by agents fewer are let in for some seconds.
    wait_until(lambda: limit() == 120, 60, lambda: f"only {limit()} names are let in")
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        future = stub.Corroborate.future(question("inside", *names), timeout=60)
        deployment.wait_looking(len(names))
        yield future


def limit() -> float:
    return scrape(COORDINATOR_ADMIN)["mpic_names_in_flight_limit",]


def refused(deployment: Deployment, request: c.CorroborateRequest) -> Refusal:
    with pytest.raises(grpc.RpcError) as raised:
        deployment.send(request)
    told = refusal(raised.value)
    assert told is not None, raised.value
    return told


def verdicts(deployment: Deployment, request_id: str) -> list[dict[str, object]]:
    """What the coordinator's log says of a question."""
    found = deployment.coordinator.events("verdict")
    return [line for line in found if line["request_id"] == request_id]


def test_beyond_the_bound_calls_are_refused_at_once_and_those_inside_are_decided(
    deployment: Deployment,
) -> None:
    with hold() as held, in_flight(deployment, held.names(100)) as future:
        seen = refused(deployment, question("beyond", *plain_names(21)))
        assert not future.done()
        assert (seen.code, seen.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CALLER_LIMIT")
        assert 1 <= seen.retry_after <= 30
        held.release()
        assert future.result().approved
    deployment.wait_looking(0)
    assert deployment.send(question("after", *plain_names(100))).approved


def test_agents_beyond_their_bound_refuse_no_certificate(deployment: Deployment) -> None:
    """Agents take 100 names: what is beyond is not looked up, and nothing is known of it."""
    with hold() as held, in_flight(deployment, held.names(100)) as future:
        seen = refused(deployment, question("agents", CHILD))
        assert (seen.code, seen.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        held.release()
        assert future.result().approved
    assert not verdicts(deployment, "agents")


def test_a_stream_is_not_read_rather_than_refused(deployment: Deployment) -> None:
    """It has 600 names, of which 120 may be in flight; agents that take 100 may refuse some."""
    requests = [
        c.CorroborateStreamRequest(questions=[question(f"q{number}", name)])
        for number, name in enumerate(plain_names(600))
    ]
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        responses = stub.CorroborateStream(iter(requests), timeout=120)
        outcomes = [outcome for response in responses for outcome in response.outcomes]
    assert len(outcomes) == 600
    assert not [one for one in outcomes if one.error.reason == "CALLER_LIMIT"]


def test_a_stream_beside_other_calls_is_told_for_each_question(deployment: Deployment) -> None:
    questions = [question("many", *plain_names(31)), question("one", CHILD)]
    with (
        hold() as held,
        in_flight(deployment, held.names(90)),
        deployment.channel() as channel,
    ):
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        messages = iter([c.CorroborateStreamRequest(questions=questions)])
        outcomes = [
            outcome
            for response in stub.CorroborateStream(messages, timeout=60)
            for outcome in response.outcomes
        ]
    by_id = {one.request_id: one for one in outcomes}
    assert by_id["many"].error.reason == "CALLER_LIMIT"
    assert by_id["many"].error.status == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert 1 <= by_id["many"].error.retry_after.seconds <= 30
    assert by_id["one"].verdict.approved


def test_a_deadline_too_short_for_a_slow_domain_is_no_failure_of_the_domain(
    deployment: Deployment,
) -> None:
    # On a machine that stands still the deadline may pass before the service can say so.
    tries = [hasty(deployment)]
    while tries[-1] != (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT") and len(tries) < 5:
        tries.append(hasty(deployment))
    assert tries[-1] == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT"), tries
    assert not verdicts(deployment, "hasty")


def hasty(deployment: Deployment) -> tuple[grpc.StatusCode, str]:
    """Ask with too short a deadline about a name that is approved with a long one."""
    with hold() as held:
        (name,) = held.names(1)
        with pytest.raises(grpc.RpcError) as raised:
            deployment.send(question("hasty", name), timeout=1.5)
    told = refusal(raised.value)
    assert deployment.send(question("patient", name)).approved
    return raised.value.code(), told.reason if told else ""


def test_what_is_certain_in_time_is_decided_within_a_short_deadline(deployment: Deployment) -> None:
    assert deployment.send(question("quick", CHILD), timeout=20).approved


def test_a_cancelled_call_makes_room_at_once(deployment: Deployment) -> None:
    """Here and at the agents, whose lookups would otherwise go on for seconds."""
    agents = [agent_admin(place) for place in deployment.plan.places]

    def answered() -> list[float]:
        return [scrape(agent)["mpic_agent_questions_total", "outcome=looked"] for agent in agents]

    with hold() as held, in_flight(deployment, held.names(100)) as future:
        assert refused(deployment, question("full", *plain_names(21))).reason == "CALLER_LIMIT"
        before = answered()
        future.cancel()
        deployment.wait_looking(0)
        assert answered() == before
        assert deployment.send(question("room", *plain_names(100))).approved


def test_an_agent_does_not_answer_what_is_withdrawn(deployment: Deployment) -> None:
    """And begins something else in its place."""
    place = PLACES[5]
    pair = deployment.pki / "coordinator-main"
    files = TlsFiles(pair.with_suffix(".pem"), pair.with_suffix(".key"), deployment.pki / "ca.pem")
    options = [("grpc.ssl_target_name_override", f"{place.id}.perspective.mpic.test")]
    checks = [p.Check(caa_walk=p.CaaWalk()), p.Check(addresses=p.AddressLookup())]

    def ask(first: int, names: Sequence[str], **fields: Sequence[int]) -> p.ObserveRequest:
        questions = [
            p.Question(id=first + number, name=name, timeout_ms=30_000, checks=checks)
            for number, name in enumerate(names)
        ]
        return p.ObserveRequest(questions=questions, **fields)

    deployment.wait_looking(0)
    messages: Queue[p.ObserveRequest] = Queue()
    answered: list[p.EncodedObservation] = []
    with (
        hold() as held,
        grpc.secure_channel(agent_address(place), channel_credentials(files), options) as channel,
    ):
        names = held.names(101)
        messages.put(ask(0, names[:100], withdrawn=range(100)))
        messages.put(ask(200, plain_names(100)))
        stub = perspective_pb2_grpc.PerspectiveServiceStub(channel)
        call = stub.Observe(iter(messages.get, None), timeout=60)
        while len(answered) < 100:
            answered += next(call).observations
        # One that waits for the same as those withdrawn: they would be answered before it.
        messages.put(ask(300, names[100:]))
        held.release()
        while answered[-1].question_id != 300:
            answered += next(call).observations
        call.cancel()
        messages.put(p.ObserveRequest())  # lets the sending thread end
    assert sorted(one.question_id for one in answered) == [*range(200, 300), 300]
    assert not [one for one in answered if b"too much to do" in one.observation]
