"""The programs where few files may be open, as in containers: they fit themselves, and say so."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.world.deployment import (
    COORDINATOR_ADMIN,
    MPIC,
    Deployment,
    Plan,
    agent_admin,
    under_limit,
    wait_serving,
)
from tests.world.pages import scrape
from tests.world.places import PLACES

CHILD = "child.parent.example.co.jp"
PLAN = Plan(open_files=1024)


def test_with_1024_files_all_perspectives_answer_a_hundred_names(deployment: Deployment) -> None:
    names = [f"host{number}.plain.example.co.jp" for number in range(99)]
    response = deployment.ask(CHILD, *names)
    assert response.approved
    assert {verdict.quorum for verdict in response.names} == {"5/5"}
    for admin in (COORDINATOR_ADMIN, *map(agent_admin, PLACES[:6])):
        assert scrape(admin)["process_max_fds",] == 1024


def test_with_1024_files_an_agent_says_what_it_does_less(deployment: Deployment) -> None:
    for agent in deployment.agents.values():
        (line,) = agent.events("open_files_few")
        assert (line["limit"], line["lookups"], line["questions"]) == (1024, 352, 731)
        assert "LimitNOFILE=65536" in line["mend"]
        # Unbound has nothing left to warn of.
        assert not agent.events("unbound_complains")
    assert not deployment.coordinator.events("open_files_few")


def test_with_1024_files_the_doctor_says_so_of_the_program_that_runs(
    deployment: Deployment,
) -> None:
    for file, outcome in (
        (deployment.agent_file("tokyo"), "warning"),
        (deployment.coordinator_file, "ok"),
    ):
        # The doctor itself may open more, or fewer.
        command = (MPIC, "doctor", "--json", "--config", str(file))
        done = subprocess.run(
            under_limit(2048, *command), capture_output=True, text=True, check=False
        )
        findings = json.loads(done.stdout)["findings"]
        (found,) = [one for one in findings if one["check"] == "open files"]
        assert found["outcome"] == outcome
        assert found["facts"]["limit"] == 1024
        # One more Unbound, the doctor's own, has been fitted too.
        assert {one["outcome"] for one in findings if one["check"] == "resolver"} <= {"ok"}


@pytest.mark.parametrize("limit", [512, 4096])
def test_with_another_limit_an_agent_answers_too(deployment: Deployment, limit: int) -> None:
    deployment.agents["tokyo"].stop()
    file = deployment.agent_file("tokyo")
    deployment.plan, plan = Plan(open_files=limit), deployment.plan
    agent = deployment.agents["tokyo"] = deployment.start_program("agent", file)
    deployment.plan = plan
    wait_serving(agent)
    deployment.wait_ready()
    (line,) = agent.events("open_files_few")
    assert line["limit"] == limit
    assert not agent.events("unbound_complains")
    (verdict,) = deployment.ask(CHILD).names
    assert verdict.quorum == "5/5"


@pytest.mark.parametrize("program", ["agent", "coordinator"])
def test_with_too_few_a_program_says_what_to_set_and_ends(
    deployment: Deployment, tmp_path: Path, program: str
) -> None:
    file = tmp_path / "other.toml"
    source = deployment.agent_file("tokyo") if program == "agent" else deployment.coordinator_file
    file.write_text(source.read_text())
    command = under_limit(128, MPIC, program, "--config", str(file))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    assert "this process may have 128 files open, and needs 512 at least" in done.stderr
    for way in ("LimitNOFILE=65536", "--ulimit nofile=65536:65536", "ulimits", "Kubernetes"):
        assert way in done.stderr
    assert "Traceback" not in done.stderr
