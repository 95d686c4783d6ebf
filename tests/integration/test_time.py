"""Dead, slow and far-away servers: a bounded time, two real tries, and nobody else waits."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world import network
from tests.world.deployment import (
    Deployment,
    Plan,
    agent_address,
    agent_admin,
    wait_serving,
)
from tests.world.pages import get
from tests.world.process import Child, wait_until

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


FAR_AGENT = "127.0.0.1:7399"
FAR_ADMIN = "127.0.0.1:8399"


@pytest.fixture
def far_agent(deployment: Deployment, tmp_path: Path) -> Iterator[Child]:
    """Start another agent at the place of perspective 3, whose resolver knows nothing yet."""
    place = deployment.plan.places[3]
    text = deployment.agent_file(place.id).read_text()
    text = text.replace(agent_address(place), FAR_AGENT).replace(agent_admin(place), FAR_ADMIN)
    file = tmp_path / "far.toml"
    file.write_text(text.replace("probe_timeout = 2", "start_timeout = 1"))
    agent = deployment.start_program("agent", file)
    yield agent
    agent.stop()


@pytest.mark.usefixtures("far_away")
def test_an_agent_800_ms_from_every_server_starts(far_agent: Child) -> None:
    """Its canary takes ten round trips."""
    wait_serving(far_agent)


@pytest.fixture
def cut_off(internet: object) -> str:  # noqa: ARG001 - its network
    """Lose what the perspective with number 3 sends to the root; give its address."""
    address = network.perspective_address(3)
    network.black_hole(address, network.ROOT)
    return address


@pytest.mark.usefixtures("cut_off")
def test_an_agent_without_a_way_to_the_root_waits_and_says_so(far_agent: Child) -> None:
    reason = "resolver: the root's SOA cannot be looked up"
    wait_until(lambda: reason in readyz()[1], 60, lambda: readyz()[1])
    assert readyz()[0] == 503
    network.heal()
    wait_serving(far_agent)
    wait_until(lambda: readyz()[0] == 200, 60, lambda: readyz()[1])


def readyz() -> tuple[int, str]:
    """Return the status of /readyz and what it says; 0 while nobody listens there."""
    try:
        return get(FAR_ADMIN, "/readyz")
    except OSError:
        return 0, ""


def test_a_dead_server_is_a_named_failure_after_two_tries(deployment: Deployment) -> None:
    verdict = only(deployment.ask("child.dead.example.co.jp", linger=0))
    assert verdict.reason == c.REASON_PRIMARY_FAILED
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
    assert verdict.reason == c.REASON_PRIMARY_FAILED
    assert level.failure.kind in (o.FAILURE_KIND_TIMEOUT, o.FAILURE_KIND_SERVFAIL)
    assert level.failure.detail
