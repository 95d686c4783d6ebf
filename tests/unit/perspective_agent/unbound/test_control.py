"""Unbound is made to forget failures: all of them, together, and it is known whether it did."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from perspective_agent.dns.wire import CAA, A
from perspective_agent.unbound import control as module
from perspective_agent.unbound.control import FailureEraser

INFRA = (
    "192.0.2.1 example.test. ttl 50 ping 0 var 94 rtt 376 rto 376 tA 0\n"
    "192.0.2.2 example.test. ttl 50 ping 0 var 94 rtt 376 rto 120000 tA 3\n"
)


class Control:
    """Stands for Unbound's control, and notes what it is told."""

    socket = Path("none")

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.error: Exception | None = None
        self.held: asyncio.Event | None = None
        self.begun = asyncio.Event()

    async def command(self, command: str) -> str:
        self.commands.append(command)
        self.begun.set()
        if self.held is not None:
            await self.held.wait()
        if self.error is not None:
            raise self.error
        return INFRA if command == "dump_infra" else "ok\n"


@pytest.fixture
async def control(monkeypatch: pytest.MonkeyPatch) -> Control:
    monkeypatch.setattr(module, "_GATHER_SECONDS", 0)
    return Control()


def make_eraser(control: Any) -> FailureEraser:  # noqa: ANN401 - stands for a control
    return FailureEraser(control)


async def test_failures_bogus_keys_and_servers_given_up_are_forgotten(control: Control) -> None:
    assert await make_eraser(control).erase("www.example.test", CAA)
    assert control.commands == [
        "flush_bogus",
        "flush_type www.example.test TYPE257",
        "dump_infra",
        "flush_infra 192.0.2.2",
    ]


async def test_those_that_come_together_are_erased_together(control: Control) -> None:
    eraser = make_eraser(control)
    assert all(await asyncio.gather(eraser.erase("b.test", A), eraser.erase("", CAA)))
    erased = ["flush_type . TYPE257", "flush_type b.test TYPE1"]
    assert control.commands[:3] == ["flush_bogus", *erased]


async def test_one_that_comes_while_others_are_erased_is_erased_after_them(
    control: Control,
) -> None:
    control.held = asyncio.Event()
    eraser = make_eraser(control)
    first = asyncio.create_task(eraser.erase("a.test", A))
    await control.begun.wait()
    second = asyncio.create_task(eraser.erase("b.test", A))
    await asyncio.sleep(0)
    control.held.set()
    assert await first
    assert await second
    erased = [one for one in control.commands if one.startswith("flush_type")]
    assert erased == ["flush_type a.test TYPE1", "flush_type b.test TYPE1"]


@pytest.mark.parametrize("error", [OSError("gone"), TimeoutError(), ValueError("error unknown")])
async def test_what_could_not_be_forgotten_was_not(control: Control, error: Exception) -> None:
    control.error = error
    assert not await make_eraser(control).erase("a.test", A)


async def test_who_waits_and_goes_takes_the_erasing_from_nobody(control: Control) -> None:
    control.held = asyncio.Event()
    eraser = make_eraser(control)
    one, other = (asyncio.create_task(eraser.erase("a.test", A)) for _ in range(2))
    await control.begun.wait()
    one.cancel()
    control.held.set()
    assert await other
