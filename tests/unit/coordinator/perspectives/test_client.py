"""A link's own state, without a connection: what is asked, who answers, and what is lost."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coordinator.perspectives import client as module
from coordinator.perspectives import clock_watch
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.errors import PerspectiveError, PerspectiveProblem
from coordinator.perspectives.liveness import PATIENCE, State
from coordinator.perspectives.pending import Answer
from coordinator.rules.roster import Perspective
from mpic.channel import TlsFiles
from mpic.runtime.clock import read_clock_us, read_steady_us
from mpic.runtime.grpc.batching import Outbox
from mpic.runtime.in_flight import MANY, InFlight
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import WORLD

FRANKFURT = WORLD.remotes[0]
LIMIT = 4
OPTIONS = ClientOptions(
    TlsFiles(Path("a"), Path("b"), Path("c")), 0.0, LIMIT, hung_after=0.04, restart_patience=60.0
)
DOWN = PerspectiveProblem(c.DISSENT_UNREACHABLE, "the agent ended the stream")


class Asked:
    """A link that stands, and what came of its questions."""

    def __init__(self, *, stands: bool = True) -> None:
        self.link = PerspectiveClient(FRANKFURT, OPTIONS)
        self.told: list[tuple[int, Answer]] = []
        if stands:
            self.link._outbox = Outbox(0.0, LIMIT)
            self.link._breaker.hear()
            self.link._admit("")

    def ask(self, *question_ids: int) -> None:
        for number in question_ids:
            self.link.ask(number, b"question %d" % number, self._receive)

    def _receive(self, perspective: Perspective, question_id: int, answer: Answer) -> None:
        assert perspective is FRANKFURT
        self.told.append((question_id, answer))

    async def deliver(self, *answers: int, **fields: object) -> None:
        response = p.ObserveResponse(
            **({"perspective_id": FRANKFURT.id, "rir": FRANKFURT.rir} | fields),
            observations=[
                p.EncodedObservation(question_id=number, observation=b"seen") for number in answers
            ],
        )
        await self.link._deliver(response.SerializeToString())

    @property
    def outbox(self) -> Outbox[bytes]:
        assert self.link._outbox is not None
        return self.link._outbox

    @property
    def sent(self) -> list[bytes]:
        return self.outbox._take()

    def dissents(self) -> list[tuple[int, int]]:
        """What came, by question; 0: an observation."""
        return [
            (number, answer.dissent if isinstance(answer, PerspectiveProblem) else 0)
            for number, answer in self.told
        ]


async def test_each_answer_reaches_who_asked_once() -> None:
    asked = Asked()
    asked.ask(1, 2)
    assert asked.sent == [b"question 1", b"question 2"]
    assert asked.link.pending == 2
    await asked.deliver(2, 1)
    assert asked.dissents() == [(2, 0), (1, 0)]
    assert asked.link.pending == 0


async def test_two_answers_to_one_question_are_not_both_taken() -> None:
    asked = Asked()
    asked.ask(1)
    await asked.deliver(1)
    with pytest.raises(PerspectiveError) as raised:
        await asked.deliver(1)
    assert raised.value.problem.dissent == c.DISSENT_GARBAGE
    assert asked.dissents() == [(1, 0)]


@pytest.mark.parametrize("fields", [{"perspective_id": "ashburn"}, {"rir": o.RIR_LACNIC}])
async def test_an_answer_in_anothers_name_is_nobodys(fields: dict[str, object]) -> None:
    asked = Asked()
    asked.ask(1)
    with pytest.raises(PerspectiveError) as raised:
        await asked.deliver(1, **fields)
    assert raised.value.problem.dissent == c.DISSENT_MISIDENTIFIED
    assert not asked.told


async def test_what_is_given_up_is_told_nobody() -> None:
    asked = Asked()
    asked.ask(1, 2)
    asked.link.forget(1)
    await asked.deliver(1, 2)
    assert asked.dissents() == [(2, 0)]


async def test_who_is_not_connected_says_so_at_once() -> None:
    asked = Asked(stands=False)
    asked.ask(1)
    assert asked.dissents() == [(1, c.DISSENT_UNREACHABLE)]
    assert asked.link.problem is not None
    assert asked.link.up == 0


async def test_a_link_takes_no_more_than_may_be_open() -> None:
    asked = Asked()
    asked.ask(*range(LIMIT + 1))
    assert asked.dissents() == [(LIMIT, c.DISSENT_UNREACHABLE)]
    assert len(asked.sent) == LIMIT
    asked.ask(9)
    assert asked.dissents()[1:] == [(9, c.DISSENT_UNREACHABLE)]
    assert not asked.sent


async def test_a_link_that_does_not_send_takes_no_more() -> None:
    asked = Asked()
    for _ in range(LIMIT):
        asked.link.withdraw(b"withdrawn")
    asked.ask(1)
    asked.link.withdraw(b"one more")
    assert asked.dissents() == [(1, c.DISSENT_UNREACHABLE)]
    assert asked.sent == [b"withdrawn"] * LIMIT


async def test_what_is_lost_fails_all_that_is_open_and_all_that_comes_then() -> None:
    asked = Asked()
    asked.ask(1, 2)
    asked.link._lose(DOWN)
    asked.ask(3)
    assert asked.dissents() == [(number, c.DISSENT_UNREACHABLE) for number in (1, 2, 3)]
    assert asked.link.problem is DOWN
    assert asked.link.pending == 0
    asked.link.withdraw(b"lost")  # nobody is there to be told
    assert asked.link.waiting == 0


async def test_nobody_is_asked_before_he_was_heard_on_this_connection() -> None:
    asked = Asked(stands=False)
    asked.link._outbox = Outbox(0.0, LIMIT)
    asked.ask(1)
    assert asked.dissents() == [(1, c.DISSENT_UNREACHABLE)]
    await asked.deliver()
    assert asked.link.problem is None
    await asyncio.wait_for(asked.link.first_attempt(), 1)


async def test_who_cannot_look_is_not_asked_until_he_can() -> None:
    asked = Asked()
    asked.ask(1)
    await asked.deliver(cannot_look="its resolver hangs")
    asked.ask(2)
    assert asked.dissents() == [(1, c.DISSENT_NOT_LOOKED), (2, c.DISSENT_NOT_LOOKED)]
    assert asked.link.up == 0
    await asked.deliver()
    asked.ask(3)
    await asked.deliver(3)
    assert asked.dissents()[2:] == [(3, 0)]


async def test_who_leaves_answers_what_he_was_asked_and_is_asked_no_more_until_he_is_back() -> None:
    asked = Asked()
    asked.ask(1)
    await asked.deliver(leaving=True)
    assert asked.sent == [b"question 1", p.ObserveRequest(last=True).SerializeToString()]
    asked.ask(2)
    assert asked.link.may_return
    assert asked.link.pending == 2
    await asked.deliver(1, leaving=True)
    assert asked.dissents() == [(1, 0)]
    assert asked.sent == []
    asked.link._lose(module._LEFT)
    assert asked.dissents() == [(1, 0)], "he may be back in a moment"
    asked.link._outbox = Outbox(0.0, LIMIT)
    await asked.deliver()
    assert asked.sent == [b"question 2"]


async def test_what_is_withdrawn_is_sent() -> None:
    asked = Asked()
    asked.link.withdraw(b"withdrawn")
    assert asked.sent == [b"withdrawn"]


async def test_who_gives_no_sign_of_life_is_given_up_at_once() -> None:
    asked = Asked()
    asked.ask(1)
    outbox: Outbox[bytes] = Outbox(0.0, LIMIT)
    with pytest.raises(PerspectiveError) as raised:
        await asyncio.wait_for(asked.link._watch(outbox), 30)
    assert raised.value.problem.dissent == c.DISSENT_UNREACHABLE
    assert "no sign of life" in raised.value.problem.detail
    assert asked.dissents() == [(1, c.DISSENT_UNREACHABLE)]
    assert outbox._take() == [p.ObserveRequest(heartbeat=True).SerializeToString()]


@pytest.mark.parametrize("waits_for", ["nothing", "an answer", "the time", "a first sign"])
async def test_only_who_is_waited_for_is_asked_for_a_sign_of_life(waits_for: str) -> None:
    asked = Timed() if waits_for == "the time" else Asked(stands=waits_for != "a first sign")
    outbox: Outbox[bytes] = Outbox(0.0, LIMIT)
    if waits_for == "an answer":
        asked.ask(1)
    if waits_for == "the time":
        await asked.deliver()  # it lives, and does not answer this
        asked.link._clock.ask()
    watching = asyncio.create_task(asked.link._watch(outbox))
    done, _ = await asyncio.wait([watching], timeout=30 if waits_for != "nothing" else 0.2)
    assert bool(done) == (waits_for != "nothing")
    is_asked = p.ObserveRequest(heartbeat=True).SerializeToString() in outbox._take()
    assert is_asked == (waits_for != "nothing")
    watching.cancel()


async def test_who_was_given_up_is_not_asked_again_on_the_same_connection() -> None:
    asked = Asked()
    asked.link._breaker.state = State.HUNG
    asked.link._suspend(DOWN)
    await asked.deliver()
    assert asked.link.problem is DOWN


async def test_who_answers_lives() -> None:
    asked = Asked()
    watching = asyncio.create_task(asked.link._watch(Outbox(0.0, LIMIT)))
    for _ in range(3 * PATIENCE):
        await asked.deliver()
        await asyncio.sleep(OPTIONS.hung_after / PATIENCE / 2)
    assert asked.link._breaker.state is State.LIVE
    watching.cancel()


async def test_an_answer_too_large_to_be_kept_is_garbage_and_the_link_goes_on() -> None:
    asked = Asked()
    asked.ask(1, 2)
    large = p.ObserveResponse(perspective_id=FRANKFURT.id, rir=FRANKFURT.rir)
    large.observations.add(question_id=1, observation=bytes(1_000_000))
    await asked.link._deliver(large.SerializeToString())
    await asked.deliver(2)
    assert asked.dissents() == [(1, c.DISSENT_GARBAGE), (2, 0)]


class FakeStream:
    """A stream that takes every message, and brings none."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.ended: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def write(self, message: bytes) -> None:
        self.written.append(message)

    async def read(self) -> object:
        return await self.ended

    def cancel(self) -> None:
        """End at once."""


