"""BR 3.2.2.4.7: DNS Change, a Random Value or Request Token in a TXT, CNAME or CAA record."""

import base64
import hashlib
from collections.abc import Sequence

import pytest

from coordinator.checks.check import VALIDATED, MalformedFindingError, ParameterError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.clauses.domain_control import (
    FAILED,
    JUDGE,
    MISSING,
    PASSED,
    Row,
    judge,
    look,
    outcome_of,
    place,
    request,
)
from tests.world.domain_control import controlled
from tests.world.samples import NAME, NOVEMBER

TXT, CNAME, CAA = o.RECORD_TYPE_TXT, o.RECORD_TYPE_CNAME, o.RECORD_TYPE_CAA
VALUE = "x7Kq2LmPz9VtBnR4sWc8"
"""20 octets."""
NAMED = "3f0a9c77d15be2486a90cd1b.validation.ca.test"
LABEL = NAMED.partition(".")[0]
ZONE = "validation.ca.test"


def ask(
    rdtype: o.RecordType.ValueType = TXT,
    value: str = VALUE,
    *,
    label: str = "",
    contained: bool = False,
    zone: str = "",
) -> c.DomainControl:
    """Return what is asked about a record."""
    method = c.DnsChange(record_type=rdtype, value=value, label=label, target_zone=zone)
    method.contained = contained
    return c.DomainControl(dns_change=method)


EXACT = [
    ("the value", f'"{VALUE}"', PASSED),
    ("in two strings", f'"{VALUE[:7]}" "{VALUE[7:]}"', PASSED),
    ("with escapes", f'"\\{ord(VALUE[0]):03d}{VALUE[1:]}"', PASSED),
    ("a blank before", f'" {VALUE}"', MISSING),
    ("a blank after", f'"{VALUE} "', MISSING),
    ("a line end after", f'"{VALUE}\\010"', MISSING),
    ("quotes around it", f'"\\"{VALUE}\\""', MISSING),
    ("upper case", f'"{VALUE.upper()}"', MISSING),
    ("lower case", f'"{VALUE.lower()}"', MISSING),
    ("a character less", f'"{VALUE[:-1]}"', MISSING),
    ("a character more", f'"{VALUE}x"', MISSING),
    ("a name before it", f'"ca-validation={VALUE}"', MISSING),
    ("a string more", f'"{VALUE}" "x"', MISSING),
    ("nothing", '""', MISSING),
    ("its SHA-256", f'"{hashlib.sha256(VALUE.encode()).hexdigest()}"', MISSING),
    ("base64", f'"{base64.b64encode(VALUE.encode()).decode()}"', MISSING),
]
CONTAINED = [
    ("the value", f'"{VALUE}"', PASSED),
    ("a name before it", f'"ca-validation={VALUE}"', PASSED),
    ("something after it", f'"{VALUE}; more"', PASSED),
    ("across two strings", f'"a={VALUE[:7]}" "{VALUE[7:]}b"', PASSED),
    ("no ASCII around it", f'"\\255{VALUE}\\000"', PASSED),
    ("across two records", f'"{VALUE[:7]}"\n_v.www IN TXT "{VALUE[7:]}"', MISSING),
    ("a character less", f'"ca-validation={VALUE[:-1]}"', MISSING),
    ("upper case", f'"a {VALUE.upper()} b"', MISSING),
    ("a blank within", f'"{VALUE[:7]} {VALUE[7:]}"', MISSING),
    ("nothing", '""', MISSING),
]
TARGETS = [
    ("the value", NAMED, "", PASSED),
    ("upper case", NAMED.upper(), "", PASSED),
    ("a label before", f"a.{NAMED}", "", MISSING),
    ("a label after", f"{NAMED}.test", "", MISSING),
    ("another first label", f"x{NAMED}", "", MISSING),
    ("the first label alone", LABEL, "", MISSING),
    ("the value below the zone", NAMED, ZONE, PASSED),
    ("the value below the zone, upper case", NAMED.upper(), ZONE, PASSED),
    ("below another zone", f"{LABEL}.other.ca.test", ZONE, MISSING),
    ("the zone's name is part of a label", f"{LABEL}x{ZONE}", ZONE, MISSING),
    ("a label between", f"{LABEL}.a.{ZONE}", ZONE, MISSING),
    ("the zone twice", f"{LABEL}.{ZONE}.{ZONE}", ZONE, MISSING),
    ("the zone alone", ZONE, ZONE, MISSING),
    ("the zone is not at the end", f"{NAMED}.example", ZONE, MISSING),
    ("a dot within a label", f"{LABEL}\\.validation.ca.test", "", MISSING),
    ("a dot within a label, below the zone", f"{LABEL[:9]}\\.{LABEL[9:]}.{ZONE}", ZONE, MISSING),
]
PROPERTIES = [
    ("a property of its own", f'0 dnschange "{VALUE}"', PASSED),
    ("a critical one", f'128 dnschange "{VALUE}"', PASSED),
    ("contactemail", f'0 contactemail "{VALUE}"', PASSED),
    ("iodef", f'0 iodef "{VALUE}"', PASSED),
    ("issue", f'0 issue "{VALUE}"', MISSING),
    ("issuewild", f'0 issuewild "{VALUE}"', MISSING),
    ("issue in upper case", f'0 ISSUE "{VALUE}"', MISSING),
    ("a parameter of issue", f'0 issue "ca.test; x={VALUE}"', MISSING),
    ("a blank after", f'0 dnschange "{VALUE} "', MISSING),
    ("upper case", f'0 dnschange "{VALUE.upper()}"', MISSING),
    ("something before", f'0 dnschange "a={VALUE}"', MISSING),
    ("nothing", '0 dnschange ""', MISSING),
    ("one of three", f'0 a "x"\n_v.www IN CAA 0 b "{VALUE}"\n_v.www IN CAA 0 c "y"', PASSED),
    ("beside issue", f'0 issue ";"\n_v.www IN CAA 0 b "{VALUE}"', PASSED),
]

