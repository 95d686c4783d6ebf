"""RFC 8659 section 4: what a relevant record set permits. The issuer is known as ca.example."""

from typing import NamedTuple

import pytest

from coordinator.checks.caa.relevant_set import Applicant, judge_set
from mpic.v1 import corroboration_pb2 as c

PERMIT, FORBID = c.OUTCOME_PASSED, c.OUTCOME_FORBIDDEN
PLAIN, WILDCARD = False, True

APPLICANT = Applicant(frozenset({"ca.example", "ca-1.test"}))


class Row(NamedTuple):
    clause: str
    records: tuple[str, ...]
    wildcard: bool
    expected: c.Outcome.ValueType


def wire(record: str) -> bytes:
    """Flags, tag and value; every character of the value is one octet."""
    flags, tag, value = record.split(" ", 2)
    return bytes((int(flags), len(tag))) + tag.encode() + value[1:-1].encode("latin-1")


SETS = [
    # Section 3: a set without a property that restricts.
    Row("3 only iodef", ('0 iodef "mailto:a@ca.test"',), PLAIN, PERMIT),
    Row("3 only iodef, wildcard", ('0 iodef "mailto:a@ca.test"',), WILDCARD, PERMIT),
    Row("3 only unknown tags", ('0 future "x"', '0 other "y"'), PLAIN, PERMIT),
    Row("3 empty value of an unknown tag", ('0 future ""',), PLAIN, PERMIT),
    # Section 4.1: flags.
    Row("4.1 critical unknown", ('128 future "x"',), PLAIN, FORBID),
    Row("4.1 critical unknown beside ours", ('0 issue "ca.example"', '128 f "x"'), PLAIN, FORBID),
    Row("4.1 critical unknown before ours", ('128 f "x"', '0 issue "ca.example"'), PLAIN, FORBID),
    Row("4.1 critical unknown, wildcard", ('0 issue "ca.example"', '128 f "x"'), WILDCARD, FORBID),
    Row("4.1 reserved bits beside critical", ('130 future "x"',), PLAIN, FORBID),
    Row("4.1 all bits", ('255 future "x"',), PLAIN, FORBID),
    Row("4.1 bit 7 is not critical", ('1 future "x"',), PLAIN, PERMIT),
    Row("4.1 bit 1 is not critical", ('64 future "x"',), PLAIN, PERMIT),
    Row("4.1 all reserved bits", ('127 future "x"',), PLAIN, PERMIT),
    Row("4.1 reserved bits on issue, ours", ('127 issue "ca.example"',), PLAIN, PERMIT),
    Row("4.1 reserved bits on issue, other", ('127 issue "other.example"',), PLAIN, FORBID),
    Row("4.1 critical issue, ours", ('128 issue "ca.example"',), PLAIN, PERMIT),
    Row("4.1 critical issue, other", ('128 issue "other.example"',), PLAIN, FORBID),
    Row("4.1 critical issuewild, ours", ('128 issuewild "ca.example"',), WILDCARD, PERMIT),
    Row("4.1 critical issuewild, not a wildcard", ('128 issuewild ";"',), PLAIN, PERMIT),
    Row("BR 4.2.2.1 critical iodef", ('128 iodef "https://ca.test/"',), PLAIN, PERMIT),
    # Section 4.1: tags.
    Row("4.1 tag in upper case, ours", ('0 ISSUE "ca.example"',), PLAIN, PERMIT),
    Row("4.1 tag in upper case, other", ('0 ISSUE "other.example"',), PLAIN, FORBID),
    Row("4.1 tag in mixed case, other", ('0 IsSuEwIlD ";"',), WILDCARD, FORBID),
    Row("4.1 critical IODEF", ('128 IODEF "x"',), PLAIN, PERMIT),
    Row("4.1 tag of 25 octets", (f'0 {"t" * 25} "x"',), PLAIN, PERMIT),
    Row("4.1 critical tag of 255 octets", (f'128 {"t" * 255} "x"',), PLAIN, FORBID),
    Row("4.1 tag that begins with issue", ('0 issue2 "other.example"',), PLAIN, PERMIT),
    Row("4.1 tag of digits, critical", ('128 123 "x"',), PLAIN, FORBID),
    Row("7 tag with a hyphen", ('0 my-tag "x"',), PLAIN, PERMIT),
    Row("7 critical tag with a hyphen", ('128 my-tag "x"',), PLAIN, FORBID),
    Row("4.1 tag with an underscore", ('0 my_tag "x"',), PLAIN, FORBID),
    Row("4.1 malformed tag beside ours", ('0 m_t ""', '0 issue "ca.example"'), PLAIN, FORBID),
    Row("4.1 tag with a dot", ('0 issue. "ca.example"',), PLAIN, FORBID),
    Row("4.1 tag with a newline", ('0 issue\n "ca.example"',), PLAIN, FORBID),
    Row("4.1 security draft tag", ('0 security "x"',), PLAIN, PERMIT),
    Row("4.1 critical security draft tag", ('128 security "x"',), PLAIN, FORBID),
    Row("4.1 critical tag of RFC 6844, retired", ('128 policy "1.2.3"',), PLAIN, FORBID),
    # Section 4.1: values.
    Row("4.1 value of 300 octets", (f'0 future "{"v" * 300}"',), PLAIN, PERMIT),
    Row("4.1 value of any octets", ('0 iodef "\xff\x00\xfe"',), PLAIN, PERMIT),
    Row("4.1 issue of any octets", ('0 issue "\xff\x00\xfe"',), PLAIN, FORBID),
    Row("4.1 issue of 64 kB", (f'0 issue "{"a" * 65000}"',), PLAIN, FORBID),
    # Section 4.2: who is named.
    Row("4.2 ours", ('0 issue "ca.example"',), PLAIN, PERMIT),
    Row("4.2 ours by the other name", ('0 issue "ca-1.test"',), PLAIN, PERMIT),
    Row("4.2 other", ('0 issue "other.example"',), PLAIN, FORBID),
    Row("4.2 additive, ours last", ('0 issue "o.test"', '0 issue "ca.example"'), PLAIN, PERMIT),
    Row("4.2 additive, ours first", ('0 issue "ca.example"', '0 issue "o.test"'), PLAIN, PERMIT),
    Row("4.2 additive with nobody", ('0 issue ";"', '0 issue "ca.example"'), PLAIN, PERMIT),
    Row("4.2 additive with malformed", ('0 issue "%"', '0 issue "ca.example"'), PLAIN, PERMIT),
    Row("4.2 ours beside iodef", ('0 iodef "x"', '0 issue "ca.example"'), PLAIN, PERMIT),
    Row("4.2 other beside unknown", ('0 future "x"', '0 issue "o.test"'), PLAIN, FORBID),
    Row("4.2 ours in another property", ('0 issue "o.test"', '0 x "ca.example"'), PLAIN, FORBID),
    Row("4.2 several others", ('0 issue "a.test"', '0 issue "b.test"'), PLAIN, FORBID),
    # Section 4.3: its four examples, and what follows.
    Row("4.3 issue ours, wildcard", ('0 issue "ca.example"',), WILDCARD, PERMIT),
    Row("4.3 issue other, wildcard", ('0 issue "o.test"',), WILDCARD, FORBID),
    Row(
        "4.3 wild other, not a wildcard",
        ('0 issue "ca.example"', '0 issuewild "o.test"'),
        PLAIN,
        PERMIT,
    ),
    Row(
        "4.3 wild other, wildcard",
        ('0 issue "ca.example"', '0 issuewild "o.test"'),
        WILDCARD,
        FORBID,
    ),
    Row(
        "4.3 wild ours, not a wildcard",
        ('0 issue "o.test"', '0 issuewild "ca.example"'),
        PLAIN,
        FORBID,
    ),
    Row(
        "4.3 wild ours, wildcard",
        ('0 issue "o.test"', '0 issuewild "ca.example"'),
        WILDCARD,
        PERMIT,
    ),
    Row("4.3 only wild nobody, not a wildcard", ('0 issuewild ";"',), PLAIN, PERMIT),
    Row("4.3 only wild nobody, wildcard", ('0 issuewild ";"',), WILDCARD, FORBID),
    Row("4.3 issue nobody, wildcard", ('0 issue ";"',), WILDCARD, FORBID),
    Row(
        "4.3 malformed wild hides issue",
        ('0 issue "ca.example"', '0 issuewild "%"'),
        WILDCARD,
        FORBID,
    ),
    Row(
        "4.3 several wild, additive",
        ('0 issuewild "o.test"', '0 issuewild "ca.example"'),
        WILDCARD,
        PERMIT,
    ),
]


