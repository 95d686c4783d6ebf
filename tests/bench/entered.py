"""Runs a program of ours unchanged, and writes down which of our functions it enters.

    python -m tests.bench.entered FILE agent --config agent.toml

SIGUSR1 deletes FILE and begins; SIGUSR2 ends and writes it: a JSON list of [file, function] in
the order of first entry, with files relative to the project. What counts is in `coordinator`,
`perspective_agent` and `proto/mpic`, without the generated stubs. A comprehension belongs to the
function it stands in.
"""

import json
import signal
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType

from mpic.runtime.cli import main

_PROJECT = Path(__file__).parents[2]
_OURS = ("coordinator/", "perspective_agent/", "proto/mpic/")
_GENERATED = "proto/mpic/v1/"
_NO_FUNCTIONS = frozenset({"<module>", "<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})


class Recorder:
    """Which functions were entered while it was on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._is_on = False
        self._entered: dict[CodeType, None] = {}

    def start(self, _number: int, _frame: FrameType | None) -> None:
        self._entered.clear()
        self._is_on = True
        self._file.unlink(missing_ok=True)

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_on = False
        whole = self._file.with_suffix(".new")
        whole.write_text(json.dumps([named for code in self._entered if (named := _name(code))]))
        whole.rename(self._file)

    def note(self, frame: FrameType, event: str, _argument: object) -> None:
        if self._is_on and event == "call":
            self._entered.setdefault(frame.f_code)


def _name(code: CodeType) -> tuple[str, str] | None:
    """Return file and function; None: it is not ours, or no function."""
    file = Path(code.co_filename)
    if code.co_name in _NO_FUNCTIONS or not file.is_relative_to(_PROJECT):
        return None
    path = file.relative_to(_PROJECT).as_posix()
    if not path.startswith(_OURS) or path.startswith(_GENERATED):
        return None
    return path, code.co_qualname


def _run() -> None:
    recorder = Recorder(Path(sys.argv[1]))
    signal.signal(signal.SIGUSR1, recorder.start)
    signal.signal(signal.SIGUSR2, recorder.stop)
    threading.setprofile(recorder.note)
    sys.setprofile(recorder.note)
    sys.argv = ["mpic", *sys.argv[2:]]
    main()


if __name__ == "__main__":
    _run()
