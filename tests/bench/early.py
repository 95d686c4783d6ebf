"""How soon a verdict comes after the perspective that makes it certain, one question at a time.

    tests/bench/run.sh early [QUESTIONS]

The primary is 5 ms away (round trip), the remotes 10, 30, 80, 120 and 200 ms. Approval is certain
with the fourth remote. Refusal is certain with the primary if the primary forbids, and with the
second dissenting remote if two are lied to. Every name is cold. Recursing, validating resolvers
look it up.

- "Beyond" is the median beyond that perspective's round trip; its lookups are included.
- "After it" is the median from that perspective's answer at the coordinator until the caller has
  the verdict.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc
from tests.bench.names import Hosts
from tests.bench.running import USUAL, running
from tests.world import network
from tests.world.deployment import Deployment
from tests.world.internet import Internet
from tests.world.requests import named
from tests.world.zones import CAA, PLAIN, Zone, lie

PRIMARY = 5
REMOTES = (10, 30, 80, 120, 200)
_WARM_UP = 5


def main() -> None:
    questions = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    plan = replace(USUAL, round_trips=(PRIMARY, *REMOTES))
    hosts = Hosts(questions + _WARM_UP)
    with running(plan) as (internet, deployment):
        _serve(internet, hosts)
        print(
            f"{'verdict':<36}{'certain at':>12}{'p50 ms':>9}{'p99 ms':>9}"
            f"{'beyond':>9}{'after it':>10}"
        )
        approved = (hosts.next() for _ in count())
        _row(deployment, ("approved by four of five", REMOTES[3], True), approved, questions)
        forbidden = (f"host{number}.deny.{CAA.name}" for number in count())
        _row(deployment, ("refused by the primary (CAA)", PRIMARY, False), forbidden, questions)
        for number in (1, 2):
            source = network.perspective_address(number)
            network.divert(source, network.AUTHORITATIVE, network.LIAR)
        different = (f"host{number}.{PLAIN.name}" for number in count())
        _row(deployment, ("refused, two of five dissent", REMOTES[1], False), different, questions)


def _serve(internet: Internet, hosts: Hosts) -> None:
    internet.replace(hosts.zone())
    anywhere = f"* IN A {network.WEB}\n"
    internet.replace(Zone(PLAIN.name, PLAIN.text + anywhere, PLAIN.signing))
    lying = lie(PLAIN)
    elsewhere = f"* IN A {network.LIAR}\n"
    internet.tell_lie(Zone(lying.name, lying.text + elsewhere, lying.signing))


def _row(
    deployment: Deployment, expected: tuple[str, int, bool], names: Iterator[str], questions: int
) -> None:
    what, certain, approved = expected
    decisive = (PRIMARY, *REMOTES).index(certain)
    times, after = [], []
    with deployment.channel() as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        for _ in range(questions + _WARM_UP):
            name = next(names)
            request = c.CorroborateRequest(request_id=name, names=named([name]))
            asked = time.perf_counter()
            response = stub.Corroborate(request, timeout=30)
            times.append((time.perf_counter() - asked) * 1000)
            if response.approved != approved:
                raise SystemExit(f"unexpected verdict: {response}")
            elapsed = response.names[0].perspectives[decisive].elapsed.ToMicroseconds() / 1000
            after.append(times[-1] - elapsed)
    times = times[_WARM_UP:]
    p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
    print(
        f"{what:<36}{certain:>9} ms{p50:>9.1f}{p99:>9.1f}{p50 - certain:>9.1f}"
        f"{statistics.median(after[_WARM_UP:]):>10.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
