"""The table of bounds is true: each is where it says, has the value it says, and is driven over."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
UNITS = {"": 1, "s": 1, "ms": 0.001, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Mult: operator.mul,
    ast.Pow: operator.pow,
    ast.Add: operator.add,
}


class Row(NamedTuple):
    """A row of the table."""

    what: str
    value: str
    where: str
    test: str


def read_rows() -> list[Row]:
    text = (REPOSITORY / "deploy/operation.md").read_text()
    section = text.partition("\n## Bounds\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert lines[0] == "| what | value | where | test |"
    return [Row(*(cell.strip() for cell in line.strip("|").split(" | "))) for line in lines[2:]]


ROWS = read_rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_a_bound_is_where_the_table_says_and_has_its_value(row: Row) -> None:
    file, name = re.fullmatch(r"`([\w/.]+)` `(\w+)`", row.where).groups()
    source = (REPOSITORY / file).read_text()
    assert re.search(rf"\b{name}\b", source)
    if re.fullmatch("_?[A-Z][A-Z_]+", name):
        number, unit = re.match(r"([\d,.]+) ?(KiB|MiB|GiB|ms|s\b|)", row.value).groups()
        assert float(number.replace(",", "")) * UNITS[unit] in constants(source, name)


def constants(source: str, name: str) -> set[float]:
    """The value that a module gives to a name; of an expression for a text, the numbers in it."""
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                if isinstance(value, ast.Call):
                    return {float(number) for number in re.findall(r"\d+", ast.unparse(value))}
                return {evaluate(value)}
    # It is another module's.
    (module,) = re.findall(rf"(?m)^from ([\w.]+) import .*\b{name}\b", source)
    path = module.replace(".", "/").replace("mpic/", "proto/mpic/", 1) + ".py"
    return constants((REPOSITORY / path).read_text(), name)


def evaluate(value: ast.expr) -> float:
    match value:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](evaluate(left), evaluate(right))
    raise AssertionError(ast.dump(value))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_a_bound_has_a_test_that_drives_it_over(row: Row) -> None:
    file, name = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", row.test).groups()
    assert re.search(rf"(?m)^(async )?def {name}\(", (REPOSITORY / file).read_text())


def test_a_wrong_value_would_be_found() -> None:
    assert constants("_MOST = 4 * 1024 * 1024", "_MOST") == {4 * UNITS["MiB"]}
    assert constants("MOST = 2**20", "MOST") != {4 * UNITS["MiB"]}
    assert constants('_ID = re.compile(r"[a-z]{1,64}")', "_ID") == {1, 64}
