"""What others cause without end makes few lines."""

import asyncio
from typing import Any

import pytest

from mpic.runtime.grpc import counted_lines as counted
from mpic.runtime.grpc.counted_lines import CountedLines


class Log:
    """Keeps the lines."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.wrote = asyncio.Event()

    def write(self, **facts: object) -> None:
        self.lines.append(facts)
        self.wrote.set()


async def test_what_is_the_same_is_one_line_with_how_many() -> None:
    log = Log()
    lines = CountedLines(log.write)
    for _ in range(3):
        lines.note(caller="a", reason="x")
    lines.note(caller="b", reason="x")
    assert not log.lines
    lines.write()
    assert log.lines == [
        {"caller": "a", "reason": "x", "calls": 3},
        {"caller": "b", "reason": "x", "calls": 1},
    ]
    lines.write()
    assert len(log.lines) == 2


async def test_kinds_beyond_a_bound_are_told_by_their_number() -> None:
    log = Log()
    lines = CountedLines(log.write)
    for number in range(1000):
        lines.note(caller=str(number))
    lines.note(caller="0")
    lines.write()
    assert log.lines[0] == {"caller": "0", "calls": 2}
    assert log.lines[-1] == {"calls": 900}
    assert len(log.lines) == 101


async def test_they_are_written_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "_SECONDS", 0.0)
    log = Log()
    lines = CountedLines(log.write)
    for number in (1, 2):
        lines.note(caller="a")
        await log.wrote.wait()
        log.wrote.clear()
        assert len(log.lines) == number
    assert log.lines == [{"caller": "a", "calls": 1}] * 2
