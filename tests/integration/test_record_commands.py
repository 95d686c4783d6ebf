"""`mpic record ...` beside a running coordinator; the commands are those of deploy/record.md."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.world import network
from tests.world.deployment import MPIC, Deployment

PAGE = Path(__file__).parents[2] / "deploy" / "record.md"
CHILD = "child.parent.example.co.jp"
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for line in block.splitlines()
]


def run(deployment: Deployment, line: str) -> subprocess.CompletedProcess[str]:
    words = shlex.split(line.partition(" > ")[0])
    config = str(deployment.coordinator_file)
    words = [config if word == "coordinator.toml" else word for word in words]
    done = subprocess.run(
        [MPIC, *words[1:]],
        cwd=deployment.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if " > " in line:
        (deployment.directory / line.rpartition(" > ")[2]).write_text(done.stdout)
    return done


@pytest.fixture(scope="module")
def answers(deployment: Deployment) -> list[c.CorroborateResponse]:
    """Approved, refused by error 338, refused by the primary."""
    approved = deployment.ask(CHILD)
    for number in (1, 2):
        source = network.perspective_address(number)
        network.divert(source, network.AUTHORITATIVE, network.LIAR)
    try:
        quorum = deployment.ask("child.plain.example.co.jp")
    finally:
        network.restore_all()
    forbidden = deployment.ask("deny.caa.example.co.jp")
    answered = [approved, quorum, forbidden]
    assert [one.error.code for one in answered] == [0, 338, 0]
    return answered


def test_every_command_of_the_page_does_its_work(
    deployment: Deployment, answers: list[c.CorroborateResponse]
) -> None:
    assert len(COMMANDS) >= 10
    for line in COMMANDS:
        ready = line.replace("RECORD-OR-REQUEST-ID", answers[1].record_id)
        done = run(deployment, ready)
        none_found = "search" in line and "No record meets that" in done.stderr
        assert done.returncode == 0 or none_found, (ready, done.stdout, done.stderr)


def test_a_refusal_is_found_by_its_name_and_told_as_it_was(
    deployment: Deployment, answers: list[c.CorroborateResponse]
) -> None:
    search = "mpic record search --config coordinator.toml --json"
    done = run(deployment, f"{search} --reason QUORUM_NOT_MET --name child.plain.example.co.jp")
    (found,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert found["record_id"] == answers[1].record_id
    assert found["verdict"]["error"]["code"] == 338
    assert found["verdict"]["names"][0]["quorum"] == "3/5"
    assert len(found["verdict"]["names"][0]["perspectives"]) == 6


def test_by_the_same_rules_nothing_that_was_decided_changes(
    deployment: Deployment, answers: list[c.CorroborateResponse]
) -> None:
    done = run(deployment, "mpic record replay --config coordinator.toml")
    assert done.returncode == 0, done.stdout
    assert f"{len(answers)} questions judged again: 0 verdicts change" in done.stdout


def test_by_other_rules_exactly_those_change_that_they_decide(
    deployment: Deployment, answers: list[c.CorroborateResponse]
) -> None:
    text = deployment.coordinator_file.read_text()
    file = deployment.directory / "rules.toml"
    file.write_text(f'{text}\n[policy]\naddress_agreement = "resolves"\n')
    done = run(deployment, "mpic record replay --config coordinator.toml --rules rules.toml")
    assert done.returncode == 1
    changed = [
        line.split()[0] for line in done.stdout.splitlines() if " -> " in line and "Z " in line
    ]
    assert changed == [answers[1].record_id]
    assert "QUORUM_NOT_MET 3/5 -> CORROBORATED 5/5  REVERSED" in done.stdout
