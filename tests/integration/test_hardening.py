"""What is meant to harden a resolver must not hide a CAA record (RFC 8659 section 3)."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.world import network, zones
from tests.world.deployment import Deployment
from tests.world.internet import Internet
from tests.world.process import Child
from tests.world.requests import caa_of

CHILD = f"child.{zones.EMPTY}"


@pytest.mark.parametrize(
    ("label", "what"),
    [
        ("www.capsnx", "NXDOMAIN to a name with a capital"),
        ("www.capsempty", "no data to a name with a capital"),
        ("www.capsnosoa", "nothing at all to a name with a capital"),
        ("www.capscaa", "NXDOMAIN to a name with a capital, if CAA is asked for"),
    ],
)
def test_rfc_4343_a_record_told_in_lower_case_only_is_found(
    deployment: Deployment, label: str, what: str
) -> None:
    assert_forbidden(deployment, f"{label}.{zones.HOSTILE_ZONE}", what)


@pytest.mark.parametrize(
    ("label", "what"),
    [
        ("www.b.betweennx", "NXDOMAIN at the name above"),
        ("www.b.betweenrefused", "REFUSED at the name above"),
        ("www.b.betweenservfail", "SERVFAIL at the name above"),
        ("www.b.betweensilent", "silence at the name above"),
        ("www.b.betweenalias", "an alias at the name above"),
    ],
)
def test_rfc_9156_what_is_said_of_the_name_above_hides_no_record(
    deployment: Deployment, label: str, what: str
) -> None:
    assert_forbidden(deployment, f"{label}.{zones.HOSTILE_ZONE}", what)


def assert_forbidden(deployment: Deployment, name: str, what: str) -> None:
    """Every perspective must find the set at the name itself."""
    (verdict,) = deployment.ask(name).names
    assert verdict.reason == c.REASON_PRIMARY_FORBIDS, f"{what}: {verdict.detail}"
    for report in verdict.perspectives:
        assert caa_of(report).outcome == c.OUTCOME_FORBIDDEN, f"{what}: {report.detail}"
        assert caa_of(report).found_at == name


@pytest.fixture
def registry(internet: Internet, tmp_path: Path) -> Iterator[None]:
    """A signed parent, for everybody, whose server denies what lies between it and a child."""
    internet.replace(zones.OPT_OUT_WITH_EMPTY)
    listen, below = network.FAR[network.AUTHORITATIVE], network.FAR[network.TLD]
    log = tmp_path / "registry.log"
    command = (sys.executable, "-m", "tests.world.registry", listen, network.AUTHORITATIVE, below)
    server = Child(command, log)
    server.wait_ready(lambda: "ready" in log.read_text())
    for number in range(6):
        network.divert(network.perspective_address(number), network.AUTHORITATIVE, listen)
    yield
    server.stop()
    internet.replace(zones.OPT_OUT)


@pytest.mark.usefixtures("registry")
def test_rfc_8020_nxdomain_above_hides_no_record_below(deployment: Deployment) -> None:
    """Asked for the name above first (RFC 9156), a validating resolver never asks for the child."""
    assert_forbidden(deployment, CHILD, "NXDOMAIN at the name above, proven")
