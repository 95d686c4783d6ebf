"""The verdict comes as soon as it is certain: nobody waits for the perspectives still missing."""

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.world import network
from tests.world.deployment import Deployment, Plan

CHILD = "child.parent.example.co.jp"
PLAIN = "child.plain.example.co.jp"
# The primary is 5 ms away, the remotes as far as from a CA to five parts of the world.
PLAN = Plan(round_trips=(5, 10, 30, 80, 120, 800))
FARTHEST = 5


@pytest.fixture(autouse=True)
def _all_are_there(deployment: Deployment) -> None:
    """The farthest takes seconds to connect."""
    deployment.wait_ready()


@pytest.fixture
def _farthest_is_last() -> None:
    """Also on a machine that stands still for longer than the way is: it gets no answers itself."""
    network.black_hole(network.perspective_address(FARTHEST), network.AUTHORITATIVE)


def dissents(verdict: c.NameVerdict) -> list[c.Dissent.ValueType]:
    return [report.dissent for report in verdict.perspectives]


@pytest.mark.usefixtures("_farthest_is_last")
def test_approved_without_the_farthest(deployment: Deployment) -> None:
    (verdict,) = deployment.ask(CHILD, linger=0).names
    assert verdict.approved
    assert verdict.quorum == "4/5"
    assert dissents(verdict) == [0, 0, 0, 0, 0, c.DISSENT_NOT_AWAITED]


@pytest.mark.usefixtures("_farthest_is_last")
def test_refused_without_the_farthest_once_two_dissent(deployment: Deployment) -> None:
    for number in (1, 2):
        source = network.perspective_address(number)
        network.divert(source, network.AUTHORITATIVE, network.LIAR)
    (verdict,) = deployment.ask(PLAIN, linger=0).names
    assert verdict.reason == c.REASON_QUORUM_NOT_MET
    assert dissents(verdict)[1:3] == [c.DISSENT_DIFFERS] * 2
    assert dissents(verdict)[FARTHEST] == c.DISSENT_NOT_AWAITED


@pytest.mark.usefixtures("_farthest_is_last")
def test_refused_by_the_primary_without_anybody_else(deployment: Deployment) -> None:
    (verdict,) = deployment.ask("deny.caa.example.co.jp", linger=0).names
    assert verdict.reason == c.REASON_PRIMARY_FORBIDS
    assert dissents(verdict)[FARTHEST] == c.DISSENT_NOT_AWAITED


def test_who_lingers_hears_the_farthest_too(deployment: Deployment) -> None:
    # In a zone about which nobody was kept from asking.
    (verdict,) = deployment.ask("www.nsec3.example.co.jp").names
    assert verdict.quorum == "5/5"
