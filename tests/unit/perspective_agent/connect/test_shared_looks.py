"""Looks over connections: shared while they are young, ended once, and never later than asked."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest
from structlog.testing import capture_logs

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect import shared_looks as module
from perspective_agent.connect.shared_looks import Seen, SharedLooks


class Target(NamedTuple):
    host: str


class FakeLook:
    """Ends when the test says so; its finding is a text."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.is_queued = False
        self.done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.is_cancelled = False
        self.cut: list[float] = []

    async def run(self) -> str:
        try:
            return await self.done
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise

    def cut_short(self, since: float, seconds: float) -> str:
        assert since > 0
        self.cut.append(seconds)
        return f"{self.target.host}: cut short"

    def fail(self, failure: o.Failure) -> str:
        return f"{self.target.host}: {failure.detail}"


class World:
    """Looks at fake hosts, and all that was told of them."""

    def __init__(self) -> None:
        self.looks: list[FakeLook] = []
        self.counted: list[str] = []
        self.seen: list[Seen[str]] = []
        self.shared = SharedLooks[Target, str](self._begin, self._count)

    def _begin(self, target: Target) -> FakeLook:
        self.looks.append(FakeLook(target))
        return self.looks[-1]

    def _count(self, finding: str, seconds: float) -> None:
        assert seconds >= 0
        self.counted.append(finding)

    def receiver(self) -> Callable[[Seen[str]], None]:
        return partial(self.seen.append)  # each is another

    @property
    def findings(self) -> list[str]:
        return [seen.finding for seen in self.seen]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


ONE, OTHER = Target("one.example"), Target("other.example")


async def test_equal_looks_are_one_and_each_gets_what_came_of_it() -> None:
    world = World()
    pending = [world.shared.start(ONE, world.receiver()) for _ in range(3)]
    other = world.shared.start(OTHER, world.receiver())
    assert len(world.looks) == 2
    assert pending[0] is pending[1] is pending[2] is not other
    await settle()
    world.looks[0].done.set_result("found")
    await settle()
    assert world.findings == ["found"] * 3
    assert all(seen.lookups_us[0] > 0 and len(seen.lookups_us) == 1 for seen in world.seen)
    assert world.counted == ["found"]
    assert (pending[0].is_open, other.is_open) == (False, True)
    world.shared.start(ONE, world.receiver())
    assert len(world.looks) == 3  # what has ended is not joined


async def test_a_look_that_has_lasted_a_while_is_not_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    old = world.shared.start(ONE, world.receiver())
    monkeypatch.setattr(module, "JOINED_SECONDS", -1.0)
    new = world.shared.start(ONE, world.receiver())
    monkeypatch.undo()
    assert new is not old
    await settle()
    world.looks[0].done.set_result("old")
    await settle()
    assert world.findings == ["old"]
    assert world.shared.start(ONE, world.receiver()) is new


async def test_who_waits_no_more_is_told_nothing_and_the_last_ends_the_look() -> None:
    world = World()
    first, second = world.receiver(), world.receiver()
    pending = world.shared.start(ONE, first)
    world.shared.start(ONE, second)
    await settle()
    pending.withdraw()  # another waits too
    assert len(pending.waiting) == 2
    pending.release(first)
    pending.release(first)
    assert len(pending.waiting) == 1
    pending.withdraw()
    assert not pending.waiting
    pending.release(second)
    await settle()
    assert world.looks[0].is_cancelled
    assert not world.seen
    assert world.counted == ["one.example: cut short"]


async def test_a_look_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.01)
    world = World()
    received: asyncio.Future[Seen[str]] = asyncio.get_running_loop().create_future()
    world.shared.start(ONE, received.set_result)
    assert (await received).finding == "one.example: cut short"
    await settle()
    assert world.looks[0].cut == [0.01]
    assert world.looks[0].is_cancelled


async def test_what_a_question_does_not_wait_for_goes_on_for_others() -> None:
    world = World()
    pending = world.shared.start(ONE, world.receiver())
    await settle()
    assert pending.cut_short(5.0, 2.5) == Seen("one.example: cut short", pending.no_times)
    assert world.looks[0].cut == [2.5]
    assert pending.is_open


async def test_a_look_that_breaks_is_our_own_failure() -> None:
    world = World()
    world.shared.start(ONE, world.receiver())
    await settle()
    with capture_logs() as lines:
        world.looks[0].done.set_exception(RuntimeError("a defect"))
        await settle()
    assert world.findings == ["one.example: the look broke in this agent; its log says how"]
    assert [line["event"] for line in lines] == ["look_broken"]


async def test_what_waits_for_a_place_says_so_while_it_is_open() -> None:
    world = World()
    receive = world.receiver()
    pending = world.shared.start(ONE, receive)
    world.looks[0].is_queued = True
    assert pending.is_queued
    pending.release(receive)
    assert not pending.is_queued
