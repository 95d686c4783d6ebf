"""Rules, alerts with their runbooks, and boards: each is valid, complete, and proven to act."""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.main import get_group

from mpic.runtime.cli import build_app
from tests.monitoring import (
    ALERTS,
    BOARDS,
    MONITORING,
    RULES,
    metrics_used,
    panels,
    queries,
    recorded,
)

CASES = Path(__file__).parent / "alerts_test.yml"
SECTIONS = ["What happens", "How you see it", "What you do"]
COMMANDS = set(get_group(build_app()).commands)
# Grafana's identifiers of the units in use.
UNITS = {"reqps", "percentunit", "s", "short", "bytes"}


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_of_a_prometheus_is_valid() -> None:
    promtool("check", "config", "--lint-fatal", MONITORING / "prometheus.yml")


def test_every_alert_fires_and_does_not() -> None:
    promtool("test", "rules", CASES)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_case_of_each_kind(alert: str) -> None:
    cases = re.split(r"(?m)^  - name: ", CASES.read_text())[1:]
    ours = [case for case in cases if f"alertname: {alert}\n" in case]
    assert any("exp_labels" in case for case in ours)
    assert any("exp_alerts: []" in case for case in ours)


def test_every_alert_has_its_runbook_and_the_reverse() -> None:
    runbooks = {path.stem for path in (MONITORING / "runbooks").iterdir()}
    assert runbooks == set(ALERTS)
    text = (MONITORING / "rules/alerts.yml").read_text()
    assert re.findall(r"runbook_url: runbooks/(\w+)\.md", text) == ALERTS
    assert text.count("summary: ") == text.count("severity: ") == len(ALERTS)
    assert set(re.findall(r"severity: (\w+)", text)) == {"page", "ticket"}


def test_the_page_about_it_leads_to_everything() -> None:
    links = re.findall(r"\]\(([^)]+)\)", (MONITORING / "README.md").read_text())
    assert all((MONITORING / link).exists() for link in links)
    there = {str(file.relative_to(MONITORING)) for file in (*RULES, *BOARDS)}
    assert there | {"prometheus.yml", "runbooks"} == set(links)


@pytest.mark.parametrize("alert", ALERTS)
def test_a_runbook_says_what_where_and_what_to_do(alert: str) -> None:
    text = (MONITORING / f"runbooks/{alert}.md").read_text()
    assert text.startswith(f"# {alert}\n")
    assert re.findall(r"(?m)^## (.*)$", text) == SECTIONS
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert (MONITORING / "runbooks" / link).exists(), link
    (commands,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    shell = subprocess.run(
        ["bash", "-n"], input=commands, text=True, capture_output=True, check=False
    )
    assert shell.returncode == 0, shell.stderr
    assert set(re.findall(r"(?m)^mpic (\w[\w-]+)", commands)) <= COMMANDS
    todo = text.rpartition("## What you do")[2]
    assert todo.strip().startswith(("- ", "| "))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_a_board_is_what_grafana_reads(board: Path) -> None:
    data = json.loads(board.read_text())
    assert data["uid"]
    assert data["title"].startswith("MPIC: ")
    assert data["schemaVersion"] >= 36
    assert data["templating"]["list"][0]["type"] == "datasource"
    ids = [panel["id"] for panel in data["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in data["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_every_panel_has_title_unit_source_and_queries(board: Path) -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    titles = [panel["title"] for panel in panels(board)]
    assert len(set(titles)) == len(titles)
    for panel in panels(board):
        title = panel["title"]
        assert title
        assert panel["type"] in {"timeseries", "stat", "heatmap"}, title
        assert panel["datasource"] == source, title
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"] in UNITS, title
        values = [step["value"] for step in defaults["thresholds"]["steps"]]
        assert values[0] is None, title
        assert values[1:] == sorted(values[1:]), title
        assert panel["options"], title
        assert panel["targets"], title
        assert [target["refId"] for target in panel["targets"]] == list(
            "ABCD"[: len(panel["targets"])]
        )
        for target in panel["targets"]:
            assert target["datasource"] == source, title
            assert target["expr"], title
            assert target["legendFormat"], title


def as_rules(expressions: Sequence[str]) -> str:
    """Rules that record the expressions; JSON is YAML."""
    rules = [{"record": f"panel:{n}", "expr": one} for n, one in enumerate(expressions)]
    return json.dumps({"groups": [{"name": "panels", "rules": rules}]})


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_every_query_of_a_board_is_one(board: Path, tmp_path: Path) -> None:
    file = tmp_path / "panels.yml"
    file.write_text(as_rules(list(queries(board).values())))
    promtool("check", "rules", file)


def test_no_rule_records_what_nobody_reads_and_all_rules_are_there() -> None:
    promtool("check", "rules", "--lint-fatal", *RULES)
    assert {name for name in metrics_used() if ":" in name} == recorded()
