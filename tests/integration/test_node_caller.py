"""A caller in another language, from the shipped descriptor set: Node, over mutual TLS.

`tests/run.sh` installs what it needs (tests/node/package-lock.json).
"""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mpic.client import Client
from tests.world.deployment import COORDINATOR, Deployment, Plan
from tests.world.held import hold

REPOSITORY = Path(__file__).resolve().parents[2]
NODE = REPOSITORY / "tests/node"
GOOD = "child.parent.example.co.jp"
PLAN = Plan(lookup_timeout=60, coordinator_extra="\n[limits]\ncaller_names_in_flight = 100\n")

pytestmark = pytest.mark.skipif(
    not (NODE / "node_modules/@grpc/grpc-js").exists(),
    reason="tests/run.sh could not install tests/node: npm ci failed",
)


def ask(deployment: Deployment, *names: str) -> Any:  # noqa: ANN401 - what it printed
    tls = deployment.caller_tls()
    request = {"request_id": "node/1", "names": [{"name": name} for name in names]}
    command = [
        *("node", NODE / "ask.mjs", REPOSITORY / "proto/mpic/v1/agreement.binpb"),
        *(COORDINATOR, "localhost", tls.certificate, tls.private_key, tls.authority),
        json.dumps(request),
    ]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    assert done.returncode == 0
    return json.loads(done.stdout)


def test_it_is_told_the_verdict(deployment: Deployment) -> None:
    answer = ask(deployment, GOOD)
    assert answer["approved"] is True
    assert answer["request_id"] == "node/1"
    (name,) = answer["names"]
    assert (name["name"], name["reason"]) == (GOOD, "REASON_CORROBORATED")


def test_it_reads_which_fields_are_wrong(deployment: Deployment) -> None:
    answer = ask(deployment, GOOD, "*.co.jp")
    assert answer["code"] == "INVALID_ARGUMENT"
    info = answer["details"]["google.rpc.ErrorInfo"]
    assert (info["domain"], info["reason"]) == ("mpic", "INVALID_REQUEST")
    (violation,) = answer["details"]["google.rpc.BadRequest"]["field_violations"]
    assert violation["field"] == "names[1].name"
    assert violation["description"]


def test_it_reads_when_to_ask_again(deployment: Deployment) -> None:
    tls = deployment.caller_tls()
    with (
        Client(COORDINATOR, tls, server_name="localhost") as client,
        ThreadPoolExecutor(1) as threads,
        hold() as held,
    ):
        asking = threads.submit(client.corroborate, held.names(100))
        deployment.wait_looking(100)
        answer = ask(deployment, GOOD)
        held.release()
        asking.result()
    assert answer["code"] == "RESOURCE_EXHAUSTED"
    assert answer["details"]["google.rpc.ErrorInfo"]["reason"] == "CALLER_LIMIT"
    delay = answer["details"]["google.rpc.RetryInfo"]["retry_delay"]
    assert int(delay["seconds"]) + delay["nanos"] > 0
