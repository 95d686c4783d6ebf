import re
from collections.abc import Sequence

import pytest

from coordinator.checks.caa.relevant_set import Applicant, CaaJudgement, determine_caa, judge_set
from coordinator.checks.check import UNVALIDATED_TOO, MalformedFindingError, NotValidatedError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

PERMITTED, FORBIDDEN = c.OUTCOME_PASSED, c.OUTCOME_FORBIDDEN
NAME = "www.example.com"
APPLICANT = Applicant(frozenset({"ca.example", "ca.test"}), "https://ca.example/1", "dns-01")


def record(tag: str, value: str | bytes, flags: int = 0) -> bytes:
    octets = value if isinstance(value, bytes) else value.encode("latin-1")
    return bytes((flags, len(tag))) + tag.encode() + octets


OURS, OTHER = record("issue", "ca.example"), record("issue", "other.example")


def judge(*rdata: bytes, wildcard: bool = False) -> CaaJudgement:
    return judge_set(rdata, wildcard, APPLICANT)


def absent(name: str, absence: o.Absence.ValueType = o.ABSENCE_NO_DATA) -> o.Lookup:
    return o.Lookup(name=name, absence=absence, dnssec=o.DNSSEC_INSECURE)


def found(name: str, *rdata: bytes) -> o.Lookup:
    records = o.RecordSet(owner="alias.test", ttl=60, rdata=rdata)
    return o.Lookup(name=name, records=records, dnssec=o.DNSSEC_SECURE)


def failed(name: str, kind: int = o.FAILURE_KIND_SERVFAIL) -> o.Lookup:
    failure = o.Failure(kind=o.FailureKind.ValueType(kind), detail="the server said no")
    return o.Lookup(name=name, failure=failure, dnssec=o.DNSSEC_INDETERMINATE)


def determine(*levels: o.Lookup, name: str = NAME, wildcard: bool = False) -> CaaJudgement:
    return determine_caa(o.CaaFinding(levels=levels), name, wildcard, APPLICANT)


# The walk (RFC 8659 section 3).


def test_no_set_up_to_the_top_level_domain_permits() -> None:
    assert determine(
        absent(NAME, o.ABSENCE_NAME_ERROR), absent("example.com", o.ABSENCE_NXNAME), absent("com")
    ) == CaaJudgement(
        PERMITTED,
        clause="RFC 8659 section 3",
        detail="no CAA record from www.example.com up to its top-level domain",
    )


def test_name_that_is_a_top_level_domain() -> None:
    assert determine(absent("com"), name="com").outcome == PERMITTED


@pytest.mark.parametrize("absence", [o.ABSENCE_NAME_ERROR, o.ABSENCE_NXNAME])
def test_top_level_domain_that_does_not_exist(absence: o.Absence.ValueType) -> None:
    assert determine(
        absent("www.internal"), absent("internal", absence), name="www.internal"
    ) == CaaJudgement(
        c.OUTCOME_FAILED,
        clause="BR 4.2.2",
        detail="the top-level domain internal does not exist in the public DNS",
        not_in_public_dns=True,
    )


def test_set_is_judged_where_it_was_found() -> None:
    assert determine(absent(NAME), found("example.com", OTHER)) == CaaJudgement(
        FORBIDDEN,
        found_at="example.com",
        clause="RFC 8659 section 4.2",
        record='0 issue "other.example"',
        detail='at example.com: 0 issue "other.example" names other.example, '
        "not one of ca.example, ca.test",
    )


def test_a_set_that_an_alias_leads_to_is_told_where_it_stands() -> None:
    lookup = found(NAME, OTHER)
    lookup.records.owner = "deny.example.net"
    lookup.aliases.add(owner=NAME, target="deny.example.net")
    assert determine(lookup).detail.startswith(
        f'{NAME} is an alias of deny.example.net, where 0 issue "other.example" names'
    )


def test_set_of_the_top_level_domain() -> None:
    decided = determine(absent(NAME), absent("example.com"), found("com", OTHER))

    assert (decided.outcome, decided.found_at) == (FORBIDDEN, "com")


def test_first_set_decides_though_it_restricts_nothing() -> None:
    decided = determine(found(NAME, record("iodef", "mailto:a@b")))

    assert (decided.outcome, decided.found_at) == (PERMITTED, NAME)


def test_wildcard_reaches_the_set() -> None:
    levels = found(NAME, OURS, record("issuewild", ";"))

    assert determine(levels).outcome == PERMITTED
    assert determine(levels, wildcard=True).outcome == FORBIDDEN


@pytest.mark.parametrize("above", ["www.example.com", "example.com", "com"])
def test_failure_ends_the_walk(above: str) -> None:
    below = {"www.example.com": (), "example.com": (NAME,), "com": (NAME, "example.com")}[above]

    assert determine(*map(absent, below), failed(above)) == CaaJudgement(
        c.OUTCOME_FAILED,
        clause="RFC 8659 section 3",
        detail=f"the CAA lookup of {above} failed (SERVFAIL): the server said no",
        failed=failed(above),
    )


