"""The command `mpic explain`: which record it reads, what it prints, and its exit status."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from mpic.ask import explain_command
from mpic.ask.last_record import remember_record
from mpic.explain.tasks import TASKS
from mpic.runtime.cli import build_app
from mpic.v1 import corroboration_pb2 as c
from tests.unit.mpic.explain.answers import approved, forbidden, led_astray

RECORD = "019ad2b4-0000-7000-8000-00c0ffee0000"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Stand in for the coordinator: it gives the record that a test puts here."""
    told: dict[str, Any] = {"answer": forbidden(), "ids": []}
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")

    def get(*, record_id: str) -> c.GetCorroborationResponse:
        told["ids"].append(record_id)
        return c.GetCorroborationResponse(verdict=told["answer"])

    def call(_: object, read: Any) -> c.CorroborateResponse:  # noqa: ANN401 - a partial
        answer: c.CorroborateResponse = read(SimpleNamespace(get=get))
        return answer

    monkeypatch.setattr(explain_command, "call_or_exit", call)
    return told


def run(*arguments: str) -> Any:  # noqa: ANN401 - typer's own
    return CliRunner().invoke(build_app("explain"), ["explain", *arguments])


def test_a_record_is_read_by_its_id_and_explained(asked: dict[str, Any]) -> None:
    done = run(RECORD)
    assert (done.exit_code, asked["ids"]) == (1, [RECORD])
    assert 'example.ac.jp. 3600 IN CAA 0 issue "ca.example.test"\n' in done.stdout
    assert "対応" in run(RECORD, "--lang", "ja").stdout


def test_the_last_record_needs_no_id(asked: dict[str, Any], tmp_path: Path) -> None:
    assert run("--last").exit_code == 2
    remember_record(RECORD, {"XDG_STATE_HOME": str(tmp_path)})
    assert run("--last").exit_code == 1
    assert asked["ids"] == [RECORD]


@pytest.mark.parametrize("arguments", [(), (RECORD, "--last"), ("",)])
def test_one_record_must_be_meant(asked: dict[str, Any], arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
    assert asked["ids"] == []


def test_the_exit_status_is_that_of_the_answer(asked: dict[str, Any]) -> None:
    asked["answer"] = approved()
    assert run(RECORD).exit_code == 0
    asked["answer"] = led_astray()
    asked["answer"].names[0].responsible = c.RESPONSIBLE_SERVICE
    assert run(RECORD).exit_code == 11


def test_a_program_gets_codes(asked: dict[str, Any]) -> None:
    asked["answer"] = led_astray()
    done = run(RECORD, "--json", "--lang", "ja")
    told = json.loads(done.stdout)
    assert told["error_code"] == "338"
    assert told["asked_at"] == "2026-11-30T00:53:20+00:00"
    (name,) = told["names"]
    assert name["problems"][0]["code"] == "dissent.DIFFERS.addresses"
    assert name["perspectives"][0]["elapsed"] == 0.02


@pytest.mark.parametrize("language", ["en", "ja"])
def test_all_codes_are_listed_without_asking_anybody(asked: dict[str, Any], language: str) -> None:
    done = run("--codes", "--lang", language)
    assert (done.exit_code, asked["ids"]) == (0, [])
    for code in TASKS:
        assert f"{code}\n" in done.stdout
    assert ".message" not in done.stdout
    listed = json.loads(run("--codes", "--json", "--lang", language).stdout)
    assert [one["code"] for one in listed] == list(TASKS)
    assert all(one["message"] and one["cause"] and one["remedy"] for one in listed)
