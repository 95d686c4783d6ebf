"""What comes before asking and after deciding: room, deadlines, ids, and who is told what."""

import asyncio
from collections.abc import Awaitable

import pytest
from grpc import StatusCode
from structlog.testing import capture_logs

from coordinator.checks.caa.issuer import Issuer
from coordinator.corroboration import digest_request
from coordinator.decision.attempt_id import make_id
from coordinator.overload.admission import Bounds
from coordinator.overload.limiter import DEADLINE_MARGIN
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.main_path import MainPath
from tests.world.requests import named
from tests.world.samples import NAME, NOVEMBER


async def refused(deciding: Awaitable[r.Record]) -> RequestError:
    with pytest.raises(RequestError) as raised:
        await deciding
    return raised.value


async def test_what_is_decided_says_whose_it_is() -> None:
    record = await MainPath().decide()
    assert record.names[0].reason == c.REASON_CORROBORATED
    assert (record.caller, record.request_id) == ("pipeline", "r-1")
    assert record.request_digest == digest_request(
        c.CorroborateRequest(request_id="r-1", names=named([NAME]))
    )


async def test_a_coordinator_that_stops_decides_nothing() -> None:
    path = MainPath()
    path.is_stopping = True
    error = await refused(path.decide())
    assert (error.status, error.reason) == (StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert not path.fanout.asked_questions


def test_two_requests_are_the_same_only_if_all_of_them_is() -> None:
    whole = c.CorroborateRequest(
        request_id="r-1",
        names=named(["a.example.com", "b.example.com"], "dns-01"),
        issuer="one",
        account_uri="https://ca.example/1",
        tightening=c.Tightening(min_corroborating=5),
        dry_run=True,
        purpose=c.PURPOSE_VALIDATION,
        checks=["caa"],
    )
    whole.linger.seconds = 1
    assert len(whole.ListFields()) == len(whole.DESCRIPTOR.fields), "a field is missing here"
    others = []
    for field in whole.DESCRIPTOR.fields:
        other = c.CorroborateRequest()
        other.CopyFrom(whole)
        other.ClearField(field.name)
        others.append(other)
    fewer, otherwise = c.CorroborateRequest(), c.CorroborateRequest()
    fewer.CopyFrom(whole)
    del fewer.names[1]
    otherwise.CopyFrom(whole)
    otherwise.names[1].validation_method = "http-01"
    digests = {digest_request(one) for one in (whole, fewer, otherwise, *others)}
    assert len(digests) == 3 + len(others)
    again = c.CorroborateRequest.FromString(whole.SerializeToString())
    assert digest_request(again) == digest_request(whole)


async def test_a_request_id_is_the_callers_own() -> None:
    path = MainPath()
    path.fanout.held = asyncio.Event()
    deciding = [
        asyncio.create_task(path.decide(name, caller=caller))
        for caller, name in (("one", "a.example.com"), ("two", "b.example.com"))
    ]
    while len(path.fanout.asked_questions) < 2:
        await asyncio.sleep(0)
        assert not any(one.done() for one in deciding)
    error = await refused(path.decide("c.example.com", caller="one"))
    assert error.reason == "DUPLICATE_REQUEST_ID"
    path.fanout.held.set()
    records = await asyncio.gather(*deciding)
    assert [(one.caller, one.names[0].asked) for one in records] == [
        ("one", "a.example.com"),
        ("two", "b.example.com"),
    ]


async def test_a_request_weighs_as_much_as_it_has_names_until_it_is_decided() -> None:
    path = MainPath()
    path.fanout.held = asyncio.Event()
    deciding = asyncio.create_task(path.decide(*(f"h{n}.example.com" for n in range(100))))
    for _ in range(10):
        await asyncio.sleep(0)
    assert path.limiter.admission.in_flight == 100
    path.fanout.held.set()
    await deciding
    assert path.limiter.admission.in_flight == 0


async def test_those_that_find_no_room_are_counted_and_told_by_caller_and_not_one_by_one() -> None:
    path = MainPath()
    turned_away = path.corroborator.turned_away
    with path.limiter.enter("pipeline", 150), capture_logs() as lines:
        reasons = [(await refused(path.decide())).reason for _ in range(3)]
        with path.limiter.enter("other", 50):
            reasons.append((await refused(path.decide(caller="third"))).reason)
        assert not lines
        turned_away.write()
        turned_away.write()
    assert reasons == ["CALLER_LIMIT"] * 3 + ["OVERLOADED"]
    assert path.count("shed") == 4
    assert [(one["event"], one["caller"], one["reason"], one["calls"]) for one in lines] == [
        ("turned_away", "pipeline", "CALLER_LIMIT", 3),
        ("turned_away", "third", "OVERLOADED", 1),
    ]
    assert not path.fanout.asked_questions


async def test_what_our_load_cut_short_is_no_verdict_and_all_the_same_recorded() -> None:
    path = MainPath()
    path.fanout.dissent = c.DISSENT_OVERLOADED
    with capture_logs() as lines:
        error = await refused(path.decide())
    assert error.status is StatusCode.RESOURCE_EXHAUSTED
    assert [line["event"] for line in lines] == ["not_decided"]


async def test_the_callers_deadline_is_heeded() -> None:
    path = MainPath()
    await path.decide(request_id="a", seconds=3.0)
    await path.decide(request_id="b", seconds=30.0)
    await path.decide(request_id="c")
    budgets = [questions.budget for questions in path.fanout.asked_questions]
    assert budgets == [pytest.approx(3.0 - DEADLINE_MARGIN), None, None]
    error = await refused(path.decide(seconds=0.05))
    assert error.reason == "DEADLINE_TOO_SHORT"


async def test_what_is_adopted_holds_for_what_is_asked_from_then_on() -> None:
    path = MainPath()
    path.fanout.held = asyncio.Event()
    before = asyncio.create_task(path.decide(request_id="before"))
    for _ in range(10):
        await asyncio.sleep(0)
    issuer = Issuer(frozenset({"other.test"}), frozenset({"issuevmc"}))
    path.corroborator.adopt(path.in_force(b"after", issuer))
    path.limiter.admission.bounds = bounds = Bounds(100, 100)
    path.fanout.held.set()
    after = await path.decide(request_id="after")
    (asked,) = [check.caa for check in after.names[0].checks if check.HasField("caa")]
    assert after.policy_version == b"after"
    assert list(asked.issuer_domains) == ["other.test"]
    assert list(asked.understood_critical_tags) == ["issuevmc"]
    assert path.limiter.admission.bounds is bounds
    # What was asked before is written down under what it was judged by.
    assert (await before).policy_version == b"before"


async def test_where_another_has_decided_first_its_verdict_is_the_one_that_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = MainPath()
    path.disk.superseded_by = first = make_id(NOVEMBER)
    theirs = r.Record(id=first)

    async def read_first(key: object, record: bytes) -> r.Record:
        del key
        assert record == first
        return theirs

    monkeypatch.setattr(path.corroborator._parts.idempotency, "read_first", read_first)
    with capture_logs() as lines:
        assert await path.decide() is theirs
    assert path.count("approved") == 0
    assert [line["event"] for line in lines] == ["verdict_superseded"]


async def test_who_has_gone_while_it_was_written_was_told_nothing() -> None:
    path = MainPath()
    path.disk.durable = asyncio.get_running_loop().create_future()
    deciding = asyncio.create_task(path.decide())
    for _ in range(20):
        await asyncio.sleep(0)
    deciding.cancel()
    await asyncio.sleep(0)
    path.disk.durable.set_result(None)
    with pytest.raises(asyncio.CancelledError):
        await deciding
    assert (path.count("approved"), path.count("cancelled")) == (0, 1)
