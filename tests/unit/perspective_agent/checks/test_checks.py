"""The agent's checks: answers in any order, one finding, certain as early as it can be."""

from itertools import permutations
from typing import Any

import pytest

from mpic.names import walk_levels
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import CHECKS, RunningCheck
from perspective_agent.checks.addresses import AddressCheck
from perspective_agent.checks.caa_walk import CaaWalkCheck, ProvingWalkCheck
from perspective_agent.checks.insecurity import ChainOfTrust
from perspective_agent.diagnosis.shared_diagnoses import DiagnosisResult, DiagnosisTarget
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.dns.wire import CAA, CNAME, DS, A, failed
from perspective_agent.wants import Missing, Want

LEVELS = ["a.b.example", "b.example", "example"]


def absent(name: str, absence: o.Absence.ValueType = o.ABSENCE_NO_DATA) -> o.Lookup:
    return o.Lookup(name=name, absence=absence, dnssec=o.DNSSEC_SECURE)


def found(name: str) -> o.Lookup:
    records = o.RecordSet(owner=name, ttl=60, rdata=[b"\x00\x05issueca.example"])
    return o.Lookup(name=name, records=records, dnssec=o.DNSSEC_SECURE)


def broken(name: str) -> o.Lookup:
    return failed(name, o.FAILURE_KIND_SERVFAIL, "the resolver answered SERVFAIL")


def answer(*levels: o.Lookup) -> Answer:
    return Answer(levels, (1,) * len(levels))


def late(request: Any) -> Any:  # noqa: ANN401 - as Missing
    assert request.name == LEVELS[0]
    return answer(failed(LEVELS[0], o.FAILURE_KIND_TIMEOUT, "late"))


class Driven:
    """A check whose wants are known by their numbers, in the order in which it wanted them."""

    def __init__(self, check: RunningCheck) -> None:
        self._check = check
        started = check.start()
        assert not isinstance(started, o.Finding)
        self._wants: list[Want[Any]] = list(started)

    @property
    def wanted(self) -> list[Any]:
        return [want.target for want in self._wants]

    def add(self, number: int, result: Answer | DiagnosisResult) -> o.Finding | None:
        step = self._wants[number].take(result)
        if isinstance(step, o.Finding):
            return step
        self._wants.extend(step)
        return None

    def finish(self, missing: Missing) -> o.Finding:
        return self._check.finish(missing)


def proving_walk(name: str, *, ask_servers: bool = False) -> Driven:
    return Driven(ProvingWalkCheck(name, ask_servers=ask_servers))


def read(finding: o.Finding | None) -> o.Finding:
    assert finding is not None
    return finding


def test_a_walk_is_one_want_and_its_levels_are_the_finding() -> None:
    check = Driven(CaaWalkCheck(LEVELS[0]))
    assert check.wanted == [LookupTarget(LEVELS[0], CAA, climbs=True)]
    levels = absent(LEVELS[0]), found(LEVELS[1])
    assert list(read(check.add(0, answer(*levels))).caa_walk.levels) == list(levels)


def test_a_walk_that_is_cut_short_is_found_so() -> None:
    (level,) = read(CaaWalkCheck(LEVELS[0]).finish(late)).caa_walk.levels
    assert level.failure.kind == o.FAILURE_KIND_TIMEOUT


def test_addresses_are_one_lookup_whatever_its_answer() -> None:
    check = Driven(AddressCheck(LEVELS[0]))
    assert check.wanted == [LookupTarget(LEVELS[0], A)]
    assert read(check.add(0, answer(broken(LEVELS[0])))).addresses.lookup.HasField("failure")
    lookup = read(check.finish(late)).addresses.lookup
    assert lookup.failure.kind == o.FAILURE_KIND_TIMEOUT
    assert lookup.name == LEVELS[0]


def test_the_register_knows_each_check_by_its_name_in_the_agreement() -> None:
    for kind, make in CHECKS.items():
        finding = make(LEVELS[0], p.Check()).finish(lambda target: target.too_large("large"))
        assert read(finding).WhichOneof("kind") == kind


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
        descent = ChainOfTrust(LEVELS[0])
        ends = [descent.add(index, lookup) for index, lookup in order]
        assert ends[-1]
    return descent.proof.zone_cut if descent.proof else ""


def test_every_level_from_the_top_is_asked_anew_for_its_ds() -> None:
    assert ChainOfTrust(LEVELS[0]).wanted == [
        LookupTarget(level, DS, fresh=True) for level in LEVELS[::-1]
    ]


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


# A walk of three levels that has to prove: wants 0 to 2 are the levels, 3 to 5 their CNAMEs; behind
# them come the DS records of a level that failed, from the top-level domain down.
CNAMES, DSS = 3, 6


def proving() -> Driven:
    """A walk whose lowest level has failed, and above it there is nothing."""
    check = proving_walk(LEVELS[0])
    assert check.add(0, answer(broken(LEVELS[0]))) is None
    assert check.wanted[:DSS] == [
        LookupTarget(level, of) for of in (CAA, CNAME) for level in LEVELS
    ]
    assert [wanted.rdtype for wanted in check.wanted[DSS:]] == [DS] * 3
    for index in (1, 2):
        assert check.add(index, answer(absent(LEVELS[index]))) is None
    return check


