"""Configuration files: TOML read into pydantic tables, with errors an operator can act on.

Every error is a `Problem`: the place, what is wrong there, and what to do about it. A list of
tables is counted from 0, as in `perspective[2].rir`. Values are taken as TOML has them: text
never becomes a number, nor `true` a 1.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

M = TypeVar("M", bound=BaseModel)


class Flaw(ValueError):
    """What is wrong and how to mend it; a validator raises it, `place` is below its own place."""

    def __init__(self, message: str, mend: str, place: str = "") -> None:
        super().__init__(f"{message}. {mend}")
        self.message, self.mend, self.place = message, mend, place


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file; a warning is one the program can run with."""

    place: str
    message: str
    mend: str
    warning: bool = False

    def __str__(self) -> str:
        sentences = f"{self.message}. {self.mend}" if self.mend else self.message
        return f"{self.place}: {sentences}" if self.place else sentences


class ConfigError(Exception):
    """A configuration file that cannot be used; as text, one line for each problem."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        super().__init__(path, problems)
        self.path, self.problems = path, list(problems)

    def __str__(self) -> str:
        return "\n".join(f"{self.path}: {problem}" for problem in self.problems)


class ConfigTable(BaseModel):
    """A table of a configuration file: nothing unknown in it, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


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
        # As JSON, because only there does strict validation know paths, tuples and sets as text
        # and lists, which is all that TOML has.
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
        place = f"line {raw.count(b'\n', 0, error.start) + 1}"
        problem = Problem(place, "holds a character that is not UTF-8", "Save the file as UTF-8")
        raise ConfigError(path, [problem]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, [_describe_syntax(str(error))]) from None


def settle(path: Path, problems: Iterable[Problem]) -> list[str]:
    """Return the warnings as text; raises ConfigError with all others, if there are any."""
    problems = list(problems)
    if errors := [problem for problem in problems if not problem.warning]:
        raise ConfigError(path, errors)
    return [str(problem) for problem in problems]


def explain_os_error(error: OSError) -> tuple[str, str]:
    """Return what is wrong with a file, and what to do."""
    match error:
        case FileNotFoundError():
            return "there is no such file", "Check the path"
        case IsADirectoryError():
            return "is a directory", "Name the file in it"
        case PermissionError():
            return "permission denied", "Give the user that runs mpic access to it"
    return f"{error.strerror or error}", "Check the path and the disk"


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean ...?", or else all that is known."""
    known = list(known)
    if close := get_close_matches(word, known, n=1):
        return f"Did you mean {close[0]}?"
    return f"Known here: {', '.join(sorted(known))}" if known else "Remove it"


def describe_validation(
    error: ValidationError, model: type[BaseModel], data: dict[str, Any]
) -> list[Problem]:
    """Return what pydantic found in `data`, in words an operator understands."""
    return [_describe(detail, _locate(model, data, detail["loc"])) for detail in error.errors()]


def _isoformat(value: date | time) -> str:
    """Return a date or time as text; the only things TOML has and JSON has not."""
    return value.isoformat()


_SYNTAX = {
    "Invalid value": ("there is no value TOML knows", 'Put text in quotes: key = "value"'),
    "Cannot overwrite a value": ("the key stands there twice", "Keep one of the two"),
}
_SYNTAX_AT = re.compile(r"(.*) \(at (end of document|line \d+, column \d+)\)", re.DOTALL)
_TWICE = re.compile(r"Cannot declare \((.*)\) twice")


def _describe_syntax(message: str) -> Problem:
    found = _SYNTAX_AT.fullmatch(message)
    what, place = found.groups() if found else (message, "")
    if twice := _TWICE.fullmatch(what):
        table = ".".join(re.findall(r"'([^']*)'", twice[1]))
        return Problem(place, f"the table [{table}] stands there twice", "Join the two")
    plain, mend = _SYNTAX.get(what, (what[:1].lower() + what[1:], "The syntax is at toml.io"))
    return Problem(place, plain, mend)


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where pydantic found something."""

    place: str = ""
    key: str = ""
    field: FieldInfo | None = None
    siblings: tuple[str, ...] = ()


def _locate(model: type[BaseModel], data: object, loc: tuple[int | str, ...]) -> _Spot:
    """Follow `loc` through the models and the data, past steps that only pydantic knows."""
    spot, kinds, node = _Spot(), [model], data
    for part in loc:
        fields = _fields(kinds)
        in_table = isinstance(node, dict) and (part in node or part in fields)
        if isinstance(part, int) and isinstance(node, list):
            spot = _Spot(f"{spot.place}[{part}]", spot.key, spot.field)
            node = node[part]
        elif isinstance(node, dict) and in_table:
            key = _key(str(part))
            place = f"{spot.place}.{key}" if spot.place else key
            spot = _Spot(place, key, fields.get(str(part)), tuple(fields))
            node = node.get(part)
        else:
            continue
        kinds = _step(kinds, part)
    return spot


def _key(key: str) -> str:
    """Return a key as it has to be written in TOML."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _fields(kinds: Sequence[Any]) -> dict[str, FieldInfo]:
    """Return the fields of the tables among `kinds`, by the name they have in a file."""
    tables = [kind for kind in kinds if hasattr(kind, "model_fields")]
    return {
        field.alias or name: field
        for table in tables
        for name, field in table.model_fields.items()
    }


