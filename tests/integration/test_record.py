"""The record over the real programs: durable before the answer, or no answer."""

import sqlite3
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format

from coordinator.decision.attempt_id import read_id, show_id
from coordinator.record.entries import RecordEntries, read_entries
from coordinator.record.index_terms import request_term
from coordinator.record.stores.sqlite.store import SqliteStore
from coordinator.record.verify import export_heads, verify_store
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world import network
from tests.world.deployment import COORDINATOR_ADMIN, Deployment, Plan, wait_serving
from tests.world.pages import scrape
from tests.world.process import wait_until
from tests.world.requests import named

PLAN = Plan(repeat_window=600)
CHILD = "child.parent.example.co.jp"
REPLIES = "mpic_observations_total"
PIPELINE = "spiffe://mpic.test/caller/pipeline"


def question(*names: str, request_id: str = "") -> c.CorroborateRequest:
    request = c.CorroborateRequest(request_id=request_id or str(uuid.uuid4()))
    request.names.extend(named(names or [CHILD]))
    return request


def look_up(file: Path, record_id: str) -> RecordEntries:
    store = SqliteStore(file).open()
    stored = store.read(read_id(record_id))
    store.close()
    return read_entries(stored.contents if stored else ())


def stub(channel: grpc.Channel) -> corroboration_pb2_grpc.CorroborationServiceStub:
    return corroboration_pb2_grpc.CorroborationServiceStub(channel)


def test_what_is_heard_is_written_down(deployment: Deployment) -> None:
    for names in ([CHILD, "*.wild.caa.example.co.jp"], ["deny.caa.example.co.jp"]):
        response = deployment.send(question(*names))
        record = look_up(deployment.record_file, response.record_id).question
        assert record is not None
        assert record.caller == PIPELINE
        assert record.request_id == response.request_id
        assert [one.asked for one in record.names] == names
        assert [one.reason for one in record.names] == [one.reason for one in response.names]
        for name in record.names:
            assert len(name.replies) == len(record.perspectives) == 6
            assert 1 <= len(name.observations) < 6
        assert {one.agent_version for one in record.perspectives} == {record.coordinator_version}
        assert all(one.resolver.software for one in record.perspectives)


def test_get_corroboration_is_the_answer_again(deployment: Deployment) -> None:
    source = network.perspective_address(2)
    network.divert(source, network.AUTHORITATIVE, network.LIAR)
    first = deployment.send(question("child.plain.example.co.jp"))
    with deployment.channel() as channel:
        for by in ({"record_id": first.record_id}, {"request_id": first.request_id}):
            again = stub(channel).GetCorroboration(c.GetCorroborationRequest(**by))
            assert again.verdict == first, json_format.MessageToJson(again.verdict)
            assert not again.issuances


def test_what_comes_after_the_answer_is_added(deployment: Deployment) -> None:
    response = deployment.send(question("800.slow.hostile.example.co.jp"))
    dissents = [one.dissent for one in response.names[0].perspectives]
    expected = dissents.count(c.DISSENT_NOT_AWAITED)
    request = c.GetCorroborationRequest(record_id=response.record_id)
    with deployment.channel() as channel:
        wait_until(
            lambda: len(stub(channel).GetCorroboration(request).late) == expected,
            60,
            lambda: str(stub(channel).GetCorroboration(request).late),
        )


def test_a_chain_goes_on_after_a_restart(deployment: Deployment) -> None:
    deployment.send(question())
    deployment.restart_coordinator()
    deployment.send(question())
    store = SqliteStore(deployment.record_file).open()
    heads = export_heads(store)
    assert len(heads) == 1
    assert heads[0].sequence >= 2
    assert list(verify_store(store)) == []
    store.close()


def test_an_issuance_is_added(deployment: Deployment) -> None:
    response = deployment.send(question())
    request = c.RecordIssuanceRequest(record_id=response.record_id)
    request.issuance.serial_number = bytes.fromhex("0a1b")
    request.issuance.not_after.FromJsonString("2027-02-01T00:00:00Z")
    with deployment.channel() as channel:
        for _ in range(2):  # reported again: once is enough
            told = stub(channel).RecordIssuance(request)
            assert told.record_id == response.record_id
        found = stub(channel).GetCorroboration(
            c.GetCorroborationRequest(record_id=response.record_id)
        )
    (issuance,) = found.issuances
    assert issuance.serial_number == bytes.fromhex("0a1b")
    assert issuance.not_after == request.issuance.not_after
    assert issuance.HasField("reported_at")


def test_a_certificate_on_a_refusal_is_added_counted_and_shouted_about(
    deployment: Deployment,
) -> None:
    response = deployment.send(question("deny.caa.example.co.jp"))
    request = c.RecordIssuanceRequest(record_id=response.record_id)
    request.issuance.serial_number = bytes.fromhex("0a1c")
    request.issuance.not_after.FromJsonString("2027-02-01T00:00:00Z")
    with deployment.channel() as channel:
        stub(channel).RecordIssuance(request)
    (issued,) = look_up(deployment.record_file, response.record_id).issuances
    assert issued.issuance.serial_number == bytes.fromhex("0a1c")
    shown = scrape(COORDINATOR_ADMIN)
    assert shown["mpic_issuances_reported_total", "basis=refused"] == 1
    assert shown["mpic_issuances_reported_total", "basis=late"] == 0
    (line,) = deployment.coordinator.events("issued_without_approval")
    assert (line["level"], line["record_id"]) == ("error", response.record_id)


