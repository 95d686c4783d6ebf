"""A caller's trace is found again in the coordinator's log and in every agent's."""

import os
import signal

import grpc
import pytest

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import Deployment
from tests.world.process import wait_until
from tests.world.requests import named

CHILD = "child.parent.example.co.jp"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def ask(deployment: Deployment, request_id: str, traceparent: str) -> None:
    request = c.CorroborateRequest(request_id=request_id, names=named([CHILD]))
    request.linger.FromSeconds(int(deployment.plan.lookup_timeout))
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        metadata = (("traceparent", traceparent),)
        assert stub.Corroborate(request, timeout=60, metadata=metadata).approved


@pytest.fixture(scope="module", autouse=True)
def _agents_tell_more(deployment: Deployment) -> None:
    for perspective, agent in deployment.agents.items():
        file = deployment.agent_file(perspective)
        file.write_text(file.read_text() + '\n[log]\nlevel = "debug"\n')
        os.kill(agent.pid, signal.SIGHUP)
    for agent in deployment.agents.values():
        wait_until(lambda agent=agent: bool(agent.events("reloaded")), 60, agent.log_file.read_text)  # type: ignore[misc]


def test_the_trace_is_named_in_every_log(deployment: Deployment) -> None:
    ask(deployment, "traced", TRACEPARENT)
    (verdict,) = [
        line for line in deployment.coordinator.events("verdict") if line["request_id"] == "traced"
    ]
    assert verdict["trace_id"] == TRACE
    for agent in deployment.agents.values():
        (question,) = agent.events("question")
        assert (question["trace_id"], question["name"]) == (TRACE, CHILD)


@pytest.mark.parametrize("number", [0, 1])
def test_what_is_no_trace_is_not_passed_on(deployment: Deployment, number: int) -> None:
    traceparent = ("00-nonsense", f"00-{'0' * 32}-00f067aa0ba902b7-01")[number]
    ask(deployment, f"untraced-{number}", traceparent)
    (verdict,) = [
        line
        for line in deployment.coordinator.events("verdict")
        if line["request_id"] == f"untraced-{number}"
    ]
    assert verdict["trace_id"] is None
    for agent in deployment.agents.values():
        assert {line["trace_id"] for line in agent.events("question")} <= {TRACE}


def test_what_is_not_decided_names_its_trace_too(deployment: Deployment) -> None:
    request = c.CorroborateRequest(request_id="\x1b[31m" * 100, names=named([CHILD]))
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        with pytest.raises(grpc.RpcError):
            stub.Corroborate(request, timeout=60, metadata=(("traceparent", TRACEPARENT),))
    (line,) = deployment.coordinator.events("not_decided")
    assert line["trace_id"] == TRACE
    assert len(line["request_id"]) == 128
    assert "\x1b" not in deployment.coordinator.log_file.read_text()
