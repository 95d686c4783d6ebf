"""Who may call, who is believed: mutual TLS 1.3, allow-lists, agents that are not themselves."""

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mpic.runtime.grpc.tls import TlsFiles, channel_credentials
from mpic.runtime.pki import Subject, create_authority, issue_certificate, load_authority
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc, perspective_pb2_grpc
from mpic.v1 import perspective_pb2 as p
from tests.world.deployment import COORDINATOR, Deployment, Plan, agent_address
from tests.world.fake_agent import BEHAVIOURS
from tests.world.impostor import ASHBURN, replaced, standing_in
from tests.world.places import PLACES, Place
from tests.world.process import wait_until

CHILD = "nothing-here.parent.example.co.jp"
PLAN = Plan(lookup_timeout=6)
TIMEOUT = 60
ROOT = Path(__file__).parents[2]


def call(credentials: grpc.ChannelCredentials, name: str = "localhost") -> c.CorroborateResponse:
    options = [("grpc.ssl_target_name_override", name)]
    with grpc.secure_channel(COORDINATOR, credentials, options) as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        return stub.Corroborate(
            c.CorroborateRequest(request_id="r", names=[CHILD]), timeout=TIMEOUT
        )


def assert_unavailable(credentials: grpc.ChannelCredentials, name: str = "localhost") -> None:
    with pytest.raises(grpc.RpcError) as raised:
        call(credentials, name)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_caller_without_a_certificate_is_refused_and_logged(deployment: Deployment) -> None:
    authority = (deployment.pki / "ca.pem").read_bytes()
    assert_unavailable(grpc.ssl_channel_credentials(authority))
    log = deployment.coordinator.log_file
    wait_until(lambda: "PEER_DID_NOT_RETURN_A_CERTIFICATE" in log.read_text(), 60, log.read_text)


def test_a_caller_of_another_authority_is_refused(deployment: Deployment, tmp_path: Path) -> None:
    other = create_authority(tmp_path, "mpic.test")
    pair = issue_certificate(other, Subject("caller", "pipeline"))
    files = TlsFiles(pair.certificate, pair.private_key, deployment.pki / "ca.pem")
    assert_unavailable(channel_credentials(files))


@pytest.mark.parametrize(
    ("id", "days", "age"), [("old", 1, 2), ("unborn", 2, -1)], ids=["expired", "not yet valid"]
)
def test_a_caller_whose_certificate_is_out_of_date_is_refused(
    deployment: Deployment, id: str, days: int, age: int
) -> None:
    issued = datetime.now(UTC) - timedelta(days=age)
    subject = Subject("caller", id)
    issue_certificate(load_authority(deployment.pki), subject, days, issued)
    assert_unavailable(channel_credentials(deployment.caller_tls(id)))


def test_an_agent_whose_certificate_has_expired_is_not_believed(
    deployment: Deployment, tmp_path: Path
) -> None:
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
        (verdict,) = deployment.ask(CHILD).names
    deployment.wait_ready()
    assert verdict.quorum == "4/5"
    assert verdict.perspectives[2].dissent == c.DISSENT_UNREACHABLE
    assert "certificate has expired" in verdict.perspectives[2].detail


def test_a_server_of_another_authority_is_not_believed(
    deployment: Deployment, tmp_path: Path
) -> None:
    other = create_authority(tmp_path, "mpic.test")
    tls = deployment.caller_tls()
    assert_unavailable(channel_credentials(TlsFiles(tls.certificate, tls.private_key, other.file)))


def test_a_server_of_another_name_is_not_believed(deployment: Deployment) -> None:
    assert_unavailable(channel_credentials(deployment.caller_tls()), "other.example")


def test_a_caller_not_on_the_list_is_refused_and_logged(deployment: Deployment) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        call(channel_credentials(deployment.caller_tls("stranger")))
    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(raised.value).details[0].Unpack(info)
    assert info.reason == "CALLER_NOT_ALLOWED"
    log = deployment.coordinator.log_file
    line = re.compile(r'spiffe://mpic.test/caller/stranger.*"caller_refused"')
    wait_until(lambda: bool(line.search(log.read_text())), 60, log.read_text)


def test_a_stranger_with_many_names_hears_that_it_is_one(deployment: Deployment) -> None:
    """Were they all in the status, it would be too large to come, and it would ask again."""
    names = tuple(f"host{number}.{'x' * 60}.example.test" for number in range(80))
    issue_certificate(load_authority(deployment.pki), Subject("caller", "many", names))
    with pytest.raises(grpc.RpcError) as raised:
        call(channel_credentials(deployment.caller_tls("many")))
    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_a_caller_of_the_coordinator_may_not_ask_an_agent(deployment: Deployment) -> None:
    options = [("grpc.ssl_target_name_override", "ashburn.perspective.mpic.test")]
    credentials = channel_credentials(deployment.caller_tls())
    with grpc.secure_channel(agent_address(ASHBURN), credentials, options) as channel:
        stub = perspective_pb2_grpc.PerspectiveServiceStub(channel)
        with pytest.raises(grpc.RpcError) as raised:
            stub.Describe(p.DescribeRequest(), timeout=TIMEOUT)
        with pytest.raises(grpc.RpcError) as streamed:
            list(stub.Observe(iter(()), timeout=TIMEOUT))
    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert streamed.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_plain_text_is_refused(deployment: Deployment) -> None:  # noqa: ARG001 - it must run
    with grpc.insecure_channel(COORDINATOR) as channel:
        stub = corroboration_pb2_grpc.CorroborationServiceStub(channel)
        with pytest.raises(grpc.RpcError) as raised:
            stub.ListPerspectives(c.ListPerspectivesRequest(), timeout=TIMEOUT)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("address", [COORDINATOR, agent_address(ASHBURN)])