@pytest.mark.parametrize(
    ("request_", "status", "fields"),
    [
        (c.GetCorroborationRequest(record_id="x"), "INVALID_ARGUMENT", "record_id"),
        (c.GetCorroborationRequest(record_id=str(uuid.uuid4())), "NOT_FOUND", ""),
        (c.GetCorroborationRequest(request_id="never"), "NOT_FOUND", ""),
        (c.GetCorroborationRequest(), "INVALID_ARGUMENT", "record_id"),
    ],
)
def test_what_is_not_there_is_not_found(
    deployment: Deployment, request_: c.GetCorroborationRequest, status: str, fields: str
) -> None:
    with deployment.channel() as channel, pytest.raises(grpc.RpcError) as caught:
        stub(channel).GetCorroboration(request_)
    assert caught.value.code().name == status
    assert fields in (caught.value.details() or "")


def test_the_same_request_gets_the_same_verdict(deployment: Deployment) -> None:
    """Though the name's verdict is another by now, and also after a restart."""
    first = deployment.send(question(request_id="again"))
    assert deployment.send(question(request_id="again")) == first
    deployment.restart_coordinator()
    assert deployment.send(question(request_id="again")) == first
    with pytest.raises(grpc.RpcError) as caught:
        deployment.send(question("child.plain.example.co.jp", request_id="again"))
    assert caught.value.code().name == "ALREADY_EXISTS"


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        (["tokyo"], c.REASON_PRIMARY_UNAVAILABLE),
        (["frankfurt", "johannesburg"], c.REASON_QUORUM_NOT_MET),
    ],
)
def test_what_our_own_failures_refused_is_decided_anew_once_they_are_mended(
    deployment: Deployment, gone: list[str], reason: c.Reason.ValueType
) -> None:
    """Also after a restart; both attempts are recorded, and the second is told from then on."""
    request_id = f"healed-{len(gone)}"
    for perspective in gone:
        deployment.agents[perspective].stop()
    wait_until(lambda: set(gone) <= lost(deployment), 60, deployment.say_who)
    first = deployment.send(question(request_id=request_id))
    assert (first.names[0].reason, first.approved) == (reason, False)
    assert first.names[0].responsible == c.RESPONSIBLE_SERVICE
    for perspective in gone:
        wait_serving(deployment.start_agent(perspective))
    deployment.restart_coordinator()
    deployment.wait_ready()
    second = deployment.send(question(request_id=request_id))
    assert second.approved
    assert deployment.send(question(request_id=request_id)) == second
    with deployment.channel() as channel:
        by = c.GetCorroborationRequest(request_id=request_id)
        assert stub(channel).GetCorroboration(by).verdict == second
    assert look_up(deployment.record_file, first.record_id).question is not None


@contextmanager
def writing_held(file: Path) -> Iterator[None]:
    """Let nobody write to the record for a while: a writer waits for five seconds."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")


def replied() -> float:
    """Return how many replies of perspectives were counted: of a name once all have come."""
    return sum(n for key, n in scrape(COORDINATOR_ADMIN).items() if key[0] == REPLIES)


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_call_that_breaks_while_its_record_is_written_is_decided_once(
    deployment: Deployment, *, is_stream: bool
) -> None:
    """Single calls and streams alike."""
    deployment.wait_ready()
    request_id = f"broken-{is_stream}"
    asked = question(request_id=request_id)
    before = replied()
    with deployment.channel() as channel, ThreadPoolExecutor() as pool:
        with writing_held(deployment.record_file):
            if is_stream:
                messages = iter([c.CorroborateStreamRequest(questions=[asked])])
                call: Any = stub(channel).CorroborateStream(messages)
            else:
                call = stub(channel).Corroborate.future(asked)
            wait_until(lambda: replied() == before + 6, 60, lambda: str(replied()))
            call.cancel()
            calls = started()
            again = pool.submit(deployment.send, asked)
            wait_until(lambda: started() > calls, 60, lambda: "it is not asked again")
        verdict = again.result()
    assert verdict.approved
    assert ids_of(deployment.record_file, request_id) == [verdict.record_id]
    assert deployment.send(asked) == verdict


def started() -> float:
    """Return how many single calls have come to the coordinator."""
    return sum(
        n
        for key, n in scrape(COORDINATOR_ADMIN).items()
        if key[0] == "grpc_server_started_total" and "grpc_method=Corroborate" in key
    )


def ids_of(file: Path, request_id: str) -> list[str]:
    """Return the ids of all records of a request."""
    store = SqliteStore(file).open()
    term = request_term(PIPELINE, request_id)
    found = [show_id(record) for record in store.find([term], bytes(16)).get(term, [])]
    assert list(verify_store(store)) == []
    store.close()
    return found


def lost(deployment: Deployment) -> set[str]:
    return {one.perspective_id for one in deployment.perspectives() if not one.ready}


def test_the_same_request_twice_on_a_stream_is_answered_twice(deployment: Deployment) -> None:
    message = c.CorroborateStreamRequest(questions=[question(request_id="twice")] * 2)
    with deployment.channel() as channel:
        responses = stub(channel).CorroborateStream(iter([message]), timeout=120)
        outcomes = [one.verdict for response in responses for one in response.outcomes]
    assert len(outcomes) == 2
    assert outcomes[0].approved
    assert outcomes[0] == outcomes[1]
