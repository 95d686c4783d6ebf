"""The images as they are meant to run: read-only, no capability, no root, a tmpfs for /tmp.

Only with MPIC_TEST_IMAGES=TAG; `deploy/container/build.sh --try` builds the images and sets it.
STORE and RUN_OPTIONS are as explained there.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.world.deployment import Deployment, Plan
from tests.world.internet import Internet
from tests.world.process import wait_until

TAG = os.environ.get("MPIC_TEST_IMAGES", "")
STORE = os.environ.get("STORE", "").split()
OPTIONS = os.environ.get("RUN_OPTIONS", "").split()
USER = 65532

pytestmark = pytest.mark.skipif(not TAG, reason="run deploy/container/build.sh --try")


def podman(*arguments: str) -> str:
    command = ["podman", *STORE, *arguments]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


@contextmanager
def running(program: str, directory: Path) -> Iterator[str]:
    """Run an image with a directory mounted in its own place; yields the container."""
    hardened = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    place = ["--tmpfs=/tmp:mode=1777,size=64m", "-v", f"{directory}:{directory}:ro"]
    command = (program, "--config", str(directory / f"{program}.toml"))
    container = podman(
        "run", "-d", "--log-driver", "k8s-file", "--network", "host", *hardened, *place, *OPTIONS,
        f"localhost/mpic-{program}:{TAG}", *command,
    ).splitlines()[-1]  # fmt: skip
    try:
        yield container
    finally:
        podman("rm", "-f", "-t", "10", container)


def is_healthy(container: str) -> bool:
    """Run the image's HEALTHCHECK once."""
    command = ["podman", *STORE, "healthcheck", "run", container]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_primary_agent_and_a_coordinator_work_from_their_images(
    internet: Internet, tmp_path: Path
) -> None:
    """Five agents from this source, the primary and the coordinator from the images."""
    shared = tmp_path / "shared"
    deployment = Deployment(shared, internet, Plan())
    shared.mkdir()
    deployment.write()
    shutil.copy(internet.trust_anchor_file, shared)
    shutil.copy(internet.root_hints_file, shared)
    for program, file in (
        ("agent", deployment.agent_file("tokyo")),
        ("coordinator", deployment.coordinator_file),
    ):
        text = file.read_text().replace(str(internet.trust_anchor_file.parent), str(shared))
        text = text.replace(str(deployment.record_file), "/var/lib/mpic/record.sqlite3")
        (shared / f"{program}.toml").write_text(text)
    subprocess.run(["chown", "-R", f"{USER}:{USER}", shared], check=True)
    for place in deployment.plan.places[1:]:
        deployment.start_agent(place.id)
    try:
        with running("agent", shared) as agent, running("coordinator", shared) as coordinator:

            def logs() -> str:
                return podman("logs", agent) + podman("logs", coordinator)

            wait_until(lambda: logs().count("perspective_connected") == 6, 120, logs)
            (verdict,) = deployment.ask("child.parent.example.co.jp").names
            assert (verdict.approved, verdict.quorum) == (True, "5/5"), verdict.detail
            wait_until(lambda: is_healthy(agent) and is_healthy(coordinator), 60, logs)
            podman("exec", coordinator, "test", "-s", "/var/lib/mpic/record.sqlite3")
            inspected = json.loads(podman("inspect", agent))[0]
            assert inspected["Config"]["User"] == f"{USER}:{USER}"
            assert inspected["HostConfig"]["ReadonlyRootfs"]
    finally:
        deployment.stop()
