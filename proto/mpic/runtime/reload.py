"""Changes a running program: by SIGHUP, or when a file that a configuration names has changed.

It is all or nothing. The files are read and checked as at the start. Only then do they replace the
old configuration. Otherwise the old one stays in force, and log and metric say why. Something may
have changed that cannot change while the program runs. That refuses the reload too, so that nobody
believes it is in force.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog

from mpic.runtime.config import ConfigError, Problem
from mpic.runtime.metrics import ProgramMetrics

S = TypeVar("S")

log = structlog.get_logger()

_POLL_SECONDS = 2.0

State = tuple[tuple[int, int, int] | None, ...]
"""Of each watched file: inode, size and time of change; None: it is missing."""


@dataclass(frozen=True, slots=True)
class Reloadable(Generic[S]):
    """A configuration that can be read again."""

    file: Path
    read: Callable[[], S]
    """Reads and checks all, as at the start; raises ConfigError."""
    name_files: Callable[[S], Iterable[Path]]
    """Returns the files it names that may change too."""
    dump: Callable[[S], Mapping[str, Any]]
    """Returns its values, by table and key."""
    free: frozenset[str]
    """What may change while running: "table", or "table.key"."""
    adopt: Callable[[S], Awaitable[None]]
    """Puts it in force; if that is impossible, raises ConfigError and changes nothing."""


class Reloader(Generic[S]):
    """Keeps a program to what its files say."""

    def __init__(self, reloadable: Reloadable[S], settings: S, program: ProgramMetrics) -> None:
        """Start with the settings in force."""
        self.settings = settings
        """Those in force."""
        self._reloadable = reloadable
        self._program = program
        self._asked = asyncio.Event()
        # From now on: until somebody handles it, the signal would end the program.
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._asked.set)

    @property
    def file(self) -> Path:
        """The configuration file."""
        return self._reloadable.file

    async def run(self) -> None:
        """Reload whenever asked or a file has changed, until cancelled."""
        seen = self._look()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), _POLL_SECONDS)
            now = self._look()
            if self._asked.is_set():
                self._asked.clear()
            elif now == seen or now != await self._look_again():
                # Nothing has changed, or somebody is still writing: only one file of a pair is new.
                continue
            await self.reload()
            seen = now

    async def reload(self) -> bool:
        """Read the files and put in force what they say; return whether that was done."""
        before = self._look()
        try:
            # In a thread: it blocks while files and certificates are looked at.
            settings = await asyncio.to_thread(self._reloadable.read)
            self._refuse_what_is_fixed(settings)
            if self._look() != before:
                problem = Problem("", "changed while it was read", "It is read again")
                raise ConfigError(self._reloadable.file, [problem])  # noqa: TRY301 - as any other
            await self._reloadable.adopt(settings)
        except ConfigError as error:
            log.error(  # noqa: TRY400 - it says all
                "reload_refused",
                problems=[str(problem) for problem in error.problems],
                consequence="the configuration of before stays in force",
            )
            self._program.show_reload(succeeded=False)
            return False
        self.settings = settings
        self._program.show_reload(succeeded=True)
        log.info("reloaded", file=str(self._reloadable.file))
        return True

    def _look(self) -> State:
        files = [self._reloadable.file, *self._reloadable.name_files(self.settings)]
        return tuple(_state_of(file) for file in files)

    async def _look_again(self) -> State:
        await asyncio.sleep(_POLL_SECONDS / 4)
        return self._look()

    def _refuse_what_is_fixed(self, settings: S) -> None:
        changes = find_fixed_changes(
            self._reloadable.dump(self.settings),
            self._reloadable.dump(settings),
            self._reloadable.free,
        )
        if changes:
            mend = "Restart the program, or take the change back"
            raise ConfigError(
                self._reloadable.file,
                [Problem(place, "cannot be changed while running", mend) for place in changes],
            )


def find_fixed_changes(
    old: Mapping[str, Any], new: Mapping[str, Any], free: frozenset[str]
) -> list[str]:
    """Return the places, as "table.key", that differ and are not free to. Pure."""
    changed = []
    for table in sorted(old.keys() | new.keys()):
        before, after = old.get(table), new.get(table)
        if table in free or before == after:
            continue
        if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
            changed.append(table)
            continue
        keys = sorted(before.keys() | after.keys())
        places = [f"{table}.{key}" for key in keys if before.get(key) != after.get(key)]
        changed += [place for place in places if place not in free]
    return changed


def _state_of(file: Path) -> tuple[int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
