"""An agent's time is asked for, heard once, held against ours, and told when it changes."""

from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from coordinator.perspectives import clock_watch
from coordinator.perspectives.agent_clock import ClockBounds
from coordinator.perspectives.clock_watch import ClockWatch
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

SECOND = 1_000_000
HOUR = 3600 * SECOND
NOON = 1_700_000_000 * SECOND


class Clocks:
    """The clocks of this host, and an agent's that is right."""

    def __init__(self) -> None:
        self.steady = 7 * HOUR
        self.wrong = 0
        """By how much ours is ahead."""

    @property
    def right(self) -> int:
        return NOON + self.steady

    def read_ours(self) -> int:
        return self.right + self.wrong

    def read_steady(self) -> int:
        return self.steady

    def wait(self, seconds: float) -> None:
        self.steady += round(seconds * SECOND)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(clock_watch, "read_clock_us", clocks.read_ours)
    monkeypatch.setattr(clock_watch, "read_steady_us", clocks.read_steady)
    return clocks


class Watched:
    """A watch over an agent that describes itself and then answers."""

    def __init__(self, clocks: Clocks, ahead: float = 0.0, *, tells: bool = True) -> None:
        self.clocks, self.ahead = clocks, round(ahead * SECOND)
        self.watch = ClockWatch("frankfurt", "192.0.2.1:7310", ClockBounds(5.0, 120.0))
        asked = clocks.steady
        clocks.wait(0.1)
        told = clocks.right + self.ahead if tells else 0
        self.watch.note_description(p.DescribeResponse(clock_us=told), asked)
        self.watch.begin()

    def ask(self) -> int:
        """Return what the agent is asked to echo; 0: it is not asked."""
        return p.ObserveRequest.FromString(self.watch.ask()).clock_asked_us

    def answer(self, asked: int) -> None:
        told = self.clocks.right + self.ahead
        self.watch.hear(p.ObserveResponse(clock_asked_us=asked, clock_us=told))

    @property
    def dissent(self) -> int:
        problem = self.watch.find_problem()
        return problem.dissent if problem else c.DISSENT_UNSPECIFIED


def events(logs: Sequence[Any]) -> list[str]:
    return [one["event"] for one in logs]


def test_a_clock_is_seen_before_anything_is_asked(clocks: Clocks) -> None:
    clocks.wrong = 9 * HOUR
    watched = Watched(clocks)
    assert watched.dissent == c.DISSENT_CLOCK_DIFFERS
    problem = watched.watch.find_problem()
    assert problem is not None
    assert "the agent's clock is 9 h behind this coordinator's, and 120 s are" in problem.detail


@pytest.mark.parametrize("ahead", [-119, -30, 0, 30, 119])
def test_whose_clock_differs_by_no_more_than_the_limit_is_asked(
    clocks: Clocks, ahead: float
) -> None:
    assert Watched(clocks, ahead).dissent == c.DISSENT_UNSPECIFIED


def test_it_is_asked_for_at_once_and_then_every_ten_seconds(clocks: Clocks) -> None:
    watched = Watched(clocks)
    asked = watched.ask()
    assert asked == clocks.read_ours()
    watched.answer(asked)
    for _ in range(3):
        clocks.wait(9.9)
        assert not watched.ask()
        clocks.wait(0.1)
        watched.answer(watched.ask())


def test_nothing_more_is_asked_until_the_last_is_answered_but_over_a_new_stream(
    clocks: Clocks,
) -> None:
    watched = Watched(clocks)
    lost = watched.ask()
    clocks.wait(60)
    assert not watched.ask()
    watched.watch.begin()
    asked = watched.ask()
    assert asked
    watched.ahead = HOUR
    watched.answer(lost)
    assert watched.dissent == c.DISSENT_UNSPECIFIED, "that was asked over another stream"
    watched.answer(asked)
    assert watched.dissent == c.DISSENT_CLOCK_DIFFERS


def test_what_takes_long_is_not_wrong(clocks: Clocks) -> None:
    watched = Watched(clocks)
    asked = watched.ask()
    told = clocks.right
    clocks.wait(3600)
    watched.watch.hear(p.ObserveResponse(clock_asked_us=asked, clock_us=told))
    assert watched.watch.difference == 0
    assert watched.dissent == c.DISSENT_UNSPECIFIED


def test_an_agents_clock_that_is_set_is_seen_by_the_next_answer(clocks: Clocks) -> None:
    watched = Watched(clocks)
    watched.ahead = -600 * SECOND
    assert watched.dissent == c.DISSENT_UNSPECIFIED
    watched.answer(watched.ask())
    assert watched.dissent == c.DISSENT_CLOCK_DIFFERS
    watched.ahead = 0
    clocks.wait(10)
    watched.answer(watched.ask())
    assert watched.dissent == c.DISSENT_UNSPECIFIED


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_our_clock_that_is_set_is_seen_without_asking(clocks: Clocks, step: int) -> None:
    watched = Watched(clocks)
    clocks.wrong = step
    assert watched.dissent == c.DISSENT_CLOCK_DIFFERS
    clocks.wrong = 0
    assert watched.dissent == c.DISSENT_UNSPECIFIED


def test_our_clock_that_is_set_between_question_and_answer_hides_nothing(clocks: Clocks) -> None:
    watched = Watched(clocks)
    asked = watched.ask()
    clocks.wrong = HOUR
    watched.answer(asked)
    assert watched.dissent == c.DISSENT_CLOCK_DIFFERS


def test_what_nobody_asked_for_is_not_heard(clocks: Clocks) -> None:
    watched = Watched(clocks)
    watched.ahead = HOUR
    watched.answer(0)
    watched.answer(clocks.read_ours())
    asked = watched.ask()
    watched.answer(asked + 1)
    assert watched.dissent == c.DISSENT_UNSPECIFIED
    watched.ahead = 0
    watched.answer(asked)
    watched.ahead = HOUR
    watched.answer(asked)
    assert watched.dissent == c.DISSENT_UNSPECIFIED


def test_an_older_agent_that_tells_nothing_is_not_asked_and_goes_on(clocks: Clocks) -> None:
    with capture_logs() as logs:
        watched = Watched(clocks, tells=False)
        assert not watched.ask()
        assert watched.watch.difference is None
        assert [watched.dissent for _ in range(3)] == [c.DISSENT_UNSPECIFIED] * 3
    assert events(logs) == ["clock_not_told"]
    assert logs[0]["log_level"] == "warning"


def test_an_agent_that_tells_no_more_is_not_held_to_what_it_told(clocks: Clocks) -> None:
    watched = Watched(clocks, ahead=3600)
    watched.watch.note_description(p.DescribeResponse(), clocks.steady)
    assert watched.watch.difference is None


def test_each_change_is_told_once_and_loudly(clocks: Clocks) -> None:
    with capture_logs() as logs:
        watched = Watched(clocks)
        for wrong in (0, 30, 30, 31, 32_400, 32_400, 30, 0, 0):
            clocks.wrong = wrong * SECOND
            watched.watch.find_problem()
    assert [(one["event"], one["log_level"]) for one in logs] == [
        ("clock_differs", "warning"),
        ("clock_too_far", "error"),
        ("clock_differs", "warning"),
        ("clock_agrees", "info"),
    ]
    assert {one["perspective"] for one in logs} == {"frankfurt"}
    assert logs[1]["ahead_seconds"] == -32_399.9
    assert "time service" in logs[1]["mend"]