@pytest.mark.parametrize("under_way", [MANY - 1, MANY])
async def test_a_question_waits_for_those_of_other_attempts_where_these_are_many(
    under_way: int,
) -> None:
    options = replace(OPTIONS, window=3600.0, company=InFlight())
    link = PerspectiveClient(FRANKFURT, options)
    stream: Any = FakeStream()
    channel: Any = SimpleNamespace(stream_stream=lambda _: lambda: stream)
    conversing = asyncio.create_task(link._converse(channel))
    for _ in range(under_way):
        options.company.expect()
    await asyncio.sleep(0)
    link.ask(1, b"first", lambda *_: None)
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert stream.written == ([] if under_way == MANY else [b"first"])
    link.ask(2, b"second", lambda *_: None)
    for _ in range(under_way):
        options.company.arrive()
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert b"".join(stream.written) == b"firstsecond"
    conversing.cancel()


class Timed(Asked):
    """A link to an agent that tells its time, which stands as soon as that is right."""

    def __init__(self, ahead: float = 0.0) -> None:
        super().__init__(stands=False)
        self.ahead = ahead
        self.link._outbox = Outbox(0.0, LIMIT)
        described = p.DescribeResponse(clock_us=self.agents_us)
        self.link._clock.note_description(described, read_steady_us())

    @property
    def agents_us(self) -> int:
        return read_clock_us() + round(self.ahead * 1e6)

    def is_up(self) -> bool:
        return bool(self.link.up)

    async def answer(self) -> None:
        """Let the agent answer whatever was sent to it."""
        sent = p.ObserveRequest.FromString(b"".join(self.sent))
        await self.deliver(
            *(one.id for one in sent.questions),
            clock_asked_us=sent.clock_asked_us,
            clock_us=self.agents_us,
        )


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set this host's clock ahead by so many seconds."""

    def set_ahead(seconds: float) -> None:
        monkeypatch.setattr(
            clock_watch, "read_clock_us", lambda: read_clock_us() + round(seconds * 1e6)
        )

    return set_ahead


