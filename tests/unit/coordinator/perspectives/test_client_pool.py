"""One perspective with several workers: asked in turn, passed over when down, told all the same."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.client_pool import PerspectiveClientPool
from coordinator.perspectives.errors import PerspectiveProblem
from mpic.channel import TlsFiles
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import WORLD

NO_FILES = ClientOptions(TlsFiles(Path("a"), Path("b"), Path("c")))
DOWN = PerspectiveProblem(c.DISSENT_UNREACHABLE, "not connected")


class Worker:
    """Stands for a link to one worker, and notes what it is told."""

    def __init__(self, number: int) -> None:
        self.problem: PerspectiveProblem | None = None
        self.may_return = False
        self.description: p.DescribeResponse | None = None
        self.known_kinds = frozenset({"caa_walk", "addresses"})
        self.clock_difference: float | None = None
        self.connections = 10 * number
        self.pending = number
        self.waiting = number + 5
        self.told: Counter[str] = Counter()
        self.asked: list[int] = []

    @property
    def up(self) -> int:
        return self.problem is None

    def ask(self, question_id: int, entry: bytes, receive: object) -> None:
        del entry, receive
        self.asked.append(question_id)

    def forget(self, question_id: int) -> None:
        self.told[f"forget {question_id}"] += 1

    def withdraw(self, entry: bytes) -> None:
        self.told[f"withdraw {entry.decode()}"] += 1

    def check_clock(self) -> None:
        self.told["check clock"] += 1

    async def refresh(self) -> None:
        self.told["refresh"] += 1

    async def first_attempt(self) -> None:
        self.told["first attempt"] += 1

    async def run(self) -> None:
        self.told["run"] += 1


@pytest.fixture
def workers() -> list[Worker]:
    return [Worker(number) for number in range(1, 4)]


@pytest.fixture
def pool(workers: list[Worker]) -> PerspectiveClientPool:
    pool = PerspectiveClientPool(replace(WORLD.remotes[0], workers=3), NO_FILES)
    assert [link.address for link in pool._links] == list(pool.perspective.addresses)
    stand_ins: Any = workers
    pool._links = stand_ins
    return pool


def ask(pool: PerspectiveClientPool, *question_ids: int) -> None:
    for question_id in question_ids:
        pool.ask(question_id, b"", lambda *_: None)


def test_questions_go_round(pool: PerspectiveClientPool, workers: list[Worker]) -> None:
    ask(pool, *range(7))
    assert [one.asked for one in workers] == [[0, 3, 6], [1, 4], [2, 5]]


@pytest.mark.parametrize("down", [0, 1, 2])
def test_one_that_is_down_is_passed_over(
    pool: PerspectiveClientPool, workers: list[Worker], down: int
) -> None:
    workers[down].problem = DOWN
    assert pool.problem is None
    ask(pool, *range(6))
    assert not workers[down].asked
    assert sum(len(one.asked) for one in workers) == 6


def test_when_all_are_down_so_is_the_perspective(
    pool: PerspectiveClientPool, workers: list[Worker]
) -> None:
    for one in workers:
        one.problem = DOWN
    assert pool.problem is DOWN
    assert pool.up == 0
    ask(pool, 1)
    assert [one.asked for one in workers] == [[1], [], []]  # who says why


def test_one_that_may_be_back_in_a_moment_is_waited_for(
    pool: PerspectiveClientPool, workers: list[Worker]
) -> None:
    for one in workers:
        one.problem = DOWN
    workers[1].may_return = True
    ask(pool, 1, 2, 3)
    assert [one.asked for one in workers] == [[], [1, 2, 3], []]
    workers[2].problem = None
    ask(pool, 4)
    assert workers[2].asked == [4]


async def test_all_are_told(pool: PerspectiveClientPool, workers: list[Worker]) -> None:
    pool.forget(7)
    pool.withdraw(b"entry")
    pool.check_clock()
    await asyncio.gather(pool.refresh(), pool.first_attempt(), pool.run())
    whatever = ("forget 7", "withdraw entry", "check clock", "refresh", "first attempt", "run")
    assert [one.told for one in workers] == [dict.fromkeys(whatever, 1)] * 3


def test_the_clock_of_a_perspective_is_that_of_its_worst_worker(
    pool: PerspectiveClientPool, workers: list[Worker]
) -> None:
    assert pool.clock_difference is None
    workers[0].clock_difference, workers[2].clock_difference = 3.0, -4.0
    assert pool.clock_difference == -4.0


def test_a_pool_is_the_sum_of_its_workers(
    pool: PerspectiveClientPool, workers: list[Worker]
) -> None:
    assert (pool.up, pool.connections, pool.pending, pool.waiting) == (3, 60, 6, 21)
    workers[0].problem = DOWN
    assert pool.up == 2
    assert pool.description is None
    workers[2].description = p.DescribeResponse(version="9")
    assert pool.description == p.DescribeResponse(version="9")


def test_a_pool_knows_what_every_worker_knows_that_can_be_asked(
    pool: PerspectiveClientPool, workers: list[Worker]
) -> None:
    """While an agent is upgraded, some of its workers are older."""
    assert pool.known_kinds == {"caa_walk", "addresses"}
    workers[1].known_kinds = frozenset({"caa_walk"})
    assert pool.known_kinds == {"caa_walk"}
    workers[1].problem = DOWN
    assert pool.known_kinds == {"caa_walk", "addresses"}
    workers[0].problem = workers[2].problem = DOWN
    assert not pool.known_kinds