@pytest.mark.parametrize(("version", "accepted"), [("-tls1_2", False), ("-tls1_3", True)])
def test_br_3_2_2_9_only_tls_1_3_is_spoken(
    deployment: Deployment, address: str, version: str, accepted: bool
) -> None:
    tls = deployment.caller_tls()
    files = list(
        map(str, ("-cert", tls.certificate, "-key", tls.private_key, "-CAfile", tls.authority))
    )
    done = subprocess.run(
        ["openssl", "s_client", version, "-alpn", "h2", "-connect", address, *files],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",  # it shows octets as they are
        check=False,
    )
    assert ("Cipher is TLS_" in done.stdout) == accepted
    assert ("Cipher is (NONE)" in done.stdout) == (not accepted)


OUTCOMES = {
    "honest": c.DISSENT_UNSPECIFIED,
    "octets": c.DISSENT_GARBAGE,
    "inner-octets": c.DISSENT_GARBAGE,
    "other-name": c.DISSENT_GARBAGE,
    "other-question": c.DISSENT_GARBAGE,
    "empty": c.DISSENT_GARBAGE,
    "half": c.DISSENT_GARBAGE,
    "wrong-order": c.DISSENT_GARBAGE,
    "short-walk": c.DISSENT_GARBAGE,
    "somebody-else": c.DISSENT_MISIDENTIFIED,
    "elsewhere": c.DISSENT_MISIDENTIFIED,
    "hung": c.DISSENT_UNREACHABLE,
}


def test_every_fake_behaviour_has_an_outcome() -> None:
    assert OUTCOMES.keys() == BEHAVIOURS.keys()


@pytest.mark.parametrize("behaviour", OUTCOMES)
def test_an_agent_that_answers_wrongly_does_not_corroborate(
    deployment: Deployment, behaviour: str, tmp_path: Path
) -> None:
    with replaced(deployment, behaviour, tmp_path / "fake.log"):
        (verdict,) = deployment.ask(CHILD).names
    assert verdict.approved
    assert verdict.quorum == ("5/5" if behaviour == "honest" else "4/5")
    report = verdict.perspectives[2]
    assert report.dissent == OUTCOMES[behaviour]
    assert bool(report.detail) == (behaviour != "honest")


def test_two_agents_whose_addresses_are_swapped_are_both_refused(deployment: Deployment) -> None:
    file = deployment.coordinator_file
    honest = file.read_text()
    one, other = agent_address(PLACES[1]), agent_address(PLACES[2])
    swapped = honest.replace(one, "swap").replace(other, one).replace("swap", other)
    verdict = restarted(deployment, swapped)
    assert verdict.quorum == "3/5"
    assert verdict.error.code == 338
    for number in (1, 2):
        report = verdict.perspectives[number]
        assert report.dissent == c.DISSENT_MISIDENTIFIED
        assert "certificate" in report.detail
    assert restarted(deployment, honest).quorum == "5/5"


def restarted(deployment: Deployment, configuration: str) -> c.NameVerdict:
    """Run the coordinator with this configuration, and ask it once it has tried every agent."""
    deployment.coordinator.stop()
    deployment.coordinator_file.write_text(configuration)
    deployment.start_coordinator()
    wait_until(
        lambda: all(one.problem != "not connected yet" for one in deployment.perspectives()),
        60,
        deployment.say_who,
    )
    (verdict,) = deployment.ask(CHILD).names
    return verdict


def standing(place: Place) -> str:
    """Where and in which region the roster says that one stands."""
    where = f"{{ latitude = {place.latitude}, longitude = {place.longitude} }}"
    return f'rir = "{place.rir}"\negress = {where}\nresolver = {where}\n'


IN_ASHBURN, IN_SANTIAGO = standing(ASHBURN), standing(PLACES[8])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (IN_ASHBURN, IN_SANTIAGO, "says it is 'ashburn' in ARIN; the roster says"),
        ('id = "ashburn"', 'id = "portland"', "says it is 'ashburn' in ARIN; the roster says"),
    ],
)
def test_an_agent_that_is_not_what_the_roster_says_is_refused(
    deployment: Deployment, old: str, new: str, says: str
) -> None:
    honest = deployment.coordinator_file.read_text()
    assert old in honest
    verdict = restarted(deployment, honest.replace(old, new))
    restarted(deployment, honest)
    assert verdict.quorum == "4/5"
    assert verdict.perspectives[2].dissent == c.DISSENT_MISIDENTIFIED
    assert says in verdict.perspectives[2].detail
