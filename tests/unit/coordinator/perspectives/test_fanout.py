"""One attempt's questions: a deadline that is kept, and what is told of who had not answered."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from coordinator.checks import request_checks
from coordinator.decision.request import AskedName
from coordinator.decision.vote import Reply
from coordinator.perspectives import clock_watch, open_questions
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.perspectives.fanout import AttemptQuestions, Fanout, Timing
from coordinator.perspectives.open_questions import (
    AnyClient,
    CutShortQuestions,
    EncodedQuestion,
    OpenQuestions,
)
from coordinator.perspectives.pending import Receive
from coordinator.rules.roster import Perspective
from mpic.channel import TlsFiles
from mpic.runtime.clock import read_clock_us, read_steady_us
from mpic.runtime.grpc.batching import Outbox
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import JUDGING, SUBJECT, WORLD, asked_name

OPTIONS = ClientOptions(TlsFiles(Path("none"), Path("none"), Path("none")))
KINDS = frozenset({"caa_walk", "addresses"})
DOWN = PerspectiveProblem(c.DISSENT_UNREACHABLE, "not connected")


def question(number: int) -> EncodedQuestion:
    return EncodedQuestion(number, b"", asked_name())


def names(*names: str) -> list[AskedName]:
    return [AskedName(name, name, request_checks(SUBJECT, JUDGING)) for name in names]


class SilentLink:
    """A link that keeps what it is asked."""

    def __init__(self, perspective: Perspective) -> None:
        self.perspective = perspective
        self.problem: PerspectiveProblem | None = None
        self.known_kinds = KINDS
        self.description: p.DescribeResponse | None = None
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
    monkeypatch.setattr(open_questions, "_OVERDUE", 3600.0)


@pytest.mark.usefixtures("_never_too_slow")
async def test_who_has_not_answered_is_late() -> None:
    replies: list[Reply] = []
    asking = OpenQuestions(0.01, 1, lambda _, reply: replies.append(reply))
    asked = links()
    asking.ask(asked, 0, question(1))
    asked[0].answer(1)
    await asyncio.sleep(0.05)
    assert [reply.dissent for reply in replies] == [0, *[c.DISSENT_LATE] * 5]
    assert not any(link.asked for link in asked)


@pytest.mark.usefixtures("_never_too_slow")
async def test_a_caller_that_does_not_wait_so_long_is_told_so_and_nobody_is_blamed() -> None:
    replies: list[Reply] = []
    asking = CutShortQuestions(0.01, 1, lambda _, reply: replies.append(reply))
    asking.ask(links(), 0, question(1))
    await asyncio.sleep(0.05)
    assert {reply.dissent for reply in replies} == {c.DISSENT_NO_TIME}


async def test_an_answer_after_the_callers_deadline_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What an agent then says of a lookup is that it had too little time."""
    replies: list[Reply] = []
    asking = CutShortQuestions(60, 2, lambda _, reply: replies.append(reply))
    asked = links()
    for number in (1, 2):
        asking.ask(asked, 0, question(number))
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
    asking = OpenQuestions(60, 1, lambda _, reply: replies.append(reply))
    asking.ask(links(), 0, question(1))
    due = asking._deadline.when()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: due + 0.3)
    asking._expire()
    monkeypatch.undo()
    assert {reply.dissent for reply in replies} == {c.DISSENT_OVERLOADED}
    assert "its timer is 0.3 s late" in replies[0].detail


async def test_what_nobody_waits_for_is_withdrawn_where_it_is_open() -> None:
    asking = OpenQuestions(60, 2, lambda _, __: None)
    asked = links()
    for number in (1, 2):
        asking.ask(asked, 0, question(number))
    for number in (1, 2):
        asked[3].answer(number)
    asked[4].answer(2)
    asking.withdraw()
    assert not asked[3].sent
    for link in (*asked[:3], *asked[4:]):
        (entry,) = link.sent
        assert list(p.ObserveRequest.FromString(entry).withdrawn) == [1, 2]
        assert not link.asked


