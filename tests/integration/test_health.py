"""An agent whose resolver is gone says so: in health, in Describe, and in every answer."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from mpic.channel import TlsFiles, channel_credentials
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import perspective_pb2_grpc
from tests.world.deployment import Deployment, agent_address
from tests.world.places import PLACES
from tests.world.process import wait_until

CHILD = "child.parent.example.co.jp"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SINGAPORE = PLACES[5]


@contextmanager
def agent_channel(deployment: Deployment) -> Iterator[grpc.Channel]:
    """Reach Singapore's agent as the coordinator does."""
    pair = deployment.pki / "coordinator-main"
    files = TlsFiles(pair.with_suffix(".pem"), pair.with_suffix(".key"), deployment.pki / "ca.pem")
    name = f"{SINGAPORE.id}.perspective.mpic.test"
    options = [("grpc.ssl_target_name_override", name)]
    credentials = channel_credentials(files)
    with grpc.secure_channel(agent_address(SINGAPORE), credentials, options) as channel:
        yield channel


def unbound_pid(deployment: Deployment) -> int:
    return int(deployment.agents[SINGAPORE.id].events("unbound_started")[-1]["pid"])


def test_what_an_agent_says_of_a_resolver_that_hangs(deployment: Deployment) -> None:
    with agent_channel(deployment) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        perspective = perspective_pb2_grpc.PerspectiveServiceStub(channel)

        def is_health(status: int) -> Callable[[], bool]:
            request = health_pb2.HealthCheckRequest(service="mpic.v1.PerspectiveService")
            return lambda: health.Check(request, timeout=60).status == status

        def resolver() -> p.Resolver:
            return perspective.Describe(p.DescribeRequest(), timeout=60).resolver

        wait_until(is_health(SERVING), 60, lambda: "not serving")
        assert resolver().validates
        os.kill(unbound_pid(deployment), signal.SIGSTOP)
        try:
            wait_until(is_health(NOT_SERVING), 60, lambda: "still serving")
            assert not resolver().validates
            assert "/control" in resolver().evidence
            (verdict,) = deployment.ask(CHILD).names
        finally:
            os.kill(unbound_pid(deployment), signal.SIGCONT)
        assert verdict.quorum == "4/5"
        assert verdict.perspectives[5].dissent == c.DISSENT_NOT_LOOKED
        assert "/control" in verdict.perspectives[5].detail
        wait_until(is_health(SERVING), 60, lambda: "not serving again")
        assert resolver().validates


def test_the_coordinator_is_healthy(deployment: Deployment) -> None:
    with deployment.channel() as channel:
        request = health_pb2.HealthCheckRequest(service="mpic.v1.CorroborationService")
        assert health_pb2_grpc.HealthStub(channel).Check(request, timeout=60).status == SERVING
