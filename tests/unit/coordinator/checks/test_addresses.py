"""Address agreement: exact, overlap, resolves; and findings that are not believed."""

from dataclasses import replace

import pytest

from coordinator.checks import prepare_checks, request_checks
from coordinator.checks.addresses import AddressJudge, agree, is_looser
from coordinator.checks.check import (
    UNVALIDATED_TOO,
    VALIDATED,
    Judgement,
    MalformedFindingError,
    NotValidatedError,
    Statuses,
)
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world import domain_control
from tests.world.samples import JUDGING, SUBJECT

EXACT, OVERLAP, RESOLVES = (
    c.ADDRESS_AGREEMENT_EXACT,
    c.ADDRESS_AGREEMENT_OVERLAP,
    c.ADDRESS_AGREEMENT_RESOLVES,
)
NAME = "child.parent.example.co.jp"
ONE, TWO, THREE = b"\xcb\x00\x71\x01", b"\xcb\x00\x71\x02", b"\xcb\x00\x71\x03"


def asked(how: c.AddressAgreement.ValueType = EXACT) -> c.RequestedCheck:
    return c.RequestedCheck(addresses=c.RequestedAddresses(agreement=how))


def judge(finding: o.Finding, believed: Statuses = VALIDATED) -> Judgement:
    return AddressJudge().judge([finding], NAME, asked(), believed)


def compare(
    remote: o.Finding, primary: o.Finding, how: c.AddressAgreement.ValueType = EXACT
) -> Judgement | None:
    return AddressJudge().compare([remote], [primary], NAME, asked(how))


def records(*addresses: bytes, dnssec: o.Dnssec.ValueType = o.DNSSEC_SECURE) -> o.Finding:
    record_set = o.RecordSet(owner=NAME, ttl=60, rdata=addresses)
    return finding(o.Lookup(name=NAME, records=record_set, dnssec=dnssec))


def absent(kind: o.Absence.ValueType = o.ABSENCE_NO_DATA) -> o.Finding:
    return finding(o.Lookup(name=NAME, absence=kind, dnssec=o.DNSSEC_SECURE))


def finding(lookup: o.Lookup) -> o.Finding:
    return o.Finding(addresses=o.AddressFinding(lookup=lookup))


@pytest.mark.parametrize(
    ("remote", "primary", "agreements"),
    [
        ({ONE}, {ONE}, {EXACT, OVERLAP, RESOLVES}),
        ({ONE, TWO}, {TWO, ONE}, {EXACT, OVERLAP, RESOLVES}),
        ({ONE, TWO}, {TWO, THREE}, {OVERLAP, RESOLVES}),
        ({ONE}, {ONE, TWO}, {OVERLAP, RESOLVES}),
        ({ONE}, {TWO}, {RESOLVES}),
        (set(), set(), {EXACT, OVERLAP, RESOLVES}),
        ({ONE}, set(), set()),
        (set(), {ONE}, set()),
    ],
)
def test_which_agreements_hold(
    remote: set[bytes], primary: set[bytes], agreements: set[c.AddressAgreement.ValueType]
) -> None:
    held = {
        how
        for how in (EXACT, OVERLAP, RESOLVES)
        if agree(frozenset(remote), frozenset(primary), how)
    }
    assert held == agreements


def test_each_agreement_includes_the_next() -> None:
    assert is_looser(OVERLAP, EXACT)
    assert is_looser(RESOLVES, OVERLAP)
    assert not is_looser(EXACT, EXACT)
    assert not is_looser(EXACT, RESOLVES)


@pytest.mark.parametrize("one", [o.ABSENCE_NO_DATA, o.ABSENCE_NAME_ERROR, o.ABSENCE_NXNAME])
@pytest.mark.parametrize("other", [o.ABSENCE_NO_DATA, o.ABSENCE_NAME_ERROR, o.ABSENCE_NXNAME])
def test_rfc_9824_all_absences_are_the_same(
    one: o.Absence.ValueType, other: o.Absence.ValueType
) -> None:
    assert compare(absent(one), absent(other)) is None


def test_order_and_ttl_do_not_count() -> None:
    other = records(TWO, ONE)
    other.addresses.lookup.records.ttl = 1
    assert compare(records(ONE, TWO), other) is None


def test_a_difference_names_both_sides() -> None:
    judgement = compare(records(TWO), records(ONE))
    assert judgement is not None
    assert (judgement.outcome, judgement.dissent) == (c.OUTCOME_DIFFERS, c.DISSENT_DIFFERS)
    assert judgement.detail == "sees 203.0.113.2 where the primary sees 203.0.113.1"


def test_the_agreement_that_is_asked_for_is_held_to() -> None:
    remote, primary = records(ONE, TWO), records(TWO, THREE)
    assert compare(remote, primary, EXACT) is not None
    assert compare(remote, primary, OVERLAP) is None
    assert compare(records(ONE), primary, OVERLAP) is not None
    assert compare(records(ONE), primary, RESOLVES) is None


def test_a_name_without_addresses_is_in_order() -> None:
    assert judge(absent()) == Judgement()


def test_how_long_addresses_may_be_used_is_said_by_nobody() -> None:
    assert judge(records(ONE)).usable_for is None


def test_what_nobody_validated_is_believed_only_where_nobody_must() -> None:
    for one in (
        records(ONE, dnssec=o.DNSSEC_INDETERMINATE),
        finding(o.Lookup(name=NAME, absence=1, dnssec=o.DNSSEC_INDETERMINATE)),
    ):
        with pytest.raises(NotValidatedError):
            judge(one)
        assert not judge(one, UNVALIDATED_TOO).dissent


