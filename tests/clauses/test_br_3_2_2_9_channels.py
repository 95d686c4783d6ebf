"""BR 3.2.2.9: "an authenticated and encrypted channel relying on modern protocols".

All that a certification authority, its primary and its remotes say to each other goes over mutual
TLS 1.3, and each answers as itself.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from mpic.runtime.grpc.tls import TlsFiles, channel_credentials
from mpic.runtime.pki import Subject, create_authority, issue_certificate, load_authority
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import perspective_pb2_grpc
from tests.clauses.service import NotDecidedError, Service, Verdict
from tests.world.deployment import Deployment, agent_address
from tests.world.fake_agent import BEHAVIOURS
from tests.world.impostor import ASHBURN, met, standing_in, vacant
from tests.world.places import PLACES, Place
from tests.world.process import wait_until

CHILD = "nothing-here.parent.example.co.jp"
TIMEOUT = 60


def assert_refused(
    service: Service,
    credentials: grpc.ChannelCredentials,
    name: str = "",
    status: str = "UNAVAILABLE",
) -> None:
    with (
        service.open(credentials, name) as channel,
        pytest.raises(NotDecidedError, match=status),
    ):
        service.ask(CHILD, channel=channel)


def test_br_3_2_2_9_the_right_caller_is_heard(service: Service) -> None:
    """What the refusals below are compared with."""
    with service.open(channel_credentials(service.files)) as channel:
        assert service.ask(CHILD, channel=channel).verdicts


def test_br_3_2_2_9_plain_text_is_refused(service: Service) -> None:
    """ "Encrypted"."""
    with (
        grpc.insecure_channel(service.address) as channel,
        pytest.raises(NotDecidedError, match="UNAVAILABLE"),
    ):
        service.roster(channel)


def test_br_3_2_2_9_a_caller_without_a_certificate_is_refused(service: Service) -> None:
    """ "Authenticated": the caller too."""
    authority = service.files.authority.read_bytes()
    assert_refused(service, grpc.ssl_channel_credentials(authority))


def test_br_3_2_2_9_a_caller_of_another_authority_is_refused(
    service: Service, tmp_path: Path
) -> None:
    """ "Authenticated": whatever the certificate says of itself."""
    pair = issue_certificate(create_authority(tmp_path, "mpic.test"), Subject("caller", "pipeline"))
    files = TlsFiles(pair.certificate, pair.private_key, service.files.authority)
    assert_refused(service, channel_credentials(files))


def test_br_3_2_2_9_a_server_of_another_authority_is_not_believed(
    service: Service, tmp_path: Path
) -> None:
    """ "Authenticated": the service too."""
    other = create_authority(tmp_path, "mpic.test")
    files = TlsFiles(service.files.certificate, service.files.private_key, other.file)
    assert_refused(service, channel_credentials(files))


def test_br_3_2_2_9_a_server_of_another_name_is_not_believed(service: Service) -> None:
    """ "Authenticated": by its name."""
    assert_refused(service, channel_credentials(service.files), "other.example")


VERSIONS = pytest.mark.parametrize(("version", "accepted"), [("-tls1_2", False), ("-tls1_3", True)])


@VERSIONS
def test_br_3_2_2_9_only_tls_1_3_is_spoken(service: Service, version: str, accepted: bool) -> None:
    """ "Modern protocols"."""
    assert speaks(service, service.address, version) == accepted


@pytest.mark.own_world("an agent that can be reached")
@pytest.mark.usefixtures("deployment")
@VERSIONS
def test_br_3_2_2_9_an_agent_too_speaks_only_tls_1_3(
    service: Service, version: str, accepted: bool
) -> None:
    """ "Modern protocols", between the primary, the remotes and the CA."""
    assert speaks(service, agent_address(ASHBURN), version) == accepted


def speaks(service: Service, address: str, version: str) -> bool:
    """Say whether a handshake in this version of TLS comes to its end."""
    files = service.files
    pair = ["-cert", files.certificate, "-key", files.private_key, "-CAfile", files.authority]
    done = subprocess.run(
        ["openssl", "s_client", version, "-alpn", "h2", "-connect", address, *map(str, pair)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",  # it shows octets as they are
        check=False,
    )
    spoken = "Cipher is TLS_" in done.stdout
    assert spoken != ("Cipher is (NONE)" in done.stdout)
    return spoken


@pytest.mark.own_world("a log to look into")
def test_br_3_2_2_9_a_refused_handshake_is_logged(service: Service, deployment: Deployment) -> None:
    """As above, and whoever runs the service learns of it."""
    authority = service.files.authority.read_bytes()
    assert_refused(service, grpc.ssl_channel_credentials(authority))
    log = deployment.coordinator.log_file
    wait_until(lambda: "PEER_DID_NOT_RETURN_A_CERTIFICATE" in log.read_text(), 60, log.read_text)


@pytest.mark.own_world("an authority that issues whatever is wanted")
@pytest.mark.parametrize(
    ("id", "days", "age"), [("old", 1, 2), ("unborn", 2, -1)], ids=["expired", "not yet valid"]
)
def test_br_3_2_2_9_a_caller_whose_certificate_is_out_of_date_is_refused(
    service: Service, deployment: Deployment, id: str, days: int, age: int
) -> None:
    """ "Authenticated": now."""
    issued = datetime.now(UTC) - timedelta(days=age)
    issue_certificate(load_authority(deployment.pki), Subject("caller", id), days, issued)
    assert_refused(service, channel_credentials(deployment.caller_tls(id)))


@pytest.mark.own_world("an authority that issues whatever is wanted")
def test_br_3_2_2_9_a_caller_not_on_the_list_is_refused_and_logged(
    service: Service, deployment: Deployment
) -> None:
    """ "Authenticated": a certificate of the right authority is not enough."""
    stranger = channel_credentials(deployment.caller_tls("stranger"))
    assert_refused(service, stranger, status="PERMISSION_DENIED")
    log = deployment.coordinator.log_file
    line = re.compile(r'spiffe://mpic.test/caller/stranger.*"caller_refused"')
    wait_until(lambda: bool(line.search(log.read_text())), 60, log.read_text)


@pytest.mark.own_world("an authority that issues whatever is wanted")
def test_br_3_2_2_9_a_stranger_with_many_names_hears_that_it_is_one(
    service: Service, deployment: Deployment
) -> None:
    """Were they all in the status, it would be too large to come, and it would ask again."""
    names = tuple(f"host{number}.{'x' * 60}.example.test" for number in range(80))
    issue_certificate(load_authority(deployment.pki), Subject("caller", "many", names))
    many = channel_credentials(deployment.caller_tls("many"))
    assert_refused(service, many, status="PERMISSION_DENIED")


@pytest.mark.own_world("an agent that can be reached")
@pytest.mark.usefixtures("deployment")
def test_br_3_2_2_9_a_caller_of_the_coordinator_may_not_ask_an_agent(service: Service) -> None:
    """ "Authenticated": a perspective answers the CA, not whoever it answers for."""
    options = [("grpc.ssl_target_name_override", "ashburn.perspective.mpic.test")]
    credentials = channel_credentials(service.files)
    with grpc.secure_channel(agent_address(ASHBURN), credentials, options) as channel:
        stub = perspective_pb2_grpc.PerspectiveServiceStub(channel)
        with pytest.raises(grpc.RpcError) as raised:
            stub.Describe(p.DescribeRequest(), timeout=TIMEOUT)
        with pytest.raises(grpc.RpcError) as streamed:
            list(stub.Observe(iter(()), timeout=TIMEOUT))
    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert streamed.value.code() is grpc.StatusCode.PERMISSION_DENIED


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
