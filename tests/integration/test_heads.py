"""Heads leave a coordinator by themselves: what is done to its record after its end is seen."""

import shutil
import signal
import sqlite3
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coordinator.record.stores.sqlite.store import SqliteStore
from mpic.v1 import corroboration_pb2 as c
from tests.world.deployment import MPIC, Deployment, Plan
from tests.world.process import wait_until
from tests.world.records import fill, samples
from tests.world.requests import named

HEADS = '[record.heads]\nfile = "heads.jsonl"\nevery = {every}\n'


def start(directory: Path, every: float) -> Deployment:
    """A coordinator without agents: it records that nobody could be asked."""
    one = Deployment(directory, None, Plan(coordinator_extra=HEADS.format(every=every)))
    one.write()
    one.start_coordinator()
    return one


def ask(deployment: Deployment, times: int) -> None:
    for _ in range(times):
        request = c.CorroborateRequest(
            request_id=str(uuid.uuid4()), names=named(["www.example.test"])
        )
        assert deployment.send(request).record_id


def verify(deployment: Deployment, *heads: Path) -> "subprocess.CompletedProcess[str]":
    options = [word for file in heads for word in ("--heads", str(file))]
    config = ["--config", str(deployment.coordinator_file)]
    command = [MPIC, "record", "verify", *config, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def last_head(deployment: Deployment) -> tuple[str, int]:
    with closing(SqliteStore(deployment.record_file).open()) as store:
        (chain,) = store.chains()
        return chain, store.head(chain).sequence


def wait_left(deployment: Deployment) -> tuple[str, int]:
    """Wait until the head of the last record is in the log and in the file; return it."""
    chain, sequence = last_head(deployment)
    file = deployment.directory / "heads.jsonl"

    def has_left() -> bool:
        logged = deployment.coordinator.events("record_head")
        return (
            any(line["sequence"] == sequence for line in logged)
            and file.exists()
            and f'"sequence": {sequence},' in file.read_text()
        )

    wait_until(has_left, 60, deployment.coordinator.log_file.read_text)
    return chain, sequence


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    one = start(tmp_path_factory.mktemp("running"), 1.0)
    try:
        ask(one, 4)
        yield one
    finally:
        one.stop()


@pytest.fixture(scope="module")
def killed(running: Deployment) -> Deployment:
    """It was killed when the head of its last record had left, and not at an orderly end."""
    last = wait_left(running)
    running.coordinator.signal(signal.SIGKILL)
    running.coordinator.stop()
    assert last_head(running) == last
    shutil.copy(running.record_file, running.directory / "pristine")
    return running


def test_the_head_of_the_last_record_leaves_by_itself(running: Deployment) -> None:
    wait_left(running)


def leave(_: Path, chain: str) -> None:
    del chain


def cut(file: Path, chain: str) -> None:
    """Remove the last batch and all that is found by it."""
    with closing(sqlite3.connect(file)) as db, db:
        last, first = db.execute(
            "SELECT sequence, first FROM batch WHERE chain = ? ORDER BY sequence DESC", (chain,)
        ).fetchone()
        db.execute("DELETE FROM entry WHERE number >= ?", (first,))
        db.execute("DELETE FROM batch WHERE sequence = ?", (last,))
        db.execute("DELETE FROM term WHERE record NOT IN (SELECT record FROM entry)")


def replace(file: Path, chain: str) -> None:
    """Put another record in its place, which is longer and has the same chain."""
    file.unlink()
    with closing(SqliteStore(file).open()) as store:
        fill(store, samples(10), chain, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (leave, ""),
        (cut, "are missing at the end"),
        (replace, "is not the batch whose head was kept"),
    ],
)
def test_what_is_done_to_a_record_is_seen_by_its_heads_and_by_its_log(
    killed: Deployment, change: Callable[[Path, str], None], said: str
) -> None:
    for suffix in ("-wal", "-shm"):
        killed.record_file.with_name(killed.record_file.name + suffix).unlink(missing_ok=True)
    shutil.copy(killed.directory / "pristine", killed.record_file)
    chain, _ = last_head(killed)
    change(killed.record_file, chain)
    without = verify(killed)
    assert without.returncode == 0, without.stdout
    assert "unprotected: all " in without.stdout
    for heads in (killed.directory / "heads.jsonl", killed.coordinator.log_file):
        held = verify(killed, heads)
        assert held.returncode == bool(said), held.stdout + held.stderr
        assert said in held.stdout
        assert said or f"protected: all 4 entries of chain {chain} by the newest" in held.stdout


def test_at_an_orderly_end_nothing_is_left_unprotected(tmp_path: Path) -> None:
    one = start(tmp_path, 3600.0)
    try:
        ask(one, 2)
        one.coordinator.stop()
        for heads in (tmp_path / "heads.jsonl", one.coordinator.log_file):
            held = verify(one, heads)
            assert held.returncode == 0, held.stdout + held.stderr
            assert "protected: all 2 entries" in held.stdout
            assert "unprotected" not in held.stdout
    finally:
        one.stop()
