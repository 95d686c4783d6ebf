"""CorroborateStream: many questions, each answered as it finishes, matched by request id."""

import time
from collections.abc import Iterable, Iterator
from queue import Queue

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import Deployment, Plan
from tests.world.held import hold
from tests.world.requests import named

GOOD = "child.parent.example.co.jp"
# Long enough for a busy machine to look up 1,500 names at a time.
PLAN = Plan(lookup_timeout=60)


def question(request_id: str, *names: str) -> c.CorroborateRequest:
    return c.CorroborateRequest(request_id=request_id, names=named(names or [GOOD]))


def converse(
    deployment: Deployment, messages: Iterable[c.CorroborateStreamRequest]
) -> list[c.CorroborateOutcome]:
    """Send the messages, close our side, and return all outcomes until the stream ends."""
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        responses = stub.CorroborateStream(iter(messages), timeout=120)
        return [outcome for response in responses for outcome in response.outcomes]


def test_every_question_is_answered_and_then_the_stream_ends(deployment: Deployment) -> None:
    """All are in flight at a time; none times out that would not alone."""
    names = [f"host{number}.plain.example.co.jp" for number in range(1500)]
    messages = [
        c.CorroborateStreamRequest(
            questions=[question(f"q{n}", names[n]) for n in range(first, first + 50)]
        )
        for first in range(0, len(names), 50)
    ]
    outcomes = converse(deployment, messages)
    assert sorted(one.request_id for one in outcomes) == sorted(f"q{n}" for n in range(1500))
    for outcome in outcomes:
        assert outcome.verdict.approved
        assert outcome.verdict.request_id == outcome.request_id
        assert outcome.verdict.names[0].name == names[int(outcome.request_id[1:])]


def test_a_slow_question_delays_no_other(deployment: Deployment) -> None:
    with deployment.channel() as channel, hold() as held:
        slow = question("slow", *held.names(1))
        questions = [slow, *(question(f"q{n}") for n in range(5))]
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        messages = iter([c.CorroborateStreamRequest(questions=questions)])
        outcomes: list[str] = []
        for response in stub.CorroborateStream(messages, timeout=120):
            outcomes += [one.request_id for one in response.outcomes]
            if len(outcomes) == 5:
                held.release()
    assert outcomes[-1] == "slow"
    assert len(outcomes) == 6


def test_an_invalid_question_affects_no_other(deployment: Deployment) -> None:
    questions = [question("one"), question("bad", "*.co.jp"), question("two")]
    outcomes = converse(deployment, [c.CorroborateStreamRequest(questions=questions)])
    by_id = {one.request_id: one for one in outcomes}
    assert by_id["one"].verdict.approved
    assert by_id["two"].verdict.approved
    error = by_id["bad"].error
    assert (error.status, error.reason) == (3, "INVALID_REQUEST")
    assert [one.field for one in error.violations] == ["names[0].name"]


def test_a_request_id_in_flight_is_not_taken_twice(deployment: Deployment) -> None:
    with hold() as held:
        questions = [question("same", *held.names(1)), question("same")]
        outcomes = converse(deployment, [c.CorroborateStreamRequest(questions=questions)])
    assert [one.WhichOneof("result") for one in outcomes] == ["error", "verdict"]
    assert (outcomes[0].error.status, outcomes[0].error.reason) == (6, "DUPLICATE_REQUEST_ID")


def test_a_caller_that_does_not_read_is_not_read(deployment: Deployment) -> None:
    """Back-pressure: the questions taken and not yet told are bounded, and so is what they cost."""
    asked, all_of_them = 0, 16_000
    bad = [f"{'x' * 200} {n}" for n in range(20)]  # each is told what is wrong with it

    def questions() -> Iterator[c.CorroborateStreamRequest]:
        nonlocal asked
        for first in range(0, all_of_them, 50):
            asked = first + 50
            yield c.CorroborateStreamRequest(
                questions=[question(f"q{n}", *bad) for n in range(first, asked)]
            )

    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        call = stub.CorroborateStream(questions(), timeout=300)
        steady = 0
        while not asked or steady != asked:
            steady = asked
            time.sleep(1.5)
        assert 50 <= asked < all_of_them
        assert deployment.ask(GOOD).approved
        told = sum(len(response.outcomes) for response in call)
    assert told == asked == all_of_them


def test_a_caller_that_goes_away_harms_nobody(deployment: Deployment) -> None:
    questions: Queue[c.CorroborateStreamRequest] = Queue()

    def endless() -> Iterator[c.CorroborateStreamRequest]:
        while True:
            yield questions.get()

    with deployment.channel() as channel, hold() as held:
        both = [question("q"), question("slow", *held.names(1))]
        questions.put(c.CorroborateStreamRequest(questions=both))
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        call = stub.CorroborateStream(endless(), timeout=120)
        assert next(call).outcomes[0].request_id == "q"
        call.cancel()
        questions.put(c.CorroborateStreamRequest())  # lets the sending thread end
    assert deployment.ask(GOOD).approved
