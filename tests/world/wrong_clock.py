"""A clock that a program has instead of its host's, which can be set while it runs (faketime)."""

from collections.abc import Mapping
from pathlib import Path

from tests.world.process import plain_environment

# The linker puts the host's own directory in place of $LIB.
_LIBRARY = "/usr/$LIB/faketime/libfaketime.so.1"


class WrongClock:
    """How far ahead a program's clock is; what measures how long something takes is not touched."""

    def __init__(self, file: Path, seconds: int = 0) -> None:
        """Be so far ahead; `file` is where the program reads it, whenever it looks at its clock."""
        self._file = file
        self.set(seconds)

    def set(self, seconds: int) -> None:
        """Be so far ahead from now on, also for programs that run."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self._file)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a program is started with to have this clock."""
        return plain_environment() | {
            "LD_PRELOAD": _LIBRARY,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
