"""Domain control: what may be asked, the steps to its domain, and the verdicts that follow."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coordinator.checks import CHECKS, AskedCheck, request_checks
from coordinator.checks.check import (
    VALIDATED,
    CheckSubject,
    Judgement,
    MalformedFindingError,
    NotValidatedError,
    ParameterError,
)
from coordinator.checks.domain_control.method import hash_value, join_strings
from coordinator.checks.domain_control.methods import METHODS
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.world.domain_control import (
    DIGEST,
    KEY_AUTHORIZATION,
    control,
    controlled,
    records,
    txt,
)
from tests.world.samples import JUDGING, NAME, NOVEMBER, RULES

OWNER = f"_acme-challenge.{NAME}"
TARGET = "host.dept.example.ac.jp"


def asked(subject: CheckSubject | None = None) -> AskedCheck:
    (check,) = (
        one
        for one in request_checks(subject or controlled(), JUDGING)
        if one.name == "domain_control"
    )
    return check


def judge(check: AskedCheck, *findings: o.Finding) -> Judgement:
    return check.judge.judge(findings, NAME, check.asked, VALIDATED)


def refused(subject: CheckSubject) -> ParameterError:
    with pytest.raises(ParameterError) as raised:
        request_checks(subject, JUDGING)
    return raised.value


def aliased(*targets: str) -> o.Finding:
    finding = records(NAME, o.RECORD_TYPE_A)
    owners = (NAME, *targets)
    for owner, target in zip(owners, targets, strict=False):
        finding.records.lookup.aliases.add(owner=owner, target=target, ttl=60)
    return finding


def test_the_register_has_every_method_of_the_agreement_and_no_other() -> None:
    assert set(METHODS) <= {one.name for one in c.DomainControl.DESCRIPTOR.oneofs[0].fields}


def test_a_value_is_recorded_as_its_sha_256_alone() -> None:
    check = asked().asked
    assert KEY_AUTHORIZATION.encode() not in check.SerializeToString()
    method = check.domain_control.control.acme_dns_01
    assert method.key_authorization_sha256 == hash_value(KEY_AUTHORIZATION)
    assert check.domain_control.control.authorization_domain_name == NAME


def test_the_right_record_passes_with_its_clause_and_for_how_long() -> None:
    judged = judge(asked(), txt(b"other", DIGEST))
    assert judged.outcome == c.OUTCOME_PASSED
    assert judged.clause == "BR 3.2.2.4.7, RFC 8555 section 8.4"
    assert judged.found_at == OWNER
    assert not judged.steps
    # BR 4.2.1: 200 days, but none that is older than 100 days is used from 2027-03-15 on.
    end = datetime(2027, 3, 14, 23, 59, 59, tzinfo=UTC)
    assert judged.usable_for == end - NOVEMBER


@pytest.mark.parametrize(
    "findings",
    [
        [txt()],
        [txt(b"")],
        [txt(DIGEST + b"=")],
        [txt(b" " + DIGEST)],
        [txt(DIGEST.lower())],
        [txt(KEY_AUTHORIZATION.encode())],
        [txt(DIGEST[:20], DIGEST[20:])],
    ],
)
def test_nothing_else_is_the_proof(findings: Sequence[o.Finding]) -> None:
    judged = judge(asked(), *findings)
    assert (judged.outcome, judged.dissent) == (c.OUTCOME_PROOF_MISSING, c.DISSENT_PROOF_MISSING)
    assert DIGEST.decode() not in judged.detail


@pytest.mark.parametrize(
    ("kind", "dissent"),
    [
        (o.FAILURE_KIND_SERVFAIL, c.DISSENT_FAILED),
        (o.FAILURE_KIND_BOGUS, c.DISSENT_FAILED),
        (o.FAILURE_KIND_TIMEOUT, c.DISSENT_FAILED),
        (o.FAILURE_KIND_RESOLVER_UNAVAILABLE, c.DISSENT_NOT_LOOKED),
        (o.FAILURE_KIND_OVERLOADED, c.DISSENT_OVERLOADED),
    ],
)
def test_a_lookup_that_failed_proves_nothing(
    kind: o.FailureKind.ValueType, dissent: c.Dissent.ValueType
) -> None:
    finding = txt()
    finding.records.lookup.failure.kind = kind
    assert judge(asked(), finding).dissent == dissent


def test_who_has_no_way_out_says_so() -> None:
    finding = txt()
    finding.records.lookup.failure.kind = o.FAILURE_KIND_NO_WAY_OUT
    judged = judge(asked(), finding)
    assert judged.dissent == c.DISSENT_NOT_LOOKED
    assert judged.detail.endswith("; this perspective has no way to that address")


@pytest.mark.parametrize(
    "wrong",
    [txt(DIGEST, owner=NAME), records(OWNER, o.RECORD_TYPE_CNAME, bytes([43]) + DIGEST)],
)
def test_what_was_not_asked_for_is_not_believed(wrong: o.Finding) -> None:
    with pytest.raises(MalformedFindingError):
        judge(asked(), wrong)


def test_what_nobody_validated_is_not_believed() -> None:
    finding = txt(DIGEST)
    finding.records.lookup.dnssec = o.DNSSEC_INDETERMINATE
    with pytest.raises(NotValidatedError):
        judge(asked(), finding)


def test_each_perspective_sees_the_cname_steps_itself() -> None:
    check = asked(controlled(control("example.ac.jp")))
    first = p.RecordLookup(owner=NAME, type=o.RECORD_TYPE_A)
    assert check.questions[0] == p.Check(records=first)
    proof = txt(DIGEST, owner="_acme-challenge.example.ac.jp")
    judged = judge(check, aliased("mid.example.net", TARGET), proof)
    assert judged.outcome == c.OUTCOME_PASSED
    assert [(one.kind, one.to) for one in judged.steps] == [
        (c.AUTHORIZATION_STEP_KIND_CNAME, "mid.example.net"),
        (c.AUTHORIZATION_STEP_KIND_CNAME, TARGET),
        (c.AUTHORIZATION_STEP_KIND_PRUNE, "dept.example.ac.jp"),
        (c.AUTHORIZATION_STEP_KIND_PRUNE, "example.ac.jp"),
    ]
    for otherwise in (aliased(), aliased("mid.example.net"), aliased("x.example.test")):
        assert judge(check, otherwise, proof).outcome == c.OUTCOME_PROOF_MISSING
    nothing, elsewhere = (judge(check, one, proof).detail for one in (aliased(), aliased("x.test")))
    assert nothing == f"{NAME} has no CNAME record: that does not lead to example.ac.jp"
    assert elsewhere == f"{NAME} has CNAME records to x.test: that does not lead to example.ac.jp"
    bogus = aliased(TARGET)
    bogus.records.lookup.failure.kind = o.FAILURE_KIND_BOGUS
    assert judge(check, bogus, proof).dissent == c.DISSENT_FAILED


@pytest.mark.parametrize(
    ("subject", "field", "text"),
    [
        (controlled(c.DomainControl()), "domain_control", "no method"),
        (controlled(control(created=None)), "challenge_created_at", "is missing"),
        (
            controlled(control(created=NOVEMBER - timedelta(days=30, seconds=1))),
            "challenge_created_at",
            "30 days",
        ),
        (
            controlled(control(created=NOVEMBER + timedelta(minutes=1, seconds=1))),
            "challenge_created_at",
            "in the future",
        ),
        (controlled(control("Example.AC.jp")), "authorization_domain_name", "lower-case"),
        (controlled(control("co.jp")), "authorization_domain_name", "public suffix"),
        (
            controlled(control("www.example.co.jp"), wildcard=True),
            "authorization_domain_name",
            "cannot be reached",
        ),
        (
            controlled(control("other.example.org"), wildcard=True),
            "authorization_domain_name",
            "leftmost labels, down to example.co.jp,",
        ),
        (
            controlled(control("example.ac.jp", acme_http_01=c.AcmeHttp01())),
            "authorization_domain_name",
            f"must be {NAME} itself",
        ),
        (
            controlled(control(acme_dns_01=c.AcmeDns01())),
            "acme_dns_01.key_authorization",
            "is empty",
        ),
        (
            controlled(control(acme_dns_01=c.AcmeDns01(key_authorization="short.x"))),
            "acme_dns_01.key_authorization",
            "RFC 8555",
        ),
        (
            controlled(control(acme_dns_01=c.AcmeDns01(key_authorization_sha256=b"x" * 31))),
            "acme_dns_01.key_authorization_sha256",
            "31 octets",
        ),
        (
            controlled(
                control(
                    acme_dns_01=c.AcmeDns01(
                        key_authorization=KEY_AUTHORIZATION, key_authorization_sha256=b"x" * 32
                    )
                )
            ),
            "acme_dns_01.key_authorization_sha256",
            "is not the SHA-256",
        ),
    ],
)
def test_what_a_caller_may_not_ask_is_told_with_its_field(
    subject: CheckSubject, field: str, text: str
) -> None:
    error = refused(subject)
    assert error.field.removeprefix("domain_control.") == field
    assert text in str(error)


def test_thirty_days_to_the_second_and_a_callers_clock_a_minute_ahead_are_fine() -> None:
    for created in (NOVEMBER - timedelta(days=30), NOVEMBER, NOVEMBER + timedelta(minutes=1)):
        asked(controlled(control(created=created)))


def test_what_is_asked_is_the_policys_the_callers_and_the_purposes() -> None:
    def names(subject: CheckSubject, *policy: str) -> list[str]:
        row = replace(RULES.row, checks=policy or RULES.row.checks)
        rules = JUDGING._replace(attempt=replace(RULES, row=row))
        return [one.name for one in request_checks(subject, rules)]

    assert names(controlled()) == ["caa", "addresses", "domain_control"]
    assert names(controlled(), "domain_control", "caa") == ["caa", "domain_control"]
    validation = controlled(purpose=c.PURPOSE_VALIDATION)
    assert names(validation) == ["domain_control"]
    more = controlled(purpose=c.PURPOSE_VALIDATION, checks=("caa",))
    assert names(more) == ["caa", "domain_control"]
    without = controlled()._replace(requested=c.RequestedName(name=NAME))
    assert names(without) == ["caa", "addresses"]
    for missing in (
        without._replace(request=c.CorroborateRequest(checks=["domain_control"])),
        without._replace(request=c.CorroborateRequest(purpose=c.PURPOSE_VALIDATION)),
    ):
        assert refused(missing).field == "domain_control"
    assert list(CHECKS) == ["caa", "addresses", "domain_control"]


@pytest.mark.parametrize(
    ("rdata", "value"),
    [
        (b"\x02ab", b"ab"),
        (b"\x01a\x01b", b"ab"),
        (b"\x00", b""),
        (b"", None),
        (b"\x03ab", None),
        (b"\x01a\x05", None),
    ],
)
def test_rfc1035_3_3_14_the_strings_of_a_record_are_joined(
    rdata: bytes, value: bytes | None
) -> None:
    assert join_strings(rdata) == value