def levels_of(finding: o.Finding | None) -> list[o.Lookup]:
    return list(read(finding).caa_walk.levels)


def test_only_who_is_asked_to_prove_does() -> None:
    make = CHECKS["caa_walk"]
    assert isinstance(make(LEVELS[0], p.Check()), CaaWalkCheck)
    asked = p.Check(caa_walk=p.CaaWalk(prove_insecurity=True))
    proving = make(LEVELS[0], asked)
    assert isinstance(proving, ProvingWalkCheck)
    assert not proving._ask_servers
    asked.caa_walk.ask_servers = True
    proving = make(LEVELS[0], asked)
    assert isinstance(proving, ProvingWalkCheck)
    assert proving._ask_servers


@pytest.mark.parametrize(
    "cname", [absent(LEVELS[0]), broken(LEVELS[0])], ids=["none", "nobody answers"]
)
def test_a_walk_that_failed_ends_with_its_proof_and_the_levels_above(cname: o.Lookup) -> None:
    answers = [
        (CNAMES, cname),
        (DSS, delegated("example")),
        (DSS + 1, no_ds("b.example", "NSEC")),
    ]
    for order in permutations(answers):
        check = proving()
        findings = [check.add(index, answer(lookup)) for index, lookup in order]
        finding = next(one for one in findings if one is not None)
        levels = levels_of(finding)
        assert [level.name for level in levels] == LEVELS
        assert levels[0].failure.kind == o.FAILURE_KIND_SERVFAIL
        assert levels[0].insecurity_proof.zone_cut == "b.example"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_rfc_8659_3_the_set_above_a_failure_is_seen(order: tuple[int, ...]) -> None:
    check = proving_walk(LEVELS[0])
    lookups = [broken(LEVELS[0]), found(LEVELS[1]), broken(LEVELS[2])]
    assert not any(check.add(index, answer(lookups[index])) for index in order)
    first = next(
        number
        for number, wanted in enumerate(check.wanted)
        if wanted == LookupTarget("example", DS, fresh=True)
        and LookupTarget(LEVELS[0], DS, fresh=True) in check.wanted[number : number + 3]
    )
    assert check.add(CNAMES, answer(absent(LEVELS[0]))) is None
    levels = levels_of(check.add(first, answer(no_ds("example", "NSEC"))))
    assert [level.WhichOneof("result") for level in levels] == ["failure", "records"]
    assert levels[0].insecurity_proof.zone_cut == "example"


def test_two_levels_that_failed_have_a_proof_each() -> None:
    check = proving_walk(LEVELS[0])
    for index in (1, 0):
        assert check.add(index, answer(broken(LEVELS[index]))) is None
        assert check.add(CNAMES + index, answer(absent(LEVELS[index]))) is None
    assert check.add(2, answer(absent(LEVELS[2]))) is None
    # Nothing is asked twice.
    assert check.wanted[DSS:] == ChainOfTrust(LEVELS[0]).wanted
    # Of the upper: secure as far as it goes. Of the lower: a delegation below it.
    for number, lookup in enumerate([delegated("example"), no_ds(LEVELS[1])]):
        assert check.add(DSS + number, answer(lookup)) is None
    lower, upper, top = levels_of(check.add(DSS + 2, answer(no_ds(LEVELS[0], "NSEC"))))
    assert lower.insecurity_proof.zone_cut == LEVELS[0]
    assert upper.failure.kind == o.FAILURE_KIND_SERVFAIL
    assert not upper.HasField("insecurity_proof")
    assert top.HasField("absence")


def asked_directly() -> DiagnosisResult:
    reply = o.ServerReply(address="203.0.113.67", outcome=o.SERVER_OUTCOME_FAILED)
    return DiagnosisResult(o.Diagnosis(zone="b.example", servers=[reply]), (1,))


def test_br_4_2_2_1_the_servers_of_a_level_that_failed_are_asked_directly() -> None:
    for order in permutations(range(3)):
        check = proving_walk(LEVELS[0], ask_servers=True)
        assert not any(isinstance(one, DiagnosisTarget) for one in check.wanted)
        assert check.add(1, answer(absent(LEVELS[1]))) is None
        assert check.add(2, answer(absent(LEVELS[2]))) is None
        assert check.add(0, answer(broken(LEVELS[0]))) is None
        direct = check.wanted.index(DiagnosisTarget(LEVELS[0]))
        assert direct == len(check.wanted) - 1
        answers = [
            (CNAMES, answer(absent(LEVELS[0]))),
            (DSS, answer(no_ds("example", "NSEC"))),
            (direct, asked_directly()),
        ]
        findings = [check.add(*answers[one]) for one in order]
        assert findings[:2] == [None, None]
        failed_level, *above = levels_of(findings[2])
        assert failed_level.diagnosis == asked_directly().diagnosis
        assert failed_level.insecurity_proof.zone_cut == "example"
        assert not any(level.HasField("diagnosis") for level in above)