def _step(kinds: Sequence[Any], part: int | str) -> list[Any]:
    """Return the types one step inside: a table's field, a list's element, a mapping's value."""
    inner = [field.annotation for name, field in _fields(kinds).items() if name == part]
    for kind in kinds:
        inner.extend([arg for arg in get_args(kind) if arg is not ...][-1:])
    return [plain for annotation in inner for plain in _unfold(annotation)]


def _unfold(annotation: object) -> list[Any]:
    """Return the plain types behind unions and Annotated."""
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return [plain for arg in get_args(annotation) for plain in _unfold(arg)]
    return [annotation]


def _describe(detail: ErrorDetails, spot: _Spot) -> Problem:
    describe = _DESCRIBERS.get(detail["type"], _describe_rest)
    message, mend = describe(detail, spot)
    error = detail.get("ctx", {}).get("error")
    place = spot.place
    if isinstance(error, Flaw) and error.place:
        place = f"{place}.{error.place}" if place else error.place
    return Problem(place, message, mend)


def _describe_missing(_detail: ErrorDetails, spot: _Spot) -> tuple[str, str]:
    field = spot.field
    kinds = _unfold(field.annotation) if field else []
    if _fields(kinds):
        return "is missing", f"Add the table [{spot.place}]"
    if _fields(_step(kinds, 0)):
        return "is missing", f"Add a table [[{spot.place}]]"
    if field and field.examples:
        return "is missing", f"Add a line such as: {spot.key} = {_literal(field.examples[0])}"
    what = f", {field.description}" if field and field.description else ""
    return "is missing", f"Add the line: {spot.key} = ...{what}"


def _describe_unknown(_detail: ErrorDetails, spot: _Spot) -> tuple[str, str]:
    return "there is no such option", suggest(spot.key, spot.siblings)


def _describe_flaw(detail: ErrorDetails, spot: _Spot) -> tuple[str, str]:
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, Flaw):
        return error.message, error.mend
    message, _, mend = str(error).partition(" | ")
    return message, mend or _right_form(spot)


def _describe_type(detail: ErrorDetails, spot: _Spot) -> tuple[str, str]:
    right, mend = _TYPES[detail["type"]]
    value = detail["input"]
    message = f"is {_literal(value)}, but must be {right}"
    if isinstance(value, dict) and right == _LIST[0] and _fields(_step(_kinds(spot), 0)):
        mend = f"Write [[{spot.place}]], in double brackets"
    elif isinstance(value, list) and right == _TABLE[0]:
        mend = f"Write [{spot.place}], in single brackets"
    elif spot.field and spot.field.examples:
        mend = _right_form(spot)
    return message, mend


def _describe_limit(detail: ErrorDetails, _spot: _Spot) -> tuple[str, str]:
    message, mend = _LIMITS[detail["type"]]
    facts = {**detail.get("ctx", {}), "value": _literal(detail["input"])}
    return message.format_map(facts), mend.format_map(facts)


def _describe_form(detail: ErrorDetails, spot: _Spot) -> tuple[str, str]:
    return f"{_literal(detail['input'])} has not the right form", _right_form(spot)


def _describe_rest(detail: ErrorDetails, spot: _Spot) -> tuple[str, str]:
    message = detail["msg"]
    return message[:1].lower() + message[1:], _right_form(spot)


def _kinds(spot: _Spot) -> list[Any]:
    return _unfold(spot.field.annotation) if spot.field else []


def _right_form(spot: _Spot) -> str:
    """Return how the value should look, as far as its field tells."""
    field = spot.field
    if field and field.examples:
        return f"Write it like this: {spot.key} = {_literal(field.examples[0])}"
    return f"Write {field.description}" if field and field.description else "Correct the value"


def _literal(value: object) -> str:
    """Return a value as TOML has it, on one line and not at length."""
    match value:
        case dict():
            return "a table"
        case list():
            return "a list"
    return json.dumps(value, ensure_ascii=False, default=str)


_LIST = ("a list", 'Put it in brackets: ["one", "two"]')
_TABLE = ("a table", "Write it as a table with its own options")
