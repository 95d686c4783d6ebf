"""A rolling restart loses no request: coordinators behind a client that tries again, agents behind
coordinators that wait for them. `tests/bench/rolling.sh` does the same with every program.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.bench.rolling import Fleet, under_load
from tests.world.deployment import Deployment

SLOW = "900.slow.hostile.example.co.jp"


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
    """Which takes seconds; those who ask meanwhile wait."""
    deployment = fleet.deployment
    deployment.wait_ready()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(deployment.ask, SLOW, linger=0)
        # Answered behind the other, which the agents have been asked by then.
        assert deployment.ask("child.parent.example.co.jp", linger=0).approved
        result = under_load(deployment, lambda: fleet.restart_agent("tokyo"))
        (verdict,) = slow.result().names
    (primary,) = (one for one in verdict.perspectives if one.perspective_id == "tokyo")
    assert primary.dissent not in {c.DISSENT_UNREACHABLE, c.DISSENT_LATE}
    assert result.latencies
    assert not result.failures
