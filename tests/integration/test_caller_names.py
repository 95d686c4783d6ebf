"""Whom a certificate names: kinds of name are told apart, and who leaves the list leaves."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from grpc import aio

from mpic.channel import TlsFiles, channel_credentials, open_channel
from mpic.runtime.grpc.tls import server_credentials
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc, perspective_pb2_grpc
from mpic.v1 import perspective_pb2 as p
from tests.integration.test_reload import changed, reloading
from tests.world.certificates import issue
from tests.world.deployment import COORDINATOR, Deployment, agent_address
from tests.world.places import PLACES
from tests.world.process import wait_until
from tests.world.requests import named

CHILD = "child.parent.example.co.jp"
LISTED_URI, LISTED_NAME = "spiffe://mpic.test/caller/pipeline", "listed.caller.mpic.test"
AGENT_NAME = f"{PLACES[1].id}.perspective.mpic.test"
OTHER_URI = x509.UniformResourceIdentifier("spiffe://mpic.test/caller/other")

# Microsoft's user principal name, as an OtherName: UTF8String.
_UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


@pytest.fixture(scope="module", autouse=True)
def _both_kinds(deployment: Deployment) -> Iterator[None]:
    """Have a URI and a DNS name on the list."""
    with changed(deployment, f'["{LISTED_URI}"]', f'["{LISTED_URI}", "{LISTED_NAME}"]'):
        yield


@contextmanager
def channel(tls: TlsFiles) -> Iterator[grpc.Channel]:
    options = [("grpc.ssl_target_name_override", "localhost")]
    with grpc.secure_channel(COORDINATOR, channel_credentials(tls), options) as opened:
        yield opened


def is_let_in(tls: TlsFiles) -> bool:
    with channel(tls) as opened:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(opened)
        code = stub.ListPerspectives.future(c.ListPerspectivesRequest(), timeout=60).code()
    assert code in (grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED)
    return code is grpc.StatusCode.OK


@pytest.mark.parametrize(
    "names",
    [
        [x509.UniformResourceIdentifier(LISTED_URI)],
        [x509.DNSName(LISTED_NAME)],
        [OTHER_URI, x509.UniformResourceIdentifier(LISTED_URI)],
        [x509.DNSName("other.caller.mpic.test"), x509.DNSName(LISTED_NAME)],
        [x509.DNSName(LISTED_URI), x509.UniformResourceIdentifier(LISTED_URI)],
        [x509.UniformResourceIdentifier(f"{LISTED_URI}-{'a' * 200}"), x509.DNSName(LISTED_NAME)],
    ],
)
def test_who_has_a_name_of_the_list_is_let_in(
    deployment: Deployment, tmp_path: Path, names: Sequence[x509.GeneralName]
) -> None:
    assert is_let_in(issue(deployment.pki, tmp_path, names))


@pytest.mark.parametrize(
    "names",
    [
        [x509.DNSName(LISTED_URI)],
        [x509.RFC822Name(LISTED_URI)],
        [x509.OtherName(_UPN, b"\x0c" + bytes((len(LISTED_URI),)) + LISTED_URI.encode())],
        [x509.UniformResourceIdentifier(LISTED_NAME)],
        [x509.RFC822Name(LISTED_NAME)],
        [x509.UniformResourceIdentifier(f"{LISTED_URI}\0.other")],
        [x509.DNSName(f"{LISTED_NAME}\0.other.example.test")],
        [x509.UniformResourceIdentifier(f"{LISTED_URI}/")],
        [x509.DNSName("*.caller.mpic.test")],
        [x509.IPAddress(ip_address("192.0.2.1"))],
        [],
    ],
)
@pytest.mark.parametrize("common_name", ["somebody", LISTED_NAME])
def test_the_same_text_in_another_kind_of_name_lets_nobody_in(
    deployment: Deployment,
    tmp_path: Path,
    names: Sequence[x509.GeneralName],
    common_name: str,
) -> None:
    assert not is_let_in(issue(deployment.pki, tmp_path, names, common_name))


def test_the_refused_is_shown_with_the_kinds_of_its_names(
    deployment: Deployment, tmp_path: Path
) -> None:
    names = [x509.DNSName(LISTED_URI), x509.RFC822Name("somebody@example.test")]
    assert not is_let_in(issue(deployment.pki, tmp_path, names))
    shown = [f"DNS:{LISTED_URI}", "email:somebody@example.test"]
    wait_until(
        lambda: any(
            one["identities"] == shown for one in deployment.coordinator.events("caller_refused")
        ),
        60,
        deployment.coordinator.log_file.read_text,
    )


def test_who_is_recorded_and_logged_is_who_is_on_the_list(
    deployment: Deployment, tmp_path: Path
) -> None:
    names = [OTHER_URI, x509.UniformResourceIdentifier(LISTED_URI)]
    request = c.CorroborateRequest(request_id="second-name", names=named([CHILD]))
    with channel(issue(deployment.pki, tmp_path, names)) as opened:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(opened)
        stub.Corroborate(request, timeout=60)
    with deployment.channel() as opened:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(opened)
        # Others may read what they asked themselves, and nothing else.
        stub.GetCorroboration(c.GetCorroborationRequest(request_id="second-name"), timeout=60)
    (line,) = (
        one
        for one in deployment.coordinator.events("verdict")
        if one["request_id"] == "second-name"
    )
    assert line["caller"] == LISTED_URI


class OpenQuestions:
    """A caller's stream on which one question has been answered."""

    def __init__(self, opened: grpc.Channel) -> None:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(opened)
        self._stream = stub.CorroborateStream(self._requests(), timeout=120)
        assert next(self._stream).outcomes[0].verdict.approved

    def _requests(self) -> Iterator[c.CorroborateStreamRequest]:
        question = c.CorroborateRequest(request_id="streamed", names=named([CHILD]))
        yield c.CorroborateStreamRequest(questions=[question])
        wait_until(lambda: self._stream.code() is not None, 120, lambda: "the stream does not end")

    @property
    def is_open(self) -> bool:
        return self._stream.is_active()

    def end(self) -> grpc.StatusCode:
        """Wait until the stream ends; return how."""
        with pytest.raises(grpc.RpcError) as raised:
            next(self._stream)
        return raised.value.code()


