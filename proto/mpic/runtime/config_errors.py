"""Words what tomllib and pydantic find wrong with a configuration file for an operator."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mpic.runtime.problem import Flaw, Problem, suggest

ProblemText = tuple[str, str]
"""What is wrong, and what to do about it."""

# What tomllib says, what that means, and what to do. Python's tuple of keys becomes [a.table].
_SYNTAX: Sequence[tuple[str, str, str]] = (
    ("Invalid value", "there is no value here", 'Put text in quotes: key = "value"'),
    ("Invalid statement", "this begins neither a key nor a table", "Write key = value, or [table]"),
    ("Expected '=' after a key in a .*", "there is no = after the key", "Write key = value"),
    (
        "Expected newline or end of document after a statement",
        "more follows after the value",
        "Give each key a line of its own, and put text in quotes",
    ),
    (
        r"Unterminated string|Expected [\"']+",
        "a quotation mark is missing",
        "Close the text with one",
    ),
    ("Cannot overwrite a value", "the key stands there twice", "Keep one of the two"),
    (r"Cannot declare (\(.*\)) twice", "the table {} stands there twice", "Join the two"),
    (
        r"Cannot mutate immutable namespace (\(.*\))",
        "the table {} is complete already",
        "Put all its keys in one place",
    ),
)
_SYNTAX_AT = re.compile(r"(.*) \(at (end of document|line \d+, column \d+)\)", re.DOTALL)


def describe_syntax(message: str) -> Problem:
    """Return what tomllib found."""
    at = _SYNTAX_AT.fullmatch(message)
    what, place = at.groups() if at else (message, "")
    for pattern, plain, mend in _SYNTAX:
        if found := re.fullmatch(pattern, what):
            keys = ".".join(re.findall(r"'([^']*)'", "".join(found.groups())))
            return Problem(place, plain.format(f"[{keys}]"), mend)
    return Problem(place, what[:1].lower() + what[1:], "Mend the syntax; toml.io explains it")


def describe_validation(
    error: ValidationError, model: type[BaseModel], data: dict[str, Any]
) -> list[Problem]:
    """Return what pydantic found when it read `data`, as parsed from TOML, into `model`."""
    return [_describe(detail, _locate(model, data, detail["loc"])) for detail in error.errors()]


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where pydantic found something, and what the model has there."""

    place: str = ""
    key: str = ""
    field: FieldInfo | None = None
    kinds: Sequence[Any] = ()
    siblings: tuple[str, ...] = ()

    @property
    def header(self) -> str:
        """The name in brackets above the table here: TOML does not number tables."""
        return re.sub(r"\[\d+\]", "", self.place)


def _locate(model: type[BaseModel], data: object, loc: tuple[int | str, ...]) -> _Spot:
    """Follow `loc` through model and data, past the steps that only pydantic knows."""
    spot, node = _Spot(kinds=[model]), data
    for part in loc:
        fields = _fields(spot.kinds)
        kinds = _step(spot.kinds, part)
        if isinstance(part, int) and isinstance(node, list):
            spot = _Spot(f"{spot.place}[{part}]", spot.key, spot.field, kinds)
            node = node[part]
        elif isinstance(part, str) and isinstance(node, dict) and part in {*node, *fields}:
            place = _join(spot.place, _key(part))
            spot = _Spot(place, _key(part), fields.get(part), kinds, tuple(fields))
            node = node.get(part)
    return spot


def _join(place: str, inner: str) -> str:
    return f"{place}.{inner}" if place and inner else place or inner


def _key(key: str) -> str:
    """Return a key as it has to be written in TOML."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _fields(kinds: Sequence[Any]) -> dict[str, FieldInfo]:
    """Return the fields of the tables among `kinds`, by the name they have in a file."""
    return {
        field.alias or name: field
        for table in kinds
        if isinstance(table, type) and issubclass(table, BaseModel)
        for name, field in table.model_fields.items()
    }


def _step(kinds: Sequence[Any], part: int | str) -> list[Any]:
    """Return the types one step inside: of a table's field, a list's element, a dict's value."""
    inner: list[object] = [field.annotation for key, field in _fields(kinds).items() if key == part]
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
    error = detail.get("ctx", {}).get("error")
    place = _join(spot.place, error.place) if isinstance(error, Flaw) else spot.place
    return Problem(place, *describe(detail, spot))


def _describe_missing(_detail: ErrorDetails, spot: _Spot) -> ProblemText:
    if _fields(spot.kinds):
        return "is missing", f"Add the table [{spot.header}]"
    if _fields(_step(spot.kinds, 0)):
        return "is missing", f"Add a table [[{spot.header}]]"
    if spot.field and spot.field.examples:
        return "is missing", f"Add a line such as: {_example(spot)}"
    meaning = f" ({spot.field.description})" if spot.field and spot.field.description else ""
    return "is missing", f"Add the line: {spot.key} = ...{meaning}"


def _describe_unknown(_detail: ErrorDetails, spot: _Spot) -> ProblemText:
    return "there is no such option", suggest(spot.key, spot.siblings)


def _describe_flaw(detail: ErrorDetails, spot: _Spot) -> ProblemText:
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, Flaw):
        return error.message, error.mend
    message, _, mend = str(error).partition(" | ")
    return message, mend or _right_form(spot) or "Correct the value"


