"""Where results are written, and where a run is kept until they are."""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from mpic.ask.lists.journal import Journal, JournalLine, LineState
from mpic.ask.lists.line import ListError, Phrase
from mpic.ask.lists.options import ListJob
from mpic.ask.lists.outputs import Dress, OutputKind, show_json, write_results
from mpic.ask.lists.own_file import open_own

_JOURNAL = ".resume"
_PART = ".part"


class ListOutput:
    """A file that is there whole or not at all, standard output, or a device."""

    def __init__(self, job: ListJob) -> None:
        """Raise ListError if an output is there that is not of a run that can be gone on with."""
        self._kind = job.kind
        self._output = job.output
        self._is_file = bool(job.output) and _may_be_replaced(job.output)
        self.journal = job.resume or (job.output + _JOURNAL if self._is_file else "")
        """The path; empty: the run cannot be gone on with."""
        if self._is_file:
            self._refuse_to_overwrite(Path(job.output))

    @property
    def _is_streamed(self) -> bool:
        """Whether each result is written when it is there."""
        return self._kind is OutputKind.JSONL and not self._output

    @property
    def leaves_terminal(self) -> bool:
        """Whether there is a terminal for a progress bar, and no result comes between."""
        return sys.stderr.isatty() and not (self._is_streamed and sys.stdout.isatty())

    def tell(self, line: JournalLine) -> None:
        """Write a result now, if that is wanted."""
        if self._is_streamed and line.state is not LineState.BLANK:
            sys.stdout.buffer.write(show_json(line))
            sys.stdout.buffer.flush()

    def _open(self, part: Path) -> BinaryIO:
        """Open what is written to, emptied; a device or a pipe as it is."""
        if not self._is_file:
            return part.open("wb")
        descriptor = open_own(part, os.O_WRONLY)
        os.ftruncate(descriptor, 0)
        return os.fdopen(descriptor, "wb")

    def _refuse_to_overwrite(self, path: Path) -> None:
        if path.is_dir() or not path.parent.is_dir():
            raise ListError("no_file", path=path)
        if path.exists() and not Path(self.journal).exists():
            raise ListError("exists", path=path)

    def write(self, journal: Journal, dress: Dress) -> None:
        """Write all results; raises ListError, and BrokenPipeError if nobody reads them."""
        if not self._output:
            if not self._is_streamed:
                write_results(self._kind, journal, sys.stdout.buffer, dress)
            sys.stdout.flush()
            return
        part = Path(self._output + _PART if self._is_file else self._output)
        try:
            with self._open(part) as stream:
                write_results(self._kind, journal, stream, dress)
                stream.flush()
                if self._is_file:
                    os.fsync(stream.fileno())
            if self._is_file:
                part.replace(self._output)
        except OSError as error:
            if self._is_file:
                with suppress(OSError):
                    part.unlink()
            kept = Phrase("list.error.kept", {"journal": self.journal}) if self.journal else ""
            path, why = self._output, error.strerror
            raise ListError("not_written", path=path, error=why, kept=kept) from error


def _may_be_replaced(output: str) -> bool:
    """Whether an output is, or will be, no device and no pipe."""
    try:
        mode = Path(output).stat().st_mode
    except OSError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)
