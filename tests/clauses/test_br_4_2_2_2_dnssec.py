"""BR 4.2.2.2: DNSSEC validation of what a domain validation and a CAA check look up."""

import pytest

from mpic.v1 import observation_pb2 as o
from tests.clauses.service import Service
from tests.clauses.world import CHILD, PLAIN, divert, heal

VALIDATED = {o.DNSSEC_SECURE, o.DNSSEC_INSECURE}
BOGUS_ZONES = ("bogus", "expired", "stripped")


@pytest.mark.parametrize("name", [CHILD, PLAIN, "www.nsec3.example.co.jp"])
def test_br_4_2_2_2_the_primary_validates_every_lookup(service: Service, name: str) -> None:
    """4.2.2.2.2: "MUST be performed on all DNS queries" of both determinations, by the primary."""
    primary = service.ask(name).verdict.primary
    assert primary.validates
    assert primary.walk
    assert {level.dnssec for level in (*primary.walk, primary.addresses)} <= VALIDATED


def test_br_4_2_2_2_what_is_signed_is_secure_and_what_is_not_is_insecure(service: Service) -> None:
    """4.2.2.2.1: validated as RFC 4035 section 5 has it, from the root's keys."""
    assert service.ask(CHILD).verdict.primary.addresses.dnssec == o.DNSSEC_SECURE
    assert service.ask(PLAIN).verdict.primary.addresses.dnssec == o.DNSSEC_INSECURE


@pytest.mark.parametrize("zone", ["nsec3", "opt-out"])
def test_br_4_2_2_2_absences_are_proven_by_nsec3(service: Service, zone: str) -> None:
    """4.2.2.2.1: the resolver "MUST support NSEC3" (RFC 5155), also where it opts out."""
    verdict = service.ask(f"www.{zone}.example.co.jp").verdict
    assert verdict.approved
    levels = [
        level for level in verdict.primary.walk if level.name.endswith(f"{zone}.example.co.jp")
    ]
    assert {level.dnssec for level in levels} == {o.DNSSEC_SECURE}


@pytest.mark.parametrize("zone", BOGUS_ZONES)
def test_br_4_2_2_2_an_error_is_no_permission(service: Service, zone: str) -> None:
    """4.2.2.2.5: DNSSEC errors at the primary "MUST NOT be treated as permission to issue"."""
    answer = service.ask(f"child.{zone}.example.co.jp")
    assert (answer.approved, answer.verdict.reason) == (False, "primary caa failed")
    assert answer.usable_until is None
    (level,) = answer.verdict.primary.walk
    assert level.dnssec == o.DNSSEC_BOGUS
    assert level.failure.kind == o.FAILURE_KIND_BOGUS


def test_br_4_2_2_2_an_error_keeps_its_cause(service: Service) -> None:
    """4.2.2.2.5, and 5.4.1: that the signature expired is told (RFC 8914, code 7)."""
    (level,) = service.ask("child.expired.example.co.jp").verdict.primary.walk
    assert level.failure.extended_error.code == 7


@pytest.mark.own_world("a network that is lied to")
@pytest.mark.usefixtures("deployment")
def test_br_4_2_2_2_a_remote_that_validates_and_sees_an_error_does_not_corroborate(
    service: Service,
) -> None:
    """4.2.2.2.6: remotes MAY validate. Once the hijack ends, the name is secure again.

    Unbound alone would keep the zone's keys for bogus for a minute.
    """
    divert(2)
    verdict = service.ask(CHILD).verdict
    assert (verdict.approved, verdict.quorum) == (True, "4/5")
    (level,) = verdict.of("ashburn").walk
    assert (level.dnssec, level.tries) == (o.DNSSEC_BOGUS, 2)
    heal()
    assert service.ask(CHILD).verdict.quorum == "5/5"
