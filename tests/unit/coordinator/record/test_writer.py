"""Group commit: what waits is written together; what cannot be written is not told."""

import asyncio
import errno
import gc
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from coordinator.api.response import fill_whole_answer
from coordinator.record import writer as module
from coordinator.record.chain import Batch
from coordinator.record.determination import is_determination
from coordinator.record.entries import read_entries
from coordinator.record.stores.base import Entry, StoreError
from coordinator.record.stores.sqlite.store import SqliteStore
from coordinator.record.unrecorded import Unrecorded
from coordinator.record.verify import verify_store
from coordinator.record.write_queue import Place
from coordinator.record.writer import RecordWriter
from mpic.runtime.grpc.errors import RequestError
from mpic.runtime.in_flight import MANY
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import START, fill, sample_record, samples


@dataclass
class Gate:
    """Holds every batch up until it is let through, or fails it."""

    file: Path
    open: threading.Event = field(default_factory=threading.Event)
    fails: bool = False
    sizes: list[int] = field(default_factory=list)

    def make_store(self) -> SqliteStore:
        gate = self

        class Held(SqliteStore):
            def append(self, batch: Batch, entries: Sequence[Entry]) -> None:
                gate.sizes.append(len(entries))
                assert gate.open.wait(60)
                if gate.fails:
                    raise StoreError("the disk is full", "Free space")
                super().append(batch, entries)

        return Held(self.file)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "record.sqlite3")


@pytest.fixture
async def record_writer(gate: Gate) -> AsyncIterator[RecordWriter]:
    one = RecordWriter(gate.make_store(), "main.0", lambda: START)
    await one.open()
    yield one
    gate.open.set()
    await one.close()


def stored(gate: Gate) -> list[str]:
    store = SqliteStore(gate.file).open()
    assert list(verify_store(store)) == []
    contents = [one for batch in store.batches("main.0") for one in batch.contents]
    store.close()
    return [r.RecordEntry.FromString(one).question.request_id for one in contents]


def write(record_writer: RecordWriter, number: int) -> "asyncio.Task[bytes | None]":
    record = sample_record(number)
    return asyncio.create_task(record_writer.write(record.id, r.RecordEntry(question=record)))


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.001)


async def test_what_comes_while_one_batch_is_written_goes_into_the_next(
    gate: Gate, record_writer: RecordWriter
) -> None:
    first = write(record_writer, 0)
    await settle()
    others = [write(record_writer, n) for n in range(1, 50)]
    await settle()
    assert not any(one.done() for one in (first, *others))
    gate.open.set()
    await asyncio.gather(first, *others)
    assert gate.sizes == [1, 49]
    assert stored(gate) == [f"request-{n}" for n in range(50)]


async def test_what_is_written_is_not_kept(gate: Gate, record_writer: RecordWriter) -> None:
    """A batch holds megabytes, and the next may be long in coming."""
    gate.open.set()
    record = sample_record()
    await record_writer.write(record.id, r.RecordEntry(question=record))
    await record_writer._in_thread(lambda: None)  # the thread too has let go of what it did before
    entries = [one.entry if type(one) is Place else one for one in gc.get_objects()]
    assert not [one for one in entries if type(one) is Entry and one.record == record.id]


async def write_in_turn(
    record_writer: RecordWriter, make: Callable[[], r.Record]
) -> "bytes | None":
    """Hold a place, and make the record when its turn has come, as who decides does."""
    async with record_writer.next_batch() as place:
        record = make()
        return await place.write(record.id, r.RecordEntry(question=record))


def raise_error() -> r.Record:
    raise ZeroDivisionError


async def test_an_entry_is_made_when_its_turn_has_come(
    gate: Gate, record_writer: RecordWriter
) -> None:
    first = write(record_writer, 0)
    await settle()
    record = sample_record(1)
    second = asyncio.create_task(write_in_turn(record_writer, lambda: record))
    await settle()
    record.request_id = "what-came-meanwhile"
    gate.open.set()
    await asyncio.gather(first, second)
    assert stored(gate) == ["request-0", "what-came-meanwhile"]


