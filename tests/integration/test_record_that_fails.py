"""A store that cannot be written: nothing is approved, and it heals without a restart."""

import contextlib
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from coordinator.record.stores.base import Search
from coordinator.record.stores.sqlite.store import SqliteStore
from coordinator.record.verify import verify_store
from mpic.v1 import corroboration_pb2 as c
from tests.world.deployment import Deployment
from tests.world.internet import Internet
from tests.world.process import wait_until
from tests.world.requests import named


@pytest.fixture(scope="module")
def deployment(
    internet: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Records on a small disk of its own."""
    one = Deployment(tmp_path_factory.mktemp("deployment"), internet)
    disk = one.record_file.parent
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
    try:
        with one:
            yield one
    finally:
        subprocess.run(["umount", disk], check=True)


def ask(deployment: Deployment) -> c.CorroborateResponse:
    names = ["child.parent.example.co.jp"]
    return deployment.send(c.CorroborateRequest(request_id=str(uuid.uuid4()), names=named(names)))


def reason_of_refusal(deployment: Deployment) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        ask(deployment)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(caught.value)
    assert any(detail.Unpack(info) for detail in status.details)
    return str(info.reason)


def fill_disk(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert not shutil.disk_usage(ballast.parent).free


def heals(deployment: Deployment) -> bool:
    try:
        return ask(deployment).approved
    except grpc.RpcError:
        return False


def stored(deployment: Deployment) -> int:
    store = SqliteStore(deployment.record_file).open()
    assert list(verify_store(store)) == []
    count = len(list(store.search(Search())))
    store.close()
    return count


def test_a_full_disk_approves_nothing_until_there_is_room(deployment: Deployment) -> None:
    assert ask(deployment).approved
    before = stored(deployment)
    ballast = deployment.record_file.with_name("ballast")
    fill_disk(ballast)
    # What the log of the store has room for already is still taken.
    wait_until(lambda: not heals(deployment), 60, lambda: "approved on a full disk")
    assert reason_of_refusal(deployment) == "RECORD_NOT_WRITTEN"
    log = deployment.coordinator.log_file.read_text()
    assert "record_not_written" in log
    assert "Free space on its disk" in log
    ballast.unlink()
    wait_until(lambda: heals(deployment), 60, lambda: reason_of_refusal(deployment))
    assert stored(deployment) > before


def test_a_file_that_is_gone_approves_nothing_until_it_is_back(deployment: Deployment) -> None:
    aside = deployment.record_file.with_name("aside")
    deployment.record_file.rename(aside)
    assert reason_of_refusal(deployment) == "RECORD_NOT_WRITTEN"
    assert not deployment.record_file.exists()
    aside.rename(deployment.record_file)
    wait_until(lambda: heals(deployment), 60, lambda: reason_of_refusal(deployment))
    assert stored(deployment) > 0
