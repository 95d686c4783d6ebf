"""The agent's checks: answers in any order, one finding, certain as early as it can be."""

from itertools import permutations

import pytest

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import CHECKS
from perspective_agent.checks.addresses import AddressCheck
from perspective_agent.checks.caa_walk import CaaWalk
from perspective_agent.checks.insecurity import Descent
from perspective_agent.encoding import Answer, encode_levels
from perspective_agent.wanted import Wanted
from perspective_agent.wire import CAA, CNAME, DS, A, failed

LEVELS = ["a.b.example", "b.example", "example"]


def absent(name: str, absence: o.Absence.ValueType = o.ABSENCE_NO_DATA) -> o.Lookup:
    return o.Lookup(name=name, absence=absence, dnssec=o.DNSSEC_SECURE)


def found(name: str) -> o.Lookup:
    records = o.RecordSet(owner=name, ttl=60, rdata=[b"\x00\x05issueca.example"])
    return o.Lookup(name=name, records=records, dnssec=o.DNSSEC_SECURE)


def broken(name: str) -> o.Lookup:
    return failed(name, o.FAILURE_KIND_SERVFAIL, "the resolver answered SERVFAIL")


def answer(*levels: o.Lookup) -> Answer:
    return Answer(levels, encode_levels(levels), (1,) * len(levels))


def late(index: int) -> Answer:
    assert index == 0
    return answer(failed(LEVELS[0], o.FAILURE_KIND_TIMEOUT, "late"))


def read(finding: bytes | None) -> o.Finding:
    assert finding is not None
    return o.Finding.FromString(finding)


def test_a_walk_is_one_want_and_its_levels_are_the_finding() -> None:
    check = CaaWalk(LEVELS[0])
    assert check.wanted == [Wanted(LEVELS[0], CAA, climbs=True)]
    levels = absent(LEVELS[0]), found(LEVELS[1])
    assert list(read(check.add(0, answer(*levels))).caa_walk.levels) == list(levels)


def test_a_walk_that_is_cut_short_is_found_so() -> None:
    (level,) = read(CaaWalk(LEVELS[0]).finish(late)).caa_walk.levels
    assert level.failure.kind == o.FAILURE_KIND_TIMEOUT


def test_addresses_are_one_lookup_whatever_its_answer() -> None:
    check = AddressCheck(LEVELS[0])
    assert check.wanted == [Wanted(LEVELS[0], A)]
    assert read(check.add(0, answer(broken(LEVELS[0])))).addresses.lookup.HasField("failure")
    lookup = read(check.finish(late)).addresses.lookup
    assert lookup.failure.kind == o.FAILURE_KIND_TIMEOUT
    assert lookup.name == LEVELS[0]


def test_the_register_knows_each_check_by_its_name_in_the_agreement() -> None:
    for kind, make in CHECKS.items():
        assert read(make(LEVELS[0], p.Check()).finish(late)).WhichOneof("kind") == kind


# Proof that a name lies in an insecure zone (RFC 4035 section 4.3).

SECURE, INSECURE = o.DNSSEC_SECURE, o.DNSSEC_INSECURE
DENIED = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"


def delegated(name: str, dnssec: o.Dnssec.ValueType = SECURE) -> o.Lookup:
    """A DS record set."""
    return o.Lookup(name=name, records=o.RecordSet(owner=name, rdata=[b"x"]), dnssec=dnssec)


def no_ds(name: str, kind: str = "", by: str = "", dnssec: o.Dnssec.ValueType = SECURE) -> o.Lookup:
    lookup = absent(name)
    lookup.dnssec = dnssec
    if kind:
        lookup.insecurity_proof.CopyFrom(
            o.InsecurityProof(zone_cut=name, denied_by=by or name, kind=kind)
        )
    return lookup


def descend(*answers: o.Lookup) -> str:
    """Return the zone cut that the answers, from the top-level domain down, prove insecure."""
    for order in permutations(enumerate(answers)):
        descent = Descent(LEVELS[0])
        ends = [descent.add(index, lookup) for index, lookup in order]
        assert ends[-1]
    return descent.proof.zone_cut if descent.proof else ""


def test_every_level_from_the_top_is_asked_anew_for_its_ds() -> None:
    assert Descent(LEVELS[0]).wanted == [Wanted(level, DS, fresh=True) for level in LEVELS[::-1]]


