"""The record in PostgreSQL: two coordinators, one database, and the database gone."""

import signal
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from coordinator.decision.attempt_id import read_id, show_id
from coordinator.record.entries import read_entries
from coordinator.record.index_terms import request_term
from coordinator.record.stores.base import Search
from coordinator.record.stores.postgresql.connection import Address
from coordinator.record.stores.postgresql.store import PostgresqlStore
from coordinator.record.verify import export_heads, verify_store
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from mpic.v1 import record_pb2 as r
from tests.bench.kill import Heard, compare, kill_and_listen
from tests.world.deployment import COORDINATOR, COORDINATOR_ADMIN, Deployment, Plan, wait_serving
from tests.world.held import hold
from tests.world.internet import Internet
from tests.world.postgresql import PostgresqlServer
from tests.world.process import wait_until
from tests.world.requests import named

CHILD = "child.parent.example.co.jp"


@pytest.fixture(scope="module")
def database(postgresql: PostgresqlServer) -> PostgresqlServer:
    """Made as an operator makes it."""
    postgresql.create_roles()
    postgresql.run("DROP SCHEMA IF EXISTS mpic CASCADE", database="mpic")
    PostgresqlStore(Address(lambda: postgresql.dsn("mpic", "mpic_owner"), 5.0)).open().close()
    return postgresql


