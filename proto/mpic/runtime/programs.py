"""Which program a configuration file is for, and what that program brings with it."""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from mpic.runtime.config import ConfigError, read_toml
from mpic.runtime.problem import Problem


def load_for_file(group: str, file: Path) -> Any:  # noqa: ANN401 - each group has its own kind
    """Return what the program that `file` configures has installed in an entry point group.

    The file's table, [coordinator] or [agent], says which program it is. Raises ConfigError.
    """
    data = read_toml(file)
    entries = sorted(entry_points(group=group), key=lambda entry: entry.name)
    found = [entry for entry in entries if entry.name in data]
    if len(found) == 1:
        return found[0].load()
    tables = [f"[{entry.name}]" for entry in found or entries]
    if found:
        message, mend = f"has {' and '.join(tables)}", "Give each program a file of its own"
    else:
        message, mend = f"has no {' or '.join(tables)}", "Add the table of the program it is for"
    raise ConfigError(file, [Problem("", message, mend)])
