"""Domain control seen from every network: who is led astray, and how the quorum sees it.

Attackers capture the DNS or the route of the primary, and show it what the owner would: the same
address, no CAA record, and a proof of their own. The remotes do not see that proof.
"""

import base64
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coordinator.checks.domain_control.method import hash_value
from mpic.explain import explain
from mpic.v1 import corroboration_pb2 as c
from tests.world import network, zones
from tests.world.deployment import Deployment, Plan
from tests.world.domain_control import DIGEST, KEY_AUTHORIZATION, TOKEN
from tests.world.http_caller import HttpCaller, http_table
from tests.world.internet import Internet
from tests.world.open_mpic import dcv_body
from tests.world.tls_alpn_server import TlsAlpnServer
from tests.world.web_servers import WebServer

NAME = f"child.{zones.PLAIN.name}"
ONLY6 = f"only6.{zones.PLAIN.name}"
ACME_PATH = f"/.well-known/acme-challenge/{TOKEN}"
OWNERS_TXT = f'_acme-challenge.child IN TXT "{DIGEST.decode()}"\n'
ONLY6_AAAA = f"only6 IN AAAA {network.WEB6}\n"
# Whoever attacks has another account, with another key.
ATTACKERS = f"{TOKEN}.{'A' * 43}"
VALIDATION = c.PURPOSE_VALIDATION
OPEN_MPIC = "[open_mpic]\nenabled = true\n"


