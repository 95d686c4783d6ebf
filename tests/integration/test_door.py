"""Calls that find no room: turned away, counted, and told when to ask again."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import COORDINATOR_ADMIN, Deployment, Plan
from tests.world.held import hold
from tests.world.pages import scrape
from tests.world.process import wait_until
from tests.world.requests import named

CHILD = "child.parent.example.co.jp"
# Longer than names are held.
PLAN = Plan(
    lookup_timeout=30,
    coordinator_extra="[limits]\nnames_in_flight = 100\ncaller_names_in_flight = 100\n",
)


@contextmanager
def full_house(deployment: Deployment) -> Iterator[None]:
    """Let a question in that takes all the room there is; it is approved in the end."""
    with hold() as held, deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        request = c.CorroborateRequest(request_id="inside", names=named(held.names(100)))
        future = stub.Corroborate.future(request, timeout=60)
        deployment.wait_looking(100)
        yield
        held.release()
        assert future.result().approved
    deployment.wait_looking(0)


def ask(deployment: Deployment, request_id: str, caller: str = "pipeline") -> grpc.RpcError:
    """Ask as a caller; return the error that it ends with."""
    request = c.CorroborateRequest(request_id=request_id, names=named([CHILD]))
    with deployment.channel(caller) as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        with pytest.raises(grpc.RpcError) as raised:
            stub.Corroborate(request, timeout=30)
    return raised.value


def counted() -> tuple[float, float]:
    """How many calls were turned away, as the service counts them and as gRPC servers do."""
    metrics = scrape(COORDINATOR_ADMIN)
    method = "grpc_method=Corroborate", "grpc_service=mpic.v1.CorroborationService"
    code = "grpc_code=RESOURCE_EXHAUSTED"
    return (
        sum(
            metrics["mpic_requests_shed_total", f"reason={reason}"]
            for reason in ("caller_limit", "overloaded")
        ),
        metrics["grpc_server_handled_total", code, *method, "grpc_type=unary"],
    )


def test_a_call_without_room_is_told_counted_and_logged(
    deployment: Deployment,
) -> None:
    before = counted()
    with full_house(deployment):
        for number in range(3):
            status = rpc_status.from_call(ask(deployment, f"shed-{number}"))
            assert status is not None
            assert status.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            assert status.details[0].Unpack(info)
            assert status.details[1].Unpack(retry)
            assert info.reason == "CALLER_LIMIT"
            assert retry.retry_delay.ToTimedelta().total_seconds() >= 1
    assert counted() == (before[0] + 3, before[1] + 3)

    def told() -> int:
        return sum(line["calls"] for line in deployment.coordinator.events("turned_away"))

    wait_until(lambda: told() == 3, 10, lambda: f"the log tells of {told()} calls")
    (line, *_) = deployment.coordinator.events("turned_away")
    assert "pipeline" in line["caller"]
    assert line["reason"] == "CALLER_LIMIT"
    assert not deployment.coordinator.events("not_decided")


def test_a_stranger_learns_nothing_of_it(deployment: Deployment) -> None:
    before = counted()
    with full_house(deployment):
        assert ask(deployment, "stranger", "stranger").code() is grpc.StatusCode.PERMISSION_DENIED
    assert counted() == before


def test_there_is_room_again(deployment: Deployment) -> None:
    with full_house(deployment):
        assert ask(deployment, "full").code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    request = c.CorroborateRequest(request_id="after", names=named([CHILD]))
    assert deployment.send(request).approved
