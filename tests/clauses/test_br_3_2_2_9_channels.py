"""BR 3.2.2.9: "an authenticated and encrypted channel relying on modern protocols".

All that a certification authority, its primary and its remotes say to each other goes over mutual
TLS 1.3.
"""

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from mpic.channel import TlsFiles, channel_credentials
from mpic.runtime.pki import Subject, create_authority, issue_certificate, load_authority
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import perspective_pb2_grpc
from tests.clauses.service import NotDecidedError, Service
from tests.world.deployment import Deployment, agent_address
from tests.world.impostor import ASHBURN
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