def test_a_caller_that_leaves_the_list_leaves_its_stream_and_others_stay(
    deployment: Deployment, tmp_path: Path
) -> None:
    other = issue(deployment.pki, tmp_path, [x509.DNSName(LISTED_NAME)])
    with deployment.channel() as opened, channel(other) as staying:
        leaves, stays = OpenQuestions(opened), OpenQuestions(staying)
        with changed(deployment, f'"{LISTED_URI}", ', ""):
            assert leaves.end() is grpc.StatusCode.PERMISSION_DENIED
            assert stays.is_open
            assert not is_let_in(deployment.caller_tls())


def beat(stop: threading.Event) -> Iterator[p.ObserveRequest]:
    """Give one sign of life, and leave the stream open."""
    yield p.ObserveRequest(heartbeat=True)
    stop.wait(120)


def test_a_coordinator_that_leaves_an_agents_list_leaves_its_stream(
    deployment: Deployment,
) -> None:
    place = PLACES[1]
    file, agent = deployment.agent_file(place.id), deployment.agents[place.id]
    text = file.read_text()
    pair = deployment.pki / "coordinator-main"
    tls = TlsFiles(pair.with_suffix(".pem"), pair.with_suffix(".key"), deployment.pki / "ca.pem")
    options = [("grpc.ssl_target_name_override", AGENT_NAME)]

    def problem() -> str:
        return deployment.perspective(place.id).problem

    deployment.wait_ready()
    stop = threading.Event()
    with grpc.secure_channel(agent_address(place), channel_credentials(tls), options) as opened:
        stub = perspective_pb2_grpc.PerspectiveServiceStub(opened)
        stream = stub.Observe(beat(stop), timeout=120)
        next(stream)
        with reloading(agent):
            file.write_text(text.replace("coordinator/main", "coordinator/other"))
        try:
            with pytest.raises(grpc.RpcError) as raised:
                next(stream)
            wait_until(lambda: "the agent refuses this coordinator" in problem(), 60, problem)
            (verdict,) = deployment.ask(CHILD).names
        finally:
            stop.set()
            with reloading(agent):
                file.write_text(text)
    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert verdict.quorum == "4/5"
    deployment.wait_ready()


async def describe(address: str, tls: TlsFiles) -> grpc.StatusCode:
    async with open_channel(address, tls, AGENT_NAME) as opened:
        stub = perspective_pb2_grpc.PerspectiveServiceStub(opened)
        try:
            await stub.Describe(p.DescribeRequest(), timeout=10)
        except aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        # It is met, and has no such method.
        (x509.DNSName, grpc.StatusCode.UNIMPLEMENTED),
        (x509.RFC822Name, grpc.StatusCode.UNAVAILABLE),
        (x509.UniformResourceIdentifier, grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_an_agent_is_who_has_its_dns_name_and_not_that_text_as_another_kind(
    deployment: Deployment,
    tmp_path: Path,
    kind: Callable[[str], x509.GeneralName],
    code: grpc.StatusCode,
) -> None:
    names = [kind(AGENT_NAME), x509.DNSName("other.perspective.mpic.test")]
    server = aio.server()
    credentials = server_credentials(issue(deployment.pki, tmp_path, names))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        assert await describe(f"127.0.0.1:{port}", deployment.caller_tls()) is code
    finally:
        await server.stop(0)
