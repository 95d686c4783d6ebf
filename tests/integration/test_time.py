"""Dead, slow and far-away servers: a bounded time, two real tries, and nobody else waits."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world import network
from tests.world.deployment import Deployment, Plan
from tests.world.process import Child

PLAN = Plan(lookup_timeout=15, cache_max_ttl=60)


def only(response: c.CorroborateResponse) -> c.NameVerdict:
    (verdict,) = response.names
    return verdict


@pytest.fixture
def far_away(internet: object, tmp_path: Path) -> Iterator[None]:  # noqa: ARG001 - its servers
    """Every server 800 ms away from the perspective with number 3."""
    pairs = [f"{far}:{near}" for near, far in network.FAR.items()]
    log = tmp_path / "delay.log"
    relay = Child((sys.executable, "-m", "tests.world.delay", "800", *pairs), log)
    relay.wait_ready(lambda: "ready" in log.read_text())
    for near, far in network.FAR.items():
        network.divert(network.perspective_address(3), near, far)
    yield
    relay.stop()


@pytest.mark.usefixtures("far_away")
def test_a_perspective_800_ms_from_every_server_corroborates(deployment: Deployment) -> None:
    verdict = only(deployment.ask("child.parent.example.co.jp", timeout=60))
    assert verdict.quorum == "5/5", verdict.perspectives[3].detail


def test_a_dead_server_is_a_named_failure_after_two_tries(deployment: Deployment) -> None:
    verdict = only(deployment.ask("child.dead.example.co.jp", linger=0))
    assert verdict.reason == c.REASON_PRIMARY_CAA_FAILED
    (level,) = verdict.perspectives[0].observation.findings[0].caa_walk.levels
    assert level.failure.kind == o.FAILURE_KIND_SERVFAIL
    assert level.tries == 2


def test_a_hung_lookup_of_one_name_delays_no_other(deployment: Deployment) -> None:
    """A hundred names with a silent server are being looked up while another is asked for."""
    hung = [f"host{number}.silent.hostile.example.co.jp" for number in range(100)]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(deployment.ask, *hung, linger=0.0)
        deployment.wait_looking(len(hung))
        verdict = only(deployment.ask("allow.caa.example.co.jp", linger=0))
        assert not waiting.done()
        assert verdict.approved
        assert not waiting.result().approved


def test_a_server_that_never_answers_fails_by_the_deadline(deployment: Deployment) -> None:
    """The resolver may still be trying; the agent's own deadline decides, and says so."""
    name = "60000.slow.hostile.example.co.jp"
    verdict = only(deployment.ask(name, linger=0))
    (level,) = verdict.perspectives[0].observation.findings[0].caa_walk.levels
    assert verdict.reason == c.REASON_PRIMARY_CAA_FAILED
    assert level.failure.kind in (o.FAILURE_KIND_TIMEOUT, o.FAILURE_KIND_SERVFAIL)
    assert level.failure.detail