def test_failure_of_a_kind_yet_unknown_is_a_failure() -> None:
    decided = determine(failed(NAME, 99))

    assert decided.outcome == c.OUTCOME_FAILED
    assert "(kind 99)" in decided.detail


def test_bogus_is_a_failure() -> None:
    level = failed(NAME, o.FAILURE_KIND_BOGUS)
    level.dnssec = o.DNSSEC_BOGUS

    assert determine(level).outcome == c.OUTCOME_FAILED


def test_a_set_above_a_failure_decides_nothing() -> None:
    """An agent that was asked to prove goes on; what it sees there is no reason to permit."""
    determination = determine(failed(NAME), found("example.com", OURS))
    assert determination.outcome == c.OUTCOME_FAILED
    assert determination.failed is not None
    assert determination.failed.name == NAME


def with_dnssec(level: o.Lookup, dnssec: int) -> o.Lookup:
    level.dnssec = o.Dnssec.ValueType(dnssec)
    return level


MALFORMED_WALKS = {
    "no level": ([], "stops before 'www.example.com'"),
    "stops at an absence": ([absent(NAME)], "stops before 'example.com'"),
    "stops below the top": ([absent(NAME), absent("example.com")], "stops before 'com'"),
    "begins above": ([absent("example.com"), absent("com")], "'example.com' for"),
    "begins elsewhere": ([found("www.example.net", OURS)], "'www.example.net' for"),
    "begins below": ([found(f"a.{NAME}", OURS)], "'a.www.example.com' for"),
    "name in upper case": ([found(NAME.upper(), OURS)], "'WWW.EXAMPLE.COM' for"),
    "skips a level": ([absent(NAME), absent("com")], "'com' for 'example.com'"),
    "says a level twice": ([absent(NAME), absent(NAME)], "for 'example.com'"),
    "climbs another name": ([absent(NAME), found("example.net", OURS)], "for 'example.com'"),
    "goes above a set": ([found(NAME, OURS), absent("example.com")], "goes on"),
    "goes above a failure and stops": (
        [failed(NAME), absent("example.com")],
        "stops before 'com'",
    ),
    "goes above a failure to elsewhere": ([failed(NAME), absent("com")], "'com' for"),
    "goes above the top": (
        [absent(NAME), absent("example.com"), absent("com"), absent("")],
        "goes on above its end at 'com'",
    ),
    "long name": ([absent("a" * 9000)], "a...'"),
    "no result": ([o.Lookup(name=NAME, dnssec=o.DNSSEC_SECURE)], "without a result"),
    "absence unstated": ([absent(NAME, o.ABSENCE_UNSPECIFIED)], "absence is unstated"),
    "absence unknown": ([absent(NAME, o.Absence.ValueType(9))], "absence is unstated"),
    "absence, DNSSEC unstated": ([with_dnssec(absent(NAME), 0)], "did not validate"),
    "absence, bogus": ([with_dnssec(absent(NAME), o.DNSSEC_BOGUS)], "did not validate"),
    "absence, DNSSEC unknown": ([with_dnssec(absent(NAME), 9)], "did not validate"),
    "no record": ([found(NAME)], "records is unstated or empty"),
    "records, DNSSEC unstated": ([with_dnssec(found(NAME, OURS), 0)], "did not validate"),
    "records, bogus": ([with_dnssec(found(NAME, OURS), 3)], "did not validate"),
    "failure unstated": ([failed(NAME, 0)], "failure is unstated"),
    "failure, DNSSEC unstated": ([with_dnssec(failed(NAME), 0)], "failure is unstated"),
    "failure, DNSSEC unknown": ([with_dnssec(failed(NAME), 9)], "failure is unstated"),
    "unsound below a sound set": (
        [with_dnssec(absent(NAME), 0), found("example.com", OURS)],
        "did not validate",
    ),
}


@pytest.mark.parametrize(("levels", "says"), MALFORMED_WALKS.values(), ids=MALFORMED_WALKS)
def test_malformed_walk(levels: Sequence[o.Lookup], says: str) -> None:
    with pytest.raises(MalformedFindingError, match=re.escape(says)) as caught:
        determine(*levels)

    assert len(str(caught.value)) < 400


# Who need not validate (BR 4.2.2.2.6).

UNVALIDATED = with_dnssec(found(NAME, OURS), o.DNSSEC_INDETERMINATE)


@pytest.mark.parametrize("level", [UNVALIDATED, with_dnssec(absent(NAME), o.DNSSEC_INDETERMINATE)])
def test_what_nobody_validated_is_believed_only_where_nobody_must(level: o.Lookup) -> None:
    walk = o.CaaFinding(levels=[level, absent("example.com"), absent("com")])
    if level.HasField("records"):
        del walk.levels[1:]
    with pytest.raises(NotValidatedError, match=r"'www\.example\.com' was not validated"):
        determine_caa(walk, NAME, False, APPLICANT)  # noqa: FBT003 - no wildcard
    lenient = determine_caa(walk, NAME, False, APPLICANT, UNVALIDATED_TOO)  # noqa: FBT003
    assert lenient.outcome == PERMITTED