@pytest.mark.parametrize("ahead", [32_400, -32_400])
async def test_whose_clock_is_too_far_from_ours_is_never_asked(ahead: float) -> None:
    timed = Timed(ahead)
    await timed.deliver()
    timed.ask(1)
    assert timed.dissents() == [(1, c.DISSENT_CLOCK_DIFFERS)]
    assert timed.link.up == 0
    assert not timed.sent


async def test_whose_clock_differs_a_little_is_asked() -> None:
    timed = Timed(30)
    await timed.deliver()
    timed.ask(1)
    assert timed.sent == [b"question 1"]
    assert timed.link.clock_difference == pytest.approx(30, abs=20)


async def test_who_has_his_clock_set_right_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock_watch, "_INTERVAL_US", 0)
    timed = Timed(600)
    await timed.deliver()
    watching = asyncio.create_task(timed.link._watch(timed.outbox))
    await asyncio.sleep(0)
    assert not timed.is_up()
    timed.ahead = 0
    await timed.answer()
    assert timed.is_up()
    timed.ahead = 600
    await asyncio.sleep(OPTIONS.hung_after / 2)
    await timed.answer()
    timed.ask(1)
    assert timed.dissents() == [(1, c.DISSENT_CLOCK_DIFFERS)]
    watching.cancel()


