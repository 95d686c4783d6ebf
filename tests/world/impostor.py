"""A fake agent in the place of a real one, with its address and its certificate."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.world.deployment import Deployment, agent_address, wait_serving
from tests.world.places import PLACES
from tests.world.process import Child, wait_until

ASHBURN = PLACES[2]
ROOT = Path(__file__).parents[2]


@contextmanager
def vacant(deployment: Deployment) -> Iterator[None]:
    """Let nobody be at Ashburn's address but who is put there."""
    deployment.agents[ASHBURN.id].stop()
    try:
        yield
    finally:
        wait_serving(deployment.start_agent(ASHBURN.id))
        wait_until(lambda: is_real(deployment), 60, lambda: deployment.say_who()[:2000])


@contextmanager
def faking(behaviour: str, log: Path, pki: Path) -> Iterator[None]:
    """Put a fake agent at Ashburn's address, with a certificate of this directory."""
    command = (sys.executable, "-m", "tests.world.fake_agent", behaviour)
    fake = Child((*command, ASHBURN.id, ASHBURN.rir, agent_address(ASHBURN), str(pki)), log, ROOT)
    try:
        wait_serving(fake)
        yield
    finally:
        fake.stop()


@contextmanager
def standing_in(deployment: Deployment, behaviour: str, log: Path, pki: Path) -> Iterator[None]:
    """Let a fake agent listen at Ashburn's address, with a certificate of this directory."""
    with vacant(deployment), faking(behaviour, log, pki):
        yield


@contextmanager
def replaced(deployment: Deployment, behaviour: str, log: Path) -> Iterator[None]:
    """Let a fake agent stand in for Ashburn's, with its certificate, once the coordinator knows."""
    with vacant(deployment), met(deployment, behaviour, log):
        yield


@contextmanager
def met(deployment: Deployment, behaviour: str, log: Path) -> Iterator[None]:
    """Fill the place that is vacant with a fake, until the coordinator knows that it has gone."""
    with faking(behaviour, log, deployment.pki):
        wait_until(lambda: is_met(deployment), 60, lambda: deployment.say_who()[:2000])
        yield
    wait_until(lambda: is_missed(deployment), 60, lambda: deployment.say_who()[:2000])


def is_met(deployment: Deployment) -> bool:
    """Whether the fake has described itself: it can be asked, or the coordinator says why not."""
    one = deployment.perspective(ASHBURN.id)
    if one.ready:
        return one.description.version.startswith("fake")
    return re.search("describes itself|more than may be", one.problem) is not None


def is_missed(deployment: Deployment) -> bool:
    """Whether the coordinator knows that nobody is there."""
    one = deployment.perspective(ASHBURN.id)
    return not one.ready and not re.search("describes itself|more than may be", one.problem)


def is_real(deployment: Deployment) -> bool:
    """Whether the agent there is one of ours, and can be asked."""
    one = deployment.perspective(ASHBURN.id)
    return one.ready and one.description.heartbeats
