"""What the library repeats, over real mutual TLS, with a server that answers as a test says."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
from grpc import aio

from mpic.channel import TlsFiles
from mpic.client import (
    AsyncClient,
    BusyError,
    Client,
    ClientError,
    NoConnectionError,
    NoTimeError,
    RetryPolicy,
    ServiceError,
)
from mpic.runtime.grpc.errors import RequestError, to_status
from mpic.runtime.grpc.handlers import Context
from mpic.runtime.grpc.reasons import ErrorReason
from mpic.runtime.grpc.tls import server_credentials
from mpic.runtime.pki import Subject, create_authority, issue_certificate
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world import network
from tests.world.process import wait_until

QUICK = RetryPolicy(first_delay=0.01)
NAME = "localhost"


@pytest.fixture(autouse=True)
def _loopback() -> None:
    network.bring_up(())


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[TlsFiles, TlsFiles]:
    """Of the server, and of the caller."""
    authority = create_authority(tmp_path_factory.mktemp("calls") / "pki", "mpic.test")
    server = issue_certificate(authority, Subject("coordinator", "main", (NAME,)))
    caller = issue_certificate(authority, Subject("caller", "pipeline"))
    one, other = (
        TlsFiles(pair.certificate, pair.private_key, authority.file) for pair in (server, caller)
    )
    return one, other


class Servicer(corroboration_pb2_grpc.CorroborationServiceServicer):
    """Ends the first calls in errors, then answers; notes the ids it was asked with."""

    def __init__(self) -> None:
        self.errors: list[RequestError] = []
        self.asked: list[str] = []
        self.responsible = c.RESPONSIBLE_UNSPECIFIED
        self.delay = 0.0

    async def Corroborate(  # noqa: N802 - the method's name in the agreement
        self, request: c.CorroborateRequest, context: Context
    ) -> c.CorroborateResponse:
        self.asked.append(request.request_id)
        await asyncio.sleep(self.delay)
        if self.errors:
            error = self.errors.pop(0)
            trailer = ("grpc-status-details-bin", to_status(error).SerializeToString())
            await context.abort(error.status, error.message, trailing_metadata=(trailer,))
        names = [c.NameVerdict(responsible=self.responsible)]
        return c.CorroborateResponse(request_id=request.request_id, names=names)


@pytest.fixture
async def server(tls: tuple[TlsFiles, TlsFiles]) -> AsyncIterator[tuple[Servicer, str]]:
    servicer, running = Servicer(), aio.server()  # type: ignore[abstract] # no other is called
    corroboration_pb2_grpc.add_CorroborationServiceServicer_to_server(servicer, running)
    port = running.add_secure_port("127.0.0.1:0", server_credentials(tls[0]))
    await running.start()
    yield servicer, f"127.0.0.1:{port}"
    await running.stop(0)


@pytest.fixture
async def client(
    server: tuple[Servicer, str], tls: tuple[TlsFiles, TlsFiles]
) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server[1], tls[1], server_name=NAME, retry=QUICK) as client:
        yield client


def error(status: grpc.StatusCode, reason: ErrorReason, seconds: float | None) -> RequestError:
    return RequestError(status, reason, "no", retry_after=seconds)


BUSY = error(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 0.02)
UNWRITTEN = error(grpc.StatusCode.UNAVAILABLE, "RECORD_NOT_WRITTEN", None)


async def test_what_may_pass_is_asked_again_with_the_same_id(
    server: tuple[Servicer, str], client: AsyncClient
) -> None:
    servicer, _ = server
    servicer.errors = [UNWRITTEN, BUSY, UNWRITTEN]
    answer = await client.corroborate(["www.example.com"])
    assert servicer.asked == [answer.request_id] * 4


async def test_after_the_last_attempt_the_error_is_told(
    server: tuple[Servicer, str], client: AsyncClient
) -> None:
    servicer, _ = server
    servicer.errors = [UNWRITTEN] * 9
    with pytest.raises(ServiceError) as caught:
        await client.corroborate(["www.example.com"])
    assert caught.value.reason == "RECORD_NOT_WRITTEN"
    assert len(servicer.asked) == 4


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        (grpc.StatusCode.ALREADY_EXISTS, "DUPLICATE_REQUEST_ID"),
    ],
)
async def test_what_is_the_callers_is_asked_once(
    server: tuple[Servicer, str],
    client: AsyncClient,
    status: grpc.StatusCode,
    reason: ErrorReason,
) -> None:
    servicer, _ = server
    servicer.errors = [error(status, reason, None)]
    with pytest.raises(ClientError):
        await client.corroborate(["www.example.com"])
    assert len(servicer.asked) == 1


async def test_nobody_waits_for_a_retry_beyond_the_callers_time(
    server: tuple[Servicer, str], client: AsyncClient
) -> None:
    servicer, _ = server
    servicer.errors = [error(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 1000.0)]
    with pytest.raises(BusyError) as caught:
        await client.corroborate(["www.example.com"], timeout=20)
    assert caught.value.retry_after == 1000.0
    assert len(servicer.asked) == 1


async def test_a_call_has_a_time_of_its_own(
    server: tuple[Servicer, str], tls: tuple[TlsFiles, TlsFiles]
) -> None:
    server[0].delay = 2.0
    async with AsyncClient(server[1], tls[1], server_name=NAME, timeout=0.2) as client:
        answer = await client.corroborate(["www.example.com"], timeout=60)
        assert answer.request_id in server[0].asked
        with pytest.raises(NoTimeError):
            await client.corroborate(["www.example.com"])


async def test_an_undetermined_refusal_is_asked_again_if_that_is_wanted(
    server: tuple[Servicer, str], tls: tuple[TlsFiles, TlsFiles]
) -> None:
    servicer, address = server
    servicer.responsible = c.RESPONSIBLE_SERVICE
    retry = RetryPolicy(attempts=3, first_delay=0.01, undetermined=True)
    async with AsyncClient(address, tls[1], server_name=NAME, retry=retry) as client:
        answer = await client.corroborate(["www.example.com"])
    assert servicer.asked == [answer.request_id] * 3


async def test_a_closed_client_opens_a_new_connection(
    server: tuple[Servicer, str], client: AsyncClient
) -> None:
    await client.corroborate(["www.example.com"])
    await client.close()
    await client.corroborate(["www.example.com"])
    assert len(server[0].asked) == 2


@pytest.mark.parametrize("ids", [{}, {"record_id": "a", "request_id": "b"}])
async def test_a_record_is_found_by_one_id(client: AsyncClient, ids: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="give a record_id or a request_id"):
        await client.get(**ids)
    with pytest.raises(ValueError, match="give a record_id or a request_id"):
        await client.record_issuance(c.Issuance(), **ids)


def test_the_thread_of_a_source_ends_with_the_stream(tls: tuple[TlsFiles, TlsFiles]) -> None:
    def endless() -> Iterator[list[str]]:
        while True:
            yield ["www.example.com"]

    def sources() -> list[threading.Thread]:
        return [one for one in threading.enumerate() if "_fill" in one.name]

    with (
        Client("127.0.0.1:1", tls[1], retry=QUICK) as client,
        pytest.raises(NoConnectionError),
    ):
        next(client.stream(endless()))
    wait_until(lambda: not sources(), 20, lambda: f"{sources()} go on")
