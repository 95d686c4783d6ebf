"""Gathering: nothing lost, nothing twice, in order, bounded."""

import asyncio

import pytest

from mpic.runtime.grpc.batching import Outbox, OutboxFullError


async def collect(outbox: Outbox[int]) -> list[list[int]]:
    return [batch async for batch in outbox.batches()]


async def test_what_is_put_before_is_one_batch() -> None:
    outbox: Outbox[int] = Outbox(0, 10)
    for number in range(5):
        outbox.put(number)
    outbox.close()
    assert await collect(outbox) == [[0, 1, 2, 3, 4]]


async def test_everything_arrives_once_and_in_order() -> None:
    outbox: Outbox[int] = Outbox(0.001, 1000)
    collecting = asyncio.create_task(collect(outbox))
    for number in range(300):
        outbox.put(number)
        if number % 7 == 0:
            await asyncio.sleep(0.0005)
    outbox.close()
    batches = await collecting
    assert [number for batch in batches for number in batch] == list(range(300))
    assert all(batches)
    assert len(batches) < 300


async def test_an_idle_stream_waits_for_no_window() -> None:
    outbox: Outbox[int] = Outbox(3600, 10)
    batches = outbox.batches()
    outbox.put(1)
    assert await asyncio.wait_for(anext(batches), 60) == [1]


async def test_it_holds_so_many_and_says_when_it_is_full() -> None:
    outbox: Outbox[int] = Outbox(0, 2)
    outbox.put(1)
    outbox.put(2)
    with pytest.raises(OutboxFullError, match="2 items"):
        outbox.put(3)
    outbox.close()
    assert await collect(outbox) == [[1, 2]]


async def test_a_batch_of_large_items_is_bounded() -> None:
    outbox: Outbox[int] = Outbox(0, 100, lambda item: item * 2**18)
    for size in (1, 2, 1, 3, 9, 1, 1):
        outbox.put(size)
    outbox.close()
    assert await collect(outbox) == [[1, 2, 1], [3, 9], [1, 1]]


async def test_what_is_put_after_the_end_is_dropped() -> None:
    outbox: Outbox[int] = Outbox(0, 10)
    outbox.close()
    outbox.put(1)
    assert await collect(outbox) == []


async def test_a_nudge_is_an_empty_batch_once_and_none_of_its_own_when_there_are_items() -> None:
    outbox: Outbox[int] = Outbox(0, 10)
    batches = outbox.batches()
    outbox.nudge()
    assert await asyncio.wait_for(anext(batches), 60) == []
    outbox.nudge()
    outbox.put(1)
    assert await asyncio.wait_for(anext(batches), 60) == [1]
    outbox.put(2)
    outbox.close()
    assert [batch async for batch in batches] == [[2]]
