"""The page about HTTP/JSON is true: its file loads, its table is whole.

Its examples run in tests/integration/test_http.py.
"""

import re
import tomllib
from http import HTTPStatus
from pathlib import Path

import pytest

from coordinator.api.http.problems import HTTP_STATUS
from coordinator.api.http.settings import HttpTable

PAGE = (Path(__file__).resolve().parents[2] / "deploy/http.md").read_text()


def test_the_configuration_loads() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    table = tomllib.loads(text)["http"]
    assert HttpTable.model_validate(table).callers_by_hash


@pytest.mark.parametrize("status", sorted(set(HTTP_STATUS.values()) - {200, 501}))
def test_every_status_is_in_the_table(status: HTTPStatus) -> None:
    rows = re.findall(r"(?m)^\| (\d{3}(?:, \d{3})*) \|", PAGE)
    assert str(int(status)) in ", ".join(rows).split(", ")
