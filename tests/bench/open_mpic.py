"""Open MPIC's API beside Open MPIC itself: the same requests, and checks a second in one run.

    tests/bench/run.sh open_mpic [--seconds N] [--checks-only]

`run.sh` makes an environment for open-mpic-core, FastAPI and uvicorn. They are no part of ours.

- First, what open-mpic-core's own models make of requests is asked, with `honour_smaller_quorum`.
  Its models must read each answer, and write the same JSON again.
- Then both are asked about CAA of new names in a signed zone, with 1 and with 64 in flight. Theirs
  has five perspectives, each with its checkers in one process, and asks the same Unbounds as our
  remotes. Ours also asks the primary, compares addresses, records and speaks TLS.

Columns: checks a second, median and 99th percentile in milliseconds, CPU of all processes for a
check in milliseconds, without that of the resolvers.
"""

import argparse
import asyncio
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import aiohttp

from tests.bench.load import Ask, run_closed
from tests.bench.meter import cpu_of, read_usage
from tests.bench.names import CHILD, Hosts
from tests.bench.rows import figures
from tests.bench.running import USUAL, WARM_UP_SECONDS, running
from tests.world.deployment import ISSUER_DOMAIN, Deployment
from tests.world.http_caller import PORT, TOKEN, HttpCaller, http_table

ENVIRONMENT = Path("/var/tmp/mpic-bench-open-mpic/bin/python")  # noqa: S108 - run.sh makes it
THEIRS = str(Path(__file__).with_name("open_mpic_theirs.py"))
OURS_URL = f"https://localhost:{PORT}/mpic"
_TABLE = "[open_mpic]\nenabled = true\nhonour_smaller_quorum = {lab}\n"
_COORDINATOR, _FIRST_CHECKER = 8500, 8501
THEIR_URL = f"http://127.0.0.1:{_COORDINATOR}/mpic"
_FORBIDDEN = "deny.caa.example.co.jp"
_HOSTS = 6_000


def main() -> None:
    """Ask, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each row")
    parser.add_argument("--checks-only", action="store_true", help="measure nothing")
    arguments = parser.parse_args()
    table = http_table("accepted", TOKEN)
    lab = replace(USUAL, coordinator_extra=table + _TABLE.format(lab="true"))
    with running(lab) as (_, deployment):
        deployment.wait_ready()
        command = [OURS_URL, TOKEN, str(deployment.caller_tls().authority)]
        asks = run_theirs("asks", *command, CHILD, _FORBIDDEN, ISSUER_DOMAIN)
        if asks.wait():
            raise SystemExit("not as theirs")
    if not arguments.checks_only:
        plan = replace(USUAL, coordinator_extra=table + _TABLE.format(lab="false"))
        hosts = Hosts(_HOSTS)
        with running(plan) as (internet, deployment):
            internet.replace(hosts.zone())
            measure_both(deployment, hosts, arguments.seconds)


def run_theirs(*arguments: str) -> "subprocess.Popen[bytes]":
    """Start a program of Open MPIC's environment."""
    # -P: modules beside it must not stand for those of the same name in the library.
    return subprocess.Popen([str(ENVIRONMENT), "-P", THEIRS, *arguments])


@contextmanager
def theirs(deployment: Deployment) -> Iterator[Sequence[int]]:
    """Run Open MPIC with the resolvers of our remotes; give the ids of its processes."""
    remotes = [one for one in deployment.perspectives() if one.perspective_id != "tokyo"]
    ports = [one.description.resolver.address.rpartition(":")[2] for one in remotes]
    checkers = [str(_FIRST_CHECKER + number) for number in range(len(ports))]
    programs = [run_theirs("checker", *pair) for pair in zip(checkers, ports, strict=True)] + [
        run_theirs("coordinator", str(_COORDINATOR), *checkers)
    ]
    try:
        for port in (_COORDINATOR, *map(int, checkers)):
            wait_for_port(port)
        yield [one.pid for one in programs]
    finally:
        for one in programs:
            one.terminate()
        for one in programs:
            one.wait()


def wait_for_port(port: int) -> None:
    """Wait until a program that was just started listens."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"nobody listens at {port}")


class System(NamedTuple):
    """One of the two that are measured."""

    name: str
    url: str
    read_cpu: Callable[[], float]
    """Returns the CPU seconds of its processes so far."""


def measure_both(deployment: Deployment, hosts: Hosts, seconds: float) -> None:
    """Measure ours and theirs by turns, and print a row for each."""
    deployment.wait_ready()
    context = HttpCaller(deployment.caller_tls()).context()
    print(f"{'':13}{'in flight':>9}{'checks/s':>10}{'p50 ms':>10}{'p99 ms':>10}{'CPU ms':>10}")
    with theirs(deployment) as pids:
        systems = (
            System("this service", OURS_URL, lambda: read_usage(deployment).ours),
            System("Open MPIC", THEIR_URL, lambda: sum(map(cpu_of, pids))),
        )
        for in_flight in (1, 64):
            for system in systems:
                asking = open_api(system.url, context, hosts)
                row = asyncio.run(measure(system, asking, Load(in_flight, seconds)))
                print(f"{system.name:13}{in_flight:>9}", *(f"{one:>9.1f}" for one in row))


class Load(NamedTuple):
    """How a row is measured."""

    in_flight: int
    seconds: float


async def measure(
    system: System, asking: AbstractAsyncContextManager[Ask], load: Load
) -> Sequence[float]:
    """Return checks a second, two quantiles in milliseconds, and CPU milliseconds a check."""
    async with asking as ask:
        await run_closed(ask, min(load.in_flight, 16), WARM_UP_SECONDS)
        before = system.read_cpu()
        result = await run_closed(ask, load.in_flight, load.seconds)
        cpu = (system.read_cpu() - before) * 1000 / len(result.latencies)
    if result.wrong:
        raise SystemExit(f"{system.name}: {result.wrong} of {len(result.latencies)} are not valid")
    row = figures(result)
    return row["checks_per_s"], row["p50_ms"], row["p99_ms"], cpu


@asynccontextmanager
async def open_api(url: str, context: ssl.SSLContext, hosts: Hosts) -> AsyncIterator[Ask]:
    """Ask about CAA of new names, over connections that are kept."""
    connector = aiohttp.TCPConnector(limit=0, ssl=context)
    headers = {"x-api-key": TOKEN}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def ask() -> bool:
            body = {"check_type": "caa", "domain_or_ip_target": hosts.next()}
            async with session.post(url, json=body) as response:
                return bool((await response.json()).get("is_valid"))

        yield ask


if __name__ == "__main__":
    main()
