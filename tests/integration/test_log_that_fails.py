"""A log that cannot be written: what is decided is told all the same, and it heals by itself.

The programs run for real, with a standard error as an operator's mishap leaves it.
"""

import os
import subprocess
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from mpic.runtime.log_sink import occupy_standard_files
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.integration.test_record_that_fails import ask, fill_disk, heals
from tests.world.deployment import COORDINATOR_ADMIN, MPIC, Deployment, agent_admin
from tests.world.internet import Internet
from tests.world.pages import get, scrape
from tests.world.places import PLACES
from tests.world.process import Child, wait_until
from tests.world.requests import named

CHILD = "child.parent.example.co.jp"
FRANKFURT = PLACES[1]

# What the shell makes standard error of; LOGS is a small disk of its own.
FULL_DEVICE = "2>/dev/full"
FULL_DISK = "2>>LOGS/log"
CLOSED_PIPE = "2> >(exit)"
CLOSED = "2>&-"
HUNG_READER = "2> >(exec sleep 10000)"


@pytest.fixture(scope="module")
def deployment(
    internet: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Records and logs on small disks of their own."""
    one = Deployment(tmp_path_factory.mktemp("deployment"), internet)
    with small_disk(one.record_file.parent), small_disk(logs_of(one)), one:
        yield one


@contextmanager
def small_disk(disk: Path) -> Iterator[None]:
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def logs_of(deployment: Deployment) -> Path:
    return deployment.directory / "logs"


@contextmanager
def running(deployment: Deployment, program: str, file: Path, stderr: str) -> Iterator[Child]:
    """Run a program in the place of the deployment's, with another standard error."""
    stderr = stderr.replace("LOGS", str(logs_of(deployment)))
    command = f"exec {MPIC} {program} --config {file} {stderr}"
    child = Child(("bash", "-c", command), deployment.directory / "odd.log")
    try:
        yield child
    finally:
        child.stop()


@contextmanager
def coordinator(deployment: Deployment, stderr: str) -> Iterator[Child]:
    deployment.coordinator.stop()
    try:
        with running(deployment, "coordinator", deployment.coordinator_file, stderr) as child:
            child.wait_ready(lambda: status_of(COORDINATOR_ADMIN) == 200)
            yield child
    finally:
        deployment.start_coordinator()
        deployment.wait_ready()


@contextmanager
def full(disk: Path) -> Iterator[None]:
    ballast = disk / "ballast"
    fill_disk(ballast)
    try:
        yield
    finally:
        ballast.unlink()


def status_of(admin: str) -> int:
    try:
        return get(admin, "/readyz")[0]
    except urllib.error.URLError:
        return 0


def is_refused(deployment: Deployment) -> bool:
    """Whether a question is answered that it cannot be recorded, and not that it is approved."""
    try:
        return not ask(deployment).approved
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return True


def lost(admin: str = COORDINATOR_ADMIN) -> float:
    return scrape(admin)["mpic_log_lines_lost_total",]


@pytest.mark.parametrize("stderr", [FULL_DEVICE, FULL_DISK, CLOSED_PIPE])
def test_neither_log_nor_record_can_be_written(deployment: Deployment, stderr: str) -> None:
    """Every question is answered that it cannot be recorded, and none waits for ever."""
    disk, logs = deployment.record_file.parent, logs_of(deployment)
    with coordinator(deployment, stderr) as child:
        with full(logs):
            assert ask(deployment).approved
            # What the file has room for already is still taken.
            wait_until(lambda: ask(deployment).approved and lost() > 0, 60, lambda: "none is lost")
            with full(disk):
                wait_until(lambda: is_refused(deployment), 60, lambda: "approved on a full disk")
                for _ in range(5):
                    is_refused(deployment)
                wait_until(lambda: is_refused(deployment), 60, lambda: "approved on a full disk")
                status, page = get(COORDINATOR_ADMIN, "/readyz")
                assert status == 503
                assert "Free space on its disk" in page
            wait_until(lambda: not is_refused(deployment), 60, lambda: "it heals not")
        assert ask(deployment).approved
        assert child.is_running()
        if stderr == FULL_DISK:
            text = (logs / "log").read_text()
            assert '"log_lines_lost"' in text
            assert any('"approved": true' in line for line in text.splitlines()[-2:])


@pytest.mark.parametrize("stderr", [FULL_DEVICE, CLOSED_PIPE, CLOSED])
def test_a_recorded_approval_is_told(deployment: Deployment, stderr: str) -> None:
    with coordinator(deployment, stderr):
        assert ask(deployment).approved
        assert lost() > 0


def test_a_log_whose_reader_hangs_holds_nothing_up(deployment: Deployment) -> None:
    """A pipe keeps 64 kB for its reader; what comes then is lost."""
    names = [f"host{n}.{CHILD}" for n in range(100)]
    with coordinator(deployment, HUNG_READER):
        for n in range(60):
            request = c.CorroborateRequest(request_id=f"{n}", names=named(names))
            assert deployment.send(request).approved
            if lost():
                break
        assert lost() > 0
        assert ask(deployment).approved


@pytest.mark.parametrize("stderr", [FULL_DEVICE, CLOSED_PIPE, CLOSED])
def test_an_agent_goes_on_looking(deployment: Deployment, stderr: str) -> None:
    deployment.agents[FRANKFURT.id].stop()
    file = deployment.agent_file(FRANKFURT.id)
    try:
        with running(deployment, "agent", file, stderr) as child:
            admin = agent_admin(FRANKFURT)
            child.wait_ready(lambda: status_of(admin) == 200)
            deployment.wait_ready()
            (verdict,) = deployment.ask(CHILD).names
            assert verdict.quorum == "5/5"
            assert lost(admin) > 0
    finally:
        deployment.start_agent(FRANKFURT.id)
        deployment.wait_ready()


@pytest.mark.parametrize("program", ["coordinator", "agent"])
def test_what_is_wrong_at_the_start_still_ends_it(deployment: Deployment, program: str) -> None:
    file = deployment.directory / "wrong.toml"
    file.write_text("[nothing]\n")
    with running(deployment, program, file, FULL_DEVICE) as child:
        wait_until(lambda: not child.is_running(), 60, lambda: "it runs")
        assert child.code == 1


def test_the_questions_of_a_stream_are_answered(deployment: Deployment) -> None:
    questions = [c.CorroborateRequest(request_id=f"{n}", names=named([CHILD])) for n in range(5)]
    messages = iter([c.CorroborateStreamRequest(questions=questions)])
    disk = deployment.record_file.parent
    with coordinator(deployment, FULL_DEVICE), deployment.channel() as channel, full(disk):
        wait_until(lambda: not heals(deployment), 60, lambda: "approved on a full disk")
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        responses = list(stub.CorroborateStream(messages, timeout=60))
    outcomes = [one for response in responses for one in response.outcomes]
    assert len(outcomes) == 5
    assert {one.error.reason for one in outcomes} <= {"RECORD_NOT_WRITTEN", ""}


def test_no_file_of_ours_becomes_standard_error() -> None:
    """In a process of its own that was started without any of the three."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        for descriptor in range(3):
            os.close(descriptor)
        occupy_standard_files()
        opened = os.open("/dev/null", os.O_RDONLY)
        os.write(writer, str(opened).encode())
        os._exit(0)
    os.close(writer)
    assert int(os.read(reader, 10)) > 2
    os.waitpid(pid, 0)
    os.close(reader)
