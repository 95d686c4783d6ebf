"""Whole decisions through the real programs: who saw what, and what came of it."""

import time

import pytest

from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world import network, zones
from tests.world.deployment import Deployment
from tests.world.internet import Internet
from tests.world.places import PLACES

CHILD = "child.parent.example.co.jp"
PLAIN = "child.plain.example.co.jp"


def only(response: c.CorroborateResponse) -> c.NameVerdict:
    (verdict,) = response.names
    return verdict


def divert(number: int) -> None:
    network.divert(network.perspective_address(number), network.AUTHORITATIVE, network.LIAR)


def forget() -> None:
    """Wait: to Unbound, what has a TTL of 0 is good until the second is over."""
    time.sleep(1.1)


def test_everybody_sees_the_same(deployment: Deployment) -> None:
    response = deployment.ask(CHILD)
    verdict = only(response)
    assert response.approved
    assert (verdict.reason, verdict.quorum, verdict.required) == (c.REASON_CORROBORATED, "5/5", 4)
    assert not response.HasField("error")
    assert [one.perspective_id for one in verdict.perspectives] == [p.id for p in PLACES[:6]]
    assert [one.role for one in verdict.perspectives] == [c.ROLE_PRIMARY] + [c.ROLE_REMOTE] * 5
    for report in verdict.perspectives:
        assert report.corroborates
        assert report.caa.outcome == c.CAA_OUTCOME_PERMITTED
        caa, addresses = report.observation.findings
        assert [level.name for level in caa.caa_walk.levels] == [
            CHILD, "parent.example.co.jp", "example.co.jp", "co.jp", "jp",
        ]  # fmt: skip
        assert {level.absence for level in caa.caa_walk.levels} == {o.ABSENCE_NO_DATA}
        lookup = addresses.addresses.lookup
        assert list(lookup.records.rdata) == [bytes([203, 0, 113, 100])]
        assert lookup.records.owner == CHILD
        assert lookup.dnssec == o.DNSSEC_SECURE
        assert report.resolver.validates
        assert report.elapsed.ToNanoseconds() > 0
    usable = response.caa_usable_until.ToDatetime() - response.asked_at.ToDatetime()
    longest = max(response.names[0].perspectives[0].lookups_us) / 1_000_000
    assert usable.total_seconds() == pytest.approx(8 * 3600 - longest, abs=1e-5)


def test_upki_a_name_without_a_record_is_approved(
    internet: Internet, deployment: Deployment
) -> None:
    internet.replace(zones.UPKI_WITHOUT_CHILD)
    forget()
    try:
        verdict = only(deployment.ask(CHILD))
    finally:
        internet.replace(zones.UPKI)
        forget()
    assert (verdict.reason, verdict.quorum) == (c.REASON_CORROBORATED, "5/5")
    lookup = verdict.perspectives[0].observation.findings[1].addresses.lookup
    assert lookup.absence == o.ABSENCE_NAME_ERROR


def test_one_network_lied_to_is_outvoted(deployment: Deployment) -> None:
    divert(2)
    forget()
    response = deployment.ask(PLAIN)
    verdict = only(response)
    assert response.approved
    assert verdict.quorum == "4/5"
    ashburn = verdict.perspectives[2]
    assert ashburn.dissent == c.DISSENT_ADDRESSES_DIFFER
    assert ashburn.detail == "sees 203.0.113.66 where the primary sees 203.0.113.100"


def test_two_networks_lied_to_are_error_338(deployment: Deployment) -> None:
    divert(2)
    divert(5)
    forget()
    response = deployment.ask(PLAIN)
    verdict = only(response)
    assert not response.approved
    assert (verdict.reason, verdict.quorum) == (c.REASON_QUORUM_NOT_MET, "3/5")
    assert verdict.error.code == response.error.code == 338
    assert not response.HasField("caa_usable_until")
    assert not verdict.HasField("caa_usable_until")


def test_a_primary_lied_to_is_error_338(deployment: Deployment) -> None:
    """An attacker at the CA's own network alone: the case the rule was made for."""
    divert(0)
    forget()
    verdict = only(deployment.ask(PLAIN))
    assert (verdict.reason, verdict.quorum) == (c.REASON_QUORUM_NOT_MET, "0/5")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("allow.caa.example.co.jp", c.REASON_CORROBORATED),
        ("below.allow.caa.example.co.jp", c.REASON_CORROBORATED),
        ("deny.caa.example.co.jp", c.REASON_PRIMARY_CAA_FORBIDS),
        ("below.deny.caa.example.co.jp", c.REASON_PRIMARY_CAA_FORBIDS),
        ("other.caa.example.co.jp", c.REASON_PRIMARY_CAA_FORBIDS),
        ("wild.caa.example.co.jp", c.REASON_PRIMARY_CAA_FORBIDS),
        ("*.wild.caa.example.co.jp", c.REASON_CORROBORATED),
        ("critical.caa.example.co.jp", c.REASON_PRIMARY_CAA_FORBIDS),
        ("alias-allow.caa.example.co.jp", c.REASON_CORROBORATED),
        ("alias-deny.caa.example.co.jp", c.REASON_PRIMARY_CAA_FORBIDS),
        ("alias-below.caa.example.co.jp", c.REASON_CORROBORATED),
        ("alias-loop.caa.example.co.jp", c.REASON_PRIMARY_CAA_FAILED),
        ("big.caa.example.co.jp", c.REASON_PRIMARY_CAA_FORBIDS),
        ("child.bogus.example.co.jp", c.REASON_PRIMARY_CAA_FAILED),
        ("child.expired.example.co.jp", c.REASON_PRIMARY_CAA_FAILED),
        ("child.stripped.example.co.jp", c.REASON_PRIMARY_CAA_FAILED),
        ("child.servfail.hostile.example.co.jp", c.REASON_PRIMARY_CAA_FAILED),
        ("child.nosuch-tld", c.REASON_NOT_IN_PUBLIC_DNS),
    ],
)
def test_the_primarys_own_reason_is_no_338(
    deployment: Deployment, name: str, reason: c.Reason.ValueType
) -> None:
    response = deployment.ask(name, linger=0)
    verdict = only(response)
    assert verdict.reason == reason
    assert response.approved == (reason == c.REASON_CORROBORATED)
    assert not response.HasField("error")
    assert verdict.detail


