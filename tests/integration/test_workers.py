"""Several processes behind one identity: of the coordinator, and of each agent."""

import os
import re
import signal
from pathlib import Path

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import Deployment, Plan
from tests.world.process import wait_until
from tests.world.requests import named

CHILD = "child.parent.example.co.jp"
PLAN = Plan(workers=2)


def ask(deployment: Deployment, worker: int) -> c.NameVerdict:
    request = c.CorroborateRequest(request_id="worker", names=named([CHILD]))
    request.linger.FromSeconds(int(PLAN.lookup_timeout))
    with deployment.channel(worker=worker) as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        (verdict,) = stub.Corroborate(request, timeout=60).names
    return verdict


def workers_of(pid: int) -> list[int]:
    """Return the processes an agent's parent has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def test_every_worker_of_the_coordinator_decides(deployment: Deployment) -> None:
    for worker in range(PLAN.workers):
        assert ask(deployment, worker).quorum == "5/5"


def test_a_worker_that_ends_is_missed_by_nobody_and_started_again(deployment: Deployment) -> None:
    agent = deployment.agents["ashburn"]
    before = workers_of(agent.pid)
    assert len(before) == PLAN.workers
    coordinator = deployment.coordinator
    lost = len(coordinator.events("perspective_lost"))
    os.kill(before[0], signal.SIGKILL)
    wait_until(
        lambda: len(coordinator.events("perspective_lost")) > lost,
        60,
        coordinator.log_file.read_text,
    )
    for _ in range(6):
        assert ask(deployment, 0).quorum == "5/5"
    wait_until(
        lambda: len(agent.events("serving")) == PLAN.workers + 1, 60, agent.log_file.read_text
    )
    assert len(workers_of(agent.pid)) == PLAN.workers


def test_workers_that_cannot_start_end_their_parent(deployment: Deployment) -> None:
    """Their ports are taken: by the agent that runs. The first to notice ends them all."""
    file = deployment.directory / "second.toml"
    file.write_text(deployment.agent_file("ashburn").read_text())
    second = deployment.agents["second"] = deployment.start_program("agent", file)
    wait_until(lambda: not second.is_running(), 60, second.log_file.read_text)
    assert re.search(r"cannot listen on 127\.0\.0\.1:842[01]\b", second.log_file.read_text())
    del deployment.agents["second"]


def test_a_parent_that_is_ended_ends_its_workers(deployment: Deployment) -> None:
    agent = deployment.agents["singapore"]
    workers = workers_of(agent.pid)
    agent.signal(signal.SIGTERM)
    wait_until(lambda: not agent.is_running(), 60, agent.log_file.read_text)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert agent.log_file.read_text().count('"stopped"') == PLAN.workers