def test_a_failed_lookup_is_no_answer() -> None:
    failure = o.Failure(kind=o.FAILURE_KIND_TIMEOUT, detail="no answer within 10 s")
    lookup = o.Lookup(name=NAME, failure=failure, dnssec=o.DNSSEC_INDETERMINATE)
    judgement = judge(finding(lookup))
    assert (judgement.outcome, judgement.dissent) == (c.OUTCOME_FAILED, c.DISSENT_FAILED)
    assert "no answer within 10 s" in judgement.detail


@pytest.mark.parametrize(
    ("kind", "dissent"),
    [
        (o.FAILURE_KIND_RESOLVER_UNAVAILABLE, c.DISSENT_NOT_LOOKED),
        (o.FAILURE_KIND_OVERLOADED, c.DISSENT_OVERLOADED),
    ],
)
def test_a_failure_of_ours_is_held_against_no_domain(
    kind: o.FailureKind.ValueType, dissent: c.Dissent.ValueType
) -> None:
    lookup = o.Lookup(name=NAME, failure=o.Failure(kind=kind), dnssec=o.DNSSEC_INDETERMINATE)
    judgement = judge(finding(lookup))
    assert (judgement.outcome, judgement.dissent) == (c.OUTCOME_FAILED, dissent)


@pytest.mark.parametrize(
    ("garbage", "message"),
    [
        (finding(o.Lookup(name="other.test", absence=1)), "a lookup of 'other.test'"),
        (finding(o.Lookup(name=NAME)), "without a result"),
        (finding(o.Lookup(name=NAME, absence=0)), "without a result"),
        # An absence that only a newer agent knows.
        (finding(o.Lookup(name=NAME, absence=9, dnssec=o.DNSSEC_SECURE)), "without a result"),
        (records(), "empty set"),
        (records(b"\x01\x02\x03"), "no IPv4 addresses"),
        (records(ONE, dnssec=o.DNSSEC_BOGUS), "did not validate"),
        (records(ONE, dnssec=o.DNSSEC_UNSPECIFIED), "did not validate"),
        (finding(o.Lookup(name=NAME, absence=1, dnssec=o.DNSSEC_BOGUS)), "did not validate"),
    ],
)
def test_a_malformed_finding_is_not_believed(garbage: o.Finding, message: str) -> None:
    with pytest.raises(MalformedFindingError, match=message):
        judge(garbage)


V6, OTHER6 = bytes.fromhex("20010db8000000000000000000000001"), b"\x20\x01" + b"\x02" * 14


def with_aaaa(how: c.AddressAgreement.ValueType = EXACT) -> c.RequestedCheck:
    return c.RequestedCheck(addresses=c.RequestedAddresses(agreement=how, aaaa_too=True))


def aaaa(*rdata: bytes) -> o.Finding:
    return domain_control.records(NAME, o.RECORD_TYPE_AAAA, *rdata)


def test_aaaa_is_asked_only_if_the_policy_covers_it() -> None:
    row = replace(JUDGING.attempt.row, addresses_cover_aaaa=True)
    covering = JUDGING._replace(attempt=replace(JUDGING.attempt, row=row))
    for rules, kinds in ((JUDGING, ["addresses"]), (covering, ["addresses", "records"])):
        (check,) = (one for one in request_checks(SUBJECT, rules) if one.name == "addresses")
        assert check.kinds == kinds
        # A record keeps what was asked, whatever today's rules are.
        (again,) = prepare_checks([check.asked], NAME, JUDGING)
        assert again.kinds == kinds
    assert covering.attempt.row.address_agreement == EXACT


@pytest.mark.parametrize(
    ("remote", "primary", "how", "agrees"),
    [
        ((V6,), (V6,), EXACT, True),
        ((), (), EXACT, True),
        ((), (V6,), EXACT, False),
        ((V6,), (), RESOLVES, False),
        ((V6, OTHER6), (V6,), OVERLAP, True),
        ((OTHER6,), (V6,), OVERLAP, False),
        ((OTHER6,), (V6,), RESOLVES, True),
    ],
)
def test_aaaa_agrees_by_the_same_rule_by_itself(
    remote: tuple[bytes, ...],
    primary: tuple[bytes, ...],
    how: c.AddressAgreement.ValueType,
    *,
    agrees: bool,
) -> None:
    one, other = [records(ONE), aaaa(*remote)], [records(ONE), aaaa(*primary)]
    judgement = AddressJudge().compare(one, other, NAME, with_aaaa(how))
    assert (judgement is None) == agrees
    if judgement is not None:
        assert "IPv6" in judgement.detail or "2001" in judgement.detail


def test_an_aaaa_lookup_is_judged_like_the_other() -> None:
    failed = aaaa()
    failed.records.lookup.failure.kind = o.FAILURE_KIND_SERVFAIL
    judged = AddressJudge().judge([records(ONE), failed], NAME, with_aaaa(), VALIDATED)
    assert (judged.outcome, judged.dissent) == (c.OUTCOME_FAILED, c.DISSENT_FAILED)
    for wrong in (aaaa(ONE), domain_control.records(NAME, o.RECORD_TYPE_TXT, V6)):
        with pytest.raises(MalformedFindingError):
            AddressJudge().judge([records(ONE), wrong], NAME, with_aaaa(), VALIDATED)
