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

EXPLAIN = (Path(__file__).resolve().parents[2] / "deploy/explain.md").read_text()
PAGE = (Path(__file__).resolve().parents[2] / "deploy/http.md").read_text()


def read_table(page: str) -> HttpTable:
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    return HttpTable.model_validate(tomllib.loads(text)["http"])


def test_the_configuration_loads() -> None:
    assert read_table(PAGE).callers_by_hash


def test_the_configuration_of_links_loads() -> None:
    table = read_table(EXPLAIN)
    assert (table.public_url, table.link_days) == ("https://mpic.example.ac.jp", 14)


@pytest.mark.parametrize("status", sorted(set(HTTP_STATUS.values()) - {200, 501}))
def test_every_status_is_in_the_table(status: HTTPStatus) -> None:
    rows = re.findall(r"(?m)^\| (\d{3}(?:, \d{3})*) \|", PAGE)
    assert str(int(status)) in ", ".join(rows).split(", ")
