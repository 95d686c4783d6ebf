"""What is SQLite's own: its file, tampering with it, its errors."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.decision.attempt_id import make_id
from coordinator.record.chain import ChainFlaw, seal_batch
from coordinator.record.index_terms import request_term
from coordinator.record.stores.base import Claim, ClaimedError, StoreError
from coordinator.record.stores.sqlite import store as module
from coordinator.record.stores.sqlite.schema import MIGRATIONS
from coordinator.record.stores.sqlite.store import SqliteStore
from coordinator.record.verify import verify_store
from tests.world.records import CALLER, START, fill, sample_record, samples, to_entry


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "record.sqlite3"


def tampered(file: Path, *statements: str) -> list[ChainFlaw]:
    """Fill a store, change it by SQL, and return what is found."""
    store = SqliteStore(file).open()
    fill(store, samples(12), batch=3)
    fill(store, samples(3), chain="main.1")
    assert list(verify_store(store)) == []
    store.close()
    with sqlite3.connect(file) as db:
        for statement in statements:
            db.execute(statement)
    db.close()
    store = SqliteStore(file).open()
    flaws = list(verify_store(store))
    store.close()
    return flaws


@pytest.mark.parametrize(
    ("statement", "place", "what"),
    [
        (
            "UPDATE entry SET content = CAST(content || 'x' AS BLOB) WHERE number = 5",
            (2, 1),
            "was changed",
        ),
        ("DELETE FROM entry WHERE number = 5", (2, 1), "was removed"),
        ("DELETE FROM batch WHERE sequence = 2", (2, None), "batch 2 was removed"),
        ("UPDATE batch SET written_at = written_at + 1 WHERE sequence = 2", (2, None), "changed"),
        ("UPDATE batch SET sequence = 9 WHERE sequence = 3", (3, None), "batch 3 was removed"),
        ("UPDATE batch SET first = first + 1 WHERE sequence = 2", (2, 0), "was changed"),
        ("UPDATE batch SET chain = 'main.2' WHERE chain = 'main.1'", (1, None), "was changed"),
        ("INSERT INTO entry VALUES (99, x'00', x'00')", (0, None), "belongs to no batch"),
        ("INSERT INTO entry VALUES (0, x'00', x'00')", (0, None), "belongs to no batch"),
    ],
)
def test_tampering_is_named(
    file: Path, statement: str, place: tuple[int, int | None], what: str
) -> None:
    flaws = tampered(file, statement)
    assert (flaws[0].sequence, flaws[0].position) == place
    assert what in flaws[0].what


def test_entries_that_changed_places_are_named(file: Path) -> None:
    flaws = tampered(
        file,
        "UPDATE entry SET number = 1000 WHERE number = 4",
        "UPDATE entry SET number = 4 WHERE number = 6",
        "UPDATE entry SET number = 6 WHERE number = 1000",
    )
    assert (flaws[0].sequence, flaws[0].position) == (2, 0)
    assert "reordered" in flaws[0].what


def test_every_commit_is_on_disk(file: Path) -> None:
    store = SqliteStore(file).open()
    db = store._connection
    assert db is not None
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_a_file_that_has_gone_is_not_begun_anew(file: Path) -> None:
    """What is written into a deleted file is lost though every fsync succeeds."""
    store = SqliteStore(file).open()
    fill(store, samples(1))
    aside = file.with_suffix(".aside")
    file.rename(aside)
    with pytest.raises(StoreError, match="Put the file back"):
        fill(store, samples(1))
    assert not file.exists()
    aside.rename(file)
    fill(store, [sample_record(5)])
    assert list(verify_store(store)) == []
    assert store.head("main.0").sequence == 2
    store.close()


@pytest.mark.parametrize("what", ["directory", "garbage", "later"])
def test_a_file_that_cannot_be_used_is_named_with_its_mend(file: Path, what: str) -> None:
    if what == "directory":
        file = file / "record.sqlite3"
    elif what == "garbage":
        file.write_bytes(os.urandom(10_000))
    else:
        SqliteStore(file).open().close()
        with sqlite3.connect(file) as db:
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        db.close()
    store = SqliteStore(file)
    mend = {"directory": "make its directory", "garbage": "SQLite made", "later": "later version"}[
        what
    ]
    with pytest.raises(StoreError, match=mend) as caught:
        store.open()
    assert str(file) in str(caught.value)
    store.close()


def test_a_writer_that_waits_too_long_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.record.stores.sqlite.store.BUSY_SECONDS", 0.05)
    store, other = SqliteStore(file).open(), sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="which process holds the file"):
        fill(store, samples(1))
    other.execute("ROLLBACK")
    other.close()
    fill(store, samples(1))
    store.close()


@pytest.fixture
def beginner(file: Path) -> Iterator[sqlite3.Connection]:
    """Another process that is just making the file; SQLite lets nobody wait for it."""
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    yield db
    db.close()


def test_workers_that_begin_a_file_together_wait_for_each_other(
    file: Path, beginner: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: beginner.execute("COMMIT"))
    store = SqliteStore(file).open()
    assert store.months() == []
    assert not beginner.in_transaction


def test_a_file_that_another_process_keeps_is_an_error_after_a_while(
    file: Path, beginner: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.1)
    with pytest.raises(StoreError, match="SQLITE_BUSY"):
        SqliteStore(file).open()
    assert beginner.in_transaction


def test_a_file_of_the_first_version_goes_on(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "MIGRATIONS", MIGRATIONS[:1])
        store = SqliteStore(file).open()
        old = fill(store, samples(3))
        store.close()
    store = SqliteStore(file).open()
    assert store.head("main.0") == old[-1].head
    record = sample_record(4)
    entry = to_entry(record)
    claimed = replace(entry, claim=Claim(request_term(CALLER, "request-4"), bytes(16)))
    for chain, raises in (("main.0", False), ("main.1", True)):
        batch = seal_batch(store.head(chain), [entry.content], record.asked_at_us)
        other = replace(claimed, record=make_id(START))
        with pytest.raises(ClaimedError) if raises else nullcontext():
            store.append(batch, [other if raises else claimed])
    assert list(verify_store(store)) == []
    store.close()
