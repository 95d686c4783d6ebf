"""The admin port of the real programs: metrics, probes, and the configuration without secrets."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.world.deployment import COORDINATOR_ADMIN, Deployment, agent_admin
from tests.world.held import hold
from tests.world.pages import get, scrape
from tests.world.places import PLACES
from tests.world.process import wait_until

CHILD = "child.parent.example.co.jp"
TOKYO, FRANKFURT = PLACES[0], PLACES[1]


@pytest.fixture(autouse=True)
def _all_are_there(deployment: Deployment) -> None:
    deployment.wait_ready()


@contextmanager
def stopped(deployment: Deployment, *ids: str) -> Iterator[None]:
    for one in ids:
        deployment.agents[one].signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for one in ids:
            deployment.agents[one].signal(signal.SIGCONT)


def test_what_a_question_leaves_behind(deployment: Deployment) -> None:
    before, agent_before = scrape(COORDINATOR_ADMIN), scrape(agent_admin(FRANKFURT))
    assert deployment.ask(CHILD, f"www.{CHILD}").approved
    after, agent_after = scrape(COORDINATOR_ADMIN), scrape(agent_admin(FRANKFURT))

    def grew(*key: str) -> float:
        return after[key] - before[key]

    assert grew("mpic_questions_total", "outcome=approved") == 1
    assert grew("mpic_verdicts_total", "check=", "dry_run=false", "reason=corroborated") == 2
    for place in PLACES[:6]:
        perspective = f"perspective={place.id}"
        assert grew("mpic_observations_total", "check=", "outcome=corroborates", perspective) == 2
        assert grew("mpic_perspective_answer_duration_seconds_count", perspective) == 2
        assert after["mpic_links_up", perspective] == 1
    assert grew("mpic_quorum_margin_bucket", "le=1.0") == 2
    assert grew("mpic_quorum_margin_bucket", "le=0.0") == 0
    assert grew("mpic_decision_duration_seconds_count") == 1
    assert grew("mpic_record_entries_total", "outcome=written") >= 1
    assert grew("mpic_record_entries_total", "outcome=failed") == 0
    corroborate = (
        "grpc_method=Corroborate",
        "grpc_service=mpic.v1.CorroborationService",
        "grpc_type=unary",
    )
    assert grew("grpc_server_started_total", *corroborate) == 1
    assert grew("grpc_server_handled_total", "grpc_code=OK", *corroborate) == 1
    assert grew("grpc_server_handling_seconds_count", *corroborate) == 1
    looked = ("mpic_agent_questions_total", "outcome=looked")
    assert agent_after[looked] - agent_before[looked] == 2
    found = ("mpic_dns_queries_total", "outcome=records", "type=A")
    assert agent_after[found] - agent_before[found] == 1
    assert agent_after["mpic_agent_streams",] == 1
    assert agent_after["mpic_unbound_up",] == 1
    assert agent_after["mpic_unbound_queries_total",] > agent_before["mpic_unbound_queries_total",]
    assert agent_after["mpic_unbound_answers_total", "rcode=NOERROR"] > 0


def test_perspectives_that_are_away_show(deployment: Deployment) -> None:
    def readyz() -> tuple[int, str]:
        return get(COORDINATOR_ADMIN, "/readyz")

    assert readyz() == (200, "ready\nserving: ok\nprimary: ok\nquorum: ok\nrecord: ok\n")
    with stopped(deployment, FRANKFURT.id, PLACES[2].id):
        wait_until(lambda: readyz()[0] == 503, 60, lambda: readyz()[1])
        assert "quorum: 3 of 5 remotes can be asked, 4 must corroborate" in readyz()[1]
        assert f"{FRANKFURT.id}: " in readyz()[1]
        assert get(COORDINATOR_ADMIN, "/livez") == (200, "alive\n")
        before = scrape(COORDINATOR_ADMIN)
        assert deployment.ask(CHILD).names[0].quorum == "3/5"
        after = scrape(COORDINATOR_ADMIN)
    perspective = f"perspective={FRANKFURT.id}"
    for key in (
        ("mpic_observations_total", "check=", "outcome=unreachable", perspective),
        ("mpic_quorum_margin_bucket", "le=-1.0"),
        ("mpic_verdicts_total", "check=", "dry_run=false", "reason=quorum_not_met"),
        ("mpic_questions_total", "outcome=refused"),
    ):
        assert after[key] - before[key] == 1, key
    assert after["mpic_links_up", perspective] == 0
    wait_until(lambda: readyz()[0] == 200, 60, lambda: readyz()[1])
    deployment.wait_ready()  # four were enough for that
    connections = ("mpic_link_connections_total", perspective)
    assert scrape(COORDINATOR_ADMIN)[connections] > before[connections]


def test_the_configuration_in_force_is_shown(deployment: Deployment) -> None:
    status, text = get(COORDINATOR_ADMIN, "/config")
    assert status == 200
    config = json.loads(text)
    assert config["coordinator"]["lookup_timeout"] == deployment.plan.lookup_timeout
    assert config["tls"]["private_key"].endswith("coordinator-main.key")
    assert "PRIVATE KEY" not in text
    assert json.loads(get(agent_admin(TOKYO), "/config")[1])["agent"]["id"] == "tokyo"


def test_not_ready_once_sigterm_came(deployment: Deployment) -> None:
    """A question that takes long keeps the coordinator."""

    def readyz() -> tuple[int, str]:
        return get(COORDINATOR_ADMIN, "/readyz")

    with ThreadPoolExecutor(1) as pool, hold() as held:
        asked = pool.submit(deployment.ask, *held.names(1))
        deployment.wait_looking(1)
        deployment.coordinator.signal(signal.SIGTERM)
        wait_until(lambda: readyz()[0] == 503, 60, lambda: readyz()[1])
        assert "serving: it is shutting down" in readyz()[1]
        assert get(COORDINATOR_ADMIN, "/livez")[0] == 200
        held.release()
        assert asked.result().approved
