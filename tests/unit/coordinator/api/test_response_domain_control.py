"""The answer about domain control: what each check came to, and what a validation permits."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from coordinator.api.response import fill_answer
from coordinator.checks.check import CheckSubject
from coordinator.decision.attempt import Attempt
from coordinator.decision.request import IssuanceRequest
from coordinator.record.basis import Basis, find_basis
from coordinator.record.builder import AskedBy, RecordBuilder
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r
from tests.unit.coordinator.api.test_response import LINKS
from tests.world.domain_control import DIGEST, controlled, txt
from tests.world.samples import (
    ADDRESS,
    NOVEMBER,
    RULES,
    WORLD,
    addresses,
    asked_name,
    caa,
    reply,
)

PROVED = (caa(), addresses(ADDRESS), txt(DIGEST))
MISSING = (caa(), addresses(ADDRESS), txt())
ELSEWHERE = (caa(), addresses(bytes([203, 0, 113, 66])), txt(DIGEST))
NEITHER = (caa(), addresses(bytes([203, 0, 113, 66])), txt())
VALIDATION = c.PURPOSE_VALIDATION
# BR 4.2.1 for a validation in November 2026.
REUSABLE_UNTIL = datetime(2027, 3, 14, 23, 59, 59)  # noqa: DTZ001 - as protobuf returns it


def decide(
    subject: CheckSubject, *findings: Sequence[o.Finding], dry_run: bool = False
) -> r.Record:
    """Return the record of an attempt in which perspectives found these, the primary first."""
    asked = asked_name(subject)
    purpose = subject.request.purpose
    request = IssuanceRequest("r-1", "", [asked], RULES, None, dry_run, 0, purpose)
    attempt = Attempt(request, WORLD, NOVEMBER, lambda _: None)
    for who, found in zip(WORLD.perspectives, findings, strict=True):
        attempt.receive(0, reply(who, found))
    attempt.decided_at = NOVEMBER
    attempt.freeze()
    record = r.Record()
    RecordBuilder(LINKS, b"").fill_record(record, attempt, AskedBy("caller", b""))
    return record


def tell(record: r.Record) -> c.CorroborateResponse:
    response = c.CorroborateResponse()
    fill_answer(response, record)
    return response


def quorums(response: c.CorroborateResponse) -> dict[str, str]:
    return {one.check: one.quorum for one in response.names[0].corroborations}


async def test_an_approval_with_domain_control_says_until_when_each_may_be_used() -> None:
    response = tell(decide(controlled(), *[PROVED] * 6))
    assert (response.approved, response.corroborated) == (True, True)
    assert response.purpose == c.PURPOSE_ISSUANCE
    assert response.domain_control_usable_until.ToDatetime() == REUSABLE_UNTIL
    assert response.caa_usable_until.ToDatetime(UTC) < NOVEMBER.replace(hour=9)
    assert quorums(response) == {"caa": "5/5", "addresses": "5/5", "domain_control": "5/5"}


async def test_the_attacker_near_the_primary_alone_is_refused_with_338() -> None:
    response = tell(decide(controlled(), PROVED, *[MISSING] * 5))
    (name,) = response.names
    assert (name.reason, name.error.code) == (c.REASON_QUORUM_NOT_MET, 338)
    assert quorums(response) == {"caa": "5/5", "addresses": "5/5", "domain_control": "0/5"}
    assert {one.check for one in name.perspectives[1:]} == {"domain_control"}
    assert not response.HasField("domain_control_usable_until")


async def test_one_remote_counts_for_the_quorum_only_if_every_check_passes_there() -> None:
    response = tell(decide(controlled(), PROVED, MISSING, ELSEWHERE, *[PROVED] * 3))
    assert not response.approved
    assert response.names[0].quorum == "3/5"
    assert quorums(response) == {"caa": "5/5", "addresses": "4/5", "domain_control": "4/5"}


async def test_each_check_is_compared_though_another_failed_or_differed() -> None:
    response = tell(decide(controlled(), PROVED, NEITHER, *[PROVED] * 4))
    assert response.approved
    assert quorums(response) == {"caa": "5/5", "addresses": "4/5", "domain_control": "4/5"}


async def test_without_the_primarys_proof_nothing_is_corroborated_for_it() -> None:
    response = tell(decide(controlled(), MISSING, *[PROVED] * 5))
    (name,) = response.names
    assert (name.reason, name.check) == (c.REASON_PROOF_MISSING, "domain_control")
    assert name.responsible == c.RESPONSIBLE_DOMAIN
    assert quorums(response)["domain_control"] == "0/5"


async def test_a_validation_is_no_permission_however_good_it_is() -> None:
    subject = controlled(purpose=VALIDATION)
    record = decide(subject, *[[txt(DIGEST)]] * 6)
    response = tell(record)
    assert (response.approved, response.corroborated) == (False, True)
    (name,) = response.names
    assert (name.approved, name.reason) == (False, c.REASON_CORROBORATED)
    assert not name.responsible
    assert response.domain_control_usable_until.ToDatetime() == REUSABLE_UNTIL
    assert not response.HasField("caa_usable_until")
    assert find_basis(record, c.Issuance()) == Basis.VALIDATION


@pytest.mark.parametrize("purpose", [c.PURPOSE_ISSUANCE, VALIDATION])
async def test_a_dry_run_says_no_end(purpose: c.Purpose.ValueType) -> None:
    checks = ("caa", "addresses")
    record = decide(controlled(purpose=purpose, checks=checks), *[PROVED] * 6, dry_run=True)
    response = tell(record)
    assert response.corroborated
    assert not response.HasField("domain_control_usable_until")
    assert not response.HasField("caa_usable_until")