AT_LABEL, AT_NAME = ask(label="_v"), ask()
FULL = f'{VALUE}"'
PLACES = [
    Row("at the name", f'www IN TXT "{VALUE}"', AT_NAME),
    Row("at the name, not at the label", f'_v.www IN TXT "{VALUE}"', AT_NAME, MISSING),
    Row("at the label, not at the name", f'www IN TXT "{VALUE}"', AT_LABEL, MISSING),
    Row("at another label", f'_w.www IN TXT "{VALUE}"', AT_LABEL, MISSING),
    Row("below the label", f'a._v.www IN TXT "{VALUE}"', AT_LABEL, MISSING),
    Row("at the parent's label", f'_v IN TXT "{VALUE}"', AT_LABEL, MISSING),
    Row("pruned", f'_v IN TXT "{VALUE}"', AT_LABEL, domain="@"),
    Row("pruned, a wildcard", f'_v IN TXT "{VALUE}"', AT_LABEL, name="*.www", domain="@"),
    Row("a wildcard", f'_v.www IN TXT "{VALUE}"', AT_LABEL, name="*.www"),
    Row("one of three", f'_v.www IN TXT "a"\n_v.www IN TXT {VALUE}\n_v.www IN TXT "b"', AT_LABEL),
    Row("TXT, but it is asked for CAA", f'_v.www IN TXT "{VALUE}"', ask(CAA, label="_v"), MISSING),
    Row("CAA, but it is asked for TXT", f'_v.www IN CAA 0 a "{VALUE}"', AT_LABEL, MISSING),
    Row("CAA does not climb", f'@ IN CAA 0 a "{VALUE}"', ask(CAA), MISSING),
    Row("TXT at the end of a CNAME", f'_v.www IN CNAME a\na IN TXT "{VALUE}"', AT_LABEL),
    Row(
        "CAA at the end of a CNAME",
        f'_v.www IN CNAME a\na IN CAA 0 b "{VALUE}"',
        ask(CAA, label="_v"),
    ),
    Row(
        "CNAME is not followed",
        f"_v.www IN CNAME a\na IN CNAME {NAMED}.",
        ask(CNAME, NAMED, label="_v"),
        MISSING,
    ),
    Row("CNAME of a name", f"www IN CNAME {NAMED}.", ask(CNAME, NAMED)),
    Row("CNAME asked with a final dot", f"www IN CNAME {NAMED}.", ask(CNAME, f"{NAMED}.")),
    Row("CNAME asked in upper case", f"www IN CNAME {NAMED}.", ask(CNAME, NAMED.upper())),
    Row(
        "CNAME, the zone with a final dot in upper case",
        f"www IN CNAME {NAMED}.",
        ask(CNAME, LABEL, zone=f"{ZONE.upper()}."),
    ),
    Row("CNAME, but there is TXT", f'www IN TXT "{NAMED}"', ask(CNAME, NAMED), MISSING),
    Row(
        "CNAME at the ADN is reached by",
        f'www IN CNAME a\n_v.a IN TXT "{VALUE}"',
        AT_LABEL,
        domain="a",
    ),
    Row("no record", "www IN A 192.0.2.1", AT_LABEL, MISSING),
    Row("no name", "", AT_LABEL, MISSING),
]


