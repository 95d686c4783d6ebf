"""Rolling restart and renewal of certificates under steady load: how many requests fail.

    tests/bench/rolling.sh [--quick] [--json FILE]

Two coordinators and six agents, each one process, run over mutual TLS with real BIND and Unbound.
The callers use one channel each to both coordinators, with the service config of
deploy/operation.md: round robin, and another try on UNAVAILABLE and CANCELLED. Each program in turn
is ended by SIGTERM and started again. Then each gets a new certificate while it runs. A request
fails if it is not approved.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grpc import aio

from mpic.channel import channel_credentials
from mpic.runtime.pki import Subject, issue_certificate, load_authority
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.world.deployment import COORDINATOR, COORDINATOR_ADMIN, Deployment, Plan, wait_serving
from tests.world.internet import Internet
from tests.world.process import Child, wait_until
from tests.world.requests import named

SECOND, SECOND_ADMIN = "127.0.0.1:7390", "127.0.0.1:9390"
SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": "mpic.v1.CorroborationService"}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ],
}
_CALLERS = 4


@dataclass(slots=True)
class Result:
    """What came of the requests of one phase."""

    latencies: list[float] = field(default_factory=list)
    """Seconds, of those approved."""
    failures: list[str] = field(default_factory=list)


class Fleet:
    """A deployment with two coordinators."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.files = [deployment.coordinator_file, deployment.directory / "second.toml"]
        self.coordinators = [deployment.coordinator]

    def start_second(self) -> None:
        """Start the other coordinator."""
        text = self.files[0].read_text()
        record = self.deployment.record_file
        changes = (
            (COORDINATOR, SECOND),
            (COORDINATOR_ADMIN, SECOND_ADMIN),
            (str(record), str(record.with_name("second.sqlite"))),
        )
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.files[1].write_text(text)
        self.coordinators.append(self.deployment.start_program("coordinator", self.files[1]))
        wait_serving(self.coordinators[1])

    def stop_second(self) -> None:
        """End what the deployment does not end."""
        self.coordinators[1].stop()

    def restart_coordinator(self, number: int) -> None:
        """End one and start it again."""
        end(self.coordinators[number])
        child = self.deployment.start_program("coordinator", self.files[number])
        self.coordinators[number] = child
        if number == 0:
            self.deployment._coordinator = child
        wait_serving(child)

    def restart_agent(self, id: str) -> None:
        """End one and start it again; return when both coordinators have it back."""
        connected = [self._connections(child, id) for child in self.coordinators]
        end(self.deployment.agents[id])
        wait_serving(self.deployment.start_agent(id))
        for child, before in zip(self.coordinators, connected, strict=True):
            wait_until(
                lambda child=child, before=before: self._connections(child, id) > before,  # type: ignore[misc]
                60,
                child.log_file.read_text,
            )

    @staticmethod
    def _connections(child: Child, id: str) -> int:
        lines = child.log_file.read_text().splitlines()
        return sum('"perspective_connected"' in line and f'"{id}"' in line for line in lines)

    def renew(self, subject: Subject, *children: Child) -> None:
        """Put a new pair in the place of an old one; return when it is in use."""
        pki = self.deployment.pki
        new = self.deployment.directory / f"renewed-{subject.id}"
        shutil.copytree(pki, new, ignore=shutil.ignore_patterns("*-*"))
        pair = issue_certificate(load_authority(new), subject)
        before = [child.log_file.read_text().count('"reloaded"') for child in children]
        for file in (pair.private_key, pair.certificate):
            shutil.move(file, pki / file.name)
        for child, count in zip(children, before, strict=True):
            os.kill(child.pid, signal.SIGHUP)
            wait_until(
                lambda child=child, count=count: (  # type: ignore[misc]
                    child.log_file.read_text().count('"reloaded"') > count
                ),
                60,
                child.log_file.read_text,
            )


def end(child: Child) -> None:
    """Ask a program to end, it alone and not what it started, and wait until it has."""
    os.kill(child.pid, signal.SIGTERM)
    wait_until(lambda: not child.is_running(), 60, child.log_file.read_text)


def under_load(deployment: Deployment, work: Callable[[], object]) -> Result:
    """Ask without pause, in another thread, while `work` is done in this one.

    A program that is started dies with the thread that started it.
    """
    result, done = Result(), threading.Event()
    load = threading.Thread(target=lambda: asyncio.run(_ask_until(done, deployment, result)))
    load.start()
    try:
        work()
    finally:
        done.set()
        load.join()
    return result


async def _ask_until(done: threading.Event, deployment: Deployment, result: Result) -> None:
    options = [
        ("grpc.ssl_target_name_override", "localhost"),
        ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    credentials = channel_credentials(deployment.caller_tls())
    target = f"ipv4:{COORDINATOR},{SECOND}"

    async def ask_for_ever() -> None:
        async with aio.secure_channel(target, credentials, options=options) as channel:
            stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
            while not done.is_set():
                await _ask(stub, uuid.uuid4().hex, result)

    await asyncio.gather(*(ask_for_ever() for _ in range(_CALLERS)))


async def _ask(
    stub: corroboration_pb2_grpc.CorroborationServiceAsyncStub, id: str, result: Result
) -> None:
    name = f"host{id}.child.parent.example.co.jp"
    asked = time.perf_counter()
    try:
        request = c.CorroborateRequest(request_id=id, names=named([name]))
        response: c.CorroborateResponse = await stub.Corroborate(request, timeout=60)
    except aio.AioRpcError as error:
        result.failures.append(f"{error.code().name}: {error.details()}")
        return
    if response.approved:
        result.latencies.append(time.perf_counter() - asked)
    else:
        result.failures.append(response.names[0].detail)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="within 60 s: not every agent")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="mpic-bench-"))
    with (
        Internet(directory / "internet") as internet,
        Deployment(directory, internet, Plan(lookup_timeout=10)) as deployment,
    ):
        fleet = Fleet(deployment)
        fleet.start_second()
        try:
            rows = list(measure(fleet, quick=arguments.quick))
        finally:
            fleet.stop_second()
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))
    if any(row["failed"] for row in rows):
        raise SystemExit(1)


def measure(fleet: Fleet, *, quick: bool) -> list[dict[str, Any]]:
    """Run every phase under load; print and return a row for each."""
    ids = list(fleet.deployment.agents)[: 2 if quick else None]

    def restart_coordinators() -> None:
        for number in range(len(fleet.coordinators)):
            fleet.restart_coordinator(number)

    def restart_agents() -> None:
        for one in ids:
            fleet.restart_agent(one)

    def renew_all() -> None:
        fleet.renew(Subject("coordinator", "main", ("localhost",)), *fleet.coordinators)
        for one in ids:
            fleet.renew(Subject("perspective", one), fleet.deployment.agents[one])

    phases = {
        "coordinators restarted": restart_coordinators,
        "agents restarted": restart_agents,
        "certificates renewed": renew_all,
    }
    return [report(phase, under_load(fleet.deployment, work)) for phase, work in phases.items()]


def report(phase: str, result: Result) -> dict[str, Any]:
    """Print one row and return it."""
    latencies = sorted(result.latencies)
    row = {
        "phase": phase,
        "approved": len(latencies),
        "p50_ms": round(statistics.median(latencies) * 1000, 1),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 1),
        "max_ms": round(latencies[-1] * 1000, 1),
        "failed": len(result.failures),
    }
    print(" ".join(f"{key}={value}" for key, value in row.items()), flush=True)
    for failure in sorted(set(result.failures)):
        print(f"  {result.failures.count(failure)} x {failure}", flush=True)
    return row


if __name__ == "__main__":
    main()
