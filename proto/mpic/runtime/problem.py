"""What is wrong with something that an operator wrote or keeps, and what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path


class Flaw(ValueError):  # noqa: N818 - a finding, which a validator has to raise
    """What is wrong and what to do about it.

    A validator that raises it makes a `Problem`; `place` is then below the validator's own.
    """

    def __init__(self, message: str, mend: str, place: str = "") -> None:
        super().__init__(f"{message}. {mend}")
        self.message, self.mend, self.place = message, mend, place


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at a place; a warning is one that a program can run with."""

    place: str
    message: str
    mend: str
    warning: bool = False

    def __str__(self) -> str:
        sentences = f"{self.message}. {self.mend}"
        return f"{self.place}: {sentences}" if self.place else sentences


class ConfigError(Exception):
    """A configuration file that cannot be used; as text, one line for each problem."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        super().__init__(path, problems)
        self.path, self.problems = path, list(problems)

    def __str__(self) -> str:
        return "\n".join(f"{self.path}: {problem}" for problem in self.problems)


def explain_os_error(error: OSError) -> tuple[str, str]:
    """Return what is wrong with a file, and what to do."""
    match error:
        case FileNotFoundError():
            return "there is no such file", "Check the path"
        case FileExistsError():
            return "is there already", "Move it away, or choose another place"
        case IsADirectoryError():
            return "is a directory", "Name a file"
        case NotADirectoryError():
            return "is not a directory", "Check the path"
        case PermissionError():
            return "permission denied", "Give the user that runs mpic access to it"
    return (error.strerror or str(error)).lower(), "Check the path and the disk"


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean ...?", or else all that is known."""
    known = list(known)
    if close := get_close_matches(word, known, n=1):
        return f"Did you mean {close[0]}?"
    return f"Known here: {', '.join(known)}" if known else "Remove it"