async def test_a_step_of_our_clock_fails_what_is_open_and_is_over_when_it_is_set_back(
    set_clock: Callable[[float], None],
) -> None:
    timed = Timed()
    await timed.deliver()
    timed.ask(1)
    set_clock(32_400)
    timed.link.check_clock()
    timed.ask(2)
    assert timed.dissents() == [(1, c.DISSENT_CLOCK_DIFFERS), (2, c.DISSENT_CLOCK_DIFFERS)]
    set_clock(0)
    await timed.deliver()
    assert timed.link.problem is None


async def test_a_step_of_our_clock_is_seen_though_nobody_asks_anything(
    set_clock: Callable[[float], None],
) -> None:
    timed = Timed()
    await timed.deliver()
    set_clock(-600)
    watching = asyncio.create_task(timed.link._watch(timed.outbox))
    await asyncio.sleep(0)
    assert timed.link.problem is not None
    assert timed.link.problem.dissent == c.DISSENT_CLOCK_DIFFERS
    watching.cancel()


async def test_a_full_stream_is_not_asked_for_the_time_and_is_later() -> None:
    timed = Timed()
    for _ in range(LIMIT):
        timed.link.withdraw(b"")
    watching = asyncio.create_task(timed.link._watch(timed.outbox))
    await asyncio.sleep(0)
    assert b"".join(timed.sent) == b""
    await timed.deliver()
    await asyncio.sleep(OPTIONS.hung_after / 2)
    assert p.ObserveRequest.FromString(b"".join(timed.sent)).clock_asked_us
    watching.cancel()


class Described:
    """A channel to an agent that knows these kinds of check."""

    def __init__(self, *kinds: str) -> None:
        said = p.DescribeResponse(perspective_id=FRANKFURT.id, rir=FRANKFURT.rir, checks=kinds)
        self._octets = said.SerializeToString()

    def unary_unary(self, _method: str) -> Callable[..., Coroutine[None, None, bytes]]:
        async def describe(_request: bytes, timeout: float) -> bytes:  # noqa: ASYNC109
            del timeout
            return self._octets

        return describe


async def test_what_an_agent_knows_is_what_it_said_last() -> None:
    link: Any = PerspectiveClient(FRANKFURT, OPTIONS)
    assert not link.known_kinds
    for kinds in ({"caa_walk", "addresses"}, {"caa_walk"}, set()):
        await link._describe(Described(*kinds))
        assert link.known_kinds == kinds
