"""The client library and a real coordinator: one question and many, and why there is no answer."""

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from mpic.channel import TlsFiles
from mpic.client import (
    AsyncClient,
    CertificateRefusedError,
    Client,
    CredentialsError,
    InvalidRequestError,
    NoConnectionError,
    NotAllowedError,
    NotFoundError,
    NoTimeError,
    RequestIdUsedError,
    RetryPolicy,
    ServerNameError,
    ServerNotTrustedError,
    StreamLimits,
)
from mpic.runtime.pki import Subject, create_authority, issue_certificate
from mpic.v1 import corroboration_pb2 as c
from tests.world.deployment import COORDINATOR, Deployment, Plan
from tests.world.held import hold
from tests.world.requests import named

GOOD = "child.parent.example.co.jp"
PLAN = Plan(lookup_timeout=60, repeat_window=600)
ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def client(deployment: Deployment) -> Iterator[Client]:
    with Client(COORDINATOR, deployment.caller_tls(), server_name="localhost") as client:
        yield client


def test_a_question_is_answered_recorded_and_reported_on(client: Client) -> None:
    answer = client.corroborate([GOOD, f"*.{GOOD}"])
    assert answer.approved
    assert [one.name for one in answer.names] == [GOOD, f"*.{GOOD}"]
    assert len(answer.request_id) == 36

    found = client.get(record_id=answer.record_id)
    assert found.verdict.request_id == answer.request_id
    issuance = c.Issuance(serial_number=b"\x01")
    issuance.not_after.FromSeconds(answer.decided_at.seconds + 86_400)
    for _ in range(2):
        assert client.record_issuance(issuance, request_id=answer.request_id) == answer.record_id
    (kept,) = client.get(request_id=answer.request_id).issuances
    assert kept.serial_number == b"\x01"
    assert [one.ready for one in client.perspectives().perspectives] == [True] * 6


def test_an_id_that_is_given_is_kept_and_told_the_same_again(client: Client) -> None:
    request = c.CorroborateRequest(request_id="mine", names=named([GOOD]))
    first, again = client.corroborate(request), client.corroborate(request)
    assert first.request_id == "mine"
    assert again.record_id == first.record_id
    request.dry_run = True
    with pytest.raises(RequestIdUsedError) as caught:
        client.corroborate(request)
    assert caught.value.reason == "DUPLICATE_REQUEST_ID"


async def test_asyncio_asks_many_at_a_time(deployment: Deployment) -> None:
    tls = deployment.caller_tls().load()
    async with AsyncClient(COORDINATOR, tls, server_name="localhost") as client:
        answers = await asyncio.gather(*(client.corroborate([GOOD]) for _ in range(20)))
    assert all(one.approved for one in answers)
    assert len({one.record_id for one in answers}) == 20


def test_wrong_fields_are_named(client: Client) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        client.corroborate(["*.co.jp"])
    assert [one.field for one in caught.value.violations] == ["names[0].name"]
    assert caught.value.responsible == c.RESPONSIBLE_CALLER
    assert caught.value.status is grpc.StatusCode.INVALID_ARGUMENT


def test_what_nobody_recorded_is_not_found(client: Client) -> None:
    with pytest.raises(NotFoundError, match="no such record"):
        client.get(request_id="nobody-asked-this")


def test_who_is_on_no_list_is_told_which_names_it_has(deployment: Deployment) -> None:
    tls = deployment.caller_tls("stranger")
    with (
        Client(COORDINATOR, tls, server_name="localhost") as client,
        pytest.raises(NotAllowedError, match="caller/stranger"),
    ):
        client.perspectives()


def test_a_short_time_is_the_callers(client: Client) -> None:
    with hold() as held, pytest.raises(NoTimeError):
        client.corroborate(held.names(1), timeout=0.5)


@pytest.fixture
def other_pki(tmp_path: Path) -> TlsFiles:
    authority = create_authority(tmp_path / "other", "other.test")
    pair = issue_certificate(authority, Subject("caller", "pipeline"))
    return TlsFiles(pair.certificate, pair.private_key, authority.file)


