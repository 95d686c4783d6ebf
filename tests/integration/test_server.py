"""Who is let in by a server, and as it is, over real mutual TLS: a server of our own, one process.

Nothing is decided here: the service is one that only notes who reached it.
"""

import asyncio
import resource
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from google.rpc import error_details_pb2
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from mpic.channel import TlsFiles, open_channel
from mpic.runtime.grpc import serving, transport
from mpic.runtime.grpc.errors import Violation, invalid_argument
from mpic.runtime.grpc.handlers import Context
from mpic.runtime.grpc.serving import Listening, Server, ServingError
from mpic.runtime.grpc.tls import accepts_tls_1_2
from mpic.runtime.pki import Authority, Pair, Subject, create_authority, issue_certificate
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world import network

SERVICE: str = c.DESCRIPTOR.services_by_name["CorroborationService"].full_name
NAME = "main.coordinator.mpic.test"
NOW = datetime.now(UTC)
MOST_OCTETS = 100_000
ALLOWED = frozenset({"spiffe://mpic.test/caller/pipeline"})
STRANGERS = frozenset({"spiffe://mpic.test/caller/stranger"})


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where these are the first tests in their network; and leave this process as it is."""
    network.bring_up(())
    monkeypatch.setattr(serving, "_spare_the_collector", lambda: None)


class Servicer(corroboration_pb2_grpc.CorroborationServiceServicer):
    """Notes what reaches it."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.error: Exception | None = None
        self.hold = asyncio.Event()
        self.hold.set()
        self.arrived = asyncio.Event()
        self.draining = asyncio.Event()

    async def ListPerspectives(  # noqa: N802 - the method's name in the agreement
        self, request: c.ListPerspectivesRequest, context: Context
    ) -> c.ListPerspectivesResponse:
        del request, context
        self.reached.append("ListPerspectives")
        self.arrived.set()
        await self.hold.wait()
        if self.error is not None:
            raise self.error
        return c.ListPerspectivesResponse()

    async def Corroborate(  # noqa: N802 - the method's name in the agreement
        self, request: c.CorroborateRequest, context: Context
    ) -> c.CorroborateResponse:
        del context
        self.reached.append("Corroborate")
        return c.CorroborateResponse(request_id=request.request_id)

    async def CorroborateStream(  # noqa: N802 - the method's name in the agreement
        self, request_iterator: AsyncIterator[c.CorroborateStreamRequest], context: Context
    ) -> AsyncIterator[c.CorroborateStreamResponse]:
        del context
        self.reached.append("CorroborateStream")
        if self.error is not None:
            raise self.error
        yield c.CorroborateStreamResponse()
        reading = asyncio.ensure_future(anext(request_iterator, None))
        draining = asyncio.ensure_future(self.draining.wait())
        await asyncio.wait([reading, draining], return_when=asyncio.FIRST_COMPLETED)
        for task in (reading, draining):
            task.cancel()

    async def GetCorroboration(  # noqa: N802 - the method's name in the agreement
        self, request: c.GetCorroborationRequest, context: Context
    ) -> c.GetCorroborationResponse:
        raise NotImplementedError

    async def RecordIssuance(  # noqa: N802 - the method's name in the agreement
        self, request: c.RecordIssuanceRequest, context: Context
    ) -> c.RecordIssuanceResponse:
        raise NotImplementedError


class Pki:
    """An authority and those it has signed."""

    def __init__(self, directory: Path) -> None:
        self.authority = create_authority(directory, "mpic.test", now=NOW)
        self.server = self.issue(Subject("coordinator", "main"))
        self.pipeline = self.issue(Subject("caller", "pipeline"))
        self.stranger = self.issue(Subject("caller", "stranger"))

    def issue(self, subject: Subject) -> Pair:
        return issue_certificate(self.authority, subject, now=NOW)

    def files(self, pair: Pair, authority: Authority | None = None) -> TlsFiles:
        return TlsFiles(pair.certificate, pair.private_key, (authority or self.authority).file)


