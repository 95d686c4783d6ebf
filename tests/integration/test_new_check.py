"""A release that knows one check more, beside agents, coordinators and records that do not.

A question names its checks, so whoever does not know one is not asked it, and that is ours to mend
and no failure of the domain.
"""

import os
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

import grpc
import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.world.deployment import MPIC, Deployment, wait_serving
from tests.world.newer_tree import DUMMY, make_newer_tree
from tests.world.places import PLACES

CHILD = "child.parent.example.co.jp"
WITHOUT_PROOF = f"x.{CHILD}"
WANTED = "somebody"
"""Where a name says this, the newer release asks for the check."""
FIELD = b"\x9a\x06"
"""The tag of the field that says it: number 99, a text."""
PRIMARY, *REMOTES = (place.id for place in PLACES[:6])


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_newer_tree(tmp_path_factory.mktemp("newer"))


def ask(deployment: Deployment, name: str = CHILD, wanted: str = "") -> c.NameVerdict:
    requested = c.RequestedName(name=name).SerializeToString()
    if wanted:
        requested += FIELD + bytes([len(wanted)]) + wanted.encode()
    request = c.CorroborateRequest(
        request_id=str(uuid.uuid4()), names=[c.RequestedName.FromString(requested)]
    )
    request.linger.FromSeconds(10)
    (verdict,) = deployment.send(request).names
    return verdict


def exchange_agents(deployment: Deployment, ids: Sequence[str], tree: Path | None) -> None:
    """End agents, and start them from another tree; None: from this one."""
    for one in ids:
        deployment.agents[one].stop()
        exchange(deployment, f"agent-{one}", tree)
        deployment.start_agent(one)
    for one in ids:
        wait_serving(deployment.agents[one], 1)
    deployment.wait_ready()


def exchange_coordinator(deployment: Deployment, tree: Path | None) -> None:
    exchange(deployment, "coordinator", tree)
    deployment.restart_coordinator()
    deployment.wait_ready()


def exchange(deployment: Deployment, program: str, tree: Path | None) -> None:
    deployment.sources.pop(program, None)
    if tree is not None:
        deployment.sources[program] = tree


def dissents(verdict: c.NameVerdict) -> dict[str, tuple[str, str]]:
    """Return by perspective how it dissents, and by which check."""
    return {
        one.perspective_id: (c.Dissent.Name(one.dissent).removeprefix("DISSENT_"), one.check)
        for one in verdict.perspectives
        if not one.corroborates
    }


def replay(deployment: Deployment, tree: Path | None) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ)
    if tree is not None:
        environment["PYTHONPATH"] = f"{tree}:{tree / 'proto'}"
    command = [MPIC, "record", "replay", "--config", str(deployment.coordinator_file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_an_older_coordinator_asks_newer_agents_for_what_it_knows(
    deployment: Deployment, newer: Path
) -> None:
    exchange_agents(deployment, [PRIMARY, REMOTES[0]], newer)
    verdict = ask(deployment)
    assert (verdict.reason, verdict.quorum) == (c.REASON_CORROBORATED, "5/5")
    assert [one.check for one in verdict.determinations] == ["caa", "addresses"]
    exchange_agents(deployment, [PRIMARY, REMOTES[0]], None)


def test_a_newer_coordinator_asks_no_older_agent_for_what_it_does_not_know(
    deployment: Deployment, newer: Path
) -> None:
    exchange_coordinator(deployment, newer)
    # Nobody is refused for checks that older agents know.
    assert ask(deployment).quorum == "5/5"
    verdict = ask(deployment, wanted=WANTED)
    assert (verdict.reason, verdict.check) == (c.REASON_PRIMARY_UNAVAILABLE, DUMMY)
    assert verdict.responsible == c.RESPONSIBLE_SERVICE
    assert not verdict.HasField("error")
    assert set(dissents(verdict).values()) == {("UNSUPPORTED", DUMMY)}
    for report in verdict.perspectives:
        assert "this agent is older" in report.detail
        assert not report.HasField("observation")
        assert report.responsible == c.RESPONSIBLE_SERVICE


def test_an_agent_that_is_older_does_not_corroborate_what_it_does_not_know(
    deployment: Deployment, newer: Path
) -> None:
    exchange_agents(deployment, [PRIMARY, *REMOTES[:3]], newer)
    verdict = ask(deployment, wanted=WANTED)
    assert (verdict.reason, verdict.quorum) == (c.REASON_QUORUM_NOT_MET, "3/5")
    assert verdict.error.code == 338
    # Had those two been newer, it might have been approved: it says nothing of the domain.
    assert verdict.responsible == c.RESPONSIBLE_SERVICE
    assert dissents(verdict) == dict.fromkeys(REMOTES[3:], ("UNSUPPORTED", DUMMY))
    exchange_agents(deployment, [REMOTES[3]], newer)
    verdict = ask(deployment, wanted=WANTED)
    assert (verdict.reason, verdict.quorum) == (c.REASON_CORROBORATED, "4/5")
    primary = verdict.perspectives[0]
    assert [one.check for one in primary.determinations] == ["caa", "addresses", DUMMY]
    assert primary.determinations[2].detail == f"for {WANTED}"
    assert ask(deployment).quorum == "5/5"


def test_a_parameter_that_the_new_check_cannot_use_is_named(deployment: Deployment) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        ask(deployment, wanted=WANTED.upper())
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "names[0].dummy_for" in str(raised.value.details())


def test_what_the_new_check_finds_decides(deployment: Deployment) -> None:
    verdict = ask(deployment, WITHOUT_PROOF, WANTED)
    assert (verdict.reason, verdict.check) == (c.REASON_PROOF_MISSING, DUMMY)
    assert verdict.responsible == c.RESPONSIBLE_DOMAIN
    # Of a check that was not asked nothing is expected.
    assert ask(deployment, WITHOUT_PROOF).reason == c.REASON_CORROBORATED


def test_a_record_is_judged_again_by_what_was_asked(deployment: Deployment, newer: Path) -> None:
    deployment.coordinator.stop()
    done = replay(deployment, newer)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 verdicts change" in done.stdout
    # A release that does not know the check says so, of the records that have it, and no more.
    done = replay(deployment, None)
    assert done.returncode == 1, done.stdout + done.stderr
    told = [line for line in done.stdout.splitlines() if "does not know" in line]
    assert len(told) == 4
    assert " 4 verdicts change" in done.stdout
