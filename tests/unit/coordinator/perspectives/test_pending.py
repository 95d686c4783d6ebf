"""What comes over a connection besides the answers that are awaited: a little is in order."""

import pytest

from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.errors import PerspectiveError, PerspectiveProblem
from coordinator.perspectives.pending import EMPTY_SECONDS, MOST_EMPTY, MOST_LATE, Answer, Pending
from mpic.bounds import DETAIL_OCTETS, LOOKUPS, OBSERVATION_OCTETS
from mpic.channel import TlsPems
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import WORLD

ASHBURN = WORLD.remotes[1]
GONE = PerspectiveProblem(c.DISSENT_UNREACHABLE, "it is gone")


class Asked:
    """Questions to one perspective, and their answers."""

    def __init__(self, count: int) -> None:
        self.pending = Pending(ASHBURN)
        self.answers: dict[int, list[Answer]] = {}
        for number in range(count):
            self.pending.add(
                number, lambda _, which, answer: self.answers.setdefault(which, []).append(answer)
            )

    def answer(self, *ids: int, **fields: object) -> None:
        for one in ids:
            self.pending.answer(p.EncodedObservation(question_id=one, **fields))

    def is_garbage(self, id: int) -> bool:
        with pytest.raises(PerspectiveError) as raised:
            self.answer(id)
        return raised.value.problem.dissent == c.DISSENT_GARBAGE


def test_each_question_is_answered_once() -> None:
    asked = Asked(3)
    asked.answer(2, 0)
    assert len(asked.pending) == 1
    assert asked.is_garbage(2)
    assert asked.answers == {n: [p.EncodedObservation(question_id=n)] for n in (0, 2)}


def test_what_was_never_asked_is_garbage() -> None:
    asked = Asked(1)
    assert asked.is_garbage(7)
    asked.answer(0)
    assert list(asked.answers) == [0]


def test_as_many_come_late_as_were_given_up() -> None:
    asked = Asked(4)
    asked.pending.forget(0)
    asked.pending.forget(0)
    asked.pending.forget(99)
    asked.pending.fail(GONE)
    assert asked.answers == {n: [GONE] for n in (1, 2, 3)}
    asked.answer(0, 1, 2, 3)
    assert asked.is_garbage(3)


def test_never_are_more_expected_late_than_can_be_on_their_way() -> None:
    asked = Asked(MOST_LATE + 10)
    asked.pending.fail(GONE)
    asked.answer(*range(MOST_LATE))
    assert asked.is_garbage(MOST_LATE)


def test_so_many_messages_may_be_empty_in_so_long() -> None:
    pending = Pending(ASHBURN)
    for turn in range(3):
        for _ in range(MOST_EMPTY):
            pending.note_empty(turn * (EMPTY_SECONDS + 0.1))
    with pytest.raises(PerspectiveError, match="messages without an answer"):
        pending.note_empty(3 * EMPTY_SECONDS)


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({"observation": b"x" * OBSERVATION_OCTETS}, True),
        ({"observation": b"x" * (OBSERVATION_OCTETS + 1)}, False),
        ({"lookups_us": [1] * LOOKUPS}, True),
        ({"lookups_us": [1] * (LOOKUPS + 1)}, False),
    ],
)
def test_an_answer_beyond_the_bounds_is_not_kept(fields: dict[str, object], fits: bool) -> None:
    asked = Asked(1)
    asked.answer(0, **fields)
    ((answer,),) = asked.answers.values()
    if fits:
        assert answer == p.EncodedObservation(question_id=0, **fields)
    else:
        assert isinstance(answer, PerspectiveProblem)
        assert answer.dissent == c.DISSENT_GARBAGE


def test_whatever_a_problem_says_is_escaped_and_cut() -> None:
    problem = PerspectiveProblem(c.DISSENT_UNREACHABLE, "\x1b[2J\u202e" * 10_000)
    assert problem.detail.startswith("\\027[2J\\u{202e}")
    assert len(problem.detail) == DETAIL_OCTETS


def test_a_large_observation_lets_others_have_their_turn() -> None:
    link = PerspectiveClient(ASHBURN, ClientOptions(TlsPems(b"", b"", b"")))
    answered: list[int] = []
    for number in (1, 2):
        link._pending.add(number, lambda _, which, _answer: answered.append(which))
    entries = [p.EncodedObservation(question_id=n, observation=b"x" * 5000) for n in (1, 2)]
    message = p.ObserveResponse(
        perspective_id=ASHBURN.id, rir=ASHBURN.rir, observations=entries
    ).SerializeToString()
    delivery = link._deliver(message)
    delivery.send(None)
    assert answered == [1]
    delivery.send(None)
    assert answered == [1, 2]
    delivery.close()