class House:
    """A server that runs."""

    def __init__(self, pki: Pki, listen: str = "127.0.0.1:0") -> None:
        self.pki = pki
        self.servicer = Servicer()
        files = pki.files(pki.server)
        self.server = Server(Listening(listen, files, {SERVICE: ALLOWED}, MOST_OCTETS))
        add = corroboration_pb2_grpc.add_CorroborationServiceServicer_to_server
        self.server.add(add, self.servicer, busiest="Corroborate")
        self.address = f"127.0.0.1:{self.server.port}"
        self.ending: asyncio.Task[None] | None = None

    async def start(self) -> "House":
        await self.server.start()
        await self.server.set_health(serving=True)
        drain = self.servicer.draining.set
        self.ending = asyncio.create_task(self.server.run_until_signal(5.0, drain))
        return self

    async def end(self) -> None:
        self.server._stopping.set()
        self.servicer.hold.set()
        await (self.ending or self.server._grpc.stop(0))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)

    def channel(self, pair: Pair, authority: Authority | None = None) -> aio.Channel:
        return open_channel(self.address, self.pki.files(pair, authority), NAME)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("server") / "pki")


@pytest.fixture
async def house(pki: Pki) -> AsyncIterator[House]:
    running = await House(pki).start()
    yield running
    await running.end()


async def list_perspectives(channel: aio.Channel) -> aio.AioRpcError | None:
    """Call the service once; return the error, if it is one."""
    stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
    return await error_of(stub.ListPerspectives(c.ListPerspectivesRequest(), timeout=20))


async def error_of(call: Any) -> aio.AioRpcError | None:  # noqa: ANN401 - a call or a reading
    try:
        await call
    except aio.AioRpcError as error:
        return error
    return None


async def stream(channel: aio.Channel) -> aio.AioRpcError | None:
    """Open a stream and read its first message."""
    call = corroboration_pb2_grpc.CorroborationServiceStub(channel).CorroborateStream(timeout=20)
    error = await error_of(call.read())
    call.cancel()
    return error


async def corroborate(channel: aio.Channel) -> aio.AioRpcError | None:
    stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
    return await error_of(stub.Corroborate(c.CorroborateRequest(request_id="r"), timeout=20))


WAYS = (list_perspectives, stream, corroborate)


@pytest.mark.parametrize("way", WAYS)
async def test_who_is_on_the_list_is_let_in(house: House, way: Any) -> None:  # noqa: ANN401 - a way to call
    async with house.channel(house.pki.pipeline) as channel:
        assert await way(channel) is None
    assert len(house.servicer.reached) == 1


@pytest.mark.parametrize("way", WAYS)
async def test_a_stranger_reaches_no_method_of_any_kind(house: House, way: Any) -> None:  # noqa: ANN401
    with capture_logs() as lines:
        async with house.channel(house.pki.stranger) as channel:
            error = await way(channel)
        house.server._gate.write()
    assert error is not None
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert not house.servicer.reached
    (line,) = [one for one in lines if one["event"] == "caller_refused"]
    assert line["service"] == SERVICE
    assert "caller/stranger" in str(line["identities"])


async def test_every_call_is_counted_by_its_method_and_its_end(house: House) -> None:
    registry = CollectorRegistry()
    for collector in house.server.meter.collectors:
        registry.register(collector)
    for pair in (house.pki.pipeline, house.pki.stranger, house.pki.stranger):
        async with house.channel(pair) as channel:
            await list_perspectives(channel)
    await house.end()
    labels = {
        "grpc_type": "unary",
        "grpc_service": SERVICE,
        "grpc_method": "ListPerspectives",
    }
    handled = "grpc_server_handled_total"
    assert registry.get_sample_value(handled, labels | {"grpc_code": "OK"}) == 1
    assert registry.get_sample_value(handled, labels | {"grpc_code": "PERMISSION_DENIED"}) == 2


async def test_a_client_without_a_certificate_gets_no_connection(house: House) -> None:
    authority = house.pki.authority.file.read_bytes()
    options = [("grpc.ssl_target_name_override", NAME)]
    credentials = grpc.ssl_channel_credentials(authority)
    async with aio.secure_channel(house.address, credentials, options=options) as channel:
        for way in WAYS:
            error = await way(channel)
            assert error is not None
            assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert not house.servicer.reached


async def test_a_client_of_another_authority_gets_no_connection(
    house: House, tmp_path: Path
) -> None:
    other = create_authority(tmp_path / "other", "mpic.test", now=NOW)
    pair = issue_certificate(other, Subject("caller", "pipeline"), now=NOW)
    files = TlsFiles(pair.certificate, pair.private_key, house.pki.authority.file)
    async with open_channel(house.address, files, NAME) as channel:
        error = await list_perspectives(channel)
    assert error is not None
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert not house.servicer.reached


