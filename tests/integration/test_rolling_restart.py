"""A rolling restart loses no request: coordinators behind a client that tries again, agents behind
coordinators that wait for them. `tests/bench/rolling.sh` does the same with every program.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.bench.rolling import Fleet, under_load
from tests.world.deployment import Deployment, Plan
from tests.world.held import hold
from tests.world.process import wait_until

# On a busy machine too, an agent is back in time.
PLAN = Plan(lookup_timeout=40, restart_patience=30)


@pytest.fixture(scope="module")
def fleet(deployment: Deployment) -> Iterator[Fleet]:
    running = Fleet(deployment)
    running.start_second()
    yield running
    running.stop_second()


@pytest.mark.parametrize("number", [0, 1])
def test_a_coordinator_restarts(fleet: Fleet, number: int) -> None:
    result = under_load(fleet.deployment, lambda: fleet.restart_coordinator(number))
    assert result.latencies
    assert not result.failures


@pytest.mark.parametrize("perspective", ["tokyo", "frankfurt"])
def test_an_agent_restarts(fleet: Fleet, perspective: str) -> None:
    """The primary's, without which nothing is decided, and a remote's."""
    result = under_load(fleet.deployment, lambda: fleet.restart_agent(perspective))
    assert result.latencies
    assert not result.failures


def test_an_agent_answers_what_it_was_asked_before_it_restarts(fleet: Fleet) -> None:
    """Which takes long; those who ask meanwhile wait."""
    deployment = fleet.deployment
    coordinator, tokyo = deployment.coordinator, deployment.agents["tokyo"]
    deployment.wait_ready()

    def restart() -> None:
        os.kill(tokyo.pid, signal.SIGTERM)
        wait_until(
            lambda: len(coordinator.events("perspective_leaving")) > left,
            60,
            coordinator.log_file.read_text,
        )
        held.release()
        fleet.restart_agent("tokyo")

    with ThreadPoolExecutor(1) as pool, hold() as held:
        left = len(coordinator.events("perspective_leaving"))
        slow = pool.submit(deployment.ask, *held.names(1), linger=0)
        deployment.wait_looking(1)
        result = under_load(deployment, restart)
        (verdict,) = slow.result().names
    (primary,) = (one for one in verdict.perspectives if one.perspective_id == "tokyo")
    assert primary.dissent not in {c.DISSENT_UNREACHABLE, c.DISSENT_LATE}
    assert result.latencies
    assert not result.failures