def test_a_refusal_by_caa_names_record_and_clause(deployment: Deployment) -> None:
    primary = only(deployment.ask("other.caa.example.co.jp")).perspectives[0]
    assert primary.caa.outcome == c.CAA_OUTCOME_FORBIDDEN
    assert primary.caa.record == '0 issue "other-ca.example.test"'
    assert primary.caa.clause == "RFC 8659 section 4.2"
    assert primary.caa.found_at == "other.caa.example.co.jp"


def test_a_bogus_answer_keeps_its_extended_error(deployment: Deployment) -> None:
    primary = only(deployment.ask("child.expired.example.co.jp")).perspectives[0]
    (level,) = primary.observation.findings[0].caa_walk.levels
    assert level.dnssec == o.DNSSEC_BOGUS
    assert level.failure.kind == o.FAILURE_KIND_BOGUS
    assert level.failure.extended_error.code == 7


def test_one_failing_name_refuses_the_certificate(deployment: Deployment) -> None:
    response = deployment.ask(CHILD, "deny.caa.example.co.jp", f"*.{CHILD}")
    assert not response.approved
    assert [verdict.approved for verdict in response.names] == [True, False, True]
    assert not any(verdict.HasField("caa_usable_until") for verdict in response.names)


def test_a_hundred_names_of_one_certificate(deployment: Deployment) -> None:
    response = deployment.ask(*(f"host{number}.plain.example.co.jp" for number in range(100)))
    assert response.approved
    assert len(response.names) == 100


def test_a_u_label_keeps_its_original(deployment: Deployment) -> None:
    verdict = only(deployment.ask("bücher.plain.example.co.jp"))
    assert verdict.name == "bücher.plain.example.co.jp"
    assert verdict.looked_up == "xn--bcher-kva.plain.example.co.jp"
    assert verdict.approved


def test_a_dry_run_permits_nothing(deployment: Deployment) -> None:
    request = c.CorroborateRequest(request_id="dry", names=[CHILD], dry_run=True)
    response = deployment.send(request)
    assert response.dry_run
    assert not response.HasField("caa_usable_until")
    assert not only(response).HasField("caa_usable_until")


def test_a_caller_may_demand_all_five(deployment: Deployment) -> None:
    divert(2)
    forget()
    request = c.CorroborateRequest(request_id="strict", names=[PLAIN])
    request.tightening.min_corroborating = 5
    verdict = only(deployment.send(request))
    assert verdict.reason == c.REASON_QUORUM_NOT_MET
    assert verdict.required == 5


def test_the_policy_row_is_told(deployment: Deployment) -> None:
    policy = deployment.ask(CHILD).policy
    assert policy.effective_from.ToDatetime().isoformat() in (
        "2026-06-15T00:00:00",
        "2026-12-15T00:00:00",
    )
    assert policy.allowed_noncorroborations == 1
    assert policy.minimum_regions == 2
    assert policy.minimum_distance_km == 500
    assert policy.address_agreement == c.ADDRESS_AGREEMENT_EXACT


def test_br_3_2_2_9_corroborations_of_earlier_attempts_are_never_added(
    deployment: Deployment,
) -> None:
    """Every remote corroborates in one of two attempts, and three of five in each."""
    for lied_to in ((1, 2), (3, 4)):
        for number in lied_to:
            divert(number)
        forget()
        response = deployment.ask(PLAIN)
        network.restore_all()
        assert only(response).quorum == "3/5"
        assert response.error.code == 338
        dissenting = [n for n, one in enumerate(only(response).perspectives) if one.dissent]
        assert dissenting == list(lied_to)


def test_after_a_hijack_of_a_signed_zone_ends_its_names_are_secure_again(
    deployment: Deployment,
) -> None:
    """Unbound alone would keep the zone's keys for bogus for a minute."""
    divert(2)
    forget()
    hijacked = only(deployment.ask(CHILD))
    assert hijacked.quorum == "4/5"
    (level,) = hijacked.perspectives[2].observation.findings[0].caa_walk.levels
    assert level.dnssec == o.DNSSEC_BOGUS
    assert level.tries == 2
    network.restore_all()
    assert only(deployment.ask(CHILD)).quorum == "5/5"
