"""The page about HTTP/JSON is true: its examples run, its file loads, its table is whole."""

import json
import re
import subprocess
import tomllib
from http import HTTPStatus
from pathlib import Path

import pytest

from coordinator.api.http.problems import HTTP_STATUS
from coordinator.api.http.settings import HttpTable
from tests.world.deployment import Deployment, Plan
from tests.world.http_caller import PORT, TOKEN, http_table

PAGE = (Path(__file__).resolve().parents[2] / "deploy/http.md").read_text()
EXAMPLES = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
NAME = "child.parent.example.co.jp"
PLAN = Plan(coordinator_extra=http_table("accepted", TOKEN))


def run(deployment: Deployment, example: str) -> list[dict[str, object]]:
    tls = deployment.caller_tls()
    environment = {
        "PATH": "/usr/bin:/bin",
        "URL": f"https://localhost:{PORT}",
        "MPIC_CA": str(tls.authority),
        "MPIC_CERT": str(tls.certificate),
        "MPIC_KEY": str(tls.private_key),
        "TOKEN": TOKEN,
    }
    script = re.sub(r'"name": "(www\.)?example\.co\.jp"', f'"name": "{NAME}"', example)
    assert NAME in script
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_example_runs(deployment: Deployment) -> None:
    deployment.wait_ready()
    by_token, by_certificate, by_lines = EXAMPLES
    for example, request_id in ((by_token, "r-2026-0001"), (by_certificate, "r-2026-0002")):
        (answer,) = run(deployment, example)
        assert (answer["requestId"], answer["approved"]) == (request_id, True)
    lines = run(deployment, by_lines)
    assert {(one["line"], one["requestId"]) for one in lines} == {
        (1, "r-2026-0003"),
        (2, "r-2026-0004"),
    }


def test_the_configuration_loads() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    table = tomllib.loads(text)["http"]
    assert HttpTable.model_validate(table).callers_by_hash


@pytest.mark.parametrize("status", sorted(set(HTTP_STATUS.values()) - {200, 501}))
def test_every_status_is_in_the_table(status: HTTPStatus) -> None:
    rows = re.findall(r"(?m)^\| (\d{3}(?:, \d{3})*) \|", PAGE)
    assert str(int(status)) in ", ".join(rows).split(", ")