def _describe_type(detail: ErrorDetails, spot: _Spot) -> ProblemText:
    right, mend = _TYPES[detail["type"]]
    value = detail["input"]
    if right == "a list" and isinstance(value, dict):
        mend = f"Write [[{spot.header}]], in double brackets"
    elif right == "a table" and isinstance(value, list):
        mend = f"Write [{spot.header}], in single brackets"
    elif spot.field and spot.field.examples:
        mend = _right_form(spot)
    return f"is {_shown(detail, spot)}, but must be {right}", mend


def _describe_limit(detail: ErrorDetails, spot: _Spot) -> ProblemText:
    kind = detail["type"]
    of_text = isinstance(detail["input"], str) and kind in ("too_short", "too_long")
    message, mend = _LIMITS[f"string_{kind}" if of_text else kind]
    facts = {name: _plain(fact) for name, fact in detail.get("ctx", {}).items()}
    facts["value"] = _shown(detail, spot)
    return message.format_map(facts), mend.format_map(facts)


def _describe_choice(detail: ErrorDetails, spot: _Spot) -> ProblemText:
    choices = detail["ctx"]["expected"].replace("'", '"')
    return f"{_shown(detail, spot)} is not one of the choices", f"Write {choices}"


def _describe_form(detail: ErrorDetails, spot: _Spot) -> ProblemText:
    mend = _right_form(spot) or f"It has to match {detail['ctx']['pattern']}"
    return f"{_shown(detail, spot)} does not have the right form", mend


def _describe_rest(detail: ErrorDetails, spot: _Spot) -> ProblemText:
    message = detail["msg"]
    return message[:1].lower() + message[1:], _right_form(spot) or "Correct the value"


def _right_form(spot: _Spot) -> str:
    """Return how the value should look, if its field tells."""
    if spot.field and spot.field.examples:
        return f"Write it like this: {_example(spot)}"
    if spot.field and spot.field.description:
        return f"Write {spot.field.description}"
    return ""


def _plain(fact: object) -> object:
    """Return a limit without the zero behind the point that its type gives it."""
    return f"{fact:g}" if isinstance(fact, float) else fact


def _example(spot: _Spot) -> str:
    examples = spot.field.examples if spot.field else None
    return f"{spot.key} = {json.dumps((examples or ['...'])[0], ensure_ascii=False, default=str)}"


def _shown(detail: ErrorDetails, spot: _Spot) -> str:
    """Return the value as it stands in the file, on one line; no secret, and nothing long."""
    value = detail["input"]
    if SecretStr in spot.kinds or SecretBytes in spot.kinds:
        return "the secret"
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f'{text[:76]}..."'  # noqa: PLR2004 - about a line


_TYPES: Mapping[str, ProblemText] = {
    **dict.fromkeys(
        ("int_type", "int_from_float", "int_parsing"),
        ("a whole number", "Write digits alone, without quotes"),
    ),
    **dict.fromkeys(
        ("float_type", "float_parsing"),
        ("a number", "Write a number, without quotes"),
    ),
    **dict.fromkeys(
        ("bool_type", "bool_parsing"), ("true or false", "Write true or false, without quotes")
    ),
    **dict.fromkeys(
        ("string_type", "string_sub_type", "path_type"), ("text", "Put it in double quotes")
    ),
    **dict.fromkeys(
        ("list_type", "tuple_type", "set_type", "frozen_set_type"),
        ("a list", "Put it in square brackets, with commas between"),
    ),
    **dict.fromkeys(
        ("model_type", "model_attributes_type", "dict_type"),
        ("a table", "Give it options of its own: a line [table], then key = value"),
    ),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing"),
        ("a date and time", "Write it like this, without quotes: 2026-12-15T00:00:00Z"),
    ),
    "timezone_aware": (
        "a time with its time zone",
        "Write it like this, without quotes: 2026-12-15T00:00:00Z",
    ),
}

_LIMITS: Mapping[str, ProblemText] = {
    "greater_than_equal": ("is {value}, which is too small", "Write {ge} or more"),
    "greater_than": ("is {value}, which is too small", "Write more than {gt}"),
    "less_than_equal": ("is {value}, which is too large", "Write {le} or less"),
    "less_than": ("is {value}, which is too large", "Write less than {lt}"),
    "finite_number": ("is not a finite number", "Write digits"),
    "string_too_short": ("{value} is too short", "Write {min_length} characters or more"),
    "string_too_long": ("{value} is too long", "Write {max_length} characters or less"),
    "too_short": ("has {actual_length} entries", "List {min_length} or more"),
    "too_long": ("has {actual_length} entries", "List {max_length} or fewer"),
}

_DESCRIBERS: Mapping[str, Callable[[ErrorDetails, _Spot], ProblemText]] = {
    "missing": _describe_missing,
    "extra_forbidden": _describe_unknown,
    "value_error": _describe_flaw,
    "assertion_error": _describe_flaw,
    "literal_error": _describe_choice,
    "enum": _describe_choice,
    "string_pattern_mismatch": _describe_form,
    **dict.fromkeys(_TYPES, _describe_type),
    **dict.fromkeys(_LIMITS, _describe_limit),
}
