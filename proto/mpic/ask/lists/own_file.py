"""Opens files that only this user may have put there: links of others lead nowhere."""

import os
import stat
from pathlib import Path

from mpic.ask.lists.line import ListError

_MODE = 0o666


def open_own(path: Path, flags: int) -> int:
    """Open a file, or create it, and return its descriptor; raises OSError and ListError.

    A symbolic link is not followed. A file of another user could be read or changed by that user
    meanwhile, or be one that this user should not write to.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    if not _is_own(os.fstat(descriptor)):
        os.close(descriptor)
        raise ListError("not_own", path=path)
    return descriptor


def check_own(path: Path) -> None:
    """Raise ListError unless a file is this user's own; it is created if it is not there."""
    try:
        os.close(open_own(path, os.O_RDWR))
    except OSError as error:
        raise ListError("not_own_opened", path=path, error=error.strerror) from error


def refuse_foreign(path: Path) -> None:
    """Raise ListError if there is a file that is not this user's own."""
    try:
        found = path.lstat()
    except OSError:
        return
    if not _is_own(found):
        raise ListError("not_own", path=path)


def _is_own(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
