"""BR 3.2.2.9: who does not answer as itself, and what it was asked, corroborates nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mpic.runtime.pki import Subject, issue_certificate, load_authority
from tests.clauses.answer import Verdict
from tests.clauses.service import Service
from tests.world.deployment import Deployment, agent_address
from tests.world.fake_agent import BEHAVIOURS
from tests.world.impostor import ASHBURN, met, standing_in, vacant
from tests.world.places import PLACES, Place
from tests.world.process import wait_until

CHILD = "nothing-here.parent.example.co.jp"


@pytest.mark.own_world("an agent with another certificate")
def test_br_3_2_2_9_an_agent_whose_certificate_has_expired_is_not_believed(
    service: Service, deployment: Deployment, tmp_path: Path
) -> None:
    """ "Authenticated": a perspective, now."""
    authority = replace(load_authority(deployment.pki), directory=tmp_path)
    authority.file.write_bytes((deployment.pki / "ca.pem").read_bytes())
    issued = datetime.now(UTC) - timedelta(days=2)
    issue_certificate(authority, Subject("perspective", ASHBURN.id), 1, issued)
    # An agent of our own does not start with it.
    with standing_in(deployment, "honest", tmp_path / "fake.log", tmp_path):
        wait_until(
            lambda: "certificate has expired" in deployment.perspective(ASHBURN.id).problem,
            60,
            deployment.say_who,
        )
        verdict = service.ask(CHILD).verdict
    deployment.wait_ready()
    assert verdict.quorum == "4/5"
    assert verdict.of(ASHBURN.id).why == "unreachable"
    assert "certificate has expired" in verdict.of(ASHBURN.id).detail


@pytest.mark.own_world("agents in each other's place")
def test_br_3_2_2_9_two_agents_whose_addresses_are_swapped_are_both_refused(
    service: Service, deployment: Deployment
) -> None:
    """Two perspectives are "distinct": each is believed as itself alone."""
    file = deployment.coordinator_file
    honest = file.read_text()
    one, other = agent_address(PLACES[1]), agent_address(PLACES[2])
    swapped = honest.replace(one, "swap").replace(other, one).replace("swap", other)
    verdict = restarted(service, deployment, swapped)
    assert verdict.quorum == "3/5"
    assert verdict.code == 338
    for number in (1, 2):
        report = verdict.of(PLACES[number].id)
        assert report.why == "misidentified"
        assert "certificate" in report.detail
    assert restarted(service, deployment, honest).quorum == "5/5"


def restarted(service: Service, deployment: Deployment, configuration: str) -> Verdict:
    """Run the coordinator with this configuration, and ask it once it has tried every agent.

    It would not exchange a configuration that works for this one.
    """
    deployment.coordinator.stop()
    deployment.coordinator_file.write_text(configuration)
    deployment.start_coordinator()
    wait_until(
        lambda: all(one.problem != "not connected yet" for one in deployment.perspectives()),
        60,
        deployment.say_who,
    )
    return service.ask(CHILD).verdict


def standing(place: Place) -> str:
    """Where and in which region the roster says that one stands."""
    where = f"{{ latitude = {place.latitude}, longitude = {place.longitude} }}"
    return f'rir = "{place.rir}"\negress = {where}\nresolver = {where}\n'


IN_ASHBURN, IN_SANTIAGO = standing(ASHBURN), standing(PLACES[8])


@pytest.mark.own_world("a roster that is wrong")
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (IN_ASHBURN, IN_SANTIAGO, "says it is 'ashburn' in ARIN; the roster says"),
        ('id = "ashburn"', 'id = "portland"', "says it is 'ashburn' in ARIN; the roster says"),
    ],
)
def test_br_3_2_2_9_an_agent_that_is_not_what_the_roster_says_is_refused(
    service: Service, deployment: Deployment, old: str, new: str, says: str
) -> None:
    """Where a perspective is decides whether it counts: it says so itself."""
    honest = deployment.coordinator_file.read_text()
    assert old in honest
    verdict = restarted(service, deployment, honest.replace(old, new))
    restarted(service, deployment, honest)
    assert verdict.quorum == "4/5"
    (refused,) = (one for one in verdict.remotes if not one.corroborates)
    assert refused.why == "misidentified"
    assert says in refused.detail


OUTCOMES = {
    "honest": "",
    "octets": "garbage",
    "inner-octets": "garbage",
    "other-name": "garbage",
    "other-question": "garbage",
    "empty": "garbage",
    "half": "garbage",
    "wrong-order": "garbage",
    "short-walk": "garbage",
    "somebody-else": "misidentified",
    "elsewhere": "misidentified",
    "hung": "unreachable",
}


def test_br_3_2_2_9_every_fake_behaviour_has_an_outcome() -> None:
    assert OUTCOMES.keys() == BEHAVIOURS.keys()


@pytest.fixture(scope="module")
def place(deployment: Deployment) -> Iterator[Deployment]:
    """Let nobody be at Ashburn's address but the fakes, one after the other."""
    with vacant(deployment):
        yield deployment


@pytest.mark.own_world("an agent that lies")
@pytest.mark.parametrize("behaviour", OUTCOMES)
def test_br_3_2_2_9_an_agent_that_answers_wrongly_does_not_corroborate(
    service: Service, place: Deployment, behaviour: str, tmp_path: Path
) -> None:
    """Each response lets the CA "affirmatively assess", and is the perspective's own."""
    with met(place, behaviour, tmp_path / "fake.log"):
        verdict = service.ask(CHILD).verdict
    assert verdict.approved
    assert verdict.quorum == ("5/5" if behaviour == "honest" else "4/5")
    report = verdict.of(ASHBURN.id)
    assert report.why == OUTCOMES[behaviour]
    assert bool(report.detail) == (behaviour != "honest")
