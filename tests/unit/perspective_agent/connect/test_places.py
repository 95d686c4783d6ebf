"""How many connections are open at a time, and who waits for whom. No socket."""

import asyncio

import pytest

from perspective_agent.connect.places import ConnectionSlot, Limits, Places


class Turns:
    """Places that are asked for, in order."""

    def __init__(self, limits: Limits) -> None:
        self.places = Places(limits)
        self.tasks: dict[ConnectionSlot, asyncio.Task[None]] = {}

    async def ask(self, host: str, address: str = "") -> ConnectionSlot:
        place = ConnectionSlot(host, address or host)
        self.tasks[place] = asyncio.create_task(self.places.take(place))
        await settle()
        return place

    async def free(self, place: ConnectionSlot) -> None:
        self.places.free(place)
        await settle()

    async def cancel(self, place: ConnectionSlot) -> None:
        self.tasks[place].cancel()
        await settle()

    def has(self, place: ConnectionSlot) -> bool:
        task = self.tasks[place]
        return task.done() and not task.cancelled()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_to_one_host_few_at_a_time() -> None:
    turns = Turns(Limits(in_all=10, to_host=2, to_address=10))
    first, second, third = [await turns.ask("a", f"address{n}") for n in range(3)]
    assert [turns.has(one) for one in (first, second, third)] == [True, True, False]
    await turns.free(second)
    assert turns.has(third)


async def test_to_one_address_few_at_a_time_whatever_its_names() -> None:
    turns = Turns(Limits(in_all=10, to_host=10, to_address=2))
    first, second, third = [await turns.ask(f"host{n}", "192.0.2.1") for n in range(3)]
    assert [turns.has(one) for one in (first, second, third)] == [True, True, False]
    await turns.free(first)
    assert turns.has(third)


async def test_a_target_that_hangs_holds_up_no_other() -> None:
    turns = Turns(Limits(in_all=3, to_host=2, to_address=2))
    hung = [await turns.ask("hangs") for _ in range(9)]
    assert turns.places.taken == 2
    healthy = await turns.ask("healthy")
    assert turns.has(healthy)
    assert not any(turns.places.is_kept_by_all(one) for one in hung)
    waits = await turns.ask("also.healthy")
    assert not turns.has(waits)
    await turns.free(healthy)
    assert turns.has(waits)  # though seven have waited longer


async def test_whose_limit_keeps_one_waiting() -> None:
    turns = Turns(Limits(in_all=2, to_host=1, to_address=5))
    await turns.ask("a")
    other = await turns.ask("b")
    own, all_of_us = await turns.ask("a"), await turns.ask("c")
    assert not turns.places.is_kept_by_all(own)
    assert turns.places.is_kept_by_all(all_of_us)
    assert not turns.places.is_kept_by_all(other)
    assert turns.places.waiting == 2


async def test_in_turn() -> None:
    turns = Turns(Limits(in_all=1, to_host=5, to_address=5))
    first = await turns.ask("a")
    second, third = await turns.ask("b"), await turns.ask("c")
    await turns.free(first)
    assert turns.has(second)
    assert not turns.has(third)


async def test_one_place_may_let_two_go_on() -> None:
    turns = Turns(Limits(in_all=10, to_host=1, to_address=1))
    first = await turns.ask("host", "address")
    same_host, same_address = await turns.ask("host", "x"), await turns.ask("y", "address")
    await turns.free(first)
    assert turns.has(same_host)
    assert turns.has(same_address)


async def test_who_gives_up_takes_no_place() -> None:
    turns = Turns(Limits(in_all=1, to_host=5, to_address=5))
    first = await turns.ask("a")
    second, third = await turns.ask("b"), await turns.ask("c")
    await turns.cancel(second)
    await turns.free(first)
    assert turns.has(third)
    await turns.free(third)
    assert turns.places.taken == turns.places.waiting == 0


async def test_who_gives_up_just_as_it_gets_a_place_passes_it_on() -> None:
    turns = Turns(Limits(in_all=1, to_host=5, to_address=5))
    first = await turns.ask("a")
    second, third = await turns.ask("b"), await turns.ask("c")
    turns.places.free(first)
    turns.tasks[second].cancel()
    await settle()
    assert turns.has(third)
    assert turns.places.taken == 1


async def test_a_place_is_not_given_to_one_that_has_just_given_up() -> None:
    turns = Turns(Limits(in_all=1, to_host=5, to_address=5))
    first = await turns.ask("a")
    second, third = await turns.ask("b"), await turns.ask("c")
    turns.tasks[second].cancel()
    turns.places.free(first)
    await settle()
    assert turns.has(third)


def test_there_are_no_more_connections_than_files_for_them() -> None:
    limits = Limits(in_all=512, to_host=4, to_address=32)
    assert limits.within(65536) == limits.within(2048) == limits
    assert limits.within(1024) == Limits(256, 4, 32)
    assert limits.within(512) == Limits(128, 4, 32)


async def test_all_names_of_a_certificate_on_one_server_get_their_turn() -> None:
    turns = Turns(Limits())
    places = [await turns.ask(f"name{number}", "192.0.2.1") for number in range(100)]
    rounds = 0
    while places:
        rounds += 1
        taken = [one for one in places if turns.has(one)]
        places = [one for one in places if one not in taken]
        for one in taken:
            await turns.free(one)
    assert rounds == 4  # each of three round trips of 300 ms: less than half of the time


async def test_those_who_wait_for_a_slow_target_take_no_time_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of them would be looked at whenever anybody's connection is closed."""
    turns = Turns(Limits(in_all=10, to_host=10, to_address=2))
    slow = [await turns.ask(f"host{n}", "192.0.2.1") for n in range(9)]
    other = await turns.ask("other", "192.0.2.2")
    looked_at: list[ConnectionSlot] = []
    has_room = Places._has_room_at_target

    def look(self: Places, one: ConnectionSlot) -> bool:
        looked_at.append(one)
        return has_room(self, one)

    monkeypatch.setattr(Places, "_has_room_at_target", look)
    await turns.free(other)
    assert looked_at == []
    for one in slow[:7]:
        assert turns.has(one)
        await turns.free(one)
    assert all(map(turns.has, slow))
    await turns.free(slow[7])
    await turns.free(slow[8])
    assert (turns.places.taken, turns.places.waiting) == (0, 0)
    assert not turns.places._wanted
