"""BR 4.2.2.1: CAA records are retrieved and processed before a certificate is issued."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.clauses.service import Service, Terms
from tests.clauses.world import CHILD, PLAIN, divert, forget, policy
from tests.world import network, zones
from tests.world.deployment import Deployment
from tests.world.internet import Internet

EIGHT_HOURS = timedelta(hours=8)
PERMITTED, FORBIDDEN, FAILED = "corroborated", "primary caa forbids", "primary caa failed"
FAILS_IN_INSECURE_ZONE = f"child.servfailcaa.{zones.HOSTILE_ZONE}"
"""Whose servers answer A and fail at CAA."""
OURS, ANOTHERS = f'0 issue "{zones.ISSUER}"', '0 issue "other-ca.example.test"'


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("allow.caa.example.co.jp", PERMITTED),
        ("below.allow.caa.example.co.jp", PERMITTED),
        ("deny.caa.example.co.jp", FORBIDDEN),
        ("below.deny.caa.example.co.jp", FORBIDDEN),
        ("other.caa.example.co.jp", FORBIDDEN),
        ("wild.caa.example.co.jp", FORBIDDEN),
        ("*.wild.caa.example.co.jp", PERMITTED),
        ("iodef.caa.example.co.jp", PERMITTED),
        ("alias-allow.caa.example.co.jp", PERMITTED),
        ("alias-deny.caa.example.co.jp", FORBIDDEN),
        ("alias-below.caa.example.co.jp", PERMITTED),
        ("big.caa.example.co.jp", FORBIDDEN),
    ],
)
def test_br_4_2_2_1_issue_issuewild_and_iodef_are_processed(
    service: Service, name: str, reason: str
) -> None:
    """ "CAs MUST process the issue, issuewild, and iodef property tags"."""
    answer = service.ask(name)
    assert answer.verdict.reason == reason, answer.verdict.detail
    assert answer.approved == (reason == PERMITTED)
    assert answer.code == 0
    assert answer.verdict.detail


def test_br_4_2_2_1_an_unknown_critical_property_forbids(service: Service) -> None:
    """ "MUST respect the critical flag", also beside a property that names the CA."""
    verdict = service.ask("critical.caa.example.co.jp").verdict
    assert verdict.reason == FORBIDDEN
    assert {report.why for report in verdict.reports} == {"caa forbids"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("alias-loop.caa.example.co.jp", FAILED),
        (f"child.servfail.{zones.HOSTILE_ZONE}", FAILED),
        ("child.nosuch-tld", "not in public dns"),
    ],
)
def test_br_4_2_2_1_a_failure_is_no_permission(service: Service, name: str, reason: str) -> None:
    """A record lookup failure is permission in no other case than the one that the clause names."""
    answer = service.ask(name)
    assert (answer.approved, answer.verdict.reason) == (False, reason), answer.verdict.detail
    assert (answer.code, answer.usable_until) == (0, None)


def test_br_4_2_2_1_a_refusal_names_record_and_rule(service: Service) -> None:
    """Issuances that CAA prevented are documented "in sufficient detail"."""
    for report in service.ask("other.caa.example.co.jp").verdict.reports:
        assert report.caa.outcome == "forbidden"
        assert report.caa.record == ANOTHERS
        assert report.caa.clause == "RFC 8659 section 4.2"
        assert report.caa.found_at == "other.caa.example.co.jp"


@pytest.mark.parametrize("name", [CHILD, "allow.caa.example.co.jp"])
def test_br_4_2_2_1_the_check_is_usable_for_8_hours(service: Service, name: str) -> None:
    """ "Within the TTL of the CAA record, or 8 hours, whichever is greater": of none, or an hour.

    Counted from before the earliest of the lookups, which were sent together.
    """
    answer = service.ask(name)
    assert answer.verdict.usable_until == answer.usable_until
    assert answer.usable_until is not None
    began = answer.asked_at - answer.verdict.primary.slowest
    assert abs(answer.usable_until - began - EIGHT_HOURS) < timedelta(milliseconds=1)


def test_br_4_2_2_1_the_walk_goes_up_to_the_top_level_domain(service: Service) -> None:
    """ "Retrieve and process CAA records in accordance with RFC 8659": from the name to its top."""
    levels = [CHILD, "parent.example.co.jp", "example.co.jp", "co.jp", "jp"]
    for report in service.ask(CHILD).verdict.reports:
        assert [level.name for level in report.walk] == levels
        assert all(level.HasField("absence") for level in report.walk)


def test_br_4_2_2_1_what_is_refused_or_tried_is_usable_for_no_time(service: Service) -> None:
    """Nothing may be issued on a refusal, nor on a question that was not for issuance."""
    assert service.ask("deny.caa.example.co.jp").usable_until is None
    dry = service.ask(CHILD, terms=Terms(dry_run=True))
    assert dry.usable_until is dry.verdict.usable_until is None
    assert dry.dry_run


@pytest.mark.own_world("networks that see different records")
@pytest.mark.usefixtures("deployment")
def test_br_4_2_2_1_another_set_that_permits_corroborates(
    service: Service, internet: Internet
) -> None:
    """4.2.2.1.1: "regardless of whether the responses [...] are byte-for-byte identical"."""
    honest = see_caa(internet, OURS, f'{OURS[:-1]}; policy=another"')
    try:
        verdict = service.ask(PLAIN).verdict
    finally:
        honest()
    assert [one.caa.outcome for one in verdict.reports] == ["passed"] * 6
    assert verdict.of("ashburn").caa.record != verdict.primary.caa.record
    assert (verdict.approved, verdict.quorum) == (True, "5/5")


@pytest.mark.own_world("networks that see different records")
@pytest.mark.usefixtures("deployment")
def test_br_4_2_2_1_a_set_that_forbids_at_a_remote_does_not_corroborate(
    service: Service, internet: Internet
) -> None:
    """4.2.2.1.1: what a remote sees must be "interpreted as permission to issue"."""
    honest = see_caa(internet, OURS, ANOTHERS)
    try:
        verdict = service.ask(PLAIN).verdict
    finally:
        honest()
    assert (verdict.approved, verdict.quorum) == (True, "4/5")
    assert verdict.of("ashburn").why == "caa forbids"


@pytest.mark.own_world("networks that see different records")
@pytest.mark.usefixtures("deployment")
def test_br_4_2_2_1_what_the_primary_forbids_no_remote_permits(
    service: Service, internet: Internet
) -> None:
    """The remotes corroborate a determination of the primary; they do not replace it."""
    honest = see_caa(internet, ANOTHERS, OURS)
    try:
        verdict = service.ask(PLAIN).verdict
    finally:
        honest()
    assert (verdict.approved, verdict.reason, verdict.code) == (False, FORBIDDEN, 0)
    assert verdict.of("ashburn").caa.outcome == "passed"


def see_caa(internet: Internet, all_but_one: str, ashburn: str) -> Callable[[], None]:
    """Let PLAIN have a set for all, and another where Ashburn looks; return what ends it."""
    text = zones.PLAIN.text + f"child IN CAA {all_but_one}\n"
    internet.replace(replace(zones.PLAIN, text=text))
    other = zones.lie(zones.PLAIN, ashburn)
    internet.tell_lie(replace(other, text=other.text.replace(network.LIAR, network.WEB)))
    divert(2)

    def end() -> None:
        internet.replace(zones.PLAIN)
        internet.tell_lie(zones.lie(zones.PLAIN))
        forget()

    return end


@pytest.mark.own_world("a policy that uses what the clause permits")
def test_br_4_2_2_1_the_exception_is_for_insecure_zones_and_who_wants_it(
    service: Service, deployment: Deployment
) -> None:
    """Permission "if: the failure is outside the CA's infrastructure", retried, and "Insecure"."""
    refused = service.ask(FAILS_IN_INSECURE_ZONE).verdict
    assert (refused.approved, refused.reason) == (False, FAILED)
    with policy(deployment, "[policy]\npermit_caa_failure_in_insecure_zone = true\n"):
        verdict = service.ask(FAILS_IN_INSECURE_ZONE.replace("child", "again")).verdict
        bogus = service.ask("child.bogus.example.co.jp").verdict
    # On a busy machine one perspective may not have all its proofs in time.
    assert verdict.approved, verdict.detail
    for report in (verdict.primary, *verdict.corroborating):
        assert report.caa.clause == "BR 4.2.2.1 (lookup failure in an insecure zone)"
        assert report.walk[0].tries == 2
        assert report.walk[0].insecurity_proof.zone_cut == f"servfailcaa.{zones.HOSTILE_ZONE}"
    assert (bogus.approved, bogus.reason) == (False, FAILED)
    assert "no permission without proof that the failure is outside" in bogus.primary.detail
