"""One attempt's questions: a deadline that is kept, and what is told of who had not answered."""

import asyncio
from typing import Any

import pytest

from coordinator.ballot import Reply
from coordinator.fanout import Asking, CutAsking
from coordinator.link import Receive
from coordinator.roster import Perspective
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import WORLD


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


async def test_who_has_not_answered_is_late() -> None:
    replies: list[Reply] = []
    asking = Asking(0.01, lambda _, reply: replies.append(reply))
    asked = links()
    asking.ask(asked, 0, 1, b"")
    asked[0].answer(1)
    await asyncio.sleep(0.05)
    assert [reply.dissent for reply in replies] == [0, *[c.DISSENT_LATE] * 5]
    assert not any(link.asked for link in asked)


async def test_a_caller_that_does_not_wait_so_long_is_told_so_and_nobody_is_blamed() -> None:
    replies: list[Reply] = []
    asking = CutAsking(0.01, lambda _, reply: replies.append(reply))
    asking.ask(links(), 0, 1, b"")
    await asyncio.sleep(0.05)
    assert {reply.dissent for reply in replies} == {c.DISSENT_NO_TIME}


async def test_an_answer_after_the_callers_deadline_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What an agent then says of a lookup is that it had too little time."""
    replies: list[Reply] = []
    asking = CutAsking(60, lambda _, reply: replies.append(reply))
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
    asking = Asking(60, lambda _, reply: replies.append(reply))
    asking.ask(links(), 0, 1, b"")
    due = asking._deadline.when()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: due + 0.3)
    asking._expire()
    monkeypatch.undo()
    assert {reply.dissent for reply in replies} == {c.DISSENT_OVERLOADED}
    assert "its timer is 0.3 s late" in replies[0].detail


async def test_what_nobody_waits_for_is_withdrawn_where_it_is_open() -> None:
    asking = Asking(60, lambda _, __: None)
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