def _rows(
    what: str, found: Sequence[tuple[str, str, str]], asked: c.DomainControl
) -> Sequence[Row]:
    kind = o.RecordType.Name(asked.dns_change.record_type).removeprefix("RECORD_TYPE_")
    return [
        Row(f"{what}: {clause}", f"_v.www IN {kind} {rdata}", asked, expected)
        for clause, rdata, expected in found
    ]


ROWS = place(
    "change-",
    [
        *_rows("TXT", EXACT, AT_LABEL),
        *_rows("contained in TXT", CONTAINED, ask(label="_v", contained=True)),
        *_rows("CAA", PROPERTIES, ask(CAA, label="_v")),
        *(
            Row(
                f"CNAME: {clause}",
                f"_v.www IN CNAME {target}.",
                ask(CNAME, LABEL if zone else NAMED, label="_v", zone=zone),
                expected,
            )
            for clause, target, zone, expected in TARGETS
        ),
        *PLACES,
    ],
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.clause)
def test_br_3_2_2_4_7(row: Row) -> None:
    judgement = judge(row)
    assert outcome_of(judgement) == row.expected, judgement.detail
    assert judgement.clause.startswith("BR 3.2.2.4.7")
    assert VALUE not in f"{judgement.detail}{judgement.record}"


def refuse(control: c.DomainControl) -> tuple[str, str]:
    """Return the field and the text of the refusal."""
    control.challenge_created_at.FromDatetime(NOVEMBER)
    with pytest.raises(ParameterError) as caught:
        request(controlled(control).requested)
    return caught.value.field.removeprefix("domain_control.dns_change."), str(caught.value)


WRONG = [
    (ask(o.RECORD_TYPE_UNSPECIFIED), "record_type"),
    (ask(o.RECORD_TYPE_A), "record_type"),
    (ask(o.RECORD_TYPE_PTR), "record_type"),
    *(
        (ask(label=label), "label")
        for label in ("dnsauth", "_a.b", "_A", "_" + "a" * 63, "_é", "_a ", "_a\n", "._a")
    ),
    (ask(value=""), "value"),
    (ask(value="1"), "value"),
    (ask(value=VALUE[:-1]), "value"),
    (ask(value="x" * 1025), "value"),
    (ask(value=f"{VALUE} "), "value"),
    (ask(value=f"{VALUE}\n"), "value"),
    (ask(value=f"{VALUE} x"), "value"),
    (ask(value=" " * 20), "value"),
    (ask(value=f"{VALUE}é"), "value"),
    (ask(value="", contained=True), "value"),
    (ask(value="x" * 19, contained=True), "value"),
    (ask(CNAME, contained=True), "contained"),
    (ask(CAA, contained=True), "contained"),
    (ask(TXT, zone=ZONE), "target_zone"),
    (ask(CAA, zone=ZONE), "target_zone"),
    (ask(CNAME, LABEL, zone="ca..test"), "target_zone"),
    (ask(CNAME, LABEL, zone="."), "target_zone"),
    (ask(CNAME, LABEL, zone="日本.example"), "target_zone"),
    (ask(CNAME, ""), "value"),
    (ask(CNAME, "", zone=ZONE), "value"),
    (ask(CNAME, "."), "value"),
    (ask(CNAME, "a" * 21), "value"),
    (ask(CNAME, "a" * 64), "value"),
    (ask(CNAME, f"{LABEL}..test"), "value"),
    (ask(CNAME, f"{LABEL}/test"), "value"),
    (ask(CNAME, LABEL, zone=".".join(["a" * 63] * 4)[:-20]), "value"),
]


@pytest.mark.parametrize(("control", "field"), WRONG)
def test_br_3_2_2_4_7_what_may_not_be_asked_is_told_with_its_field(
    control: c.DomainControl, field: str
) -> None:
    refused, text = refuse(control)
    assert refused == field
    assert text


def test_br_3_2_2_4_7_the_least_that_may_be_asked_is_taken() -> None:
    for control in (ask(value=VALUE, label="_"), ask(CNAME, "a" * 22), ask(value="x" * 1024)):
        control.challenge_created_at.FromDatetime(NOVEMBER)
        request(controlled(control).requested)