def fanout_with(links: Any) -> Fanout:  # noqa: ANN401 - stands for links
    fanout_ = Fanout(WORLD, OPTIONS, Timing(1.0, 0.1))
    fanout_.links = links
    fanout_._by_id = {link.perspective.id: link for link in fanout_.links}
    return fanout_


async def test_an_older_agent_is_not_asked_and_the_others_go_on() -> None:
    replies: list[tuple[int, Reply]] = []
    asked = links()
    older = asked[3]
    older.known_kinds = frozenset({"caa_walk"})
    older.description = p.DescribeResponse(version="0.9.1")
    questions = AttemptQuestions(names("a.example", "b.example"))
    asking = fanout_with(asked).ask(WORLD, questions, lambda *reply: replies.append(reply))
    assert not older.asked
    assert [index for index, _ in replies] == [0, 1]
    for _, reply in replies:
        assert reply.perspective is older.perspective
        assert reply.encoded is None
        assert (reply.dissent, reply.check) == (c.DISSENT_UNSUPPORTED, "addresses")
        assert "version 0.9.1 does not know the check 'addresses'" in reply.detail
    replies.clear()
    others = [link for link in asked if link is not older]
    for link in others:
        for number in list(link.asked):
            link.answer(number)
    assert len(replies) == 2 * len(others)
    assert not any(reply.dissent for _, reply in replies)
    asking.close()


async def test_the_first_check_that_an_agent_does_not_know_is_named() -> None:
    replies: list[Reply] = []
    asked = links()
    asked[1].known_kinds = frozenset()
    questions = AttemptQuestions(names("a.example"))
    fanout_with(asked).ask(WORLD, questions, lambda _, reply: replies.append(reply)).close()
    (reply,) = replies
    # Of an agent that has not described itself there is no version.
    assert (reply.dissent, reply.check) == (c.DISSENT_UNSUPPORTED, "caa")
    assert "version unknown does not know the check 'caa_walk'" in reply.detail


async def test_who_is_down_says_so_and_not_that_it_is_older() -> None:
    """What it knows is not known; it may also be back in a moment, with the question kept."""
    asked = links()
    asked[2].problem, asked[2].known_kinds = DOWN, frozenset()
    fanout_with(asked).ask(WORLD, AttemptQuestions(names("a.example")), pytest.fail)
    assert len(asked[2].asked) == 1


async def test_an_attempt_in_which_all_agents_are_older_is_over_at_once() -> None:
    replies: list[Reply] = []
    asked = links()
    for link in asked:
        link.known_kinds = frozenset({"addresses"})
    questions = AttemptQuestions(names("a.example", "b.example"))
    asking = fanout_with(asked).ask(WORLD, questions, lambda _, reply: replies.append(reply))
    assert [reply.dissent for reply in replies] == [c.DISSENT_UNSUPPORTED] * 12
    assert asking._deadline.cancelled()


