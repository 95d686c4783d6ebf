"""The octets of a list, line by line, in bounded memory; and what is known of a file beforehand."""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mpic.ask.lists.encoding import BOM, Encoding, EncodingGuess, refuse_other_files
from mpic.ask.lists.line import ListError

MOST_OCTETS = 64 * 1024
"""Of a line; an application has at most a few thousand."""
_HEAD_OCTETS = 8


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line as it stands in the file."""

    number: int
    octets: bytes
    """With the line end, if it has one; without the byte order mark."""
    is_cut: bool = False
    """It was longer than MOST_OCTETS, and the rest is left out."""

    @property
    def content(self) -> bytes:
        """The line without its end."""
        return self.octets.removesuffix(b"\n").removesuffix(b"\r")


@dataclass(frozen=True, slots=True)
class Survey:
    """What a whole file says of itself before anything is asked."""

    sha256: str
    octets: int
    lines: int
    encoding: Encoding | None


class Source:
    """A list that is open for reading."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        """Read from a stream; messages call it `name`."""
        self.name = name
        self.has_mark = False
        """Whether it begins with the byte order mark of UTF-8; known after the first line."""
        self._stream = stream
        self._digest = hashlib.sha256()
        self._left = sys.maxsize
        """Octets that may still be read."""

    def survey(self) -> Survey | None:
        """Read a regular file once, and go back to its beginning; None: it is a pipe."""
        if not stat.S_ISREG(os.fstat(self._stream.fileno()).st_mode):
            return None
        guess, lines = EncodingGuess(), 0
        for line in self.lines():
            lines = line.number
            guess.see(line.content)
        octets = self._stream.tell()
        surveyed = Survey(self._digest.hexdigest(), octets, lines, guess.encoding)
        self._stream.seek(0)
        self._digest = hashlib.sha256()
        # What is appended from now on is not read: nothing is known of it.
        self._left = octets
        return surveyed

    def close(self) -> None:
        """Close it, at once: a thread that waits for a pipe's next line holds the stream's lock."""
        getattr(self._stream, "raw", self._stream).close()

    def is_still(self, surveyed: Survey) -> bool:
        """Whether what was read up to the end was the same as in the survey."""
        return self._digest.hexdigest() == surveyed.sha256

    def has_more(self) -> bool:
        """Whether something was appended after the survey."""
        return bool(self._stream.read(1))

    def lines(self) -> Iterator[RawLine]:
        """Yield every line; raises ListError if it is no text, or cannot be read."""
        number = 0
        while octets := self._read_line():
            number += 1
            if number == 1:
                refuse_other_files(octets[:_HEAD_OCTETS])
                self.has_mark = octets.startswith(BOM)
                octets = octets.removeprefix(BOM)
            is_cut = len(octets) > MOST_OCTETS and not octets.endswith(b"\n")
            yield RawLine(number, octets, is_cut=is_cut)
            if is_cut:
                self._skip_line()

    def _skip_line(self) -> None:
        while (octets := self._read_line()) and not octets.endswith(b"\n"):
            pass

    def _read_line(self) -> bytes:
        try:
            octets = self._stream.readline(min(MOST_OCTETS + len(BOM) + 2, self._left))
        except OSError as error:
            raise ListError("not_read", error=error.strerror) from error
        self._digest.update(octets)
        self._left -= len(octets)
        return octets


def open_source(path: str) -> Source:
    """Open a file, or standard input for "-"; raises ListError."""
    if path == "-":
        # Of its own: at the end Python closes sys.stdin, which a thread may be reading still.
        stream = open(sys.stdin.fileno(), "rb", closefd=False)  # noqa: SIM115 - as below
        return Source("standard input", stream)
    try:
        stream = Path(path).open("rb")  # noqa: SIM115 - it is read until the command ends
    except OSError as error:
        raise ListError("not_opened", path=path, error=error.strerror) from error
    return Source(path, stream)
