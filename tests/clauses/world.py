"""What our own world does to the service while a clause is tried."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.test_reload import changed
from tests.world import network
from tests.world.deployment import Deployment, wait_serving

CHILD = "child.parent.example.co.jp"
"""In a signed zone, without CAA records."""
PLAIN = "child.plain.example.co.jp"
"""The same in a zone without DNSSEC, so that whoever is diverted believes the liar."""

_FIRST = '[[perspective]]\nid = "tokyo"'


def divert(*numbers: int) -> None:
    """Let the liar answer these perspectives, from now on; 0 is the primary."""
    for number in numbers:
        source = network.perspective_address(number)
        network.divert(source, network.AUTHORITATIVE, network.LIAR)
    forget()


def heal() -> None:
    """Let everybody reach the honest servers again."""
    network.restore_all()
    network.heal()
    forget()


def forget() -> None:
    """Wait: to Unbound, what has a TTL of 0 is good until the second is over."""
    time.sleep(1.1)


@contextmanager
def policy(deployment: Deployment, text: str) -> Iterator[None]:
    """Let the coordinator have another policy for a while."""
    with changed(deployment, _FIRST, f"{text}\n{_FIRST}"):
        yield


@contextmanager
def without(deployment: Deployment, *perspectives: str) -> Iterator[None]:
    """Let the agents of these perspectives be gone for a while."""
    for one in perspectives:
        deployment.agents[one].signal(signal.SIGKILL)
        deployment.agents[one].stop()
    try:
        yield
    finally:
        for agent in [deployment.start_agent(one) for one in perspectives]:
            wait_serving(agent)
        deployment.wait_ready()