@contextmanager
def wait_for_lines(event: str) -> Iterator[Callable[[int], Awaitable[list[Any]]]]:
    """Give a function that waits until there are so many lines of an event, and returns them."""
    with capture_logs() as lines:

        async def wait(number: int) -> list[Any]:
            async with asyncio.timeout(20):
                while True:
                    found = [one for one in lines if one["event"] == event]
                    if len(found) >= number:
                        return found
                    await asyncio.sleep(0.05)

        yield wait


@pytest.mark.parametrize("says", ["no certificate", "HTTP/1.1", "nothing"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_connection_that_ends_without_a_call_is_told_with_its_address(
    pki: Pki, says: str, host: str
) -> None:
    house = await House(pki, "[::]:0").start()
    with wait_for_lines("connection_without_call") as wait:
        async with house.channel(pki.pipeline) as channel:
            assert await list_perspectives(channel) is None  # it called: no line about it
        await say(host, house.server.port, says)
        (line,) = await wait(1)
        await house.end()
        (line,) = await wait(1)
    assert line["address"] == {"127.0.0.1": "ipv4:127.0.0.1", "::1": "ipv6:%5B::1%5D"}[host]
    assert line["calls"] == 1
    assert "certificate" in line["why"]
    assert line["log_level"] == "warning"


async def say(host: str, port: int, says: str) -> None:
    """Open a connection, and say that much on it until it ends."""
    context = None
    if says == "no certificate":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    with suppress(ConnectionError, ssl.SSLError):
        if says == "nothing":
            await asyncio.sleep(0.1)  # it is accepted
        else:
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await reader.read()
    writer.close()


async def test_a_server_of_another_authority_or_name_is_not_believed(
    house: House, tmp_path: Path
) -> None:
    other = create_authority(tmp_path / "other", "mpic.test", now=NOW)
    for files, name in (
        (house.pki.files(house.pki.pipeline, other), NAME),
        (house.pki.files(house.pki.pipeline), "other.coordinator.mpic.test"),
    ):
        async with open_channel(house.address, files, name) as channel:
            error = await list_perspectives(channel)
        assert error is not None
        assert error.code() is grpc.StatusCode.UNAVAILABLE


async def test_health_is_told_to_who_is_on_the_list(house: House) -> None:
    async with house.channel(house.pki.pipeline) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", SERVICE):
            request = health_pb2.HealthCheckRequest(service=service)
            response = await stub.Check(request, timeout=20)
            assert response.status == health_pb2.HealthCheckResponse.SERVING
        await house.server.set_health(serving=False)
        response = await stub.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=20)
        assert response.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_reflection_tells_who_is_on_the_list_what_can_be_called(house: House) -> None:
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="mpic.v1.Nothing"),
    ]
    async with house.channel(house.pki.pipeline) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        told = [one async for one in stub.ServerReflectionInfo(iter(asked), timeout=20)]
    services, described, nothing = told
    assert {one.name for one in services.list_services_response.service} == {
        SERVICE,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    files = described.file_descriptor_response.file_descriptor_proto
    names = [descriptor_pb2.FileDescriptorProto.FromString(one).name for one in files]
    assert names[0] == "mpic/v1/corroboration.proto"
    assert nothing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    handled = {
        sample.labels["grpc_code"]: sample.value
        for collector in house.server.meter.collectors
        for metric in collector.collect()
        for sample in metric.samples
        if sample.name == "grpc_server_handled_total"
        and sample.labels["grpc_method"] == "ServerReflectionInfo"
    }
    assert handled["OK"] == 1


METHODS = (
    f"/{SERVICE}/Corroborate",
    f"/{SERVICE}/CorroborateStream",
    f"/{SERVICE}/ListPerspectives",
    f"/{SERVICE}/GetCorroboration",
    f"/{SERVICE}/RecordIssuance",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)
STREAMS = (METHODS[1], METHODS[-2], METHODS[-1])


async def wait() -> AsyncIterator[bytes]:
    """Say nothing, and do not end."""
    await asyncio.Event().wait()
    yield b""


@pytest.mark.parametrize("method", METHODS)
async def test_a_stranger_is_refused_before_it_has_said_anything(house: House, method: str) -> None:
    """Whoever waits for a message first would wait here until the deadline."""
    async with house.channel(house.pki.stranger) as channel:
        for _ in range(3):  # grpc.aio itself may take up some
            call: Any = channel.stream_stream(method)(wait(), timeout=20)
            assert await call.code() is grpc.StatusCode.PERMISSION_DENIED
    assert not house.servicer.reached


@pytest.mark.parametrize("method", [one for one in METHODS if one not in STREAMS])
@pytest.mark.parametrize("caller", ["pipeline", "stranger"])
async def test_what_is_compressed_is_not_blown_up(house: House, method: str, caller: str) -> None:
    """It would be within the bound as it is sent, and far beyond it as it is read."""
    bomb = c.CorroborateRequest(request_id="a" * 100 * MOST_OCTETS).SerializeToString()
    pair = house.pki.pipeline if caller == "pipeline" else house.pki.stranger
    async with house.channel(pair) as channel:
        call: Any = channel.unary_unary(method)
        call = call(bomb, timeout=20, compression=grpc.Compression.Gzip)
        assert await call.code() is grpc.StatusCode.UNIMPLEMENTED
    assert not house.servicer.reached


TOO_LONG = grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("octets", [MOST_OCTETS, MOST_OCTETS + 1])
async def test_a_message_has_a_bound(house: House, octets: int) -> None:
    request = c.CorroborateRequest(request_id="a")
    request.account_uri = "a" * (octets - request.ByteSize() - 4)
    assert request.ByteSize() == octets
    async with house.channel(house.pki.pipeline) as channel:
        for method in METHODS[:3]:
            say = iter([request.SerializeToString()])
            call: Any = channel.stream_stream(method)(say, timeout=20)
            with suppress(aio.AioRpcError):
                while await call.read() is not aio.EOF:
                    pass
            wanted = grpc.StatusCode.OK if octets == MOST_OCTETS else TOO_LONG
            assert await call.code() is wanted, method


async def test_calls_of_one_connection_have_a_bound(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is beyond waits at its caller until one of the others has ended."""
    few = [
        (name, 3 if name == "grpc.max_concurrent_streams" else value)
        for name, value in transport.server_options(MOST_OCTETS)
    ]
    assert few != transport.server_options(MOST_OCTETS)
    monkeypatch.setattr(serving, "server_options", lambda _: few)
    house = await House(pki).start()
    try:
        async with house.channel(pki.pipeline) as channel:
            stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
            streams = [stub.CorroborateStream(timeout=60) for _ in range(3)]
            for one in streams:
                await one.read()
            waiting = asyncio.ensure_future(stub.CorroborateStream(timeout=60).read())
            await asyncio.wait([waiting], timeout=0.5)
            assert len(house.servicer.reached) == 3
            await streams[0].done_writing()
            assert await waiting == c.CorroborateStreamResponse()
            assert len(house.servicer.reached) == 4
    finally:
        await house.end()


async def test_a_call_that_ends_without_a_message_is_an_error(house: House) -> None:
    async with house.channel(house.pki.pipeline) as channel:
        call: Any = channel.stream_stream(f"/{SERVICE}/ListPerspectives")(timeout=20)
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT


def greet(house: House) -> ssl.SSLContext:
    """Speak TLS as the stranger."""
    context = ssl.create_default_context(cafile=house.pki.authority.file)
    context.check_hostname = False
    context.load_cert_chain(house.pki.stranger.certificate, house.pki.stranger.private_key)
    context.set_alpn_protocols(["h2"])
    return context


HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
"""The preface of a client, and its settings: none (RFC 9113 section 3.4)."""


@pytest.mark.parametrize(
    "says", ["nothing", "half of TLS", "TLS", "TLS and half of HTTP/2", "HTTP/2"]
)
async def test_a_connection_on_which_nothing_is_asked_is_ended(
    pki: Pki, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    """Which takes some seconds, or a minute where HTTP/2 is spoken; here less."""
    short = [(name, 300 if name in WAITS else value) for name, value in transport.server_options(1)]
    assert {name for name, value in short if value == 300} == WAITS
    monkeypatch.setattr(serving, "server_options", lambda _: short)
    house = await House(pki).start()
    host, port = house.address.split(":")
    context = greet(house) if "TLS" in says or says == "HTTP/2" else None
    context = None if says == "half of TLS" else context
    try:
        reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
        writer.write({"half of TLS": b"\x16\x03\x01", "HTTP/2": HTTP2}.get(says, b""))
        if "half of HTTP/2" in says:
            writer.write(HTTP2[:10])
        async with asyncio.timeout(20):
            with suppress(ConnectionError, ssl.SSLError):
                while await reader.read(65536):
                    pass
        writer.close()
    finally:
        await house.end()


WAITS = {
    "grpc.server_handshake_timeout_ms",
    "grpc.http2.settings_timeout",
    "grpc.max_connection_idle_ms",
}


async def test_connections_beyond_the_bound_are_ended_and_there_is_room_again(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, hard))
    house = await House(pki).start()
    assert files > 100
    host, port = house.address.split(":")
    try:
        held = [await asyncio.open_connection(host, int(port)) for _ in range(80)]
        waits = [asyncio.create_task(reader.read()) for reader, _ in held]
        done, kept = await asyncio.wait(waits, timeout=5)
        assert 25 <= len(kept) <= 50
        async with house.channel(pki.pipeline) as channel:
            error = await list_perspectives(channel)
            assert error is not None
            assert error.code() is grpc.StatusCode.UNAVAILABLE
        for _, writer in held:
            writer.close()
        async with house.channel(pki.pipeline) as channel:
            assert await list_perspectives(channel) is None
        await asyncio.gather(*done, *kept, return_exceptions=True)
    finally:
        await house.end()


async def test_the_list_that_is_adopted_is_in_force(house: House) -> None:
    house.server.adopt(house.pki.files(house.pki.server), {SERVICE: STRANGERS})
    async with (
        house.channel(house.pki.pipeline) as first,
        house.channel(house.pki.stranger) as second,
    ):
        for way in WAYS:
            error = await way(first)
            assert error is not None
            assert error.code() is grpc.StatusCode.PERMISSION_DENIED
            assert await way(second) is None


async def test_the_certificate_that_is_adopted_is_shown_to_who_comes_then(
    house: House, tmp_path: Path
) -> None:
    """And who comes with one of the new authority is believed, and of the old no more."""
    other = Pki(tmp_path / "other")
    async with house.channel(house.pki.pipeline) as before:
        assert await list_perspectives(before) is None
        house.server.adopt(other.files(other.server), {SERVICE: ALLOWED})
        assert await list_perspectives(before) is None
    async with open_channel(house.address, other.files(other.pipeline), NAME) as channel:
        assert await list_perspectives(channel) is None
    async with house.channel(house.pki.pipeline) as channel:
        assert await list_perspectives(channel) is not None


async def test_what_goes_wrong_inside_is_told_nobody(house: House) -> None:
    house.servicer.error = RuntimeError("the password is hush-hush")
    async with house.channel(house.pki.pipeline) as channel:
        for way in (list_perspectives, stream):
            with capture_logs() as lines:
                error = await way(channel)
            assert error is not None
            assert error.code() is grpc.StatusCode.INTERNAL
            assert "hush" not in f"{error.details()} {error.trailing_metadata()}"
            assert [line["event"] for line in lines] == ["internal_error"]


async def test_what_a_caller_can_mend_is_told_field_by_field(house: House) -> None:
    house.servicer.error = invalid_argument([Violation("names[3]", "is no name")])
    async with house.channel(house.pki.pipeline) as channel:
        for way in (list_perspectives, stream):
            error = await way(channel)
            assert error is not None
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
            status = rpc_status.from_call(error)
            assert status is not None
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            assert status.details[0].Unpack(info)
            assert status.details[1].Unpack(bad)
            assert (info.reason, info.domain) == ("INVALID_REQUEST", "mpic")
            assert [one.field for one in bad.field_violations] == ["names[3]"]


async def test_calls_are_taken_up_many_at_a_time_with_a_release_that_nobody_tried(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpc, "__version__", "9.0.0")
    with capture_logs() as logs:
        house = await House(pki).start()
    (accepting,) = house.server._acceptors
    assert len(accepting._tasks) > 1
    assert not house.server.lacking
    await house.end()
    assert "calls_are_taken_up_singly" not in [line["event"] for line in logs]


async def test_calls_are_taken_up_one_by_one_where_grpcio_lacks_what_it_takes(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as lacking, capture_logs() as logs:
        lacking.delattr("grpc._cython.cygrpc._ServicerContext")
        house = House(pki)
    assert "_ServicerContext" in house.server.lacking
    (line,) = [one for one in logs if one["event"] == "calls_are_taken_up_singly"]
    assert line["lacking"] == house.server.lacking
    await house.start()
    async with house.channel(pki.pipeline) as channel:
        assert await corroborate(channel) is None
    async with house.channel(pki.stranger) as channel:
        error = await corroborate(channel)
        assert error is not None
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    await house.end()


async def test_it_says_when_it_serves(pki: Pki) -> None:
    house = House(pki)
    assert house.server.why_not_serving() == "it is starting"
    await house.start()
    assert house.server.why_not_serving() == ""
    house.server._stopping.set()
    assert house.server.stopping
    assert house.server.why_not_serving() == "it is shutting down"
    await house.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_once_what_runs_is_answered(
    pki: Pki, number: signal.Signals
) -> None:
    signal.signal(number, lambda *_: None)  # if nobody heeds it, these tests go on
    house = await House(pki).start()
    house.servicer.hold.clear()
    async with house.channel(pki.pipeline) as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        running = asyncio.ensure_future(list_perspectives(channel))
        streaming = stub.CorroborateStream(timeout=20)
        await streaming.read()
        health = health_pb2_grpc.HealthStub(channel)
        watching = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=20)
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
        await house.servicer.arrived.wait()
        signal.raise_signal(number)
        assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watching.cancel()
        assert await streaming.read() is aio.EOF
        assert await streaming.code() is grpc.StatusCode.OK
        error = await list_perspectives(channel)
        assert error is not None
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert not running.done()
        house.servicer.hold.set()
        assert await running is None
    await house.end()
    assert not any(acceptors._tasks for acceptors in house.server._acceptors)


async def test_one_that_takes_too_long_is_not_waited_for(pki: Pki) -> None:
    house = House(pki)
    await house.server.start()
    house.servicer.hold.clear()
    ending = asyncio.create_task(house.server.run_until_signal(0.1, lambda: None))
    async with house.channel(pki.pipeline) as channel:
        running = asyncio.ensure_future(list_perspectives(channel))
        await house.servicer.arrived.wait()
        house.server._stopping.set()
        async with asyncio.timeout(30):
            await ending
        assert await running is not None
    await house.end()


async def test_it_cannot_start_where_another_has_the_port(house: House) -> None:
    files = house.pki.files(house.pki.server)
    with pytest.raises(ServingError, match="cannot listen"):
        Server(Listening(house.address, files, {SERVICE: ALLOWED}, MOST_OCTETS))


async def test_it_cannot_start_without_its_certificate(pki: Pki, tmp_path: Path) -> None:
    files = TlsFiles(tmp_path / "none.pem", pki.server.private_key, pki.authority.file)
    with pytest.raises(ServingError, match=r"none\.pem"):
        Server(Listening("127.0.0.1:0", files, {SERVICE: ALLOWED}, MOST_OCTETS))


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_who_speaks_older_tls_is_found_out(pki: Pki, newest: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.server.certificate, pki.server.private_key)
    context.minimum_version = context.maximum_version = newest
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    async with server:
        host, port = server.sockets[0].getsockname()
        found = await asyncio.to_thread(accepts_tls_1_2, f"{host}:{port}", 20.0)
    assert found == (newest is ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("said", [b"", b"\x15\x03\x03\x00\x02\x02\x46", b"HTTP/1.1 400"])
async def test_whatever_else_is_said_is_no_handshake(said: bytes) -> None:
    """An alert, such as protocol_version (RFC 8446 section 6.2), above all."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        assert not await asyncio.to_thread(accepts_tls_1_2, f"{host}:{port}", 20.0)


async def test_it_ends_where_older_tls_would_be_spoken(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "accepts_tls_1_2", lambda *_: True)
    house = House(pki)
    with pytest.raises(ServingError, match=r"TLS 1\.2"):
        await house.server.start()
    assert house.server.why_not_serving()
    await house.end()
