"""One attempt's questions: a deadline that is kept, and what is told of who had not answered."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from coordinator.checks import request_checks
from coordinator.decision.vote import Reply
from coordinator.perspectives import clock_watch, fanout
from coordinator.perspectives.client import ClientOptions, PerspectiveClient
from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.perspectives.fanout import AnyClient, Asking, CutAsking, Fanout, Inquiry, Timing
from coordinator.perspectives.pending import Receive
from coordinator.rules.roster import Perspective
from mpic.runtime.clock import read_clock_us, read_steady_us
from mpic.runtime.grpc.batching import Outbox
from mpic.runtime.grpc.tls import TlsFiles
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import TERMS, WORLD

OPTIONS = ClientOptions(TlsFiles(Path("none"), Path("none"), Path("none")))


class SilentLink:
    """A link that keeps what it is asked."""

    def __init__(self, perspective: Perspective) -> None:
        self.perspective = perspective
        self.asked: dict[int, Receive] = {}
        self.sent: list[bytes] = []

    def ask(self, question_id: int, entry: bytes, receive: Receive) -> None:  # noqa: ARG002
        self.asked[question_id] = receive

    def forget(self, question_id: int) -> None:
        self.asked.pop(question_id, None)

    def withdraw(self, entry: bytes) -> None:
        self.sent.append(entry)

    def answer(self, question_id: int) -> None:
        receive = self.asked.pop(question_id)
        receive(self.perspective, question_id, p.EncodedObservation(question_id=question_id))


def links() -> Any:  # noqa: ANN401 - stands for links
    return [SilentLink(one) for one in WORLD.perspectives]


@pytest.fixture
def _never_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """However late the timers of this test come."""
    monkeypatch.setattr(fanout, "_OVERDUE", 3600.0)


@pytest.mark.usefixtures("_never_too_slow")
async def test_who_has_not_answered_is_late() -> None:
    replies: list[Reply] = []
    asking = Asking(0.01, 1, lambda _, reply: replies.append(reply))
    asked = links()
    asking.ask(asked, 0, 1, b"")
    asked[0].answer(1)
    await asyncio.sleep(0.05)
    assert [reply.dissent for reply in replies] == [0, *[c.DISSENT_LATE] * 5]
    assert not any(link.asked for link in asked)


@pytest.mark.usefixtures("_never_too_slow")
async def test_a_caller_that_does_not_wait_so_long_is_told_so_and_nobody_is_blamed() -> None:
    replies: list[Reply] = []
    asking = CutAsking(0.01, 1, lambda _, reply: replies.append(reply))
    asking.ask(links(), 0, 1, b"")
    await asyncio.sleep(0.05)
    assert {reply.dissent for reply in replies} == {c.DISSENT_NO_TIME}


async def test_an_answer_after_the_callers_deadline_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What an agent then says of a lookup is that it had too little time."""
    replies: list[Reply] = []
    asking = CutAsking(60, 2, lambda _, reply: replies.append(reply))
    asked = links()
    for question in (1, 2):
        asking.ask(asked, 0, question, b"")
    loop = asyncio.get_running_loop()
    due = asking._deadline.when()
    monkeypatch.setattr(loop, "time", lambda: due)
    asked[0].answer(1)
    monkeypatch.undo()
    assert len(replies) == 12
    assert {reply.dissent for reply in replies} == {c.DISSENT_NO_TIME}


async def test_a_timer_that_is_late_says_that_we_are_too_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replies: list[Reply] = []
    asking = Asking(60, 1, lambda _, reply: replies.append(reply))
    asking.ask(links(), 0, 1, b"")
    due = asking._deadline.when()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: due + 0.3)
    asking._expire()
    monkeypatch.undo()
    assert {reply.dissent for reply in replies} == {c.DISSENT_OVERLOADED}
    assert "its timer is 0.3 s late" in replies[0].detail


async def test_what_nobody_waits_for_is_withdrawn_where_it_is_open() -> None:
    asking = Asking(60, 2, lambda _, __: None)
    asked = links()
    for question in (1, 2):
        asking.ask(asked, 0, question, b"")
    for question in (1, 2):
        asked[3].answer(question)
    asked[4].answer(2)
    asking.withdraw()
    assert not asked[3].sent
    for link in (*asked[:3], *asked[4:]):
        (entry,) = link.sent
        assert list(p.ObserveRequest.FromString(entry).withdrawn) == [1, 2]
        assert not link.asked