@pytest.mark.parametrize(
    ("answers", "cut"),
    [
        # A validated denial at a delegation, whatever comes below it.
        ((delegated("example"), no_ds("b.example", "NSEC"), broken(LEVELS[0])), "b.example"),
        ((delegated("example"), no_ds("b.example", "NSEC3"), no_ds(LEVELS[0])), "b.example"),
        ((no_ds("example", "NSEC"), no_ds("b.example"), no_ds(LEVELS[0])), "example"),
        # No zone cut at one level, one further down.
        ((delegated("example"), no_ds("b.example"), no_ds(LEVELS[0], "NSEC")), LEVELS[0]),
        # Opt-out: of the secure zone that delegates, and of no other.
        (
            (
                delegated("example"),
                no_ds("b.example", "NSEC3 opt-out", f"{DENIED}.example", INSECURE),
                no_ds(LEVELS[0], dnssec=INSECURE),
            ),
            "b.example",
        ),
        (
            (
                delegated("example"),
                no_ds("b.example", "NSEC3 opt-out", f"{DENIED}.other", INSECURE),
                no_ds(LEVELS[0], dnssec=INSECURE),
            ),
            "",
        ),
        (
            (
                no_ds("example", dnssec=INSECURE),
                no_ds("b.example", "NSEC3 opt-out", f"{DENIED}.example", INSECURE),
                no_ds(LEVELS[0], dnssec=INSECURE),
            ),
            "",
        ),
        # Secure all the way: no proof.
        ((delegated("example"), delegated("b.example"), no_ds(LEVELS[0])), ""),
        ((delegated("example"), delegated("b.example"), delegated(LEVELS[0])), ""),
        # Denials nobody validated, DS records nobody validated, answers that did not come.
        ((delegated("example"), no_ds("b.example", "NSEC", dnssec=INSECURE), no_ds("x")), ""),
        ((delegated("example", INSECURE), no_ds("b.example", "NSEC"), no_ds(LEVELS[0])), ""),
        ((broken("example"), no_ds("b.example", "NSEC"), no_ds(LEVELS[0])), ""),
        ((delegated("example"), broken("b.example"), no_ds(LEVELS[0], "NSEC")), ""),
    ],
)
def test_rfc_4035_4_3_only_a_validated_denial_at_a_zone_cut_is_proof(
    answers: tuple[o.Lookup, ...], cut: str
) -> None:
    assert descend(*answers) == cut


# Of three levels: the walk is want 0, the CNAMEs are 1 to 3, the DS records 4 to 6.
CNAMES, DSS = 1, 4


def proving() -> CaaWalk:
    """A walk whose lowest level has failed, now looking for proof."""
    check = CaaWalk(LEVELS[0], prove_insecurity=True)
    assert check.add(0, answer(broken(LEVELS[0]))) is None
    assert [wanted.rdtype for wanted in check.wanted] == [CAA] + [CNAME] * 3 + [DS] * 3
    return check


@pytest.mark.parametrize(
    "cname", [absent(LEVELS[0]), broken(LEVELS[0])], ids=["none", "nobody answers"]
)
def test_a_walk_that_failed_ends_with_its_proof(cname: o.Lookup) -> None:
    answers = [
        (CNAMES, cname),
        (DSS, delegated("example")),
        (DSS + 1, no_ds("b.example", "NSEC")),
    ]
    for order in permutations(answers):
        check = proving()
        findings = [check.add(index, answer(lookup)) for index, lookup in order]
        finding = next(one for one in findings if one is not None)
        (level,) = read(finding).caa_walk.levels
        assert level.failure.kind == o.FAILURE_KIND_SERVFAIL
        assert level.insecurity_proof.zone_cut == "b.example"


def test_a_proof_is_of_the_level_that_failed_and_changes_nothing_that_others_hold() -> None:
    levels = absent(LEVELS[0]), broken(LEVELS[1])
    check = CaaWalk(LEVELS[0], prove_insecurity=True)
    assert check.add(CNAMES + 1, answer(absent(LEVELS[1]))) is None
    assert check.add(0, answer(*levels)) is None
    assert check.add(DSS, answer(delegated("example"))) is None
    finding = read(check.add(DSS + 1, answer(no_ds("b.example", "NSEC"))))
    assert finding.caa_walk.levels[0] == levels[0]
    assert finding.caa_walk.levels[1].insecurity_proof.zone_cut == "b.example"
    assert not levels[1].HasField("insecurity_proof")


@pytest.mark.parametrize(
    "cname",
    [
        o.Lookup(name=LEVELS[0], records=o.RecordSet(rdata=[b"x"]), dnssec=INSECURE),
        failed(LEVELS[0], o.FAILURE_KIND_ALIAS, "a DNAME"),
        failed(LEVELS[0], o.FAILURE_KIND_BOGUS, "", o.DNSSEC_BOGUS),
    ],
)
def test_br_4_2_2_1_what_an_alias_leads_to_may_be_signed(cname: o.Lookup) -> None:
    check = proving()
    assert check.add(DSS, answer(delegated("example"))) is None
    assert check.add(DSS + 1, answer(no_ds("b.example", "NSEC"))) is None
    (level,) = read(check.add(CNAMES, answer(cname))).caa_walk.levels
    assert level.failure.kind == o.FAILURE_KIND_SERVFAIL
    assert not level.HasField("insecurity_proof")


def test_a_walk_that_does_not_fail_waits_for_no_cname() -> None:
    check = CaaWalk(LEVELS[0], prove_insecurity=True)
    assert check.add(0, answer(found(LEVELS[0]))) is not None


def test_a_walk_that_failed_ends_without_proof_at_the_deadline() -> None:
    (level,) = read(proving().finish(late)).caa_walk.levels
    assert level.failure.kind == o.FAILURE_KIND_SERVFAIL
    assert not level.HasField("insecurity_proof")


@pytest.mark.parametrize(
    "kind", [o.FAILURE_KIND_BOGUS, o.FAILURE_KIND_TIMEOUT, o.FAILURE_KIND_RESOLVER_UNAVAILABLE]
)
def test_other_failures_look_for_no_proof(kind: o.FailureKind.ValueType) -> None:
    check = CaaWalk(LEVELS[0], prove_insecurity=True)
    assert check.add(0, answer(failed(LEVELS[0], kind, ""))) is not None