async def test_a_name_asked_about_after_the_callers_deadline_is_over_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An agent that does not know a check of the first name replies while it is asked."""
    replies: list[tuple[int, Reply]] = []
    asked = links()
    asked[3].known_kinds = frozenset({"caa_walk"})
    (first,), (second,) = names("a.example"), names("b.example")
    second = second._replace(checks=second.checks[:1])
    loop = asyncio.get_running_loop()
    now = loop.time()
    times = iter([now, *[now + 1.0] * 100])
    monkeypatch.setattr(loop, "time", lambda: next(times))
    questions = AttemptQuestions([first, second], budget=0.5)
    fanout_with(asked).ask(WORLD, questions, lambda *reply: replies.append(reply))
    monkeypatch.undo()
    assert sorted(index for index, _ in replies) == [0] * 6 + [1] * 6
    assert not any(reply.encoded for _, reply in replies)
    assert not any(link.asked for link in asked)


def test_ready_is_who_can_be_asked_every_check_of_every_name() -> None:
    asked = links()
    everybody = {link.perspective.id for link in asked}
    asked[1].known_kinds = frozenset({"caa_walk"})
    asked[2].known_kinds = KINDS | {"one_of_a_newer_agent"}
    asked[4].problem = DOWN
    fanout_ = fanout_with(asked)
    older, down = asked[1].perspective.id, asked[4].perspective.id
    assert fanout_.ready() == everybody - {down}
    assert fanout_.ready(names("a.example", "b.example")) == everybody - {older, down}
    one, other = names("a.example", "b.example")
    of_caa = one._replace(checks=[check for check in one.checks if check.name == "caa"])
    assert fanout_.ready([of_caa]) == everybody - {down}
    assert fanout_.ready([of_caa, other]) == everybody - {older, down}


async def test_a_step_of_our_clock_is_seen_before_the_next_attempt_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The attempt has its time by then, and answers of half a second are enough to approve it."""
    fanout_ = Fanout(WORLD, OPTIONS, Timing(1.0, 0.1))
    for link in fanout_.links:
        assert isinstance(link, PerspectiveClient)
        link._clock.note_description(p.DescribeResponse(clock_us=read_clock_us()), read_steady_us())
        link.problem, link._outbox, link.known_kinds = None, Outbox(0.0, 10), KINDS
    replies: list[Reply] = []

    def ask() -> list[int]:
        replies.clear()
        questions = AttemptQuestions(names("a.example"))
        fanout_.ask(WORLD, questions, lambda _, reply: replies.append(reply)).close()
        return [reply.dissent for reply in replies]

    assert ask() == []
    monkeypatch.setattr(clock_watch, "read_clock_us", lambda: read_clock_us() + 32_400_000_000)
    assert ask() == [c.DISSENT_CLOCK_DIFFERS] * 6
    assert fanout_.ready() == frozenset()


class FakeLink:
    """Refuses its first questions at once, and never answers the others."""

    def __init__(self, perspective: Perspective, refusals: int) -> None:
        self.perspective = perspective
        self.problem: PerspectiveProblem | None = None
        self.known_kinds = KINDS
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
        asking = OpenQuestions(0.02, 2, lambda index, reply: replies.append((index, reply)))
        for index in range(2):
            asking.ask(links, index, question(100 + index))
        await asyncio.sleep(0.06)

    asyncio.run(run())
    return replies


async def test_that_nobody_can_be_asked_about_one_name_leaves_the_next_its_time() -> None:
    replies: list[int] = []
    links = [cast("AnyClient", FakeLink(one, 1)) for one in WORLD.perspectives]
    asking = OpenQuestions(60, 2, lambda index, _: replies.append(index))
    for index in range(2):
        asking.ask(links, index, question(100 + index))
    assert replies == [0] * 6
    assert not asking._deadline.cancelled()
    asking.close()


def test_br_3_2_2_9_a_question_has_no_place_for_what_another_perspective_saw() -> None:
    """What one saw may not be "reused [...] through subsequent Network Perspectives"."""
    fields = [field.name for field in p.Question.DESCRIPTOR.fields]
    # The trace is the caller's, there before anybody was asked and the same for all.
    assert fields == ["id", "name", "timeout_ms", "checks", "traceparent"]
    assert [field.name for field in p.CaaWalk.DESCRIPTOR.fields] == [
        "prove_insecurity",
        "ask_servers",
        "owner",  # of the caller's request
    ]
    assert not p.AddressLookup.DESCRIPTOR.fields

    async def run() -> list[FakeLink]:
        links = [FakeLink(one, 0) for one in WORLD.perspectives]
        fanout_ = fanout_with(links)
        fanout_.ask(
            WORLD, AttemptQuestions(names("a.example", "b.example")), lambda *_: None
        ).close()
        return links

    first, *others = asyncio.run(run())
    assert len(first.entries) == 2
    assert all(link.entries == first.entries for link in others)
    for entry, name in zip(first.entries, ("a.example", "b.example"), strict=True):
        (asked,) = p.ObserveRequest.FromString(entry).questions
        assert asked.name == name
        assert [check.WhichOneof("kind") for check in asked.checks] == ["caa_walk", "addresses"]


def test_everybody_replies_once_about_every_name_whoever_is_silent() -> None:
    for refusals, expected in (
        (0, [c.DISSENT_LATE, c.DISSENT_LATE]),
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
