"""Lists are bounded, forgotten in an hour, and of their callers alone."""

import asyncio

import pytest

from coordinator.api.preflight.handed_in import read_pasted
from coordinator.api.preflight.jobs import MOST, SECONDS, NoRoomError, PreflightJobs

LIST = read_pasted("a.example\nlocalhost\n\nb.example\n")


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def jobs(now: list[float]) -> PreflightJobs:
    return PreflightJobs(lambda: now[0])


def test_a_list_is_its_callers_alone(jobs: PreflightJobs) -> None:
    mine = jobs.add("one", "", LIST)
    assert jobs.find(mine.id, "one") is mine
    assert jobs.find(mine.id, "two") is None
    assert jobs.find("other", "one") is None
    assert jobs.of_caller("two") == []


def test_it_is_forgotten_in_an_hour(jobs: PreflightJobs, now: list[float]) -> None:
    mine = jobs.add("one", "", LIST)
    now[0] = SECONDS - 1
    assert jobs.find(mine.id, "one") is mine
    now[0] = SECONDS
    assert jobs.find(mine.id, "one") is None
    assert not jobs._jobs


def test_a_callers_oldest_makes_room(jobs: PreflightJobs) -> None:
    added = [jobs.add("one", "", LIST) for _ in range(6)]
    assert list(jobs.of_caller("one")) == added[-4:]


def test_all_callers_together_have_a_bound(jobs: PreflightJobs) -> None:
    for number in range(MOST):
        jobs.add(str(number // 4), "", LIST)
    with pytest.raises(NoRoomError):
        jobs.add("another", "", LIST)


async def test_one_list_of_a_caller_is_asked_about_at_a_time(jobs: PreflightJobs) -> None:
    mine = jobs.add("one", "", LIST)
    mine.asking = asyncio.create_task(asyncio.sleep(60))
    with pytest.raises(NoRoomError):
        jobs.add("one", "", LIST)
    jobs.add("two", "", LIST)
    jobs.stop()
    with pytest.raises(asyncio.CancelledError):
        await mine.asking
    assert not jobs.add("one", "", LIST).is_running
