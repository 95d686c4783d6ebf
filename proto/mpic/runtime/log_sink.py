"""Writes the lines of the log. It never raises, and never holds the program up for long.

A program goes on deciding if the disk is full, if the reader of a pipe has ended or hangs, or if
there is no standard error at all. A line that cannot be written is lost and counted. Once lines can
be written again, one says how many were lost. The log is to watch by. What must not be lost is in
the audit record.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
from typing import TextIO

_PIECE = 4096
"""Octets that a pipe takes at once if it says that it takes any (PIPE_BUF)."""
_PATIENCE_MS = 100
"""How long we wait for a slow reader the first time; after that nothing waits for it."""


class Sink:
    """One file that lines are written to."""

    def __init__(self) -> None:
        """Write nowhere yet: every line is lost."""
        self.lost = 0
        """Lines, since the start."""
        self._unsaid = 0
        """Lost lines that no line has reported yet."""
        self._file: TextIO | None = None
        self._descriptor: int | None = None
        self._is_own = False
        """Whether the descriptor is not the file's."""
        self._poll: select.poll | None = None
        self._is_torn = False
        """Whether the file ends within a line."""

    def open(self, file: TextIO | None) -> None:
        """Write to a file from now on; None: there is none."""
        if self._descriptor is not None and self._is_own:
            os.close(self._descriptor)
        self._file, self._descriptor, self._poll = file, None, None
        self._unsaid, self._is_torn = 0, False
        with contextlib.suppress(OSError, ValueError):  # it may be closed, or no file of the system
            if file is not None:
                self._descriptor, self._is_own = _reopen(file.fileno())
                self._poll = _make_poll(self._descriptor)

    def write(self, line: str) -> int:
        """Write a line; return how many lines were lost before it and not reported yet."""
        try:
            self._put(line)
        except (OSError, ValueError):
            self.lose()
            return 0
        unsaid, self._unsaid = self._unsaid, 0
        return unsaid

    def lose(self) -> None:
        """Count a line that was not written."""
        self.lost += 1
        self._unsaid += 1

    def _put(self, line: str) -> None:
        if self._descriptor is None:
            if self._file is None:
                raise ValueError
            self._file.write(f"{line}\n")
            self._file.flush()
            return
        data = f"{line}\n".encode(errors="backslashreplace")
        if self._is_torn:
            data = b"\n" + data
        while data:
            if self._poll is not None and not self._poll.poll(0 if self._unsaid else _PATIENCE_MS):
                raise BlockingIOError
            written = os.write(self._descriptor, data[:_PIECE])
            data = data[written:]
            self._is_torn = bool(data)


def _reopen(descriptor: int) -> tuple[int, bool]:
    """Return a descriptor that never blocks, and whether it is another.

    If the existing one were made non-blocking, that would change it for all who share it, such as
    the shell. If it cannot be opened again, a pipe still takes a piece when it says so.
    """
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        with contextlib.suppress(OSError):
            return os.open(f"/proc/self/fd/{descriptor}", flags), True
    return descriptor, False


def _make_poll(descriptor: int) -> select.poll | None:
    """Return a poll for a pipe, a socket or a terminal; a file always takes more."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return None
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return poll


def occupy_standard_files() -> None:
    """Keep other files from becoming standard error: libraries written in C write there unasked.

    If a program is started with one of its first three files closed, the next file or connection
    that it opens would get that number.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


SINK = Sink()
"""This process's log."""