@pytest.fixture(scope="module")
def deployment(
    internet: Internet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    plan = Plan(lookup_timeout=5, coordinator_extra=f"{http_table()}\n{OPEN_MPIC}")
    with Deployment(tmp_path_factory.mktemp("control"), internet, plan) as running:
        yield running


@pytest.fixture
def owner(tmp_path: Path, internet: Internet) -> Iterator[WebServer]:
    """The rightful owner's web server; what is done to the network ends with it."""
    with WebServer(tmp_path / "owner", (network.WEB, network.WEB6)) as web:
        yield web
    network.restore_all()
    internet.replace(zones.PLAIN)
    internet.tell_lie(zones.lie(zones.PLAIN))


@pytest.fixture
def attacker(tmp_path: Path) -> Iterator[WebServer]:
    places = (network.LIARS_WEB, network.LIARS_WEB6)
    with WebServer(tmp_path / "attacker", places) as web:
        for host in (NAME, ONLY6):
            web.put(host, ACME_PATH, ATTACKERS)
        yield web


def http_01(key_authorization: str = KEY_AUTHORIZATION) -> c.DomainControl:
    method = c.AcmeHttp01(token=TOKEN, key_authorization=key_authorization)
    return c.DomainControl(acme_http_01=method)


def dns_01(key_authorization: str = KEY_AUTHORIZATION) -> c.DomainControl:
    return c.DomainControl(acme_dns_01=c.AcmeDns01(key_authorization=key_authorization))


def ask(
    deployment: Deployment,
    control: c.DomainControl,
    name: str = NAME,
    purpose: c.Purpose.ValueType = c.PURPOSE_ISSUANCE,
) -> c.CorroborateResponse:
    control.challenge_created_at.FromDatetime(datetime.now(UTC))
    request = c.CorroborateRequest(
        names=[c.RequestedName(name=name, domain_control=control)], purpose=purpose
    )
    return deployment.ask_request(request)


def quorums(response: c.CorroborateResponse) -> dict[str, str]:
    (verdict,) = response.names
    return {one.check: one.quorum for one in verdict.corroborations}


def divert_dns(*numbers: int) -> None:
    for number in numbers:
        source = network.perspective_address(number)
        network.divert(source, network.AUTHORITATIVE, network.LIAR)


def divert_routes(*numbers: int) -> None:
    for number in numbers:
        source, source6 = network.perspective_address(number), network.perspective_address6(number)
        network.divert_web(source, network.WEB, network.LIARS_WEB)
        network.divert_web(source6, network.WEB6, network.LIARS_WEB6)


def tls_alpn_01(key_authorization: str = KEY_AUTHORIZATION) -> c.DomainControl:
    method = c.AcmeTlsAlpn01(key_authorization=key_authorization)
    return c.DomainControl(acme_tls_alpn_01=method)


def digest_of(key_authorization: str) -> str:
    return base64.urlsafe_b64encode(hash_value(key_authorization)).rstrip(b"=").decode()


def lie(records: str) -> zones.Zone:
    """What the attacker's name server says: the right address, and records of its own."""
    return zones.plain(records)


@pytest.mark.usefixtures("owner")
def test_the_owners_record_is_seen_by_all(deployment: Deployment, internet: Internet) -> None:
    internet.replace(zones.plain(OWNERS_TXT))
    response = ask(deployment, dns_01())
    assert response.approved
    assert quorums(response) == {"caa": "5/5", "addresses": "5/5", "domain_control": "5/5"}
    validation = ask(deployment, dns_01(), purpose=VALIDATION)
    assert (validation.approved, validation.corroborated) == (False, True)
    assert quorums(validation) == {"domain_control": "5/5"}
    assert validation.HasField("domain_control_usable_until")


@pytest.mark.usefixtures("owner")
def test_a_record_that_only_the_primary_saw_is_error_338(
    deployment: Deployment, internet: Internet
) -> None:
    internet.tell_lie(lie(f'_acme-challenge.child IN TXT "{digest_of(ATTACKERS)}"\n'))
    divert_dns(0)
    response = ask(deployment, dns_01(ATTACKERS))
    assert (response.approved, response.error.code) == (False, 338)
    assert quorums(response) == {"caa": "5/5", "addresses": "5/5", "domain_control": "0/5"}
    (explained,) = explain(response, "en").names
    assert {one.code for one in explained.problems} <= {"fault.NO_RECORD", "fault.OTHER_VALUE"}
    # What the primary saw is not told to whoever reads why.
    assert digest_of(ATTACKERS) not in repr(explained)


def test_the_owners_page_is_seen_by_all(deployment: Deployment, owner: WebServer) -> None:
    owner.put(NAME, ACME_PATH, KEY_AUTHORIZATION)
    response = ask(deployment, http_01())
    assert response.approved
    assert quorums(response)["domain_control"] == "5/5"
    assert len(owner.requests()) == 6
    assert all("mpic/" in line for line in owner.requests())


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize(("captured", "quorum"), [((0,), "0/5"), ((0, 1, 2), "2/5")])
def test_a_page_behind_captured_routes_is_error_338(
    captured: tuple[int, ...], quorum: str, deployment: Deployment, attacker: WebServer
) -> None:
    divert_routes(*captured)
    response = ask(deployment, http_01(ATTACKERS))
    assert (response.approved, response.error.code) == (False, 338)
    # All else is as the owner has it.
    assert quorums(response) == {"caa": "5/5", "addresses": "5/5", "domain_control": quorum}
    assert len(attacker.requests()) == len(captured)
    (explained,) = explain(response, "ja").names
    assert [one.code for one in explained.problems] == ["fault.HTTP_STATUS.not_found"]
    assert explained.whose.code == "you"


@pytest.mark.usefixtures("owner")
def test_a_certificate_is_seen_by_all_and_behind_a_captured_route_by_one(
    deployment: Deployment, tmp_path: Path
) -> None:
    owners, attackers = (network.WEB, network.WEB6), (network.LIARS_WEB, network.LIARS_WEB6)
    with (
        TlsAlpnServer(tmp_path / "owner-tls", owners) as own,
        TlsAlpnServer(tmp_path / "attacker-tls", attackers) as other,
    ):
        own.put(NAME, KEY_AUTHORIZATION)
        other.put(NAME, ATTACKERS)
        response = ask(deployment, tls_alpn_01(), purpose=VALIDATION)
        assert response.corroborated
        assert quorums(response) == {"domain_control": "5/5"}
        divert_routes(0)
        response = ask(deployment, tls_alpn_01(ATTACKERS))
    assert (response.approved, response.error.code) == (False, 338)
    assert quorums(response) == {"caa": "5/5", "addresses": "5/5", "domain_control": "0/5"}


@pytest.mark.usefixtures("owner", "attacker")
def test_an_ipv6_address_that_an_attacker_added_is_error_338(
    deployment: Deployment, internet: Internet
) -> None:
    internet.tell_lie(lie(f"child IN AAAA {network.LIARS_WEB6}\n"))
    divert_dns(0)
    response = ask(deployment, http_01(ATTACKERS))
    assert (response.approved, response.error.code) == (False, 338)
    assert quorums(response)["domain_control"] == "0/5"


@pytest.mark.usefixtures("attacker")
def test_a_name_with_ipv6_alone(
    deployment: Deployment, internet: Internet, owner: WebServer
) -> None:
    internet.replace(zones.plain(ONLY6_AAAA))
    owner.put(ONLY6, ACME_PATH, KEY_AUTHORIZATION)
    response = ask(deployment, http_01(), ONLY6)
    assert response.approved
    divert_routes(0)
    response = ask(deployment, http_01(ATTACKERS), ONLY6)
    assert (response.approved, response.error.code) == (False, 338)
    assert quorums(response) == {"caa": "5/5", "addresses": "5/5", "domain_control": "0/5"}


@pytest.mark.usefixtures("owner")
def test_a_cname_that_only_the_primary_saw_moves_no_domain(
    deployment: Deployment, internet: Internet
) -> None:
    """The attacker has a proof that all can see, but only his lie leads to it."""
    target = f"elsewhere.{zones.PLAIN.name}"
    proof = f'_acme-challenge.elsewhere IN TXT "{digest_of(ATTACKERS)}"\n'
    address, alias = f"moved IN A {network.WEB}\n", "moved IN CNAME elsewhere\n"
    moved = dns_01(ATTACKERS)
    moved.authorization_domain_name = target
    internet.replace(zones.plain(alias + proof))
    response = ask(deployment, moved, f"moved.{zones.PLAIN.name}", VALIDATION)
    assert quorums(response) == {"domain_control": "5/5"}
    assert [one.to for one in response.names[0].determinations[0].steps] == [target]
    internet.replace(zones.plain(address + proof))
    internet.tell_lie(lie(alias + proof))
    divert_dns(0)
    time.sleep(1.1)  # to Unbound, what has a TTL of 0 is good until the second is over
    response = ask(deployment, moved, f"moved.{zones.PLAIN.name}", VALIDATION)
    assert (response.corroborated, response.error.code) == (False, 338)
    assert quorums(response) == {"domain_control": "0/5"}


@pytest.mark.usefixtures("owner")
def test_a_persistent_record_of_another_account_is_error_338(
    deployment: Deployment, internet: Internet
) -> None:
    """Each record would prove control by itself. The remotes must see the primary's account."""
    accounts = ["https://acme.example/acct/1", "https://acme.example/acct/2"]
    first, second = (
        f'_validation-persist.child IN TXT "{zones.ISSUER}; accounturi={one}"\n' for one in accounts
    )
    persistent = c.DomainControl(persistent_dns_txt=c.PersistentDnsTxt(account_uris=accounts))
    internet.replace(zones.plain(second))
    response = ask(deployment, persistent, purpose=VALIDATION)
    assert quorums(response) == {"domain_control": "5/5"}
    usable = response.domain_control_usable_until.ToDatetime(UTC) - datetime.now(UTC)
    assert timedelta(days=9) < usable < timedelta(days=10)
    internet.tell_lie(lie(first))
    divert_dns(0)
    time.sleep(1.1)
    response = ask(deployment, persistent, purpose=VALIDATION)
    assert (response.corroborated, response.error.code) == (False, 338)
    assert {one.dissent for one in response.names[0].perspectives[1:]} == {c.DISSENT_DIFFERS}


def ask_open_mpic(deployment: Deployment, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = (
        HttpCaller(deployment.caller_tls(), shows=True).post(body, "/mpic").json
    )
    return answer


def test_open_mpics_api_believes_the_owner_and_not_the_attacker_near_the_primary(
    deployment: Deployment, internet: Internet, owner: WebServer
) -> None:
    owner.put(NAME, ACME_PATH, KEY_AUTHORIZATION)
    internet.replace(zones.plain(OWNERS_TXT))
    for method in ("acme-http-01", "acme-dns-01"):
        answer = ask_open_mpic(deployment, dcv_body(method, NAME))
        assert (answer["is_valid"], answer["mpic_completed"]) == (True, True), answer
    details = answer["perspectives"][0]["check_response"]["details"]
    assert details["records_seen"] == [DIGEST.decode()]
    internet.tell_lie(lie(f'_acme-challenge.child IN TXT "{digest_of(ATTACKERS)}"\n'))
    divert_dns(0)
    hashed = digest_of(ATTACKERS)
    answer = ask_open_mpic(deployment, dcv_body("acme-dns-01", NAME, key_authorization_hash=hashed))
    assert answer["is_valid"] is False
    for one in answer["perspectives"]:
        assert one["check_response"]["check_passed"] is False
        last = one["check_response"]["errors"][-1]["error_message"]
        assert last.startswith("338: QUORUM_NOT_MET: 0 of 5")
