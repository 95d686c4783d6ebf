"""Reads TOML files into pydantic tables, with errors that an operator can act on.

Values keep the type that TOML gives them: text never becomes a number, nor `true` a 1. Tables in a
list are counted from 0, as in `perspective[2].rir`.
"""

import json
import tomllib
from collections.abc import Iterable
from datetime import date, time
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo

from mpic.runtime.config_errors import describe_syntax, describe_validation
from mpic.runtime.problem import ConfigError, Flaw, Problem, explain_os_error

__all__ = [
    "ConfigError",
    "ConfigPath",
    "ConfigTable",
    "Flaw",
    "Problem",
    "load_config",
    "load_for_file",
    "read_toml",
    "settle",
]

M = TypeVar("M", bound=BaseModel)


class ConfigTable(BaseModel):
    """A table of a configuration file: nothing unknown in it, and never changed.

    A validator raises `Flaw(message, mend)`, or ValueError("message | mend").
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def _rebase(path: Path, info: ValidationInfo) -> Path:
    if path == Path():
        raise Flaw("names no file", "Write the path of a file")
    base: Path = (info.context or {}).get("base", Path())
    return base / path


ConfigPath = Annotated[Path, AfterValidator(_rebase)]
"""A path; a relative one starts at the directory of the configuration file."""


def load_config(path: Path, model: type[M]) -> M:
    """Read a TOML file into `model`; raises ConfigError."""
    data = read_toml(path)
    try:
        # As JSON, because strict validation takes paths, tuples and sets from text and lists,
        # which is all that TOML has, only there.
        return model.model_validate_json(
            json.dumps(data, default=_isoformat),
            strict=True,
            context={"base": path.absolute().parent},
        )
    except ValidationError as error:
        raise ConfigError(path, describe_validation(error, model, data)) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raises ConfigError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(path, [Problem("", *explain_os_error(error))]) from None
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        place = f"line {raw.count(0x0A, 0, error.start) + 1}"
        problem = Problem(place, "holds a character that is not UTF-8", "Save the file as UTF-8")
        raise ConfigError(path, [problem]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, [describe_syntax(str(error))]) from None


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


def settle(path: Path, problems: Iterable[Problem]) -> list[str]:
    """Return the warnings as text; raises ConfigError with the others, if there are any."""
    problems = list(problems)
    if errors := [problem for problem in problems if not problem.warning]:
        raise ConfigError(path, errors)
    return [str(problem) for problem in problems]


def _isoformat(value: date | time) -> str:
    """Return a date or time as text: the only values that TOML has and JSON has not."""
    return value.isoformat()