def test_what_is_bogus_is_believed_of_nobody() -> None:
    walk = o.CaaFinding(levels=[with_dnssec(found(NAME, OURS), o.DNSSEC_BOGUS)])
    with pytest.raises(MalformedFindingError):
        determine_caa(walk, NAME, False, APPLICANT, UNVALIDATED_TOO)  # noqa: FBT003


# Which record decides, by which clause (RFC 8659 section 4).


def ours(parameters: str) -> bytes:
    return record("issue", f"ca.example; {parameters}")


DECISIONS = [
    ((OTHER, OURS), False, '0 issue "ca.example"', "RFC 8659 section 4.2", "permits"),
    ((record("issuewild", "ca.test"),), True, '0 issuewild "ca.test"', "4.3", "permits"),
    ((OURS,), True, '0 issue "ca.example"', "RFC 8659 section 4.2", "permits"),
    ((record("iodef", "x"),), False, "", "RFC 8659 section 3", "no issue property restricts"),
    ((record("iodef", "x"),), True, "", "RFC 8659 section 3", "no issue or issuewild property"),
    ((record("issue", "a.b"), OTHER), False, '0 issue "a.b"', "4.2", "names a.b, not one of ca."),
    ((record("issue", "%"), OTHER), False, '0 issue "other.example"', "4.2", "names other.example"),
    ((record("issue", "%"),), False, '0 issue "%"', "4.2", "does not match the ABNF"),
    (
        (record("issue", "ca.example."),),
        False,
        '0 issue "ca.example."',
        "4.2",
        "(its issuer name ends with a dot)",
    ),
    (
        (record("issuewild", " ca.example. ; a=b"),),
        True,
        '0 issuewild " ca.example. ; a=b"',
        "4.3",
        "(its issuer name ends with a dot)",
    ),
    ((record("issue", "ca_x.example"),), False, '0 issue "ca_x.example"', "4.2", "letters, digits"),
    ((record("issue", "."),), False, '0 issue "."', "4.2", "not labels of letters"),
    (
        (record("issue", "ca.test; a=b;"),),
        False,
        '0 issue "ca.test; a=b;"',
        "4.2",
        "a semicolon follows",
    ),
    (
        (record("issue", "ca.test; a b"),),
        False,
        '0 issue "ca.test; a b"',
        "4.2",
        "not a tag, an equals sign",
    ),
    ((record("issuewild", ";"),), True, '0 issuewild ";"', "8659 section 4.3", "permits nobody"),
    (
        (OURS, record("New", "x", 130)),
        False,
        '130 New "x"',
        "4.1",
        "critical and the issuer is not configured",
    ),
    ((OURS, b"\x00\x05a"), False, r"\# 3 000561", "4.1", "is malformed"),
    ((OURS, b""), False, r"\# 0", "RFC 8659 section 4.1", "is malformed"),
    (
        (OTHER, ours("accounturi=x")),
        False,
        '0 issue "ca.example; accounturi=x"',
        "RFC 8657 section 3",
        "has an accounturi that https://ca.example/1 does not satisfy",
    ),
    (
        (ours("validationmethods=http-01"), OTHER),
        False,
        '0 issue "ca.example; validationmethods=http-01"',
        "RFC 8657 section 4",
        "has validationmethods that dns-01 does not satisfy",
    ),
]


@pytest.mark.parametrize(("rdata", "wildcard", "shown", "clause", "detail"), DECISIONS)
def test_decision(
    rdata: Sequence[bytes], wildcard: bool, shown: str, clause: str, detail: str
) -> None:
    decided = judge(*rdata, wildcard=wildcard)

    assert decided.record == shown
    assert decided.clause.endswith(clause)
    assert decided.detail.startswith(shown)
    assert detail in decided.detail
    assert (decided.found_at, decided.failed, decided.not_in_public_dns) == ("", None, False)


@pytest.mark.parametrize(
    ("parameter", "says"), [("accounturi", "no account"), ("validationmethods", "no method")]
)
def test_applicant_without_account_or_method_is_said_so(parameter: str, says: str) -> None:
    nobody = Applicant(frozenset({"ca.example"}))

    decided = judge_set([ours(f"{parameter}=x")], wildcard=False, applicant=nobody)

    assert decided.detail.endswith(f"that {says} does not satisfy")


def test_empty_set_is_no_set() -> None:
    with pytest.raises(ValueError, match="empty"):
        judge()


@pytest.mark.parametrize(
    "domains",
    [
        (),
        ("",),
        ("ca.example", ""),
        ("ca.example", "ca.example."),
        ("CA.example",),
        ("*.ca",),
        ("ca_1",),
        ("-ca",),
        ("caf\u00e9.example",),
        ("\u212aca",),
        ("\u017fca",),
        ("ca.example\n",),
        ("ca.example; a=b",),
    ],
)
def test_applicant_nobody_could_name(domains: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="issuer"):
        Applicant(frozenset(domains))
