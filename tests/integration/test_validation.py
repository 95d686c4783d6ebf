"""BR 4.2.2.2: the primary must validate; whether remotes must is the policy's."""

import socket
from collections.abc import Iterator

import pytest

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from perspective_agent.unbound.configuration import UnboundOptions, unbound_config
from tests.world import network
from tests.world.deployment import Deployment, wait_serving
from tests.world.internet import Internet
from tests.world.process import Child

CHILD = "child.parent.example.co.jp"
REMOTE, PRIMARY = 1, 0

BESIDE = """
[resolver]
mode = "beside"
port = 5399
control_socket = "{directory}/control"
trust_anchor_file = "{anchor}"
require_validation = false
start_timeout = 1
"""


@pytest.fixture(scope="module", params=[REMOTE, PRIMARY], ids=["remote", "primary"])
def blind(
    deployment: Deployment, internet: Internet, request: pytest.FixtureRequest
) -> Iterator[int]:
    """Let one agent look through a resolver that does not validate; give its number."""
    number: int = request.param
    place = deployment.plan.places[number]
    directory = deployment.directory / f"blind-{place.id}"
    directory.mkdir()
    options = UnboundOptions(
        internet.trust_anchor_file,
        internet.root_hints_file,
        outgoing_address=network.perspective_address(number),
        cache_max_ttl=0,
        ipv6=False,
        allow_special_purpose_servers=True,
    )
    config = directory / "unbound.conf"
    text = unbound_config(options, 5399, directory)
    config.write_text(text.replace("validator iterator", "iterator"))
    resolver = Child(("unbound", "-d", "-p", "-c", str(config)), directory / "log")
    resolver.wait_ready(_listens)
    file = deployment.agent_file(place.id)
    before = file.read_text()
    beside = BESIDE.format(directory=directory, anchor=internet.trust_anchor_file)
    file.write_text(before.split("[resolver]")[0] + beside)
    deployment.agents[place.id].stop()
    wait_serving(deployment.start_agent(place.id))
    yield number
    deployment.agents[place.id].stop()
    resolver.stop()
    file.write_text(before)
    wait_serving(deployment.start_agent(place.id))


def _listens() -> bool:
    with socket.socket() as tcp:
        return tcp.connect_ex(("127.0.0.1", 5399)) == 0


def restart(deployment: Deployment, *, remotes_must_validate: bool) -> None:
    deployment.coordinator.stop()
    head, perspectives = deployment.coordinator_file.read_text().split("[[perspective]]", 1)
    head = head.split("[policy]")[0]
    policy = f"[policy]\nremotes_must_validate = {str(remotes_must_validate).lower()}\n\n"
    deployment.coordinator_file.write_text(f"{head}{policy}[[perspective]]{perspectives}")
    deployment.start_coordinator()
    deployment.wait_ready()


def test_by_default_everybody_must(deployment: Deployment, blind: int) -> None:
    restart(deployment, remotes_must_validate=True)
    verdict = deployment.ask(CHILD).names[0]
    report = verdict.perspectives[blind]
    assert report.dissent == c.DISSENT_NOT_LOOKED
    assert "does not validate" in report.detail
    assert not report.resolver.validates
    if blind == PRIMARY:
        assert verdict.reason == c.REASON_PRIMARY_UNAVAILABLE
    else:
        assert verdict.quorum == "4/5"


def test_a_policy_may_let_remotes_do_without(deployment: Deployment, blind: int) -> None:
    restart(deployment, remotes_must_validate=False)
    response = deployment.ask(CHILD)
    assert not response.policy.remotes_must_validate
    (verdict,) = response.names
    if blind == PRIMARY:
        assert verdict.reason == c.REASON_PRIMARY_UNAVAILABLE
        return
    assert verdict.quorum == "5/5"
    findings = verdict.perspectives[blind].observation.findings
    assert findings[1].addresses.lookup.dnssec == o.DNSSEC_INDETERMINATE
    for level in findings[0].caa_walk.levels:
        assert level.dnssec == o.DNSSEC_INDETERMINATE


def test_a_remote_that_does_not_validate_overrules_nobody(
    deployment: Deployment, blind: int
) -> None:
    restart(deployment, remotes_must_validate=False)
    verdict = deployment.ask("child.bogus.example.co.jp").names[0]
    if blind == PRIMARY:
        assert verdict.reason == c.REASON_PRIMARY_UNAVAILABLE
    else:
        assert verdict.reason == c.REASON_PRIMARY_FAILED
