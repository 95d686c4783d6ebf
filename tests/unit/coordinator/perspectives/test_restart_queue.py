"""An agent that says it leaves is asked no more, answers what it was asked, and is waited for."""

import asyncio
from dataclasses import replace
from pathlib import Path

from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.perspectives.pending import Answer
from mpic.channel import TlsFiles
from mpic.runtime.grpc.batching import Outbox
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from tests.world.at_once import run_at_once
from tests.world.samples import WORLD

OPTIONS = ClientOptions(TlsFiles(Path("none"), Path("none"), Path("none")), limit=3)
CRASHED = PerspectiveProblem(c.DISSENT_UNREACHABLE, "the network is gone")


class Talk:
    """A link without a network, and what came of the questions."""

    def __init__(self, options: ClientOptions = OPTIONS) -> None:
        self.link = PerspectiveClient(WORLD.primary, options)
        self.answers: dict[int, Answer] = {}
        self.connect()

    def connect(self) -> None:
        self.outbox: Outbox[bytes] = Outbox(0, OPTIONS.limit)
        self.link._outbox = self.outbox
        self.hear()

    def hear(self, *answered: int, leaving: bool = False) -> None:
        observations = [p.EncodedObservation(question_id=one) for one in answered]
        message = p.ObserveResponse(
            perspective_id=WORLD.primary.id,
            rir=WORLD.primary.rir,
            observations=observations,
            leaving=leaving,
        )
        run_at_once(self.link._deliver(message.SerializeToString()))

    def ask(self, id: int) -> None:
        entry = p.ObserveRequest(questions=[p.Question(id=id)]).SerializeToString()
        self.link.ask(id, entry, lambda _, one, answer: self.answers.update({one: answer}))

    def sent(self) -> p.ObserveRequest:
        return p.ObserveRequest.FromString(b"".join(self.outbox._take()))

    def dissent(self, id: int) -> int:
        answer = self.answers[id]
        return answer.dissent if isinstance(answer, PerspectiveProblem) else c.DISSENT_UNSPECIFIED


async def test_who_leaves_is_told_which_question_is_the_last_and_answers_it() -> None:
    talk = Talk()
    talk.ask(1)
    talk.hear(leaving=True)
    talk.ask(2)
    sent = talk.sent()
    assert ([one.id for one in sent.questions], sent.last) == ([1], True)
    assert talk.link.problem
    talk.hear(1, leaving=True)
    assert list(talk.answers) == [1]
    assert not talk.sent().last  # once is enough


async def test_what_is_asked_meanwhile_is_asked_when_it_is_back() -> None:
    talk = Talk()
    talk.hear(leaving=True)
    talk.ask(1)
    talk.link._lose(CRASHED)
    talk.ask(2)
    assert (talk.link.pending, talk.answers) == (2, {})
    talk.connect()
    assert [one.id for one in talk.sent().questions] == [1, 2]
    talk.hear(1, 2)
    assert set(talk.answers) == {1, 2}


async def test_who_does_not_come_back_is_waited_for_only_shortly() -> None:
    talk = Talk(replace(OPTIONS, restart_patience=0.05))
    talk.hear(leaving=True)
    talk.ask(1)
    talk.link._lose(CRASHED)
    await asyncio.sleep(0.1)
    assert talk.answers == {1: CRASHED}
    talk.ask(2)
    assert talk.answers[2] == CRASHED


async def test_who_says_nothing_before_is_not_waited_for() -> None:
    talk = Talk()
    talk.ask(1)
    talk.link._lose(CRASHED)
    talk.ask(2)
    assert talk.answers == {1: CRASHED, 2: CRASHED}


async def test_who_came_back_and_crashes_is_not_waited_for() -> None:
    talk = Talk()
    talk.hear(leaving=True)
    talk.connect()
    talk.link._lose(CRASHED)
    talk.ask(1)
    assert talk.answers == {1: CRASHED}


async def test_what_it_leaves_unanswered_is_no_observation() -> None:
    talk = Talk()
    talk.ask(1)
    talk.hear(leaving=True)
    talk.link._lose(CRASHED)
    assert talk.answers == {1: CRASHED}


async def test_not_everything_is_kept() -> None:
    talk = Talk()
    talk.hear(leaving=True)
    for one in range(OPTIONS.limit + 1):
        talk.ask(one)
    assert list(talk.answers) == [OPTIONS.limit]
    assert talk.dissent(OPTIONS.limit) == c.DISSENT_UNREACHABLE


async def test_nobody_is_asked_about_what_is_over() -> None:
    talk = Talk()
    talk.hear(leaving=True)
    talk.ask(1)
    talk.link.forget(1)
    talk.connect()
    assert not talk.sent().questions
    assert talk.link.pending == 0


async def test_who_leaves_is_waited_for_as_long_as_it_speaks() -> None:
    talk = Talk()
    talk.hear(leaving=True)
    timer = talk.link._absence._timer
    await asyncio.sleep(0.01)
    talk.hear(leaving=True)
    later = talk.link._absence._timer
    assert timer
    assert later
    assert timer.cancelled()
    assert later.when() > timer.when()
