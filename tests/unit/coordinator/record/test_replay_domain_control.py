"""Domain control judged again from a record: by what was seen, at the moment it was asked."""

from dataclasses import replace

import pytest

from coordinator.checks.caa.issuer import Issuer
from coordinator.record.entries import RecordEntries
from coordinator.record.replay import ReplayRules, replay
from coordinator.rules.policy import Policy
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.unit.coordinator.api.test_response_domain_control import (
    ELSEWHERE,
    MISSING,
    PROVED,
    VALIDATION,
    decide,
)
from tests.world.domain_control import DIGEST, control, controlled, txt
from tests.world.samples import ISSUER, NAME, NOVEMBER, caa

RULES = ReplayRules(Policy([Policy().row_at(NOVEMBER)]), {"": Issuer(frozenset({ISSUER}))})


def again(record: r.Record) -> list[tuple[c.Reason.ValueType, str]]:
    entries = RecordEntries(question=r.Record.FromString(record.SerializeToString()))
    return [(one.reason, one.detail) for one in replay(entries, RULES)]


async def test_what_was_decided_is_decided_again() -> None:
    for subject, found in (
        (controlled(), [PROVED] * 6),
        (controlled(), [PROVED, *[MISSING] * 5]),
        (controlled(), [MISSING] * 6),
        (controlled(), [PROVED, MISSING, ELSEWHERE, *[PROVED] * 3]),
        (controlled(purpose=VALIDATION), [[txt(DIGEST)]] * 6),
    ):
        assert again(decide(subject, *found)) == []


async def test_another_value_would_not_have_been_proved() -> None:
    record = decide(controlled(), *[PROVED] * 6)
    (name,) = record.names
    control = name.checks[2].domain_control.control
    control.acme_dns_01.key_authorization_sha256 = b"x" * 32
    ((reason, _),) = again(record)
    assert reason == c.REASON_PROOF_MISSING


async def test_a_method_that_only_a_newer_release_knows_is_told() -> None:
    record = decide(controlled(), *[PROVED] * 6)
    control = record.names[0].checks[2].domain_control.control
    control.ClearField("acme_dns_01")
    ((reason, detail),) = again(record)
    assert reason == c.REASON_UNSPECIFIED
    assert "no method that this service knows" in detail


@pytest.mark.parametrize("checks", [(), ("caa",)])
async def test_an_issuer_that_is_no_longer_configured_is_read_from_the_record(
    checks: tuple[str, ...],
) -> None:
    account = "https://ca.example/acct/1"
    persistent = c.PersistentDnsTxt(account_uris=[account])
    subject = controlled(
        control(created=None, persistent_dns_txt=persistent), purpose=VALIDATION, checks=checks
    )
    proof = txt(f"{ISSUER}; accounturi={account}".encode(), owner=f"_validation-persist.{NAME}")
    record = decide(subject, *[[*([caa()] if checks else []), proof]] * 6)
    assert record.names[0].reason == c.REASON_CORROBORATED
    record.issuer = "former"
    others = replace(RULES, issuers={"new": Issuer(frozenset({"new.example"}))})
    assert list(replay(RecordEntries(question=record), others)) == []