@pytest.mark.parametrize("row", SETS, ids=lambda row: row.clause)
def test_set(row: Row) -> None:
    found = judge_set([wire(record) for record in row.records], row.wildcard, APPLICANT)

    assert found.outcome == row.expected


# Section 4.2: a value alone in an issue property. It permits ca.example, or nobody.
VALUES = [
    ("ca.example", PERMIT),
    (" ca.example", PERMIT),
    ("\t \tca.example \t", PERMIT),
    ("CA.Example", PERMIT),
    ("ca.example;", PERMIT),
    ("ca.example ; ", PERMIT),
    ("ca.example;\t", PERMIT),
    ("ca.example; a=b", PERMIT),
    ("ca.example;a=b", PERMIT),
    ("ca.example; a=", PERMIT),
    ("ca.example; a = b ", PERMIT),
    ("ca.example; a\t=\tb\t;\tc=d", PERMIT),
    ("ca.example; a=b;c=d", PERMIT),
    ("ca.example; a=b=c", PERMIT),
    ("ca.example; a==", PERMIT),
    ('ca.example; a=!~:<\\"', PERMIT),
    ("ca.example; a--b=c", PERMIT),
    ("ca.example; 0=1", PERMIT),
    ("ca.example; a=b; A=b", PERMIT),
    ("", FORBID),
    (" ", FORBID),
    (";", FORBID),
    (" ; ", FORBID),
    ("; a=b", FORBID),
    ("%%%%%", FORBID),
    ("<script>alert(1)</script>", FORBID),
    ("ca.example.", FORBID),
    (".ca.example", FORBID),
    ("ca..example", FORBID),
    ("_ca.example", FORBID),
    ("ca_.example", FORBID),
    ("-ca.example", FORBID),
    ("ca.example-", FORBID),
    ("ca-.example", FORBID),
    ("*", FORBID),
    ("*.ca.example", FORBID),
    ("ca .example", FORBID),
    ("ca.example ca.example", FORBID),
    ("ca.example, other.example", FORBID),
    ("ca.example\n", FORBID),
    ("ca.example\r", FORBID),
    ("ca.example\x0b", FORBID),
    ("ca.example\x0c", FORBID),
    ("ca.example\x1c", FORBID),
    ("ca.example\x00", FORBID),
    ("ca.example\x85", FORBID),
    ("ca.example\xa0", FORBID),
    ("\ncapital", FORBID),
    ("ca.example; a=b;", FORBID),
    ("ca.example;;", FORBID),
    ("ca.example;;a=b", FORBID),
    ("ca.example; a=b;;c=d", FORBID),
    ("ca.example; ; a=b", FORBID),
    ("ca.example; a=b c", FORBID),
    ("ca.example; a=b\n", FORBID),
    ("ca.example; a\n=b", FORBID),
    ("ca.example\n; a=b", FORBID),
    ("ca.example; a=b\xa0", FORBID),
    ("ca.example; a=\x7f", FORBID),
    ("ca.example; a=\x1f", FORBID),
    ("ca.example; a=\xe9", FORBID),
    ("ca.example;\x0ba=b", FORBID),
    ("ca.example; a", FORBID),
    ("ca.example; =b", FORBID),
    ("ca.example; =", FORBID),
    ("ca.example; -a=b", FORBID),
    ("ca.example; a-=b", FORBID),
    ("ca.example; a_b=c", FORBID),
    ("ca.example; a.b=c", FORBID),
    ("ca.example; a b=c", FORBID),
    ("ca.example a=b", FORBID),
    ("a=b; ca.example", FORBID),
    # Not ours, though near it: the whole name counts.
    ("ca.example.evil.test", FORBID),
    ("evil-ca.example", FORBID),
    ("www.ca.example", FORBID),
    ("ca.exampl", FORBID),
    ("ca.examplee", FORBID),
    ("example", FORBID),
    ("ca", FORBID),
    ("c\xe1.example", FORBID),
]


