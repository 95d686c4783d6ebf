"""One of five remotes sends what would harm us: that costs its own corroboration, no more."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import MPIC, Deployment, Plan
from tests.world.fake_agent import HOSTILE
from tests.world.impostor import ASHBURN, replaced

CHILD = "nothing-here.parent.example.co.jp"
PLAN = Plan(lookup_timeout=20)
DEFAULT_OF_CLIENTS = 4 * 2**20

OUTCOMES = {
    "nested": c.DISSENT_GARBAGE,
    "unknown-field": c.DISSENT_GARBAGE,
    "small-unknown-field": c.DISSENT_GARBAGE,
    "long-detail": c.DISSENT_GARBAGE,
    "ansi-detail": c.DISSENT_FAILED,
    "large-set": c.DISSENT_UNSPECIFIED,
    "many-records": c.DISSENT_GARBAGE,
    "empty-16-mib": c.DISSENT_GARBAGE,
    "empty-4-mib": c.DISSENT_GARBAGE,
    "many-times": c.DISSENT_GARBAGE,
    "blind": c.DISSENT_NOT_LOOKED,
    "blind-2-mib": c.DISSENT_NOT_LOOKED,
    "nobody": c.DISSENT_MISIDENTIFIED,
    "long-description": c.DISSENT_UNSPECIFIED,
    "longer-description": c.DISSENT_GARBAGE,
    "description-of-octets": c.DISSENT_GARBAGE,
}


def test_every_hostile_behaviour_has_an_outcome() -> None:
    assert OUTCOMES.keys() == HOSTILE.keys()


def read_back(deployment: Deployment, record_id: str, *names: str) -> c.GetCorroborationResponse:
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        request = c.GetCorroborationRequest(record_id=record_id, names=names)
        return stub.GetCorroboration(request, timeout=60)


def export(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the whole record, as an auditor exports it."""
    config = str(deployment.coordinator_file)
    command = [MPIC, "record", "export", "--config", config]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def recorded() -> list[str]:
    """Ids of the records of what was approved."""
    return []


@pytest.mark.parametrize("behaviour", OUTCOMES)
def test_it_costs_one_corroboration(
    deployment: Deployment, recorded: list[str], behaviour: str, tmp_path: Path
) -> None:
    # Its clients take 4 MiB, as those of callers do by default.
    with replaced(deployment, behaviour, tmp_path / "fake.log"):
        response = deployment.ask(CHILD)
        described = deployment.perspective(ASHBURN.id)
    (verdict,) = response.names
    report = verdict.perspectives[2]
    assert verdict.approved
    assert report.dissent == OUTCOMES[behaviour]
    assert verdict.quorum == ("4/5" if report.dissent else "5/5")
    assert report.detail.isprintable()
    assert len(report.detail.encode()) <= 4096
    assert response.ByteSize() < 300_000
    assert described.ByteSize() < 20_000
    assert read_back(deployment, response.record_id).verdict == response
    recorded.append(response.record_id)


def test_an_auditor_can_export_all_of_it(deployment: Deployment, recorded: list[str]) -> None:
    assert recorded
    approved = {one["record_id"]: one["verdict"]["approved"] for one in export(deployment)}
    assert all(approved[record_id] for record_id in recorded)


def test_the_log_shows_nothing_of_it_as_it_came(deployment: Deployment) -> None:
    """Of all the agents before: no line is long, and no text of theirs acts on a terminal."""
    log = deployment.coordinator.log_file.read_text()
    assert max(map(len, log.splitlines())) < 20_000
    assert "\x1b" not in log
    details = [line["detail"] for line in deployment.coordinator.events("perspective_lost")]
    assert any("\\027[2J\\u{202e}" in detail for detail in details)
    assert all(detail.isprintable() for detail in details)


def test_an_answer_that_would_be_too_large_is_cut_and_says_where(
    deployment: Deployment, tmp_path: Path
) -> None:
    names = [f"host{number}.parent.example.co.jp" for number in range(100)]
    with replaced(deployment, "large-set", tmp_path / "fake.log"):
        response = deployment.ask(*names)
    assert response.approved
    assert response.ByteSize() < DEFAULT_OF_CLIENTS
    reports = [verdict.perspectives[2] for verdict in response.names]
    cut = [number for number, report in enumerate(reports) if report.left_out]
    assert 10 < len(cut) < 100
    assert all(reports[number].corroborates for number in cut)
    others = [one for verdict in response.names for one in verdict.perspectives if not one.left_out]
    assert all(one.HasField("observation") for one in others)
    name = names[cut[-1]]
    verdict = read_back(deployment, response.record_id, name).verdict.names[cut[-1]]
    assert verdict.name == name
    assert not verdict.perspectives[2].left_out
    assert (
        len(verdict.perspectives[2].observation.findings[0].caa_walk.levels[0].records.rdata) > 5000
    )
    (exported,) = (one for one in export(deployment) if one["record_id"] == response.record_id)
    shown = json.dumps(exported)
    assert len(shown) > DEFAULT_OF_CLIENTS
    assert "left_out" not in shown