@pytest.mark.parametrize("field", ["value_sha256", "value_octets"])
def test_what_is_for_answers_is_no_callers_to_give(field: str) -> None:
    control = ask()
    given = {"value_sha256": b"x" * 32, "value_octets": 20}[field]
    setattr(control.dns_change, field, given)
    assert refuse(control)[0] == field


def test_a_value_is_recorded_as_its_sha_256_alone() -> None:
    control = ask(CNAME, NAMED.upper())
    control.challenge_created_at.FromDatetime(NOVEMBER)
    recorded = request(controlled(control).requested).domain_control.control.dns_change
    assert recorded.value == ""
    assert recorded.value_sha256 == hashlib.sha256(NAMED.encode()).digest()
    assert recorded.value_octets == len(NAMED)


def judge_at(control: c.DomainControl, zone: str, finding: o.Finding | None = None) -> str:
    control.challenge_created_at.FromDatetime(NOVEMBER)
    check = request(controlled(control).requested)
    findings = look(check, NAME, zone)
    if finding is not None:
        findings = [finding]
    return outcome_of(JUDGE.judge(findings, NAME, check, VALIDATED))


def _wire(rdtype: o.RecordType.ValueType, *rdata: bytes, owner: str = NAME) -> o.Finding:
    records = o.RecordSet(owner=owner, ttl=60, rdata=rdata)
    lookup = o.Lookup(name=NAME, records=records, dnssec=o.DNSSEC_SECURE)
    return o.Finding(records=o.RecordsFinding(type=rdtype, lookup=lookup))


def _name(*labels: bytes) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


LABELS = [label.encode() for label in NAMED.split(".")]


@pytest.mark.parametrize(
    ("rdata", "expected"),
    [
        (_name(*LABELS), PASSED),
        (_name(*LABELS)[:-1], MISSING),
        (_name(*LABELS) + b"\0", MISSING),
        (_name(*LABELS)[:-1] + b"\xc0\x0c", MISSING),
        (bytes([len(NAMED)]) + NAMED.encode() + b"\0", MISSING),
        (b"\0", MISSING),
        (b"", MISSING),
        (b"\xff" * 40, MISSING),
    ],
)
def test_rfc1035_3_1_a_target_is_read_label_by_label(rdata: bytes, expected: str) -> None:
    assert judge_at(ask(CNAME, NAMED), "", _wire(CNAME, rdata)) == expected


def test_a_cname_record_of_another_owner_is_not_believed() -> None:
    finding = _wire(CNAME, _name(*LABELS), owner="a.example.com")
    with pytest.raises(MalformedFindingError):
        judge_at(ask(CNAME, NAMED), "", finding)


@pytest.mark.parametrize("rdata", [b"", b"\x00", b"\x00\x00", b"\x00\x05ab", VALUE.encode()])
def test_a_malformed_record_is_no_value_and_hides_none(rdata: bytes) -> None:
    good = b"\x00\x01a" + VALUE.encode()
    assert judge_at(ask(CAA), "", _wire(CAA, rdata)) == MISSING
    assert judge_at(ask(CAA), "", _wire(CAA, rdata, good)) == PASSED
    good = bytes([len(VALUE)]) + VALUE.encode()
    malformed = b"\xff" + rdata
    assert judge_at(ask(), "", _wire(TXT, malformed, good)) == PASSED
    assert judge_at(ask(), "", _wire(TXT, malformed)) == MISSING


def test_what_contains_a_value_is_searched_up_to_a_bound() -> None:
    """Whoever controls a domain must not make each check take long."""
    asked = ask(contained=True)
    text = VALUE.encode()
    string = b"\xff" + b"x" * 255
    most = 8192 - len(text)
    filler = bytes([most % 255]) + b"x" * (most % 255) + string * (most // 255)
    own = bytes([len(text)]) + text
    assert judge_at(asked, "", _wire(TXT, filler, own)) == PASSED
    assert judge_at(asked, "", _wire(TXT, filler, own, b"\x01x")) == MISSING
    assert judge_at(ask(), "", _wire(TXT, filler, own, b"\x01x")) == PASSED


def test_a_failed_lookup_is_no_missing_value() -> None:
    finding = _wire(TXT, b"\x01x")
    finding.records.lookup.failure.kind = o.FAILURE_KIND_SERVFAIL
    assert judge_at(ask(), "", finding) == FAILED