@pytest.mark.parametrize("as_pems", [False, True])
def test_each_reason_for_no_connection_is_told_apart(
    deployment: Deployment, other_pki: TlsFiles, as_pems: bool
) -> None:
    good = deployment.caller_tls()

    def fail(address: str, tls: TlsFiles, name: str | None = "localhost") -> NoConnectionError:
        given = tls.load() if as_pems else tls
        with (
            Client(address, given, server_name=name, retry=ONCE) as client,
            pytest.raises(NoConnectionError) as caught,
        ):
            client.perspectives()
        return caught.value

    nobody = fail("127.0.0.1:1", good)
    assert type(nobody) is NoConnectionError
    assert "Connection refused" in str(nobody)
    assert type(fail("nowhere.invalid:7300", good)) is NoConnectionError

    refused = fail(COORDINATOR, replace(other_pki, authority=good.authority))
    assert isinstance(refused, CertificateRefusedError)
    not_trusted = fail(COORDINATOR, replace(good, authority=other_pki.authority))
    assert isinstance(not_trusted, ServerNotTrustedError)
    wrong_name = fail(COORDINATOR, good, "mpic.example")
    assert isinstance(wrong_name, ServerNameError)
    assert set(wrong_name.names) == {"main.coordinator.mpic.test", "localhost"}
    assert "localhost" in str(wrong_name)
    for error in (refused, not_trusted, wrong_name):
        assert error.responsible == c.RESPONSIBLE_CALLER

    mixed = replace(good, private_key=other_pki.private_key)
    with pytest.raises(CredentialsError, match="is not that of the certificate"):
        Client(COORDINATOR, mixed.load() if as_pems else mixed)


def test_files_that_are_missing_are_named(deployment: Deployment, tmp_path: Path) -> None:
    tls = replace(deployment.caller_tls(), authority=tmp_path / "ca.pem")
    with pytest.raises(CredentialsError, match=r"ca\.pem: No such file"):
        Client(COORDINATOR, tls)


def test_a_stream_answers_each_question_once(client: Client) -> None:
    questions = ([f"host{number}.plain.example.co.jp"] for number in range(300))
    limits = StreamLimits(open_names=40)
    names = []
    for result in client.stream(questions, limits):
        assert result.verdict is not None
        assert result.verdict.approved
        assert result.verdict.request_id == result.request.request_id
        names.append(result.verdict.names[0].name)
    assert sorted(names) == sorted(f"host{number}.plain.example.co.jp" for number in range(300))


def test_a_wrong_question_of_a_stream_affects_no_other(client: Client) -> None:
    results = list(client.stream([[GOOD], ["*.co.jp"], [GOOD]]))
    assert len(results) == 3
    (error,) = [one.error for one in results if one.error]
    assert isinstance(error, InvalidRequestError)
    assert [one.field for one in error.violations] == ["names[0].name"]


def test_questions_are_taken_no_faster_than_they_are_answered(client: Client) -> None:
    taken = 0

    def questions() -> Iterator[list[str]]:
        nonlocal taken
        for name in held.names(1) * 500:
            taken += 1
            yield [name]

    with hold() as held:
        results = client.stream(questions(), StreamLimits(open_names=10))
        release = threading.Timer(1.0, held.release)
        release.start()
        next(results)
        assert taken < 200
        results.close()
        release.join()


def test_a_source_that_waits_holds_up_no_answer(client: Client) -> None:
    more = threading.Event()

    def questions() -> Iterator[list[str]]:
        yield [GOOD]
        assert more.wait(60)
        yield [GOOD]

    results = client.stream(questions())
    assert next(results).verdict
    more.set()
    assert len(list(results)) == 1


def test_what_the_source_raises_is_raised(client: Client) -> None:
    def questions() -> Iterator[list[str]]:
        yield [GOOD]
        raise RuntimeError("the file is torn")

    with pytest.raises(RuntimeError, match="the file is torn"):
        list(client.stream(questions()))


def test_a_coordinator_that_is_killed_loses_no_question(
    deployment: Deployment, client: Client
) -> None:
    """Each has one result, under the id that it was first asked with."""
    asked = []

    def questions() -> Iterator[c.CorroborateRequest]:
        for number in range(400):
            asked.append(f"kill-{number}")
            name = f"host{number}.plain.example.co.jp"
            yield c.CorroborateRequest(request_id=asked[-1], names=named([name]))

    def start_again() -> None:
        time.sleep(1)
        deployment.start_coordinator()
        over.wait()  # a program ends with the thread that started it

    over = threading.Event()
    starting = threading.Thread(target=start_again)
    told = {}
    for result in client.stream(questions(), StreamLimits(open_names=50)):
        assert result.verdict is not None, result.error
        assert result.request.request_id not in told
        told[result.request.request_id] = result.verdict.record_id
        if len(told) == 100:
            deployment.coordinator.signal(signal.SIGKILL)
            deployment.coordinator.stop()
            starting.start()
    assert sorted(told) == sorted(asked)
    for request_id, record_id in list(told.items())[:150:10]:
        assert client.get(request_id=request_id).verdict.record_id == record_id
    over.set()
    starting.join()