@pytest.mark.parametrize(("value", "expected"), VALUES, ids=[f"4.2 {v!r}" for v, _ in VALUES])
def test_issue_value(value: str, expected: c.Outcome.ValueType) -> None:
    assert judge_set([wire(f'0 issue "{value}"')], PLAIN, APPLICANT).outcome == expected


@pytest.mark.parametrize(("value", "expected"), VALUES, ids=[f"4.3 {v!r}" for v, _ in VALUES])
def test_issuewild_value(value: str, expected: c.Outcome.ValueType) -> None:
    assert judge_set([wire(f'0 issuewild "{value}"')], WILDCARD, APPLICANT).outcome == expected


def test_issuer_domain_with_hyphens() -> None:
    applicant = Applicant(frozenset({"a--b.c"}))

    assert judge_set([wire('0 issue "A--B.c"')], PLAIN, applicant).outcome == PERMIT


# Section 4.1: RDATA that cannot be taken apart restricts, since what it asks is unknown.
MALFORMED = [
    ("no octet", b""),
    ("no tag length", b"\x00"),
    ("tag length 0", b"\x00\x00"),
    ("tag length 0 before a value", b"\x00\x00issue"),
    ("tag length beyond the end", b"\x00\x06issue"),
    ("tag length 255 and no tag", b"\x00\xff"),
    ("tag with an octet over 127", b"\x00\x05issu\xe9ca.example"),
    ("tag with a space", b"\x00\x06issue ca.example"),
    ("tag with NUL", b"\x00\x06issue\x00ca.example"),
]


@pytest.mark.parametrize("beside", [(), (wire('0 issue "ca.example"'),)], ids=["alone", "ours"])
@pytest.mark.parametrize("rdata", [r for _, r in MALFORMED], ids=[f"4.1 {i}" for i, _ in MALFORMED])
def test_malformed_rdata(rdata: bytes, beside: tuple[bytes, ...]) -> None:
    found = judge_set([*beside, rdata], PLAIN, APPLICANT)

    assert (found.outcome, found.clause) == (FORBID, "RFC 8659 section 4.1")
