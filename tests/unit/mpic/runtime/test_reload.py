"""All or nothing: what cannot be used, or not while running, changes nothing."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from mpic.runtime import reload as module
from mpic.runtime.config import ConfigError, Problem
from mpic.runtime.metrics import ProgramMetrics
from mpic.runtime.reload import Reloadable, Reloader, find_fixed_changes

Settings = dict[str, dict[str, object]]
OLD: Settings = {"agent": {"listen": "a", "id": "x"}, "callers": {"allowed": ["a"]}}


@pytest.mark.parametrize(
    ("new", "places"),
    [
        (OLD, []),
        (OLD | {"callers": {"allowed": ["b"]}}, []),
        (OLD | {"agent": {"listen": "b", "id": "x"}}, ["agent.listen"]),
        (OLD | {"agent": {"listen": "a"}}, ["agent.id"]),
        (OLD | {"agent": {"listen": "b", "id": "y"}}, ["agent.id", "agent.listen"]),
        (OLD | {"more": {"key": 1}}, ["more"]),
        ({"agent": OLD["agent"]}, []),
    ],
)
def test_what_differs_and_may_not_is_named(new: Settings, places: list[str]) -> None:
    assert find_fixed_changes(OLD, new, frozenset({"callers"})) == places


def test_a_single_key_of_a_table_may_be_free() -> None:
    old, new = ({"log": {"level": level, "format": "json"}} for level in ("info", "debug"))
    assert not find_fixed_changes(old, new, frozenset({"log.level"}))
    assert find_fixed_changes(old, new, frozenset({"log.format"})) == ["log.level"]


class Program:
    """A program whose configuration is one word in a file."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "word.toml"
        self.file.write_text("one")
        self.adopted: list[Settings] = []
        self.done = asyncio.Event()
        self.while_reading: Callable[[], object] = lambda: None
        self.metrics = ProgramMetrics("agent")
        reloadable = Reloadable(
            self.file, self.read, lambda _: [], lambda s: s, frozenset({"free"}), self.adopt
        )
        self.reloader = Reloader(reloadable, self.read(), self.metrics)

    def read(self) -> Settings:
        word = self.file.read_text()
        self.while_reading()
        if word == "broken":
            raise ConfigError(self.file, [Problem("word", "is broken", "Mend it")])
        return {"free": {"word": word}, "fixed": {"word": word.isupper()}}

    async def adopt(self, settings: Settings) -> None:
        if settings["free"]["word"] == "impossible":
            raise ConfigError(self.file, [Problem("word", "is impossible", "Mend it")])
        self.adopted.append(settings)
        self.done.set()

    @property
    def succeeded(self) -> bool:
        return b"mpic_config_last_reload_successful 1.0" in generate_latest(self.metrics.registry)


async def test_what_can_be_used_is_put_in_force(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.file.write_text("two")
    assert await program.reloader.reload()
    assert program.adopted == [program.reloader.settings]
    assert program.reloader.settings["free"]["word"] == "two"
    assert program.succeeded


@pytest.mark.parametrize("word", ["broken", "FIXED", "impossible"])
async def test_what_cannot_leaves_the_old_in_force_and_says_so(word: str, tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.file.write_text(word)
    assert not await program.reloader.reload()
    assert not program.adopted
    assert program.reloader.settings["free"]["word"] == "one"
    assert not program.succeeded
    program.file.write_text("mended")
    assert await program.reloader.reload()
    assert program.succeeded


async def test_what_changes_while_it_is_read_is_not_used(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.while_reading = lambda: program.file.write_text("half")
    assert not await program.reloader.reload()
    assert not program.adopted


@pytest.mark.parametrize("by_signal", [True, False])
async def test_it_reloads_by_signal_and_when_a_file_has_changed(
    by_signal: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 60 if by_signal else 0.01)
    program = Program(tmp_path)
    running = asyncio.create_task(program.reloader.run())
    await asyncio.sleep(0.01)
    if by_signal:
        os.kill(os.getpid(), signal.SIGHUP)
    else:
        program.file.write_text("other")
    async with asyncio.timeout(60):
        await program.done.wait()
    running.cancel()


async def test_a_pair_of_files_of_which_one_is_still_being_written_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate and its key are two files; between them the pair does not fit."""
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    program = Program(tmp_path)
    looks = iter(["one", "half", "whole", "whole", "whole"])
    looked: list[str] = []

    def look() -> str:
        looked.append(next(looks, "whole"))
        return looked[-1]

    reloads: list[int] = []

    async def reload() -> bool:
        reloads.append(len(looked))
        program.done.set()
        return True

    monkeypatch.setattr(program.reloader, "_look", look)
    monkeypatch.setattr(program.reloader, "reload", reload)
    running = asyncio.create_task(program.reloader.run())
    async with asyncio.timeout(60):
        await program.done.wait()
    running.cancel()
    # At the start, half, whole: not done. Then whole twice: done.
    assert reloads == [5]
