"""What domain control costs: each method alone, and with CAA and A, beside CAA and A alone.

    tests/bench/run.sh control [--seconds N]

All rows run in one deployment, with the record on and warm resolvers. Web and TLS servers are real
and on this machine (nginx), so half of what http-01 and tls-alpn-01 cost is theirs. It is not
counted.

- `alone`: a question for a validation.
- `with CAA + A`: a question for issuance with domain control.
- `ratio`: CPU a check, by that of CAA and A in flight as often.
- `beside one that hangs`: every eighth name's web server takes connections and says nothing. The
  row counts the others alone.
"""

import argparse
import asyncio
import base64
import hashlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from mpic.v1 import corroboration_pb2 as c
from tests.bench.load import Front, Result, run_closed
from tests.bench.meter import read_usage, resident_mb
from tests.bench.names import CHILD, Hosts
from tests.bench.nginx_tls import serve_tls_alpn
from tests.bench.rows import figures
from tests.bench.running import USUAL, running
from tests.world import network
from tests.world.deployment import Deployment
from tests.world.domain_control import KEY_AUTHORIZATION, TOKEN
from tests.world.web_servers import WebServer
from tests.world.zones import Zone

_HOSTS = 200
_IN_FLIGHT = (1, 64)
_DIGEST = base64.urlsafe_b64encode(hashlib.sha256(KEY_AUTHORIZATION.encode()).digest())
_HANGING_OF = 8
"""One name of so many has a server that hangs."""

_COLUMNS = {
    "checks_per_s": "checks/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "cpu_ms": "CPU ms",
    "ratio": "ratio",
    "agents_mb": "agent MB",
}

Control = c.DomainControl


@dataclass(frozen=True, slots=True)
class Row:
    """What is asked about every name."""

    title: str
    control: Callable[[], Control] | None = None
    alone: bool = False
    hanging: bool = False

    def request(self, host: str) -> c.CorroborateRequest:
        """Return a request about a host, without an id."""
        name = c.RequestedName(name=host)
        request = c.CorroborateRequest(names=[name])
        if self.control is not None:
            control = self.control()
            control.challenge_created_at.FromSeconds(int(time.time()))
            request.names[0].domain_control.CopyFrom(control)
        if self.alone:
            request.purpose = c.PURPOSE_VALIDATION
        return request


def dns_01() -> Control:
    return Control(acme_dns_01=c.AcmeDns01(key_authorization=KEY_AUTHORIZATION))


def http_01() -> Control:
    return Control(acme_http_01=c.AcmeHttp01(token=TOKEN, key_authorization=KEY_AUTHORIZATION))


def tls_alpn_01() -> Control:
    return Control(acme_tls_alpn_01=c.AcmeTlsAlpn01(key_authorization=KEY_AUTHORIZATION))


def plan_rows() -> Iterator[Row]:
    yield Row("CAA + A")
    for title, control in (("dns-01", dns_01), ("http-01", http_01), ("tls-alpn-01", tls_alpn_01)):
        yield Row(f"{title} alone", control, alone=True)
        yield Row(f"{title} with CAA + A", control)
    yield Row("http-01 beside one that hangs", http_01, alone=True, hanging=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0)
    seconds = parser.parse_args().seconds
    print(f"{'asked':32}{'in flight':>10}{''.join(f'{head:>10}' for head in _COLUMNS.values())}")
    usual: dict[int, float] = {}
    with serving() as deployment:
        for row in plan_rows():
            for in_flight in _IN_FLIGHT:
                shown = asyncio.run(measure(deployment, row, in_flight, seconds))
                usual.setdefault(in_flight, shown["cpu_ms"])
                shown["ratio"] = shown["cpu_ms"] / usual[in_flight]
                print(_line(row.title, in_flight, shown), flush=True)


def _line(title: str, in_flight: int, shown: Mapping[str, float]) -> str:
    cells = [f"{shown[key]:>10.2f}" for key in _COLUMNS]
    return f"{title:32}{in_flight:>10}{''.join(cells)}"


@contextmanager
def serving() -> Iterator[Deployment]:
    """Run a deployment, and servers on which every host proves its control in every way."""
    directory = Path(mkdtemp(prefix="mpic-bench-control-"))
    hosts = Hosts(_HOSTS)
    names = [hosts.next() for _ in range(_HOSTS)]
    with ExitStack() as stack:
        internet, deployment = stack.enter_context(running(replace(USUAL, lookup_timeout=5.0)))
        internet.replace(_with_proofs(hosts.zone()))
        web = stack.enter_context(WebServer(directory / "web", (network.WEB,)))
        proofs = dict.fromkeys(names, KEY_AUTHORIZATION)
        stack.enter_context(serve_tls_alpn(directory / "tls", network.WEB, proofs))
        # Who connects waits for ever: nobody accepts.
        stack.enter_context(socket.create_server((network.LIARS_WEB, 80), backlog=4096))
        for name in names:
            web.put(name, f"/.well-known/acme-challenge/{TOKEN}", KEY_AUTHORIZATION)
        yield deployment


def _with_proofs(zone: Zone) -> Zone:
    digest = _DIGEST.rstrip(b"=").decode()
    records = [
        f'_acme-challenge.host{number}.child IN TXT "{digest}"\n' for number in range(_HOSTS)
    ]
    records.append(f"hanging.child IN A {network.LIARS_WEB}\n")
    return Zone(zone.name, zone.text + "".join(records), zone.signing)


async def measure(
    deployment: Deployment, row: Row, in_flight: int, seconds: float
) -> dict[str, Any]:
    hosts = Hosts(_HOSTS)

    def next_request() -> c.CorroborateRequest:
        return row.request(hosts.next())

    front = Front(deployment.caller_tls(), list, streaming=True, request=next_request)
    async with front.open() as ask:
        hanging = []
        if row.hanging:
            hanging = [
                asyncio.create_task(_ask_hanging(deployment, row))
                for _ in range(max(1, in_flight // _HANGING_OF))
            ]
        await run_closed(ask, in_flight, 1.0)
        before = read_usage(deployment)
        result = await run_closed(ask, in_flight, seconds)
        used = read_usage(deployment).since(before)
        for task in hanging:
            task.cancel()
    return _show(deployment, result, used.ours)


async def _ask_hanging(deployment: Deployment, row: Row) -> None:
    """Ask about a name whose server hangs, again and again."""

    request = partial(row.request, f"hanging.{CHILD}")
    front = Front(deployment.caller_tls(), list, streaming=True, request=request)
    async with front.open() as ask:
        while True:
            await ask()


def _show(deployment: Deployment, result: Result, cpu: float) -> dict[str, Any]:
    if result.wrong:
        raise SystemExit(f"{result.wrong} of {len(result.latencies)} were not corroborated")
    memory = resident_mb(deployment)
    return {
        **figures(result),
        "cpu_ms": cpu * 1000 / len(result.latencies),
        "agents_mb": max(mb for name, mb in memory.items() if name != "coordinator"),
    }


if __name__ == "__main__":
    main()
