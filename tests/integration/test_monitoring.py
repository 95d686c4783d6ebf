"""A real Prometheus with the shipped rules scrapes the real programs; the boards show something."""

import json
import math
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.monitoring import BOARDS, MONITORING, RULES, metrics_used, queries, recorded
from tests.world import network
from tests.world.deployment import COORDINATOR_ADMIN, Deployment, Plan, agent_admin
from tests.world.domain_control import KEY_AUTHORIZATION, TOKEN
from tests.world.http_caller import TOKEN as BEARER
from tests.world.http_caller import HttpCaller, http_table
from tests.world.places import PLACES
from tests.world.process import Child, wait_until
from tests.world.web_servers import WebServer

CHILD = "child.parent.example.co.jp"
PROMETHEUS = "127.0.0.1:9090"
AGENTS = PLACES[:6]
PLAN = Plan(coordinator_extra=http_table("accepted", BEARER))


def get(address: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=60) as response:
        text: str = response.read().decode()
    return text


def query(expression: str) -> list[dict[str, Any]]:
    """Ask Prometheus for the present value of an expression."""
    path = f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    found: list[dict[str, Any]] = json.loads(get(PROMETHEUS, path))["data"]["result"]
    return found


def has_data(expression: str) -> bool:
    return any(not math.isnan(float(one["value"][1])) for one in query(expression))


def shipped_config(directory: Path) -> Path:
    """Return the shipped example, with our addresses and for people in a hurry."""
    text = (MONITORING / "prometheus.yml").read_text()
    for place in AGENTS:
        host = "coordinator" if place is PLACES[0] else place.id
        shipped = f"{host}.example.net:8310"
        assert shipped in text
        text = text.replace(shipped, agent_admin(place))
    text = text.replace("coordinator.example.net:8300", COORDINATOR_ADMIN)
    text = text.replace(" 15s", " 1s").replace("rules/*.yml", f"{MONITORING}/rules/*.yml")
    file = directory / "prometheus.yml"
    file.write_text(text)
    return file


def prove_control() -> c.CorroborateRequest:
    """Ask for a name whose control is proved over HTTP, so that agents fetch."""
    method = c.AcmeHttp01(token=TOKEN, key_authorization=KEY_AUTHORIZATION)
    name = c.RequestedName(name=CHILD, domain_control=c.DomainControl(acme_http_01=method))
    name.domain_control.challenge_created_at.FromDatetime(datetime.now(UTC))
    return c.CorroborateRequest(names=[name])


@pytest.fixture(scope="module")
def prometheus(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    directory = tmp_path_factory.mktemp("prometheus")
    storage = f"--storage.tsdb.path={directory / 'data'}"
    config = f"--config.file={shipped_config(directory)}"
    listen = f"--web.listen-address={PROMETHEUS}"
    child = Child(("prometheus", config, storage, listen), directory / "log")
    try:
        # A rate needs two scrapes: one before the questions, one after.
        child.wait_ready(lambda: "Server is ready" in child.log_file.read_text())
        wait_until(lambda: len(query("up == 1")) == 1 + len(AGENTS), 60, lambda: str(query("up")))
        for number in range(3):
            assert deployment.ask(CHILD, f"n{number}.{CHILD}").approved
        with WebServer(directory / "owner", (network.WEB,)) as web:
            web.put(CHILD, f"/.well-known/acme-challenge/{TOKEN}", KEY_AUTHORIZATION)
            assert deployment.ask_request(prove_control()).approved
        for token, status in ((BEARER, 200), ("nobody's", 401)):
            caller = HttpCaller(deployment.caller_tls(), token=token)
            assert caller.ask(f"by-http-{status}", CHILD).status == status
        recorded_p99 = "mpic:decision_duration_seconds:p99_rate5m"
        wait_until(lambda: has_data(recorded_p99), 60, lambda: str(query(recorded_p99)))
        yield child
    finally:
        child.stop()


def test_what_boards_and_rules_read_is_exported(deployment: Deployment) -> None:
    del deployment
    texts = [get(address, "/metrics") for address in (COORDINATOR_ADMIN, agent_admin(PLACES[0]))]
    for text in texts:
        subprocess.run(["promtool", "check", "metrics"], input=text, text=True, check=True)
    exported = set(re.findall(r"(?m)^([a-z_:]+)", "\n".join(texts)))
    assert metrics_used() - recorded() - exported == set()
    described = (MONITORING / "README.md").read_text()
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported if name[:4] == "mpic"}
    assert {one for one in ours if f"`{one}" not in described} == {
        one for one in ours if one.startswith("mpic_unbound_")
    }


def test_no_label_holds_what_a_caller_chose(prometheus: Child) -> None:
    del prometheus
    series = json.dumps(query('{__name__=~"(mpic|grpc).*"}'))
    assert "tokyo" in series
    assert "co.jp" not in series


def test_every_rule_is_evaluated(prometheus: Child) -> None:
    del prometheus
    groups = json.loads(get(PROMETHEUS, "/api/v1/rules"))["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    shipped = sum(file.read_text().count("expr:") for file in RULES)
    assert len(rules) == shipped
    assert {rule["health"] for rule in rules} == {"ok"}
    wait_until(lambda: all(map(has_data, recorded())), 60, lambda: str(empty(recorded())))


def empty(expressions: set[str]) -> list[str]:
    return [one for one in expressions if not has_data(one)]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_every_panel_shows_data(prometheus: Child, board: Path) -> None:
    del prometheus
    found = queries(board)
    nothing = {title for title, expression in found.items() if not has_data(expression)}
    # Rules are read one evaluation after what they are made of.
    wait_until(
        lambda: not [one for one in nothing if not has_data(found[one])], 60, lambda: str(nothing)
    )


def test_nothing_is_alarming_while_all_is_well(prometheus: Child) -> None:
    del prometheus
    # How fast a busy machine of the tests' is, and its disk, is another matter.
    machine = {"MpicDecisionsSlow", "MpicRecordSlow", "MpicPerspectiveLate"}

    def alarming() -> set[str]:
        return {one["metric"]["alertname"] for one in query('ALERTS{alertname!=""}')} - machine

    wait_until(lambda: not alarming(), 60, lambda: str(alarming()))
