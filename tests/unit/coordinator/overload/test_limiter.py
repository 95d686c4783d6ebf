"""What is not decided for want of room or time is an RPC error, and says when to ask again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

import grpc
import pytest
from google.rpc import error_details_pb2

from coordinator.api.stream import RequestStream
from coordinator.decision.attempt import Attempt
from coordinator.decision.vote import Reply
from coordinator.overload.admission import Admission, Bounds
from coordinator.overload.limiter import DEADLINE_MARGIN, Limiter
from mpic.runtime.grpc.errors import RequestError, to_status
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import sample_record
from tests.world.requests import named
from tests.world.samples import NAME, WORLD, addresses, caa, issuance_request, reply

ATTEMPT = 11.0
OTHER = bytes([203, 0, 113, 66])


def gate() -> Limiter:
    return Limiter(Admission(Bounds(100, 100)), ATTEMPT)


def test_beyond_the_bound_it_is_exhausted_and_says_when_to_ask_again() -> None:
    door = gate()
    with door.enter("pipeline", 100), pytest.raises(RequestError) as raised:
        door.enter("pipeline", 1).__enter__()
    assert raised.value.status is grpc.StatusCode.RESOURCE_EXHAUSTED
    info, retry = to_status(raised.value).details
    details = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert info.Unpack(details[0])
    assert retry.Unpack(details[1])
    assert details[0].reason == "CALLER_LIMIT"
    assert 1 <= details[1].retry_delay.ToTimedelta().total_seconds() <= 30


def test_however_many_are_turned_away_as_many_are_let_in() -> None:
    """A flood of one caller takes nothing of what another may have in flight."""
    door = Limiter(Admission(Bounds(1000, 1000)), ATTEMPT)
    with door.enter("pipeline", 1000):
        for _ in range(2000):
            with pytest.raises(RequestError):
                door.enter("pipeline", 1)
    assert door.limit == 1000


async def test_a_stream_waits_while_agents_have_too_much_to_do() -> None:
    """What it has in flight is bounded as its caller is at that moment, so nothing is refused."""
    door = Limiter(Admission(Bounds(400, 200)), ATTEMPT)
    door.adaptive_limit.narrow(1, 400)
    assert door.limit_of("stream") < 110

    async def decide(request: c.CorroborateRequest) -> r.Record:
        with door.enter("stream", 1):
            await asyncio.sleep(0.001)
            return sample_record(int(request.request_id))

    async def ask_all() -> AsyncIterator[c.CorroborateStreamRequest]:
        for n in range(300):
            question = c.CorroborateRequest(request_id=str(n), names=named([NAME]))
            yield c.CorroborateStreamRequest(questions=[question])

    stream = RequestStream(decide, 0.0, 4096, partial(door.limit_of, "stream"))
    reading = asyncio.create_task(stream.read(ask_all()))
    outcomes = [outcome async for message in stream.responses() for outcome in message.outcomes]
    await reading
    assert len(outcomes) == 300
    assert not [one for one in outcomes if one.HasField("error")]


def test_there_is_room_again_however_it_ends() -> None:
    door = gate()
    with pytest.raises(ZeroDivisionError), door.enter("pipeline", 100):
        raise ZeroDivisionError
    with door.enter("pipeline", 100):
        assert door.admission.in_flight == 100


@pytest.mark.parametrize(
    ("remaining", "budget"),
    [
        (None, None),
        (60, None),
        (ATTEMPT + DEADLINE_MARGIN, None),
        (ATTEMPT, ATTEMPT - DEADLINE_MARGIN),
        (1.1, 1.0),
    ],
)
def test_an_attempt_never_takes_longer_than_the_caller_waits(
    remaining: float | None, budget: float | None
) -> None:
    assert gate().find_budget(remaining) == (budget if budget is None else pytest.approx(budget))


@pytest.mark.parametrize("remaining", [0.0, DEADLINE_MARGIN])
def test_no_time_at_all_is_refused_at_once(remaining: float) -> None:
    with pytest.raises(RequestError) as raised:
        gate().find_budget(remaining)
    assert raised.value.status is grpc.StatusCode.DEADLINE_EXCEEDED
    assert raised.value.reason == "DEADLINE_TOO_SHORT"


async def attempt_of(*replies: Reply) -> Attempt:
    attempt = Attempt(issuance_request(), WORLD, datetime.now(UTC), lambda _: None)
    for one in replies:
        attempt.receive(0, one)
    return attempt


def cut(who: int, dissent: c.Dissent.ValueType) -> Reply:
    return Reply(WORLD.perspectives[who], None, None, dissent, "")


async def test_what_hangs_on_agents_with_too_much_to_do_is_exhausted() -> None:
    replies = [reply(one) for one in WORLD.perspectives[:4]]
    attempt = await attempt_of(*replies, cut(4, c.DISSENT_OVERLOADED), cut(5, c.DISSENT_OVERLOADED))
    door = Limiter(Admission(Bounds(1000, 1000)), ATTEMPT)
    with door.enter("pipeline", 500):
        error = door.explain_cut_short(attempt, None)
    assert error is not None
    assert (error.status, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert error.retry_after
    # And fewer are let in from now on.
    assert 400 <= door.limit < 500
    with door.enter("pipeline", 500), pytest.raises(RequestError, match="may be"):
        door.enter("pipeline", 1).__enter__()


async def test_what_hangs_on_the_callers_deadline_exceeds_it() -> None:
    attempt = await attempt_of(cut(0, c.DISSENT_NO_TIME))
    error = gate().explain_cut_short(attempt, 0.5)
    assert error is not None
    assert (error.status, error.reason) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "DEADLINE_TOO_SHORT",
    )
    assert error.retry_after is None


async def test_what_is_decided_all_the_same_is_told() -> None:
    replies = [reply(one) for one in WORLD.perspectives[:5]]
    approved = await attempt_of(*replies, cut(5, c.DISSENT_OVERLOADED))
    assert approved.approved
    differs = [reply(one, (caa(), addresses(OTHER))) for one in WORLD.remotes[:2]]
    refused = await attempt_of(
        reply(WORLD.primary), *differs, *(cut(n, c.DISSENT_NO_TIME) for n in (3, 4, 5))
    )
    assert refused.decisions[0].reason == c.REASON_QUORUM_NOT_MET
    for attempt in (approved, refused):
        assert gate().explain_cut_short(attempt, 0.5) is None