@pytest.fixture(scope="module")
def two(
    internet: Internet, database: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A deployment, and beside its coordinator a second one: worker 1 of its channels."""
    plan = Plan(record_dsn=database.dsn("mpic", "mpic_writer"), repeat_window=600)
    with Deployment(tmp_path_factory.mktemp("deployment"), internet, plan) as running:
        second = running.directory / "second.toml"
        text = running.coordinator_file.read_text()
        for old, new in (
            (COORDINATOR, "127.0.0.1:7301"),
            (COORDINATOR_ADMIN, "127.0.0.1:7399"),
            ("[record]", '[record]\nchain = "second"'),
        ):
            assert old in text
            text = text.replace(old, new)
        second.write_text(text)
        child = running.start_program("coordinator", second)
        try:
            wait_serving(child)
            yield running
        finally:
            child.stop()


@pytest.fixture
def store(database: PostgresqlServer) -> Iterator[PostgresqlStore]:
    one = PostgresqlStore(Address(lambda: database.dsn("mpic", "mpic_reader"), 5.0)).open()
    yield one
    one.close()


def ask(
    two: Deployment, name: str = CHILD, request_id: str = "", worker: int = 0
) -> c.CorroborateResponse:
    request = c.CorroborateRequest(request_id=request_id or str(uuid.uuid4()), names=named([name]))
    with two.channel(worker=worker) as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        return stub.Corroborate(request, timeout=60)


def reason_of(error: grpc.RpcError) -> str:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert any(detail.Unpack(info) for detail in status.details)
    return str(info.reason)


def test_what_is_heard_is_in_the_database(two: Deployment, store: PostgresqlStore) -> None:
    response = ask(two)
    assert response.approved
    stored = store.read(read_id(response.record_id))
    assert stored is not None
    question = read_entries(stored.contents).question
    assert question is not None
    assert question.request_id == response.request_id
    assert [one.asked for one in question.names] == [CHILD]


def test_a_request_is_known_to_the_other_coordinator(
    two: Deployment, store: PostgresqlStore
) -> None:
    first = ask(two, request_id="again")
    before = len(list(store.search(Search())))
    assert ask(two, request_id="again", worker=1) == first
    with pytest.raises(grpc.RpcError) as caught:
        ask(two, "child.plain.example.co.jp", request_id="again", worker=1)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert len(list(store.search(Search()))) == before
    other = ask(two, worker=1)
    assert other.record_id != first.record_id
    assert len(export_heads(store)) == 2
    assert list(verify_store(store)) == []


def test_two_coordinators_asked_at_once_tell_one_verdict(
    two: Deployment, store: PostgresqlStore
) -> None:
    """Both have decided it, both attempts are recorded, and one of them is told by both."""
    with ThreadPoolExecutor() as pool, hold() as held:
        (name,) = held.names(1)
        asked = [pool.submit(ask, two, name, "at-once", worker) for worker in (0, 1)]
        two.wait_looking(2)
        held.release()
        one, other = (each.result() for each in asked)
    assert one.approved
    assert one == other == ask(two, name, "at-once") == ask(two, name, "at-once", worker=1)
    term = request_term("spiffe://mpic.test/caller/pipeline", "at-once")
    found = store.find([term], bytes(16))[term]
    records = {each: question_of(store, each) for each in found}
    assert len(records) == 2
    told = read_id(one.record_id)
    for each, record in records.items():
        assert record.superseded_by == (b"" if each == told else told)
    assert list(verify_store(store)) == []
    for by in ({"request_id": "at-once"}, {"record_id": one.record_id}):
        shown = get(two, c.GetCorroborationRequest(**by))
        assert shown.verdict == one
        assert not shown.superseded_by
    (second,) = (show_id(each) for each in records if each != told)
    assert get(two, c.GetCorroborationRequest(record_id=second)).superseded_by == one.record_id


def get(two: Deployment, request: c.GetCorroborationRequest) -> c.GetCorroborationResponse:
    with two.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        return stub.GetCorroboration(request, timeout=60)


def question_of(store: PostgresqlStore, record: bytes) -> r.Record:
    stored = store.read(record)
    question = read_entries(stored.contents if stored else ()).question
    assert question is not None
    return question


def test_two_coordinators_asked_at_once_for_different_things_answer_one(
    two: Deployment, store: PostgresqlStore
) -> None:
    with ThreadPoolExecutor() as pool, hold() as held:
        asked = [
            pool.submit(ask, two, name, "at-odds", worker)
            for worker, name in enumerate(held.names(2))
        ]
        two.wait_looking(2)
        held.release()
        errors = [one for one in (each.exception() for each in asked) if one is not None]
    (error,) = errors
    assert isinstance(error, grpc.RpcError)
    assert reason_of(error) == "DUPLICATE_REQUEST_ID"
    assert list(verify_store(store)) == []


def test_nothing_is_approved_while_the_database_is_gone(
    two: Deployment, database: PostgresqlServer, store: PostgresqlStore
) -> None:
    with ThreadPoolExecutor() as pool, hold() as held:
        asked = pool.submit(ask, two, *held.names(1))
        two.wait_looking(1)
        database.stop(signal.SIGQUIT)
        held.release()
        error = asked.exception()
    assert isinstance(error, grpc.RpcError)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert reason_of(error) == "RECORD_NOT_WRITTEN"
    with pytest.raises(grpc.RpcError) as caught:
        ask(two, worker=1)
    assert reason_of(caught.value) == "RECORD_NOT_READ"
    database.start()
    for worker in (0, 1):
        wait_until(lambda worker=worker: is_approved(two, worker), 60, lambda: "it heals not")  # type: ignore[misc]
    assert list(verify_store(store)) == []


def is_approved(two: Deployment, worker: int = 0) -> bool:
    """Whether a question is, by a coordinator whose database was gone a moment ago."""
    try:
        return ask(two, worker=worker).approved
    except grpc.RpcError as error:
        if not reason_of(error).startswith("RECORD_NOT_"):
            raise
        return False


def test_a_database_that_hangs_holds_up_no_answer(
    two: Deployment, database: PostgresqlServer
) -> None:
    database.pause()
    try:
        with pytest.raises(grpc.RpcError) as caught:
            ask(two)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE  # not DEADLINE_EXCEEDED
    finally:
        database.resume()
    wait_until(lambda: is_approved(two), 60, lambda: "it heals not")


def test_sigkill_loses_no_approval(two: Deployment) -> None:
    heard = Heard()
    kill_and_listen(two, 2, heard)
    assert heard.records
    assert not heard.told_otherwise
    assert compare(two.open_record(), heard.records) == (0, 0)
