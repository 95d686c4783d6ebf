"""CAA as a check of a name: what is asked is what is judged by, whoever reads it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.checks import AskedCheck, prepare_checks, request_checks
from coordinator.checks.caa.issuer import Issuer
from coordinator.checks.check import VALIDATED, CheckSubject, Judgement, JudgingRules
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world.samples import ISSUER, JUDGING, NAME, RULES, caa, failed_caa, subject

ACCOUNT = "https://acme.example/acct/1"
SUBJECT = subject(wildcard=True, account_uri=ACCOUNT, method="dns-01")
ISSUERS = Issuer(frozenset({ISSUER, "another-ca.test"}), frozenset({"future", "alpha"}))


def asked(about: CheckSubject = SUBJECT, issuer: Issuer = ISSUERS) -> AskedCheck:
    checks = request_checks(about, JUDGING._replace(issuer=issuer))
    return next(check for check in checks if check.name == "caa")


def judge(check: AskedCheck, finding: o.Finding) -> Judgement:
    return check.judge.judge([finding], NAME, check.asked, VALIDATED)


def record(tag: str, value: str, flags: int = 0) -> bytes:
    return bytes((flags, len(tag))) + tag.encode() + value.encode()


def test_what_is_asked_says_all_that_is_judged_by() -> None:
    assert asked().asked.caa == c.RequestedCaa(
        wildcard=True,
        issuer_domains=["another-ca.test", ISSUER],
        understood_critical_tags=["alpha", "future"],
        account_uri=ACCOUNT,
        validation_method="dns-01",
    )


def test_a_check_without_anything_said_is_one_all_the_same() -> None:
    check = asked(subject(), Issuer(frozenset({ISSUER})))
    assert check.asked == c.RequestedCheck(caa=c.RequestedCaa(issuer_domains=[ISSUER]))


PERMITS = record("issue", ISSUER)
FORBIDS_WILDCARDS = record("issuewild", ";")


@pytest.mark.parametrize(
    ("rdata", "forbids_without"),
    [
        ([record("issue", f"{ISSUER}; accounturi={ACCOUNT}")], {"account_uri": ""}),
        ([record("issue", f"{ISSUER}; validationmethods=dns-01")], {"validation_method": ""}),
        ([record("future", "x", 128), PERMITS], {"understood_critical_tags": []}),
        ([record("issue", "another-ca.test")], {"issuer_domains": [ISSUER]}),
        ([record("issue", ";"), record("issuewild", ISSUER)], {"wildcard": False}),
    ],
)
def test_each_of_what_is_asked_is_judged_by(
    rdata: list[bytes], forbids_without: dict[str, object]
) -> None:
    check = asked()
    assert judge(check, caa(*rdata)).dissent == c.DISSENT_UNSPECIFIED
    for field, value in forbids_without.items():
        if isinstance(value, list):
            getattr(check.asked.caa, field)[:] = value
        else:
            setattr(check.asked.caa, field, value)
    assert judge(check, caa(*rdata)).dissent == c.DISSENT_FORBIDS


def test_a_wildcard_is_forbidden_by_its_own_property() -> None:
    rdata = (PERMITS, FORBIDS_WILDCARDS)
    assert judge(asked(), caa(*rdata)).dissent == c.DISSENT_FORBIDS
    assert not judge(asked(subject(account_uri=ACCOUNT, method="dns-01")), caa(*rdata)).dissent


@pytest.mark.parametrize(("seconds", "usable"), [(60, 8), (8 * 3600, 8), (9 * 3600, 9), (None, 8)])
def test_br_4_2_2_1_it_may_be_used_for_its_ttl_or_8_hours_whichever_is_greater(
    seconds: int | None, usable: int
) -> None:
    finding = caa()
    if seconds is not None:
        finding = caa(PERMITS)
        finding.caa_walk.levels[0].records.ttl = seconds
    assert judge(asked(), finding).usable_for == timedelta(hours=usable)


def test_what_is_recorded_is_judged_by_todays_rules_and_what_the_caller_said_stays() -> None:
    row = replace(RULES.row, permit_caa_failure_in_insecure_zone=True)
    today = JudgingRules(Issuer(frozenset({"new-ca.test"})), replace(RULES, row=row))
    (check,) = prepare_checks([asked().asked], NAME, today)
    assert check.asked.caa == c.RequestedCaa(
        wildcard=True,
        issuer_domains=["new-ca.test"],
        account_uri=ACCOUNT,
        validation_method="dns-01",
        permit_failure_in_insecure_zone=True,
    )
    assert check.questions[0].caa_walk.prove_insecurity


@pytest.mark.parametrize(
    ("kind", "dissent"),
    [
        (o.FAILURE_KIND_SERVFAIL, c.DISSENT_FAILED),
        (o.FAILURE_KIND_RESOLVER_UNAVAILABLE, c.DISSENT_NOT_LOOKED),
        (o.FAILURE_KIND_OVERLOADED, c.DISSENT_OVERLOADED),
    ],
)
def test_a_failure_of_ours_is_held_against_no_domain(
    kind: o.FailureKind.ValueType, dissent: c.Dissent.ValueType
) -> None:
    finding = failed_caa()
    finding.caa_walk.levels[-1].failure.kind = kind
    judgement = judge(asked(), finding)
    assert (judgement.outcome, judgement.dissent) == (c.OUTCOME_FAILED, dissent)
