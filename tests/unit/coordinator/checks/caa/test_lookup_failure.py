"""BR 4.2.2.1: a CAA lookup failure is permission only with all three proofs, if at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from coordinator.checks import AskedCheck
from coordinator.checks.caa.lookup_failure import CLAUSE, missing_proofs
from coordinator.checks.check import VALIDATED, Judgement, choose_dissent
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from tests.world.samples import ISSUER, JUDGING, LEVELS, NAME, RULES, asked_name

ROW_ON = replace(RULES.row, permit_caa_failure_in_insecure_zone=True)
ON = JUDGING._replace(attempt=replace(RULES, row=ROW_ON))


def failure(name: str = NAME) -> o.Lookup:
    """A failed lookup with all three proofs."""
    lookup = o.Lookup(name=name, dnssec=o.DNSSEC_INDETERMINATE, tries=2)
    lookup.failure.CopyFrom(o.Failure(kind=o.FAILURE_KIND_SERVFAIL, detail="SERVFAIL", rcode=2))
    proof = o.InsecurityProof(zone_cut="parent.example.co.jp", denied_by="co.jp", kind="NSEC")
    lookup.insecurity_proof.CopyFrom(proof)
    zone = lookup.diagnosis
    zone.zone = "parent.example.co.jp"
    for transport in (o.TRANSPORT_UDP, o.TRANSPORT_TCP):
        zone.servers.add(
            address="203.0.113.67", transport=transport, outcome=o.SERVER_OUTCOME_FAILED
        )
        zone.known.add(
            address="198.51.100.4", transport=transport, outcome=o.SERVER_OUTCOME_ANSWERED
        )
    return lookup


def absent(name: str) -> o.Lookup:
    return o.Lookup(name=name, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_INSECURE)


def found(name: str, record: str, ttl: int = 60) -> o.Lookup:
    tag, value = record.split(" ", 1)
    rdata = bytes([0, len(tag)]) + tag.encode() + value.encode()
    records = o.RecordSet(owner=name, ttl=ttl, rdata=[rdata])
    return o.Lookup(name=name, records=records, dnssec=o.DNSSEC_INSECURE)


def asked_caa(*, on: bool = True) -> AskedCheck:
    checks = asked_name(rules=ON if on else JUDGING).checks
    return next(check for check in checks if check.name == "caa")


def judge_walk(*levels: o.Lookup, on: bool = True) -> Judgement:
    finding = o.Finding(caa_walk=o.CaaFinding(levels=levels))
    check = asked_caa(on=on)
    return check.judge.judge([finding], NAME, check.asked, VALIDATED)


def judge(lookup: o.Lookup, *, on: bool = True) -> Judgement:
    """Judge a walk whose lowest level is this one, and above which there is no record."""
    return judge_walk(lookup, *map(absent, LEVELS[1:]), on=on)


def test_with_all_three_proofs_it_is_permission_and_says_why() -> None:
    judgement = judge(failure())
    assert not judgement.dissent
    assert judgement.outcome == c.OUTCOME_PASSED
    assert judgement.clause == CLAUSE
    assert "asked 2 times" in judgement.detail
    assert "all servers of parent.example.co.jp fail by themselves" in judgement.detail
    assert "parent.example.co.jp is an insecure delegation by the NSEC record" in judgement.detail


def test_it_is_off_unless_the_policy_has_it_on() -> None:
    assert judge(failure(), on=False).dissent == c.DISSENT_FAILED
    assert not RULES.row.permit_caa_failure_in_insecure_zone


def test_agents_look_for_the_proof_only_if_it_is_on() -> None:
    proving = p.CaaWalk(prove_insecurity=True, ask_servers=True)
    assert asked_caa(on=True).questions == (p.Check(caa_walk=proving),)
    assert asked_caa(on=False).questions == (p.Check(caa_walk=p.CaaWalk()),)


def changed(change: Callable[[o.Lookup], object]) -> o.Lookup:
    lookup = failure()
    change(lookup)
    return lookup


def with_kind(kind: o.FailureKind.ValueType) -> Callable[[o.Lookup], object]:
    return lambda lookup: lookup.failure.MergeFrom(o.Failure(kind=kind))


def with_error(code: int) -> Callable[[o.Lookup], object]:
    error = o.ExtendedDnsError(code=code)
    return lambda lookup: lookup.failure.extended_error.CopyFrom(error)


def with_proof(**fields: str) -> Callable[[o.Lookup], object]:
    good = {"zone_cut": "parent.example.co.jp", "denied_by": "co.jp", "kind": "NSEC"}
    proof = o.InsecurityProof(**(good | fields))
    return lambda lookup: lookup.insecurity_proof.CopyFrom(proof)


def with_answer(lookup: o.Lookup) -> None:
    lookup.diagnosis.servers[1].outcome = o.SERVER_OUTCOME_ANSWERED


def with_fields(**fields: int) -> Callable[[o.Lookup], object]:
    def change(lookup: o.Lookup) -> None:
        for name, value in fields.items():
            setattr(lookup, name, value)

    return change


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        # Inside our infrastructure: deadlines, the resolver, what cannot be read.
        *(
            (with_kind(kind), "outside our infrastructure")
            for kind in o.FailureKind.values()
            if kind not in (o.FAILURE_KIND_UNSPECIFIED, o.FAILURE_KIND_SERVFAIL)
        ),
        # A DNSSEC error, and what the resolver says of itself.
        *(
            (with_error(code), "outside our infrastructure")
            for code in (3, 6, 7, 9, 10, 13, 14, 15)
        ),
        (with_fields(dnssec=o.DNSSEC_BOGUS), "outside our infrastructure"),
        (with_fields(dnssec=o.DNSSEC_INSECURE), "outside our infrastructure"),
        (lambda lookup: lookup.ClearField("diagnosis"), "nobody asked the servers directly"),
        (with_answer, "203.0.113.67 answered over TCP"),
        (with_fields(tries=1), "retried"),
        (with_fields(tries=0), "retried"),
        (lambda lookup: lookup.ClearField("insecurity_proof"), "insecure"),
        (with_proof(zone_cut=""), "insecure"),
        (with_proof(zone_cut="other.co.jp"), "insecure"),
        (with_proof(zone_cut="ent.example.co.jp"), "insecure"),
        (with_proof(zone_cut=f"www.{NAME}"), "insecure"),
        (with_proof(kind="unsigned"), "insecure"),
        (with_proof(denied_by=""), "insecure"),
    ],
)
def test_without_one_of_them_it_is_a_failure(
    change: Callable[[o.Lookup], object], lacks: str
) -> None:
    lookup = changed(change)
    assert [what for what in missing_proofs(lookup) if lacks in what]
    judgement = judge(lookup)
    assert judgement.dissent == choose_dissent(lookup.failure, c.DISSENT_FAILED)
    assert "no permission without proof" in judgement.detail


@pytest.mark.parametrize("code", [22, 23, 24])
def test_rfc_8914_errors_that_speak_of_the_domains_servers(code: int) -> None:
    assert not missing_proofs(changed(with_error(code)))


@pytest.mark.parametrize("zone_cut", [NAME, "parent.example.co.jp", "jp"])
@pytest.mark.parametrize("kind", ["NSEC", "NSEC3", "NSEC3 opt-out"])
def test_rfc_4035_4_3_a_zone_is_insecure_at_and_below_the_cut(zone_cut: str, kind: str) -> None:
    lookup = changed(with_proof(zone_cut=zone_cut, kind=kind))
    lookup.diagnosis.zone = zone_cut  # the zone that fails is this one, or one below it
    assert not missing_proofs(lookup)


# It is permission at its own level alone.

PARENT = LEVELS[1]


def test_rfc_8659_3_a_set_above_that_forbids_forbids() -> None:
    judgement = judge_walk(failure(), absent(PARENT), found(LEVELS[2], "issue other-ca.test"))
    assert judgement.dissent == c.DISSENT_FORBIDS
    assert judgement.found_at == LEVELS[2]
    assert judgement.clause == "RFC 8659 section 4.2"


def test_rfc_8659_3_a_set_above_that_permits_permits_and_says_what_it_went_over() -> None:
    ttl = timedelta(hours=9)
    permits = found(PARENT, f"issue {ISSUER}", ttl // timedelta(seconds=1))
    judgement = judge_walk(failure(), permits)
    assert not judgement.dissent
    assert judgement.found_at == PARENT
    assert judgement.clause == f"{CLAUSE}, then RFC 8659 section 4.2"
    assert judgement.usable_for == ttl
    assert f"the CAA lookup of {NAME} failed" in judgement.detail
    assert f'0 issue "{ISSUER}" permits' in judgement.detail


def test_each_failure_needs_its_own_proofs() -> None:
    above = tuple(map(absent, LEVELS[2:]))
    judgement = judge_walk(failure(), failure(PARENT), *above)
    assert judgement.outcome == c.OUTCOME_PASSED
    assert f"lookup of {NAME} failed" in judgement.detail
    assert f"lookup of {PARENT} failed" in judgement.detail
    unproven = failure(PARENT)
    unproven.ClearField("insecurity_proof")
    judgement = judge_walk(failure(), unproven, *above)
    assert judgement.dissent == c.DISSENT_FAILED
    assert f"lookup of {PARENT} failed" in judgement.detail
    assert "no permission without proof that the zone is insecure" in judgement.detail


def test_br_4_2_2_2_5_a_dnssec_error_above_it_is_a_failure() -> None:
    bogus = o.Lookup(name=LEVELS[2], dnssec=o.DNSSEC_BOGUS)
    bogus.failure.CopyFrom(o.Failure(kind=o.FAILURE_KIND_BOGUS, detail="bogus"))
    judgement = judge_walk(failure(), absent(PARENT), bogus)
    assert judgement.dissent == c.DISSENT_FAILED
    assert f"lookup of {LEVELS[2]} failed (BOGUS)" in judgement.detail


def test_an_agent_that_stops_at_the_failure_has_not_shown_what_is_above() -> None:
    judgement = judge_walk(failure())
    assert judgement.dissent == c.DISSENT_FAILED
    assert "no permission without proof that no level above it forbids" in judgement.detail


def test_of_a_top_level_domain_nothing_is_above() -> None:
    top = failure("jp")
    top.insecurity_proof.zone_cut = top.diagnosis.zone = "jp"
    judgement = judge_walk(*map(absent, LEVELS[:-1]), top)
    assert judgement.outcome == c.OUTCOME_PASSED


def test_with_the_policy_off_a_set_above_changes_nothing() -> None:
    """As when a record is judged again by another policy."""
    judgement = judge_walk(failure(), found(PARENT, f"issue {ISSUER}"), on=False)
    assert judgement.dissent == c.DISSENT_FAILED
    assert f"lookup of {NAME} failed" in judgement.detail