DOWN = PerspectiveProblem(c.DISSENT_UNREACHABLE, "not connected")


async def test_a_step_of_our_clock_is_seen_before_the_next_attempt_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The attempt has its time by then, and answers of half a second are enough to approve it."""
    fanout_ = Fanout(WORLD, OPTIONS, Timing(1.0, 0.1))
    for link in fanout_.links:
        assert isinstance(link, PerspectiveClient)
        link._clock.note_description(p.DescribeResponse(clock_us=read_clock_us()), read_steady_us())
        link.problem, link._outbox = None, Outbox(0.0, 10)
    replies: list[Reply] = []

    def ask() -> list[int]:
        replies.clear()
        inquiry = Inquiry(["a.example"], request_checks(TERMS.row))
        fanout_.ask(WORLD, inquiry, lambda _, reply: replies.append(reply)).close()
        return [reply.dissent for reply in replies]

    assert ask() == []
    monkeypatch.setattr(clock_watch, "read_clock_us", lambda: read_clock_us() + 32_400_000_000)
    assert ask() == [c.DISSENT_CLOCK_DIFFERS] * 6
    assert fanout_.ready() == frozenset()


class FakeLink:
    """Refuses its first questions at once, and never answers the others."""

    def __init__(self, perspective: Perspective, refusals: int) -> None:
        self.perspective = perspective
        self._refusals = refusals
        self.entries: list[bytes] = []

    def ask(self, question_id: int, entry: bytes, receive: Receive) -> None:
        self.entries.append(entry)
        self._refusals -= 1
        if self._refusals >= 0:
            receive(self.perspective, question_id, DOWN)

    def forget(self, question_id: int) -> None:
        pass


def ask(refusals: int) -> list[tuple[int, Reply]]:
    """Ask about two names; return what came within the deadline."""
    replies: list[tuple[int, Reply]] = []

    async def run() -> None:
        links = [cast("AnyClient", FakeLink(one, refusals)) for one in WORLD.perspectives]
        asking = Asking(0.02, 2, lambda index, reply: replies.append((index, reply)))
        for index in range(2):
            asking.ask(links, index, 100 + index, b"")
        await asyncio.sleep(0.06)

    asyncio.run(run())
    return replies


def test_br_3_2_2_9_a_question_has_no_place_for_what_another_perspective_saw() -> None:
    """What one saw may not be "reused [...] through subsequent Network Perspectives"."""
    fields = [field.name for field in p.Question.DESCRIPTOR.fields]
    # The trace is the caller's, there before anybody was asked and the same for all.
    assert fields == ["id", "name", "timeout_ms", "checks", "traceparent"]
    assert [field.name for field in p.CaaWalk.DESCRIPTOR.fields] == [
        "prove_insecurity",
        "ask_servers",
    ]
    assert not p.AddressLookup.DESCRIPTOR.fields

    async def run() -> list[FakeLink]:
        links = [FakeLink(one, 0) for one in WORLD.perspectives]
        fanout = Fanout(WORLD, OPTIONS, Timing(1.0, 0.1))
        fanout.links = cast("list[AnyClient]", links)
        fanout._by_id = {link.perspective.id: link for link in fanout.links}
        inquiry = Inquiry(["a.example", "b.example"], request_checks(TERMS.row))
        fanout.ask(WORLD, inquiry, lambda *_: None).close()
        return links

    first, *others = asyncio.run(run())
    assert len(first.entries) == 2
    assert all(link.entries == first.entries for link in others)


def test_everybody_replies_once_about_every_name_whoever_is_silent() -> None:
    for refusals, expected in (
        (0, [c.DISSENT_LATE, c.DISSENT_LATE]),
        # That nobody can be asked about one name leaves the deadline of the next as it is.
        (1, [c.DISSENT_UNREACHABLE, c.DISSENT_LATE]),
        (2, [c.DISSENT_UNREACHABLE, c.DISSENT_UNREACHABLE]),
    ):
        replies = ask(refusals)
        for index in range(2):
            about = [reply for i, reply in replies if i == index]
            assert {reply.perspective.id for reply in about} == {
                one.id for one in WORLD.perspectives
            }
            assert len(about) == len(WORLD.perspectives)
            assert {reply.dissent for reply in about} == {expected[index]}
