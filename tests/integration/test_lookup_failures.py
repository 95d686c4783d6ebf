"""BR 4.2.2.1: when a CAA lookup that fails may be permission, with real zones and real proofs."""

import pytest

from mpic.names import walk_levels
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world import network
from tests.world.deployment import Deployment, Plan
from tests.world.requests import caa_of
from tests.world.zones import HOSTILE_ZONE, V6_ONLY, V6_TOO

PLAN = Plan(
    lookup_timeout=25, coordinator_extra="[policy]\npermit_caa_failure_in_insecure_zone = true\n"
)
# The zone's servers answer A and fail at CAA.
INSECURE = "child.servfailcaa.hostile.example.co.jp"


def primary(response: c.CorroborateResponse) -> c.PerspectiveReport:
    return response.names[0].perspectives[0]


def test_a_failure_outside_in_an_insecure_zone_is_permission(deployment: Deployment) -> None:
    response = deployment.ask(INSECURE)
    assert response.approved, response.names[0].detail
    assert response.names[0].quorum == "5/5"
    assert response.policy.permit_caa_failure_in_insecure_zone
    for report in response.names[0].perspectives:
        assert caa_of(report).outcome == c.OUTCOME_PASSED
        assert caa_of(report).clause == "BR 4.2.2.1 (lookup failure in an insecure zone)"
        levels = report.observation.findings[0].caa_walk.levels
        assert [level.name for level in levels] == walk_levels(INSECURE)
        for failed in levels[:2]:
            zone = failed.diagnosis
            assert zone.zone == "servfailcaa.hostile.example.co.jp"
            assert {one.address for one in zone.servers} == {network.HOSTILE}
            assert {one.outcome for one in zone.servers} == {o.SERVER_OUTCOME_FAILED}
            assert {(one.address, one.outcome) for one in zone.known} == {
                (network.ROOT, o.SERVER_OUTCOME_ANSWERED)
            }
            assert failed.failure.kind == o.FAILURE_KIND_SERVFAIL
            assert failed.tries == 2
            assert failed.insecurity_proof.zone_cut == "servfailcaa.hostile.example.co.jp"
        assert all(level.HasField("absence") for level in levels[2:])


@pytest.mark.parametrize("name", ["www.failsbelow", "a.b.failsbelow"])
def test_rfc_8659_3_the_set_above_a_failure_decides(deployment: Deployment, name: str) -> None:
    """The failure is permission at its own level; the parent's set forbids."""
    response = deployment.ask(f"{name}.{HOSTILE_ZONE}")
    assert not response.approved
    assert response.names[0].reason == c.REASON_PRIMARY_FORBIDS, response.names[0].detail
    for report in response.names[0].perspectives:
        assert report.dissent == c.DISSENT_FORBIDS
        assert caa_of(report).found_at == f"failsbelow.{HOSTILE_ZONE}"
        assert caa_of(report).record == '0 issue "other-ca.example.test"'


def test_a_set_above_a_failure_that_names_us_permits(deployment: Deployment) -> None:
    response = deployment.ask(f"www.failsbelowours.{HOSTILE_ZONE}")
    assert response.approved, response.names[0].detail
    assert caa_of(primary(response)).found_at == f"failsbelowours.{HOSTILE_ZONE}"


def test_br_4_2_2_2_5_a_dnssec_error_above_a_failure_is_a_failure(deployment: Deployment) -> None:
    """Of an insecure delegation out of a signed zone whose own records do not validate."""
    response = deployment.ask("www.lame.bogus-caa.example.co.jp")
    assert response.names[0].reason == c.REASON_PRIMARY_FAILED, response.names[0].detail
    detail = primary(response).detail
    assert "the CAA lookup of bogus-caa.example.co.jp failed (BOGUS)" in detail
    assert "no permission without proof that the failure is outside" in detail
    levels = primary(response).observation.findings[0].caa_walk.levels
    assert levels[0].insecurity_proof.zone_cut == "lame.bogus-caa.example.co.jp"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("www.lame.example.co.jp", "NSEC"),
        ("lame.nsec3.example.co.jp", "NSEC3"),
        ("a.b.lame.opt-out.example.co.jp", "NSEC3 opt-out"),
    ],
)
def test_rfc_4035_4_3_insecurity_is_proven_by_a_validated_denial(
    deployment: Deployment, name: str, kind: str
) -> None:
    report = primary(deployment.ask(name))
    # Nobody answers for the addresses either, so nothing is approved; but CAA is permission.
    assert report.dissent == c.DISSENT_FAILED
    assert caa_of(report).outcome == c.OUTCOME_PASSED
    proof = report.observation.findings[0].caa_walk.levels[0].insecurity_proof
    assert proof.kind == kind
    assert proof.zone_cut == name[name.index("lame") :]


def test_br_4_2_2_2_5_a_failure_below_a_ds_record_is_none(deployment: Deployment) -> None:
    response = deployment.ask("www.lame-signed.example.co.jp")
    assert response.names[0].reason == c.REASON_PRIMARY_FAILED, response.names[0].detail
    assert "no permission without proof that the zone is insecure" in primary(response).detail


