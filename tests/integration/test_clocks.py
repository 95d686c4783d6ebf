"""A clock that is wrong, the coordinator's or an agent's, on real programs: nothing is silent."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.world.deployment import COORDINATOR_ADMIN, Deployment, wait_serving
from tests.world.impostor import ASHBURN, replaced
from tests.world.pages import scrape
from tests.world.process import wait_until
from tests.world.wrong_clock import WrongClock

CHILD = "child.parent.example.co.jp"
NINE_HOURS = 9 * 3600


@pytest.fixture(scope="module")
def clock(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WrongClock]:
    """The coordinator's, nine hours ahead when it starts."""
    with wrong(deployment, "coordinator", tmp_path_factory.mktemp("clock"), NINE_HOURS) as clock:
        deployment.restart_coordinator()
        yield clock


@contextmanager
def wrong(
    deployment: Deployment, program: str, directory: Path, seconds: int
) -> Iterator[WrongClock]:
    """Give a program, once it is started anew, a clock that is ahead."""
    deployment.clocks[program] = WrongClock(directory / "clock", seconds)
    try:
        yield deployment.clocks[program]
    finally:
        del deployment.clocks[program]


def dissents(verdict: c.NameVerdict) -> set[int]:
    return {one.dissent for one in verdict.perspectives}


def refused(deployment: Deployment) -> c.NameVerdict:
    response = deployment.ask(CHILD)
    assert not response.approved
    (verdict,) = response.names
    assert verdict.reason == c.REASON_PRIMARY_UNAVAILABLE
    assert verdict.responsible == c.RESPONSIBLE_SERVICE
    assert dissents(verdict) == {c.DISSENT_CLOCK_DIFFERS}
    return verdict


def differences() -> list[float]:
    return [
        value
        for (name, *_), value in scrape(COORDINATOR_ADMIN).items()
        if name == "mpic_clock_difference_seconds"
    ]


def test_a_coordinator_whose_clock_is_wrong_approves_nothing_until_it_is_set_right(
    deployment: Deployment, clock: WrongClock
) -> None:
    assert "the agent's clock is 9 h behind this coordinator's" in refused(deployment).detail
    assert len(deployment.coordinator.events("clock_too_far")) == 6
    assert all(abs(one + NINE_HOURS) < 100 for one in differences())
    assert len(differences()) == 6
    clock.set(0)
    deployment.wait_ready()
    assert deployment.ask(CHILD).approved
    assert len(deployment.coordinator.events("clock_agrees")) == 6
    # Not so far behind that certificates are not valid yet, and asked before anybody could tell.
    clock.set(-200)
    assert "3 min ahead of this coordinator's" in refused(deployment).detail


def test_a_coordinator_whose_clock_is_a_little_wrong_approves_and_shouts(
    deployment: Deployment, clock: WrongClock
) -> None:
    clock.set(30)
    deployment.wait_ready()
    response = deployment.ask(CHILD)
    assert response.approved
    late = response.caa_usable_until.ToDatetime(UTC) - datetime.now(UTC) - timedelta(hours=8)
    assert late > timedelta(0), "it is as wrong as the clock, and that was told"
    told = deployment.coordinator.events("clock_differs")
    assert len({one["perspective"] for one in told}) == 6
    assert all("time service" in one["mend"] for one in told)
    assert max(differences()) < -5


def test_a_record_that_is_ahead_of_the_clock_is_told_at_the_start(
    deployment: Deployment, clock: WrongClock
) -> None:
    """What was refused nine hours ahead is written, and no later record is dated before it."""
    clock.set(0)
    deployment.restart_coordinator()
    (warning,) = deployment.coordinator.events("record_ahead_of_clock")
    assert NINE_HOURS - 600 < warning["seconds"] <= NINE_HOURS
    assert "It goes on writing" in warning["mend"]
    deployment.wait_ready()
    assert deployment.ask(CHILD).approved


def test_an_agent_whose_clock_is_ahead_is_the_only_one_not_asked(
    deployment: Deployment, clock: WrongClock, tmp_path: Path
) -> None:
    clock.set(0)
    deployment.wait_ready()
    with wrong(deployment, "agent-singapore", tmp_path, 600):
        deployment.agents["singapore"].stop()
        wait_serving(deployment.start_agent("singapore"))
        one = deployment.perspective
        problem = "the agent's clock is 10 min ahead of"
        wait_until(lambda: problem in one("singapore").problem, 60, deployment.say_who)
        response = deployment.ask(CHILD)
    assert response.approved
    (verdict,) = response.names
    assert verdict.quorum == "4/5"
    others = {one.perspective_id: one.dissent for one in verdict.perspectives if one.dissent}
    assert others == {"singapore": c.DISSENT_CLOCK_DIFFERS}
    deployment.agents["singapore"].stop()
    wait_serving(deployment.start_agent("singapore"))
    deployment.wait_ready()


def test_an_older_agent_that_tells_no_time_goes_on_and_that_is_told(
    deployment: Deployment, clock: WrongClock, tmp_path: Path
) -> None:
    clock.set(0)
    with replaced(deployment, "honest", tmp_path / "log"):
        deployment.wait_ready()
        assert not deployment.perspective(ASHBURN.id).HasField("clock_difference")
        assert len(differences()) == 5
        (verdict,) = deployment.ask(CHILD).names
        (report,) = (one for one in verdict.perspectives if one.perspective_id == ASHBURN.id)
        assert report.HasField("observation")
    (told,) = deployment.coordinator.events("clock_not_told")
    assert told["perspective"] == ASHBURN.id