def test_of_a_name_of_many_levels_that_failed_few_are_proven() -> None:
    name = ".".join("abcdefgh") + ".example"
    levels = walk_levels(name)
    check = proving_walk(name, ask_servers=True)
    findings = [check.add(index, answer(broken(level))) for index, level in enumerate(levels)]
    assert not any(findings)
    assert sum(isinstance(one, DiagnosisTarget) for one in check.wanted) == 4
    assert len(check.wanted) <= 3 * len(levels) + 4
    for index, wanted in enumerate(check.wanted[len(levels) :], len(levels)):
        is_direct = isinstance(wanted, DiagnosisTarget)
        result = asked_directly() if is_direct else answer(no_ds(wanted.name, "NSEC"))
        finding = check.add(index, result)
    proven = [level.HasField("diagnosis") for level in levels_of(finding)]
    assert proven == [True] * 4 + [False] * 5


def test_a_proof_is_of_the_level_that_failed_and_changes_nothing_that_others_hold() -> None:
    levels = absent(LEVELS[0]), broken(LEVELS[1]), absent(LEVELS[2])
    check = proving_walk(LEVELS[0])
    assert check.add(CNAMES + 1, answer(absent(LEVELS[1]))) is None
    for index, level in enumerate(levels):
        assert check.add(index, answer(level)) is None
    assert check.add(DSS, answer(delegated("example"))) is None
    proven = levels_of(check.add(DSS + 1, answer(no_ds("b.example", "NSEC"))))
    assert [proven[0], proven[2]] == [levels[0], levels[2]]
    assert proven[1].insecurity_proof.zone_cut == "b.example"
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
    level = levels_of(check.add(CNAMES, answer(cname)))[0]
    assert level.failure.kind == o.FAILURE_KIND_SERVFAIL
    assert not level.HasField("insecurity_proof")


def test_a_walk_that_does_not_fail_waits_for_no_cname_and_for_nothing_above() -> None:
    check = proving_walk(LEVELS[0])
    assert check.add(1, answer(absent(LEVELS[1]))) is None
    assert levels_of(check.add(0, answer(found(LEVELS[0])))) == [found(LEVELS[0])]


def test_a_walk_without_a_set_ends_at_the_top() -> None:
    check = proving_walk(LEVELS[0])
    findings = [check.add(index, answer(absent(LEVELS[index]))) for index in (2, 0, 1)]
    assert findings[:2] == [None, None]
    assert levels_of(findings[2]) == [absent(level) for level in LEVELS]


def test_a_walk_that_failed_ends_without_proof_at_the_deadline() -> None:
    levels = levels_of(proving().finish(late))
    assert [level.name for level in levels] == LEVELS
    assert levels[0].failure.kind == o.FAILURE_KIND_SERVFAIL
    assert not levels[0].HasField("insecurity_proof")


def test_a_level_that_is_open_at_the_deadline_ends_the_walk() -> None:
    check = proving_walk(LEVELS[0])
    assert check.add(1, answer(found(LEVELS[1]))) is None
    (level,) = levels_of(check.finish(late))
    assert level.failure.kind == o.FAILURE_KIND_TIMEOUT


@pytest.mark.parametrize(
    "kind", [o.FAILURE_KIND_BOGUS, o.FAILURE_KIND_TIMEOUT, o.FAILURE_KIND_RESOLVER_UNAVAILABLE]
)
def test_other_failures_end_the_walk_and_look_for_no_proof(kind: o.FailureKind.ValueType) -> None:
    check = proving_walk(LEVELS[0])
    (level,) = levels_of(check.add(0, answer(failed(LEVELS[0], kind, ""))))
    assert level.failure.kind == kind


@pytest.mark.parametrize("proving", [False, True])
def test_a_walk_begins_where_it_is_asked_to(proving: bool) -> None:
    asked = p.Check(caa_walk=p.CaaWalk(owner=LEVELS[1], prove_insecurity=proving))
    step = CHECKS["caa_walk"](LEVELS[0], asked).start()
    assert not isinstance(step, o.Finding)
    assert step[0].target == LookupTarget(LEVELS[1], CAA, climbs=not proving)


@pytest.mark.parametrize("proving", [False, True])
@pytest.mark.parametrize("owner", [".", "a..b", "A.example.com", f"{'a' * 64}.com", "a.b.", "com"])
def test_a_walk_from_what_is_no_name_breaks_no_message_to_the_resolver(
    owner: str, proving: bool
) -> None:
    asked = p.Check(caa_walk=p.CaaWalk(owner=owner, prove_insecurity=proving))
    finding = CHECKS["caa_walk"](LEVELS[0], asked).start()
    assert isinstance(finding, o.Finding)
    assert finding.not_run.kind == o.FAILURE_KIND_INTERNAL
    assert "where the walk begins" in finding.not_run.detail