async def test_an_entry_that_cannot_be_made_keeps_no_other_back(
    gate: Gate, record_writer: RecordWriter
) -> None:
    first = write(record_writer, 0)
    await settle()
    second = asyncio.create_task(write_in_turn(record_writer, raise_error))
    third = write(record_writer, 2)
    gate.open.set()
    with pytest.raises(ZeroDivisionError):
        await second
    await asyncio.gather(first, third)
    with pytest.raises(ZeroDivisionError):
        await write_in_turn(record_writer, raise_error)
    assert record_writer.why_not_writing() == record_writer.failure == ""
    await write(record_writer, 4)
    assert stored(gate) == ["request-0", "request-2", "request-4"]
    assert gate.sizes == [1, 1, 1], "a batch of nothing is not written"


async def test_a_place_in_which_nothing_is_written_keeps_no_other_back(
    gate: Gate, record_writer: RecordWriter
) -> None:
    gate.open.set()
    async with record_writer.next_batch():
        waiting = write(record_writer, 1)
        await settle()
        assert not waiting.done()
    await waiting
    assert stored(gate) == ["request-1"]


async def test_the_entries_of_a_batch_stand_in_the_order_of_their_places(
    gate: Gate, record_writer: RecordWriter
) -> None:
    """Whoever takes longest to write."""
    gate.open.set()
    others: list[asyncio.Task[bytes | None]] = []

    async def write_slowly() -> None:
        async with record_writer.next_batch() as place:
            others.append(write(record_writer, 9))
            await settle()
            record = sample_record(1)
            await place.write(record.id, r.RecordEntry(question=record))

    slow = asyncio.create_task(write_slowly())
    await asyncio.sleep(0)
    await asyncio.gather(slow, write(record_writer, 2))
    await asyncio.gather(*others)
    assert stored(gate) == ["request-1", "request-2", "request-9"]


async def test_who_is_cancelled_before_its_turn_writes_all_the_same(
    gate: Gate, record_writer: RecordWriter
) -> None:
    """Or who asks again meanwhile would be decided beside it."""
    held = write(record_writer, 0)
    await settle()
    waiting = asyncio.create_task(write_in_turn(record_writer, lambda: sample_record(1)))
    await settle()
    waiting.cancel()
    await settle()
    assert not waiting.done()
    gate.open.set()
    await asyncio.gather(held, waiting)
    assert waiting.cancelling()
    assert stored(gate) == ["request-0", "request-1"]


async def test_who_is_cancelled_in_its_turn_keeps_no_other_back(
    gate: Gate, record_writer: RecordWriter
) -> None:
    gate.open.set()
    is_its_turn = asyncio.Event()

    async def wait_for_ever() -> None:
        async with record_writer.next_batch():
            is_its_turn.set()
            await asyncio.Event().wait()

    holder = asyncio.create_task(wait_for_ever())
    await is_its_turn.wait()
    other = write(record_writer, 1)
    holder.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holder
    await other
    assert stored(gate) == ["request-1"]


