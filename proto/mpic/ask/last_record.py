"""Remembers the id of the last record, so that nobody has to type it.

It is in `$XDG_STATE_HOME/mpic/last-record`, or below `~/.local/state` (XDG Base Directory
Specification). Nobody else may read it. No symbolic link is followed there: another user of the
host cannot have a file of ours written elsewhere.
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_DIRECTORY, _FILE, _NEW = "mpic", "last-record", "last-record.new"
_RECORD_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OCTETS = 64
_AS_IT_IS = os.O_NOFOLLOW | os.O_CLOEXEC


def remember_record(record_id: str, environment: Mapping[str, str]) -> None:
    """Remember a record; if that cannot be done, nothing happens: it is only a convenience."""
    if not _RECORD_ID.fullmatch(record_id):
        return
    with suppress(OSError, RuntimeError):
        home = _find_home(environment)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            (home / _DIRECTORY).mkdir(mode=0o700)
        directory = os.open(home / _DIRECTORY, os.O_DIRECTORY | _AS_IT_IS)
        try:
            _write(directory, record_id)
        finally:
            os.close(directory)


def recall_record(environment: Mapping[str, str]) -> str:
    """Return the id of the last record; "": there is none that can be read."""
    with suppress(OSError, RuntimeError, UnicodeDecodeError):
        home = _find_home(environment)
        directory = os.open(home / _DIRECTORY, os.O_DIRECTORY | _AS_IT_IS)
        try:
            # Of a pipe, opening would wait for a writer.
            file = os.open(_FILE, os.O_RDONLY | os.O_NONBLOCK | _AS_IT_IS, dir_fd=directory)
        finally:
            os.close(directory)
        with os.fdopen(file, "rb") as opened:
            text = opened.read(_OCTETS).decode("ascii").strip()
        return text if _RECORD_ID.fullmatch(text) else ""
    return ""


def _find_home(environment: Mapping[str, str]) -> Path:
    """Return the directory of state; one that is not absolute does not count."""
    wanted = environment.get("XDG_STATE_HOME", "")
    return Path(wanted) if wanted.startswith("/") else Path.home() / ".local" / "state"


def _write(directory: int, record_id: str) -> None:
    """Put a new file in the place of the old one, so that no reader sees half of it."""
    with suppress(FileNotFoundError):
        os.unlink(_NEW, dir_fd=directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _AS_IT_IS
    file = os.open(_NEW, flags, 0o600, dir_fd=directory)
    with os.fdopen(file, "w", encoding="ascii") as opened:
        opened.write(f"{record_id}\n")
    os.replace(_NEW, _FILE, src_dir_fd=directory, dst_dir_fd=directory)
