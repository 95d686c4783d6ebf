"""What a stranger may take up of the running programs: nothing worth speaking of.

It has a certificate of the same authority that is on no list, or none at all.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from mpic.channel import channel_credentials
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import COORDINATOR, MPIC, Deployment, agent_address, wait_serving
from tests.world.places import PLACES
from tests.world.process import Child, wait_until
from tests.world.requests import named

CHILD = "child.parent.example.co.jp"
AGENT = agent_address(PLACES[1])
NAMES = {COORDINATOR: "localhost", AGENT: f"{PLACES[1].id}.perspective.mpic.test"}
UNARY = {
    COORDINATOR: "/mpic.v1.CorroborationService/Corroborate",
    AGENT: "/mpic.v1.PerspectiveService/Describe",
}
MIB = 1024 * 1024
# The handshake of a connection may take ten seconds.
SECONDS = 40


@contextmanager
def channel(deployment: Deployment, address: str) -> Iterator[grpc.Channel]:
    """Open a channel as the stranger."""
    options = [
        ("grpc.ssl_target_name_override", NAMES[address]),
        ("grpc.max_send_message_length", -1),
    ]
    credentials = channel_credentials(deployment.caller_tls("stranger"))
    with grpc.secure_channel(address, credentials, options) as opened:
        yield opened


def program(deployment: Deployment, address: str) -> Child:
    return deployment.coordinator if address == COORDINATOR else deployment.agents[PLACES[1].id]


def peak_mib(child: Child) -> float:
    """The most memory that was ever resident."""
    status = Path(f"/proc/{child.pid}/status").read_text()
    (line,) = (one for one in status.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def open_files(child: Child) -> int:
    return len(list(Path(f"/proc/{child.pid}/fd").iterdir()))


@pytest.mark.parametrize("address", [COORDINATOR, AGENT])
def test_a_stranger_is_refused_before_it_has_sent_a_message(
    deployment: Deployment, address: str
) -> None:
    for method in (UNARY[address], "/grpc.health.v1.Health/Check"):
        with channel(deployment, address) as opened:
            call: Any = opened.stream_stream(method)
            call = call(iter(lambda: wait_until(lambda: False, SECONDS, str), None), timeout=30)
            assert call.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("address", [COORDINATOR, AGENT])
@pytest.mark.parametrize("compression", list(grpc.Compression))
def test_what_a_stranger_sends_is_neither_read_nor_kept(
    deployment: Deployment, address: str, compression: grpc.Compression
) -> None:
    message = c.CorroborateRequest(request_id="a" * 60 * MIB).SerializeToString()
    before = peak_mib(program(deployment, address))
    for method in (UNARY[address], "/grpc.health.v1.Health/Check"):
        with channel(deployment, address) as opened:
            call: Any = opened.unary_unary(method)
            call = call.future(message, timeout=60, compression=compression)
            assert call.code() is not grpc.StatusCode.OK
    assert peak_mib(program(deployment, address)) - before < 20


@pytest.mark.parametrize("address", [COORDINATOR, AGENT])
def test_connections_that_say_nothing_are_ended(deployment: Deployment, address: str) -> None:
    host, port = address.split(":")
    before = open_files(program(deployment, address))
    silent = [socket.create_connection((host, int(port)), SECONDS) for _ in range(50)]
    for one in silent:
        with one:
            assert not one.recv(1)
    wait_until(
        lambda: open_files(program(deployment, address)) < before + 10, SECONDS, lambda: "many"
    )
    assert deployment.ask(CHILD).approved


def test_connections_without_end_leave_files_for_others(deployment: Deployment) -> None:
    """And callers that are connected already are served."""
    deployment.coordinator.stop()
    serve = (MPIC, "coordinator", "--config", str(deployment.coordinator_file))
    log = deployment.directory / "few-files.log"
    few = Child(("prlimit", "--nofile=600:600", *serve), log)
    try:
        wait_serving(few)
        host, port = COORDINATOR.split(":")
        with deployment.channel() as opened, ExitStack() as held:
            stub = corroboration_pb2_grpc.CorroborationServiceStub(opened)
            stub.ListPerspectives(c.ListPerspectivesRequest(), timeout=SECONDS)
            for _ in range(650):
                held.enter_context(socket.create_connection((host, int(port)), SECONDS))
            wait_until(lambda: open_files(few) > 300, SECONDS, lambda: "few")
            request = c.CorroborateRequest(request_id="meanwhile", names=named([CHILD]))
            assert stub.Corroborate(request, timeout=SECONDS).approved
            assert open_files(few) < 400
        assert deployment.ask(CHILD).approved
    finally:
        few.stop()
        deployment.start_coordinator()