async def test_a_holder_that_keeps_others_waiting_is_seen_from_outside(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.open.set()
    async with record_writer.next_batch():
        assert record_writer.why_not_writing() == ""
        monkeypatch.setattr(module, "_HUNG_SECONDS", 0.0)
        assert "under way" in record_writer.why_not_writing()


async def test_who_cannot_be_given_a_turn_is_told(gate: Gate) -> None:
    """As by a clock that cannot be read; the next batch is tried again."""
    moments = iter([START])
    one = RecordWriter(gate.make_store(), "main.0", lambda: next(moments), WINDOW)
    await one.open()
    gate.open.set()
    places = [one.next_batch() for _ in range(2)]
    moments = iter([])
    for place in places:
        with pytest.raises(RequestError) as caught:
            async with place:
                pytest.fail("it has no turn")
        assert caught.value.reason == "RECORD_NOT_WRITTEN"
    assert one.failure
    moments = iter([START] * 10)
    await write(one, 1)
    assert one.failure == ""
    await one.close()
    assert stored(gate) == ["request-1"]


async def test_should_the_writer_end_nobody_waits_for_it(
    gate: Gate, record_writer: RecordWriter
) -> None:
    """Whether his entry is being written, it is his turn, or he waits for it."""
    running = record_writer._running
    assert running is not None
    held = write(record_writer, 0)
    await settle()
    waiting = write(record_writer, 1)
    await settle()
    running.cancel()
    done, _ = await asyncio.wait([held, waiting], timeout=30)
    errors = [one.exception() for one in done]
    assert [getattr(error, "reason", "") for error in errors] == ["RECORD_NOT_WRITTEN"] * 2
    gate.open.set()
    assert "has ended" in record_writer.why_not_writing()
    with pytest.raises(asyncio.CancelledError):
        await record_writer.close()


async def test_should_the_writer_end_who_has_his_turn_is_told(
    gate: Gate, record_writer: RecordWriter
) -> None:
    gate.open.set()
    running = record_writer._running
    assert running is not None

    async def write_too_late() -> None:
        async with record_writer.next_batch() as place:
            running.cancel()
            await asyncio.wait([running])
            await place.write(bytes(16), late_about(sample_record(1)))

    (late,), _ = await asyncio.wait([asyncio.create_task(write_too_late())], timeout=30)
    assert getattr(late.exception(), "reason", "") == "RECORD_NOT_WRITTEN"
    with pytest.raises(asyncio.CancelledError):
        await record_writer.close()


@pytest.mark.parametrize("under_way", [0, MANY - 1, MANY])
async def test_an_entry_waits_where_many_attempts_are_under_way_and_while_any_is(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch, under_way: int
) -> None:
    monkeypatch.setattr(module, "GATHER_SECONDS", 60.0)
    gate.open.set()
    async with asyncio.timeout(30):
        for _ in range(under_way):
            record_writer.company.expect()
        first = write(record_writer, 0)
        await settle()
        assert gate.sizes == ([] if under_way == MANY else [1])
        for _ in range(under_way - 1):
            record_writer.company.arrive()
        await settle()
        assert gate.sizes == ([] if under_way == MANY else [1])
        second = write(record_writer, 1)
        if under_way:
            record_writer.company.arrive()
        await asyncio.gather(first, second)
    assert gate.sizes == ([2] if under_way == MANY else [1, 1])


async def test_what_cannot_be_written_is_an_error_and_the_next_is_tried_again(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    gate.fails = True
    gate.open.set()
    for _ in range(3):
        with pytest.raises(RequestError) as caught:
            await write(record_writer, 0)
        assert caught.value.reason == "RECORD_NOT_WRITTEN"
    assert (
        record_writer.why_not_writing() == record_writer.failure == "the disk is full. Free space"
    )
    gate.fails = False
    await write(record_writer, 1)
    assert record_writer.why_not_writing() == record_writer.failure == ""
    assert record_writer.entries == {True: 1, False: 3}
    (family,) = record_writer.seconds.collect()
    assert [one.value for one in family.samples if one.name.endswith("_count")] == [1]
    assert stored(gate) == ["request-1"]


async def test_a_store_that_failed_is_given_another_chance(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is not ready is not asked, and would never find out that he can write again."""
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    gate.fails = True
    gate.open.set()
    with pytest.raises(RequestError):
        await write(record_writer, 0)
    monkeypatch.setattr(module, "_REMEMBER_SECONDS", 0.0)
    assert record_writer.why_not_writing() == ""
    assert record_writer.failure == "the disk is full. Free space"


class BrokenLog:
    """A log that raises, as one did whose disk was full."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        def write(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, f"No space left on device: {name}")

        return write


async def test_who_waits_is_told_before_anything_is_said_of_it(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should that go wrong, nobody waits for a writer that has ended, and it is not ready."""
    monkeypatch.setattr(module, "log", BrokenLog())
    gate.fails = True
    held = write(record_writer, 0)
    await settle()
    waiting = write(record_writer, 1)
    await settle()
    gate.open.set()
    # Not by a timeout of its own: a wait for a record goes on when it is cancelled.
    done, _ = await asyncio.wait([held, waiting, write(record_writer, 2)], timeout=60)
    errors = [one.exception() for one in done]
    assert [getattr(error, "reason", "") for error in errors] == ["RECORD_NOT_WRITTEN"] * 3
    assert "has ended" in record_writer.why_not_writing()
    assert record_writer.is_failing
    with pytest.raises(OSError, match="No space"):
        await record_writer.close()


async def test_a_batch_that_hangs_is_seen_from_outside(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_HUNG_SECONDS", 0.0)
    assert record_writer.why_not_writing() == ""
    waiting = write(record_writer, 0)
    await settle()
    assert "under way" in record_writer.why_not_writing()
    assert record_writer.is_failing
    gate.open.set()
    await waiting
    assert record_writer.why_not_writing() == ""


async def test_what_nobody_waits_for_is_written_once_it_can_be(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    monkeypatch.setattr(module, "_UNHURRIED_SECONDS", 0.0)
    gate.fails = True
    record = sample_record(7)
    record_writer.add(record.id, r.RecordEntry(question=record))
    gate.open.set()
    async with asyncio.timeout(60):
        while len(gate.sizes) < 2:  # noqa: ASYNC110 - the store's thread has no event for it
            await asyncio.sleep(0.001)
    gate.fails = False
    await write(record_writer, 8)
    assert stored(gate) == ["request-7", "request-8"]


async def test_what_nobody_waits_for_goes_along_with_what_comes_next(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_UNHURRIED_SECONDS", 3600.0)
    first = write(record_writer, 0)
    await settle()
    record = sample_record(1)
    record_writer.add(record.id, r.RecordEntry(question=record))
    gate.open.set()
    await first
    await settle()
    assert gate.sizes == [1]
    await write(record_writer, 2)
    assert gate.sizes == [1, 2]


async def test_what_nobody_waits_for_is_written_though_nothing_comes(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_UNHURRIED_SECONDS", 0.0)
    gate.open.set()
    record = sample_record(1)
    record_writer.add(record.id, r.RecordEntry(question=record))
    for _ in range(5000):
        await asyncio.sleep(0.001)
        if record_writer.entries[True]:
            break
    assert stored(gate) == ["request-1"]


async def test_a_caller_that_goes_away_does_not_take_the_record_along(
    gate: Gate, record_writer: RecordWriter
) -> None:
    """However often it is cancelled, the wait ends when the entry is durable."""
    held, waiting = write(record_writer, 0), write(record_writer, 1)
    for one in (held, waiting, held, waiting):
        await settle()
        one.cancel()
    await settle()
    assert not held.done()
    assert not waiting.done()
    gate.open.set()
    await asyncio.gather(held, waiting)
    assert held.cancelling()
    await write(record_writer, 2)
    assert stored(gate) == ["request-0", "request-1", "request-2"]


async def test_who_is_cancelled_and_cannot_be_written_is_told(
    gate: Gate, record_writer: RecordWriter
) -> None:
    gate.fails = True
    held = write(record_writer, 0)
    await settle()
    held.cancel()
    gate.open.set()
    with pytest.raises(RequestError):
        await held


async def test_closing_writes_what_waits(gate: Gate, record_writer: RecordWriter) -> None:
    waiting = [write(record_writer, n) for n in range(5)]
    await settle()
    gate.open.set()
    await record_writer.close()
    await asyncio.gather(*waiting)
    assert len(stored(gate)) == 5
    with pytest.raises(RequestError, match="has ended"):
        await write(record_writer, 6)


async def test_closing_ends_though_nothing_can_be_written(
    gate: Gate, record_writer: RecordWriter
) -> None:
    gate.fails = True
    gate.open.set()
    record = sample_record(7)
    record_writer.add(record.id, r.RecordEntry(question=record))
    await asyncio.wait_for(record_writer.close(), 60)


async def test_no_more_wait_than_may(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    waiting = [write(record_writer, 0)]
    await settle()
    waiting += [write(record_writer, n) for n in range(1, 4)]
    await settle()
    assert not any(one.done() for one in waiting)
    with pytest.raises(RequestError, match="too many"):
        await asyncio.gather(*[write(record_writer, n) for n in range(4, 8)])
    gate.open.set()
    await asyncio.gather(*waiting)


async def test_a_chain_goes_on_after_others_wrote_to_it(
    gate: Gate, record_writer: RecordWriter
) -> None:
    """Two processes with one chain's name: both are heard, neither's records are lost."""
    gate.open.set()
    await write(record_writer, 0)
    store = SqliteStore(gate.file).open()
    fill(store, samples(1))
    store.close()
    await write(record_writer, 1)
    assert stored(gate) == ["request-0", "request-0", "request-1"]


async def test_a_store_that_forgot_is_seen_by_the_chain(
    gate: Gate, record_writer: RecordWriter
) -> None:
    """A backup put back at run time: what was durable and is gone is not papered over."""
    gate.open.set()
    await write(record_writer, 0)
    gate.file.rename(gate.file.with_suffix(".aside"))
    with pytest.raises(RequestError):
        await write(record_writer, 1)
    SqliteStore(gate.file).open().close()
    await write(record_writer, 2)
    store = SqliteStore(gate.file).open()
    (flaw,) = verify_store(store)
    assert flaw.what == "batch 1 was removed"
    store.close()


WINDOW = timedelta(minutes=10)


@pytest.fixture
async def two(gate: Gate) -> AsyncIterator[tuple[RecordWriter, RecordWriter]]:
    """Two coordinators on one store, each with its own chain."""
    gate.open.set()
    both = tuple(
        RecordWriter(SqliteStore(gate.file), chain, lambda: START, WINDOW)
        for chain in ("main.0", "other.0")
    )
    for one in both:
        await one.open()
    yield both[0], both[1]
    for one in both:
        await one.close()


def say(record: r.Record) -> r.RecordEntry:
    return r.RecordEntry(question=record)


def question_of(gate: Gate, record: bytes) -> r.Record:
    store = SqliteStore(gate.file).open()
    assert list(verify_store(store)) == []
    stored = store.read(record)
    store.close()
    question = read_entries(stored.contents).question if stored else None
    assert question is not None
    return question


async def test_of_two_that_decide_a_request_the_second_hears_of_the_first(
    gate: Gate, two: tuple[RecordWriter, RecordWriter]
) -> None:
    """Both attempts are recorded; what else is in the batch is not held up."""
    first, second, other = sample_record(1), sample_record(1), sample_record(2)
    assert await two[0].write(first.id, say(first)) is None
    told = await asyncio.gather(
        two[1].write(other.id, say(other)), two[1].write(second.id, say(second))
    )
    assert list(told) == [None, first.id]
    assert question_of(gate, second.id).superseded_by == first.id
    assert not is_determination(question_of(gate, second.id))
    assert question_of(gate, other.id) == other
    assert question_of(gate, first.id) == first


async def test_what_determined_nothing_claims_nothing(
    gate: Gate, two: tuple[RecordWriter, RecordWriter]
) -> None:
    nothing = sample_record(1, reason=c.REASON_PRIMARY_UNAVAILABLE)
    verdict, again = sample_record(1), sample_record(1, reason=c.REASON_PRIMARY_UNAVAILABLE)
    for record_writer, record in zip((*two, two[0]), (nothing, verdict, again), strict=True):
        assert await record_writer.write(record.id, say(record)) is None
        assert question_of(gate, record.id) == record


async def test_two_callers_may_use_the_same_request_id(
    two: tuple[RecordWriter, RecordWriter],
) -> None:
    one, another = sample_record(1), sample_record(1)
    another.caller = "spiffe://mpic.test/caller/other"
    assert await two[0].write(one.id, say(one)) is None
    assert await two[1].write(another.id, say(another)) is None


async def test_a_request_asked_again_after_the_window_is_claimed_anew(
    gate: Gate, two: tuple[RecordWriter, RecordWriter]
) -> None:
    old = sample_record(1, asked_at=START - WINDOW - timedelta(seconds=1))
    new = sample_record(1)
    assert await two[0].write(old.id, say(old)) is None
    assert await two[1].write(new.id, say(new)) is None
    assert question_of(gate, new.id) == new


async def test_where_nothing_is_recorded_an_answer_has_no_record_id() -> None:
    entry = r.RecordEntry(question=sample_record(1))
    async with Unrecorded().next_batch() as place:
        await place.write(entry.question.id, entry)
    response = c.CorroborateResponse()
    fill_whole_answer(response, entry.question)
    assert response.approved
    assert not response.record_id


def late_about(record: r.Record) -> r.RecordEntry:
    entry = r.RecordEntry()
    entry.late.record_id = record.id
    return entry


async def test_an_entry_that_cannot_be_made_does_not_end_who_adds_it(
    gate: Gate, record_writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = samples(2)
    with monkeypatch.context() as patch:
        patch.setattr(module, "to_entry", lambda *_: raise_error())
        record_writer.add(first.id, r.RecordEntry(question=first))
    gate.open.set()
    await record_writer.write(second.id, r.RecordEntry(question=second))
    assert stored(gate) == ["request-1"]


async def test_what_came_late_to_a_question_that_is_not_written_is_not_either(
    gate: Gate, record_writer: RecordWriter
) -> None:
    """Whether it came before its question failed, while it waited, or after."""
    first, second, third = samples(3)
    task = asyncio.create_task(record_writer.write(first.id, r.RecordEntry(question=first)))
    await settle()
    record_writer.add(first.id, late_about(first))
    gate.fails = True
    gate.open.set()
    with pytest.raises(RequestError):
        await task
    record_writer.add(first.id, late_about(first))
    gate.fails = False
    await record_writer.write(second.id, r.RecordEntry(question=second))
    record_writer.add(second.id, late_about(second))
    await record_writer.write(third.id, r.RecordEntry(question=third))
    await record_writer.close()
    assert stored(gate) == ["request-1", "", "request-2"]
