"""Heads leave the machine by themselves; nothing else fails when they cannot."""

import asyncio
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from coordinator.record import publisher as module
from coordinator.record.chain import Head
from coordinator.record.heads import AGAIN_US, read_heads
from coordinator.record.publisher import HeadPublisher, append_durably
from coordinator.record.stores.sqlite.store import SqliteStore
from coordinator.record.writer import RecordWriter
from mpic.runtime.log_sink import SINK
from mpic.v1 import record_pb2 as r
from tests.world.process import wait_until
from tests.world.records import START, fill, sample_record, samples


class Chain:
    """A chain that moves, a clock, and what publishes the one by the other."""

    def __init__(self, file: Path | None) -> None:
        self.head = Head("main.0", 0, bytes(32), 0)
        self.now = START
        self.file = file
        self.publisher = HeadPublisher(lambda: self.head, file, 60.0, lambda: self.now)

    def move(self, sequence: int) -> None:
        self.head = Head("main.0", sequence, bytes([sequence]) * 32, 1_000)

    async def tick(self, minutes: float = 1) -> None:
        self.now += timedelta(minutes=minutes)
        await self.publisher.publish()

    def has(self, sequence: int) -> bool:
        return sequence in self.kept()

    def kept(self) -> list[int]:
        assert self.file is not None
        text = self.file.read_text() if self.file.exists() else ""
        found = [read_heads([line]) for line in text.splitlines() if line]
        return [read.heads[0].head.sequence for read in found]


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path / "heads.jsonl")


async def test_a_head_is_in_the_log_and_in_the_file(chain: Chain) -> None:
    chain.move(1)
    with capture_logs() as lines:
        await chain.tick()
    (line,) = lines
    assert (line["event"], line["chain"], line["sequence"]) == ("record_head", "main.0", 1)
    assert line["hash"] == "01" * 32
    assert line["noted_at"] == "2026-11-23 12:01:00.000Z"
    assert chain.file is not None
    (kept,) = read_heads(chain.file.read_text().splitlines()).heads
    assert kept.head == chain.head
    assert kept.is_own
    assert chain.publisher.heads == {True: 1, False: 0}


async def test_nothing_is_written_of_nothing_and_what_rests_is_written_hourly(chain: Chain) -> None:
    with capture_logs() as lines:
        await chain.tick()
        assert not lines
        for sequence in (1, 2, 2, 2, 3):
            chain.move(sequence)
            await chain.tick()
        for _ in range(int(AGAIN_US / 60e6)):
            await chain.tick()
    assert [line["sequence"] for line in lines] == chain.kept() == [1, 2, 3, 3]


async def test_at_an_orderly_end_the_last_head_is_written_once_more(chain: Chain) -> None:
    chain.move(5)
    with capture_logs() as lines:
        await chain.tick()
        chain.publisher.start()
        await asyncio.sleep(0)
        chain.now += timedelta(seconds=1)
        await chain.publisher.close()
    assert [line["sequence"] for line in lines] == chain.kept() == [5, 5]
    assert lines[-1]["noted_at"] == "2026-11-23 12:01:01.000Z"


async def test_it_goes_on_by_itself(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "heads.jsonl")
    chain.publisher = HeadPublisher(lambda: chain.head, chain.file, 0.001, lambda: chain.now)
    chain.publisher.start()
    for sequence in (1, 2):
        chain.move(sequence)
        await asyncio.to_thread(wait_until, partial(chain.has, sequence), 60, str)
    await chain.publisher.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.mkdir(), "is a directory"),
        (lambda file: file.symlink_to(file.parent / "none" / "x"), "there is no such file"),
        (lambda file: file.symlink_to("/dev/full"), "no space left on device"),
        (os.mkfifo, "no such device or address"),
    ],
)
async def test_a_file_that_cannot_be_written_is_said_once_and_counted_and_nothing_else_fails(
    chain: Chain, spoil: Callable[[Path], None], said: str
) -> None:
    assert chain.file is not None
    spoil(chain.file)
    with capture_logs() as lines:
        for sequence in (1, 2, 3):
            chain.move(sequence)
            await chain.tick()
        errors = [line for line in lines if line["log_level"] == "error"]
        assert [line["event"] for line in errors] == ["record_head_not_kept"]
        assert said in errors[0]["error"]
        assert [one["sequence"] for one in lines if one["event"] == "record_head"] == [1, 2, 3]
        assert chain.publisher.heads == {True: 0, False: 3}
        assert chain.publisher.failure
        chain.file.rmdir() if chain.file.is_dir() else chain.file.unlink()
        await chain.tick()
    assert chain.kept() == [3]
    assert not chain.publisher.failure
    assert lines[-1]["event"] == "record_heads_kept_again"


async def test_a_disk_that_hangs_holds_nothing_up(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the end; once it goes on, the newest head comes behind the one that hung."""
    gate, entered = threading.Event(), threading.Semaphore(0)

    def hang(path: Path, text: str) -> None:
        entered.release()
        assert gate.wait(60)
        append_durably(path, text)

    monkeypatch.setattr(module, "append_durably", hang)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.01)
    chain.move(1)
    with capture_logs() as lines:
        await chain.tick()
        chain.move(2)
        await chain.tick()
    assert "is not written after" in chain.publisher.failure
    assert [line["event"] for line in lines].count("record_head") == 2
    assert entered.acquire(timeout=60)
    assert not entered.acquire(blocking=False)  # one thread hangs, not one more each time
    gate.set()
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 60)
    await chain.publisher.close()
    assert chain.kept() == [1, 2]


async def test_half_a_line_of_a_program_that_was_killed_spoils_none(chain: Chain) -> None:
    assert chain.file is not None
    chain.file.write_text('{"event": "record_he')
    chain.move(1)
    await chain.tick()
    chain.move(2)
    await chain.tick()
    lines = chain.file.read_text().splitlines()
    assert [kept.head.sequence for kept in read_heads(lines).heads] == [1, 2]


async def test_a_head_whose_line_was_lost_is_logged_again(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def lose(event: str, **_: object) -> None:
        written.append(event)
        if len(written) == 1:
            monkeypatch.setattr(SINK, "lost", SINK.lost + 1)

    monkeypatch.setattr(module, "write_always", lose)
    chain.move(1)
    for _ in range(3):
        await chain.tick()
    assert len(written) == 2


def test_a_line_is_durable_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    file = tmp_path / "heads.jsonl"
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(file.read_text()))
    append_durably(file, "a\n")
    append_durably(file, "b\n")
    assert synced == ["a\n", "a\nb\n"]


def test_a_line_that_has_no_room_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda _, data: len(data) - 1)
    with pytest.raises(OSError, match="no room for the whole line"):
        append_durably(tmp_path / "heads.jsonl", "a\n")


async def test_what_is_published_is_what_was_made_durable_and_not_what_the_store_says(
    tmp_path: Path,
) -> None:
    """Whoever replaces the store meanwhile is not vouched for."""
    file = tmp_path / "record.sqlite3"
    before = SqliteStore(file).open()
    (batch,) = fill(before, samples(3))
    record_writer = RecordWriter(SqliteStore(file), "main.0", lambda: datetime.now(START.tzinfo))
    await record_writer.open()
    assert record_writer.head == batch.head
    record = sample_record(9)
    await record_writer.write(record.id, r.RecordEntry(question=record))
    head = record_writer.head
    assert head == before.head("main.0")
    assert head.sequence == 2
    before.close()
    file.unlink()
    other = SqliteStore(file).open()
    fill(other, samples(12))
    assert record_writer.head == head != other.head("main.0")
    other.close()
    await record_writer.close()
    assert record_writer.head == head