@pytest.mark.parametrize("zone", ["bogus", "expired", "stripped"])
def test_br_4_2_2_2_5_a_dnssec_error_at_the_primary_is_none(
    deployment: Deployment, zone: str
) -> None:
    response = deployment.ask(f"child.{zone}.example.co.jp")
    assert response.names[0].reason == c.REASON_PRIMARY_FAILED, response.names[0].detail
    assert "no permission without proof that the failure is outside" in primary(response).detail


def test_br_4_2_2_1_a_failure_that_an_alias_leads_to_is_none(deployment: Deployment) -> None:
    """The name's own zone is proven insecure, but it is another's, with a DS record, that fails."""
    response = deployment.ask("alias.plain.example.co.jp")
    assert response.names[0].reason == c.REASON_PRIMARY_FAILED
    detail = primary(response).detail
    assert "answered over UDP when it was asked directly) and that the zone is insecure" in detail


def test_br_4_2_2_1_a_failure_of_our_own_egress_is_none(deployment: Deployment) -> None:
    """A set that forbids and needs TCP, which a firewall of ours resets: nobody could read it."""
    name = f"www.1001.many.{HOSTILE_ZONE}"
    assert primary(deployment.ask(name)).dissent == c.DISSENT_FORBIDS
    for number, _ in enumerate(deployment.plan.places):
        network.refuse_tcp(network.perspective_address(number))
    response = deployment.ask(name)
    assert response.names[0].reason == c.REASON_PRIMARY_FAILED, response.names[0].detail
    for report in response.names[0].perspectives:
        assert caa_of(report).outcome == c.OUTCOME_FAILED
        assert "(no server that is known to answer did over IPv4 and TCP)" in report.detail
        failed = report.observation.findings[0].caa_walk.levels[0]
        assert failed.insecurity_proof.zone_cut == f"many.{HOSTILE_ZONE}"
    # Nor is the failure that is the domain's own, while nothing shows that it is.
    response = deployment.ask(INSECURE.replace("child", "unshown"))
    assert response.names[0].reason == c.REASON_PRIMARY_FAILED, response.names[0].detail
    network.heal()
    assert deployment.ask(INSECURE.replace("child", "shown")).approved


def test_br_4_2_2_1_servers_that_have_ipv6_alone_are_none_of_the_domains_failures(
    deployment: Deployment,
) -> None:
    response = deployment.ask(f"www.{V6_ONLY}")
    assert not response.approved
    (name,) = response.names
    assert (name.reason, name.responsible) == (
        c.REASON_PRIMARY_UNAVAILABLE,
        c.RESPONSIBLE_SERVICE,
    )
    assert primary(response).dissent == c.DISSENT_NOT_LOOKED


def test_br_4_2_2_1_servers_that_an_agent_without_ipv6_cannot_ask(deployment: Deployment) -> None:
    report = primary(deployment.ask(f"www.{V6_TOO}"))
    assert report.dissent == c.DISSENT_FAILED
    assert "2001:db8::53 NOT_ASKED (this agent does not use IPv6) over UDP" in report.detail


def test_dead_servers_are_the_domains_where_the_way_is_shown_to_be_open(
    deployment: Deployment,
) -> None:
    report = primary(deployment.ask("www.dead.example.co.jp"))
    # Nobody answers for the addresses either.
    assert report.dissent == c.DISSENT_FAILED, report.detail
    assert caa_of(report).outcome == c.OUTCOME_PASSED
    servers = report.observation.findings[0].caa_walk.levels[0].diagnosis.servers
    assert [one.outcome for one in servers] == [
        o.SERVER_OUTCOME_SILENT,
        o.SERVER_OUTCOME_UNREACHABLE,
    ]


def test_silence_within_our_deadline_is_none(deployment: Deployment) -> None:
    """Of a perspective whose way out is cut, nothing is known but that."""
    source = network.perspective_address(0)
    network.black_hole(source, network.TLD)
    network.black_hole(source, network.HOSTILE)
    try:
        response = deployment.ask(INSECURE.replace("child", "cut-off"))
    finally:
        network.heal()
    assert not response.approved
    assert response.names[0].reason == c.REASON_PRIMARY_FAILED, response.names[0].detail
    assert "no permission without proof" in primary(response).detail


def test_without_the_policy_it_is_a_failure(deployment: Deployment) -> None:
    """The same question to a coordinator that keeps the default."""
    loosened = deployment.coordinator_file.read_text()
    strict = loosened.replace("permit_caa_failure_in_insecure_zone = true", "")
    deployment.coordinator.stop()
    deployment.coordinator_file.write_text(strict)
    deployment.start_coordinator()
    deployment.wait_ready()
    response = deployment.ask(INSECURE)
    assert response.names[0].reason == c.REASON_PRIMARY_FAILED, response.names[0].detail
    (failed,) = primary(response).observation.findings[0].caa_walk.levels
    assert not failed.HasField("insecurity_proof")
    assert failed.tries == 2
