"""No part of an answer is older than the question, whatever other questions are in flight."""

import time
from concurrent.futures import ThreadPoolExecutor

import dns.message
import dns.query

from mpic.v1 import corroboration_pb2 as c
from tests.world import network
from tests.world.deployment import Deployment
from tests.world.process import wait_until
from tests.world.requests import caa_of
from tests.world.zones import HOSTILE_ZONE

PARENT = f"bank.publishes.{HOSTILE_ZONE}"


# Unbound keeps what has no time to live for the rest of a second.
_TTL_0 = 1.1


def ask_server(name: str, rdtype: str) -> dns.message.Message:
    return dns.query.udp(dns.message.make_query(name, rdtype), network.HOSTILE, timeout=10)


def queries() -> int:
    """Return how many queries the parent's server has had."""
    answer = ask_server(f"publishes.counter.{HOSTILE_ZONE}", "TXT")
    return int(answer.answer[0][0].strings[0])


def test_rfc_8659_3_a_question_joins_no_walk_whose_parent_was_answered(
    deployment: Deployment,
) -> None:
    """The name's own server is slow; its parent forbids after it was asked for the first time."""
    perspectives = len(deployment.plan.places)
    # Of each perspective: CAA of three levels in the zone, and the addresses.
    asked = queries() + 4 * perspectives
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(deployment.ask, f"www.{PARENT}")
        wait_until(lambda: queries() >= asked, 60, lambda: f"{queries()} of {asked}")
        ask_server(f"publish.{PARENT}", "A")
        time.sleep(_TTL_0)
        (second,) = deployment.ask(f"www.{PARENT}").names
        first.result()
    assert second.reason == c.REASON_PRIMARY_FORBIDS, second.detail
    for report in second.perspectives:
        assert caa_of(report).found_at == PARENT, report.detail
