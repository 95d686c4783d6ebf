"""The same request again: the same verdict, without asking again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from coordinator.record import idempotency as module
from coordinator.record.determination import NEWEST, is_determination
from coordinator.record.idempotency import Idempotency, Memory, RequestKey
from coordinator.record.index_terms import request_term
from coordinator.record.reader import Reader
from coordinator.record.stores.base import StoredRecord, StoreError
from coordinator.record.stores.sqlite.store import SqliteStore
from coordinator.record.write_queue import Place, not_written
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import CALLER, START, fill, sample_record

WINDOW = timedelta(minutes=10)


class House:
    """A store, a clock, and the counted decisions."""

    def __init__(self, file: Path) -> None:
        self.now = START
        self.asked = 0
        self.found = 0
        self.read = 0
        self.held = asyncio.Event()
        self.held.set()
        self.fails = False
        self.is_unreadable = False
        self.reason = c.REASON_CORROBORATED
        self.dissents: dict[str, c.Dissent.ValueType] = {}
        self.store = SqliteStore(file).open()
        house = self

        class Counting(SqliteStore):
            def find(self, terms: object, since: bytes) -> dict[int, list[bytes]]:
                house.found += 1
                if house.is_unreadable:
                    raise StoreError("broken", "Mend it")
                return super().find(terms, since)

            def read(self, record: bytes) -> StoredRecord | None:
                house.read += 1
                return super().read(record)

        self.reader = Reader(Counting(file))

    def idempotency(self, *, is_shared: bool = False) -> Idempotency:
        return Idempotency(Memory(self.reader, WINDOW, is_shared, self.clock))

    def clock(self) -> datetime:
        return self.now

    async def decide(self) -> r.Record:
        self.asked += 1
        await self.held.wait()
        if self.fails:
            raise RuntimeError("broken")
        record = sample_record(1, asked_at=self.now, reason=self.reason)
        for one, reply in zip(record.perspectives, record.names[0].replies, strict=True):
            reply.dissent = self.dissents.get(one.id, c.DISSENT_UNSPECIFIED)
        fill(self.store, [record])
        return record


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    one = House(tmp_path / "record.sqlite3")
    yield one
    await one.reader.close()
    one.store.close()


def key(request_id: str = "request-1", digest: bytes = bytes(32)) -> RequestKey:
    return RequestKey(CALLER, request_id, digest)


async def decide_once(
    idempotency: Idempotency, one: RequestKey, decide: Callable[[], Awaitable[r.Record]]
) -> r.Record:
    """Claim a request as who decides does."""
    async with idempotency.claim(one) as claim:
        if claim.record is None:
            claim.record = await decide()
        return claim.record


async def test_the_same_request_is_decided_once(house: House) -> None:
    idempotency = house.idempotency()
    first = await decide_once(idempotency, key(), house.decide)
    assert await decide_once(idempotency, key(), house.decide) == first
    assert house.asked == 1


async def test_also_after_a_restart(house: House) -> None:
    first = await decide_once(house.idempotency(), key(), house.decide)
    assert await decide_once(house.idempotency(), key(), house.decide) == first
    assert house.asked == 1


async def test_another_body_is_refused(house: House) -> None:
    idempotency = house.idempotency()
    await decide_once(idempotency, key(), house.decide)
    for one in (idempotency, house.idempotency()):
        with pytest.raises(RequestError) as caught:
            await decide_once(one, key(digest=b"other"), house.decide)
        assert caught.value.reason == "DUPLICATE_REQUEST_ID"
        assert caught.value.status.name == "ALREADY_EXISTS"
    assert house.asked == 1


async def test_while_the_first_is_in_flight_the_second_waits(house: House) -> None:
    idempotency = house.idempotency()
    house.held.clear()
    tasks = [asyncio.create_task(decide_once(idempotency, key(), house.decide)) for _ in range(3)]
    await asyncio.sleep(0.05)
    with pytest.raises(RequestError):
        await decide_once(idempotency, key(digest=b"other"), house.decide)
    house.held.set()
    first, *others = await asyncio.gather(*tasks)
    assert others == [first, first]
    assert house.asked == 1


async def test_the_second_decides_when_the_first_goes_away(house: House) -> None:
    idempotency = house.idempotency()
    house.held.clear()
    first = asyncio.create_task(decide_once(idempotency, key(), house.decide))
    second = asyncio.create_task(decide_once(idempotency, key(), house.decide))
    async with asyncio.timeout(60):
        while not house.asked:  # noqa: ASYNC110 - what was asked before is read in a thread
            await asyncio.sleep(0.001)
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    house.held.set()
    assert (await second).request_id == "request-1"
    assert house.asked == 2


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_call_cancelled_while_its_record_is_written_is_decided_once(
    house: House, *, is_written: bool
) -> None:
    """Whoever asks meanwhile waits; where nothing could be written, it decides anew."""
    idempotency = house.idempotency()
    place = Place(lambda _: None)
    place.give_turn(None)
    record = sample_record(1, asked_at=house.now)

    async def decide() -> r.Record:
        house.asked += 1
        async with place:
            await place.write(record.id, r.RecordEntry(question=record))
        return record

    first = asyncio.create_task(decide_once(idempotency, key(), decide))
    async with asyncio.timeout(60):
        while not house.asked:  # noqa: ASYNC110 - what was asked before is read in a thread
            await asyncio.sleep(0.001)
    first.cancel()
    second = asyncio.create_task(decide_once(idempotency, key(), house.decide))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert not second.done()
    if is_written:
        fill(house.store, [record])
        place.tell_written({})
    else:
        place.tell_failed(not_written("full"))
    with pytest.raises(asyncio.CancelledError):
        await first
    assert ((await second) == record) == is_written
    assert house.asked == (1 if is_written else 2)


async def test_what_another_coordinator_has_decided_meanwhile_is_told(house: House) -> None:
    first = sample_record(1)
    fill(house.store, [first])
    house.now += WINDOW * 2  # so that it is not found before
    idempotency, told = house.idempotency(), asyncio.Event()

    async def decide(one: RequestKey, superseded_by: bytes) -> r.Record:
        await told.wait()
        return await idempotency.read_first(one, superseded_by)

    same = partial(decide, key(), first.id)
    both = [asyncio.create_task(decide_once(idempotency, key(), same)) for _ in range(2)]
    await asyncio.sleep(0.05)
    told.set()
    assert await asyncio.gather(*both) == [first, first]
    other = key("request-2", digest=b"other")
    for one, superseded_by, reason in (
        (other, first.id, "DUPLICATE_REQUEST_ID"),
        (key("request-3"), bytes(16), "RECORD_NOT_READ"),
    ):
        with pytest.raises(RequestError) as caught:
            await decide_once(idempotency, one, partial(decide, one, superseded_by))
        assert caught.value.reason == reason
        await decide_once(idempotency, one, house.decide)
    assert house.asked == 2


async def test_what_failed_is_asked_again(house: House) -> None:
    idempotency = house.idempotency()
    house.fails = True
    with pytest.raises(RuntimeError):
        await decide_once(idempotency, key(), house.decide)
    house.fails = False
    await decide_once(idempotency, key(), house.decide)
    assert house.asked == 2


NOTHING = [
    (c.REASON_CUT_SHORT, {"frankfurt": c.DISSENT_OVERLOADED}),
    (c.REASON_PRIMARY_UNAVAILABLE, {"tokyo": c.DISSENT_UNREACHABLE}),
    (c.REASON_TOO_FEW_REMOTES, {}),
    (
        c.REASON_QUORUM_NOT_MET,
        {"frankfurt": c.DISSENT_UNREACHABLE, "ashburn": c.DISSENT_LATE},
    ),
    # One is the domain's, and one may dissent: ours alone may have caused it.
    (
        c.REASON_QUORUM_NOT_MET,
        {"frankfurt": c.DISSENT_NOT_LOOKED, "ashburn": c.DISSENT_DIFFERS},
    ),
]
DETERMINED = [
    (c.REASON_PRIMARY_FORBIDS, {"tokyo": c.DISSENT_FORBIDS}),
    (c.REASON_PRIMARY_FAILED, {"tokyo": c.DISSENT_FAILED}),
    (
        c.REASON_QUORUM_NOT_MET,
        {"frankfurt": c.DISSENT_FAILED, "ashburn": c.DISSENT_DIFFERS},
    ),
]


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize(("reason", "dissents"), NOTHING)
async def test_what_determined_nothing_is_decided_anew_and_then_remembered(
    house: House,
    reason: c.Reason.ValueType,
    dissents: dict[str, c.Dissent.ValueType],
    *,
    is_restarted: bool,
) -> None:
    """Both are recorded, and the one that determined something is told from then on."""
    idempotency = house.idempotency()
    house.reason, house.dissents = reason, dissents
    first = await decide_once(idempotency, key(), house.decide)
    assert not is_determination(first)
    if is_restarted:
        idempotency = house.idempotency()
        await idempotency.recall()
    house.reason, house.dissents = c.REASON_CORROBORATED, {}
    second = await decide_once(idempotency, key(), house.decide)
    assert is_determination(second)
    assert await decide_once(house.idempotency(is_shared=True), key(), house.decide) == second
    assert await decide_once(idempotency, key(), house.decide) == second
    assert house.asked == 2
    assert house.store.read(first.id) is not None


async def test_a_request_asked_in_vain_a_hundred_times_costs_no_more_than_a_few(
    house: House,
) -> None:
    """And the verdict that it gets in the end is found."""
    idempotency = house.idempotency()
    house.reason = c.REASON_PRIMARY_UNAVAILABLE
    for _ in range(100):
        house.now += timedelta(seconds=1)
        await decide_once(idempotency, key(), house.decide)
    assert house.asked == 100
    house.now += timedelta(seconds=1)
    before = house.read
    await decide_once(idempotency, key(), house.decide)
    assert house.read - before <= NEWEST
    house.reason = c.REASON_CORROBORATED
    house.now += timedelta(seconds=1)
    verdict = await decide_once(idempotency, key(), house.decide)
    assert await decide_once(house.idempotency(), key(), house.decide) == verdict
    assert house.asked == 102


@pytest.mark.parametrize(("reason", "dissents"), DETERMINED)
async def test_a_refusal_that_is_the_domains_is_remembered(
    house: House, reason: c.Reason.ValueType, dissents: dict[str, c.Dissent.ValueType]
) -> None:
    idempotency = house.idempotency()
    house.reason, house.dissents = reason, dissents
    first = await decide_once(idempotency, key(), house.decide)
    house.reason, house.dissents = c.REASON_CORROBORATED, {}
    assert await decide_once(idempotency, key(), house.decide) == first
    assert await decide_once(house.idempotency(), key(), house.decide) == first
    assert house.asked == 1


def test_one_name_that_the_domain_refuses_determines_the_request() -> None:
    record = sample_record(1, reason=c.REASON_PRIMARY_UNAVAILABLE)
    assert not is_determination(record)
    record.names.add().CopyFrom(sample_record(1).names[0])
    assert not is_determination(record)
    record.names.add().CopyFrom(sample_record(1, reason=c.REASON_PRIMARY_FORBIDS).names[0])
    assert is_determination(record)


async def test_after_the_window_it_is_asked_again(house: House) -> None:
    idempotency = house.idempotency()
    await decide_once(idempotency, key(), house.decide)
    house.now += WINDOW - timedelta(seconds=1)
    await decide_once(idempotency, key(), house.decide)
    assert house.asked == 1
    house.now += timedelta(seconds=2)
    await decide_once(idempotency, key(), house.decide)
    assert house.asked == 2


async def test_another_callers_id_is_another_request(house: House) -> None:
    idempotency = house.idempotency()
    await decide_once(idempotency, key(), house.decide)
    await decide_once(idempotency, RequestKey("another", "request-1", b"other"), house.decide)
    assert house.asked == 2


async def test_the_store_is_asked_only_where_it_may_know_more(house: House) -> None:
    """Within a window of the start, or where others write too; once for all that wait."""
    idempotency = house.idempotency()
    keys = [key(f"request-{n}") for n in range(50)]
    await asyncio.gather(*[decide_once(idempotency, one, house.decide) for one in keys])
    assert 1 <= house.found <= 3
    house.now += WINDOW + timedelta(seconds=1)
    before = house.found
    await decide_once(idempotency, key("new"), house.decide)
    assert house.found == before
    shared = house.idempotency(is_shared=True)
    house.now += WINDOW + timedelta(seconds=1)
    await decide_once(shared, key("new too"), house.decide)
    assert house.found == before + 1


async def test_what_was_before_the_start_is_recalled_at_once(house: House) -> None:
    first = await decide_once(house.idempotency(), key(), house.decide)
    idempotency = house.idempotency()
    await idempotency.recall()
    house.now += module.ENDING
    before = house.found
    assert await decide_once(idempotency, key(), house.decide) == first
    assert house.found == before + 1
    await decide_once(idempotency, key("new"), house.decide)
    assert house.found == before + 1


async def test_what_the_process_before_decides_while_it_ends_is_found(house: House) -> None:
    idempotency = house.idempotency()
    await idempotency.recall()
    first = await decide_once(house.idempotency(), key(), house.decide)
    assert await decide_once(idempotency, key(), house.decide) == first
    assert house.asked == 1


async def test_what_is_older_than_a_window_is_not_recalled(house: House) -> None:
    await decide_once(house.idempotency(), key(), house.decide)
    house.now += WINDOW + timedelta(seconds=1)
    idempotency = house.idempotency()
    await idempotency.recall()
    house.now += module.ENDING
    before = house.found
    await decide_once(idempotency, key(), house.decide)
    assert house.asked == 2
    assert house.found == before


@pytest.mark.parametrize("is_shared", [True, False])
async def test_what_is_too_much_or_not_all_is_asked_for(
    house: House, monkeypatch: pytest.MonkeyPatch, *, is_shared: bool
) -> None:
    monkeypatch.setattr(module, "MOST_RECALLED", 1)
    for n in range(2):
        record = sample_record(n, asked_at=house.now)
        fill(house.store, [record])
    idempotency = house.idempotency(is_shared=is_shared)
    await idempotency.recall()
    for n in range(2):
        await decide_once(idempotency, key(f"request-{n}"), house.decide)
    assert house.asked == 0


async def test_a_full_memory_asks_the_store(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 2)
    idempotency = house.idempotency()
    house.now += WINDOW + timedelta(seconds=1)
    for n in range(10):
        await decide_once(idempotency, key(f"request-{n}"), house.decide)
    first = house.asked
    for n in range(10):
        with contextlib.suppress(RequestError):
            await decide_once(idempotency, key(f"request-{n}"), house.decide)
    assert house.found > 0
    assert house.asked - first < 10


@pytest.mark.parametrize(
    ("caller", "request_id"),
    [(CALLER, "request-2"), ("spiffe://mpic.test/caller/other", "request-1")],
)
async def test_a_request_whose_term_collides_is_another(
    house: House, monkeypatch: pytest.MonkeyPatch, caller: str, request_id: str
) -> None:
    """Terms are digests of 64 bits: whose verdict it is, is told by who reads it."""
    idempotency = house.idempotency()
    await decide_once(idempotency, key(), house.decide)
    term = request_term(CALLER, "request-1")
    monkeypatch.setattr(module, "request_term", lambda *_: term)
    other = RequestKey(caller, request_id, bytes(32))
    assert other.term == key().term
    await decide_once(idempotency, other, house.decide)
    assert house.asked == 2


async def test_who_waited_and_goes_takes_nobody_along(house: House) -> None:
    idempotency = house.idempotency()
    house.held.clear()
    tasks = [asyncio.create_task(decide_once(idempotency, key(), house.decide)) for _ in range(3)]
    async with asyncio.timeout(60):
        while not house.asked:  # noqa: ASYNC110 - what was asked before is read in a thread
            await asyncio.sleep(0.001)
    tasks[1].cancel()
    await asyncio.wait([tasks[1]])
    house.held.set()
    first, _, third = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(first, r.Record)
    assert third == first
    assert house.asked == 1


async def test_what_was_asked_late_in_a_window_is_known_for_a_whole_one(house: House) -> None:
    idempotency = house.idempotency()
    house.now = START + timedelta(minutes=9)
    first = await decide_once(idempotency, key(), house.decide)
    house.now = START + timedelta(minutes=18, seconds=59)
    assert await decide_once(idempotency, key(), house.decide) == first
    assert house.asked == 1


async def test_what_is_older_than_two_windows_is_forgotten(house: House) -> None:
    """And so the store is not asked for it."""
    idempotency = house.idempotency()
    await decide_once(idempotency, key(), house.decide)
    house.now = START + timedelta(minutes=12)
    await decide_once(idempotency, key("request-2"), house.decide)
    house.now = START + timedelta(minutes=25)
    found = house.found
    await decide_once(idempotency, key(), house.decide)
    assert (house.found, house.asked) == (found, 3)


async def test_where_the_store_cannot_be_read_nothing_is_decided(house: House) -> None:
    idempotency = house.idempotency()
    house.is_unreadable = True
    with pytest.raises(RequestError) as caught:
        await decide_once(idempotency, key(), house.decide)
    assert caught.value.reason == "RECORD_NOT_READ"
    house.is_unreadable = False
    await decide_once(idempotency, key(), house.decide)
    assert house.asked == 1
