"""The table of reasons in the agreement is what the code does."""

import ast
import re
from pathlib import Path
from typing import NamedTuple, get_args

import grpc
import pytest

from coordinator.rules.responsibility import Responsible, blame_error
from mpic.runtime.grpc.reasons import CallReason

REPOSITORY = Path(__file__).resolve().parents[2]
WHOSE = {"caller": Responsible.CALLER, "service": Responsible.OURS}


class Row(NamedTuple):
    status: str
    reason: str
    whose: str


def read_rows() -> list[Row]:
    text = (REPOSITORY / "proto/mpic/v1/corroboration.proto").read_text()
    found = re.findall(r"(?m)^//   ([A-Z_]+) +([A-Z_]+) +(caller|service) +\S", text)
    return [Row(*one) for one in found]


ROWS = read_rows()


def test_every_reason_has_one_row() -> None:
    assert sorted(row.reason for row in ROWS) == sorted(get_args(CallReason))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.reason)
def test_a_reason_is_whose_the_table_says(row: Row) -> None:
    assert blame_error(row.reason) is WHOSE[row.whose]


def test_a_reason_has_the_status_of_the_table() -> None:
    told = {row.reason: {row.status} for row in ROWS}
    raised: dict[str, set[str]] = {}
    for root in ("coordinator", "proto/mpic/runtime"):
        for file in (REPOSITORY / root).rglob("*.py"):
            for status, reason in find_errors(ast.parse(file.read_text())):
                raised.setdefault(reason, set()).add(status)
    assert {reason: told[reason] for reason in raised} == raised
    assert set(told) - set(raised) <= SHORT.keys()
    assert {reason: {status} for reason, status in SHORT.items()}.items() <= told.items()


SHORT = {
    "CALLER_LIMIT": "RESOURCE_EXHAUSTED",
    "NO_POLICY_ROW": "FAILED_PRECONDITION",
    "OVERLOADED": "RESOURCE_EXHAUSTED",
    "ROSTER_BREAKS_POLICY": "FAILED_PRECONDITION",
}
"""Made by a function that is given the reason."""


def find_errors(tree: ast.Module) -> list[tuple[str, str]]:
    """The status and the reason of each error that is made with both written out."""
    return [
        (status.attr, str(reason.value))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and len(node.args) >= 2
        for status, reason in [node.args[:2]]
        if isinstance(status, ast.Attribute)
        and status.attr in grpc.StatusCode.__members__
        and isinstance(reason, ast.Constant)
        and reason.value in get_args(CallReason)
    ]
