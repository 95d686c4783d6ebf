"""BR 3.2.2.4.13, .14, .16 and .17: the contact that a domain names in CAA or TXT records."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

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
    make_requested,
    outcome_of,
    place,
    request,
    write_zone,
)
from tests.world.samples import NOVEMBER

EMAIL, PHONE = "Admin@example.org", "+81312345678"
METHODS = {
    "contact_email_caa": "BR 3.2.2.4.13",
    "contact_email_txt": "BR 3.2.2.4.14",
    "contact_phone_txt": "BR 3.2.2.4.16",
    "contact_phone_caa": "BR 3.2.2.4.17",
}


def ask(method: str, contact: str) -> c.DomainControl:
    """Return what is asked about a contact."""
    control = c.DomainControl()
    getattr(control, method).contact = contact
    return control


ADDRESSES = [
    ("the address", EMAIL, PASSED),
    ("the domain part in upper case", "Admin@EXAMPLE.org", PASSED),
    ("the local part in lower case", "admin@example.org", MISSING),
    ("another local part", "root@example.org", MISSING),
    ("another domain", "Admin@example.net", MISSING),
    ("a domain below", "Admin@a.example.org", MISSING),
    ("a final dot", "Admin@example.org.", MISSING),
    ("a blank before", f" {EMAIL}", MISSING),
    ("a blank after", f"{EMAIL} ", MISSING),
    ("a line feed after", f"{EMAIL}\\010", MISSING),
    ("a NUL after", f"{EMAIL}\\000", MISSING),
    ("mailto", f"mailto:{EMAIL}", MISSING),
    ("angle brackets", f"<{EMAIL}>", MISSING),
    ("a name before it", f"Admin <{EMAIL}>", MISSING),
    ("two in one", f"{EMAIL},root@example.org", MISSING),
    ("a comment", f"{EMAIL}(x)", MISSING),
    ("a sub-address", "Admin+x@example.org", MISSING),
    ("quotes around the local part", '\\"Admin\\"@example.org', MISSING),
    ("nothing", "", MISSING),
    ("no @", "Admin", MISSING),
    ("no UTF-8", "Admin\\255@example.org", MISSING),
    ("the contact is part of it", f"x{EMAIL}", MISSING),
]
NUMBERS = [
    ("the number", PHONE, PASSED),
    ("hyphens", "+81-3-1234-5678", PASSED),
    ("dots and brackets", "+81.(3).1234.5678", PASSED),
    ("a separator after the plus sign", "+-81312345678", PASSED),
    ("blanks", "+81 3 1234 5678", MISSING),
    ("a blank after", f"{PHONE} ", MISSING),
    ("no plus sign", PHONE[1:], MISSING),
    ("two plus signs", f"+{PHONE}", MISSING),
    ("00 for the plus sign", f"00{PHONE[1:]}", MISSING),
    ("a national number", "0312345678", MISSING),
    ("another number", "+81312345679", MISSING),
    ("a digit less", PHONE[:-1], MISSING),
    ("a digit more", f"{PHONE}0", MISSING),
    ("a URI", f"tel:{PHONE}", MISSING),
    ("an extension", f"{PHONE};ext=1", MISSING),
    ("letters", "+8131234JUMP", MISSING),
    ("full-width digits", "+\\239\\188\\152" + PHONE[2:], MISSING),
    ("nothing", "", MISSING),
    ("a plus sign alone", "+", MISSING),
    ("separators alone", "+-.()", MISSING),
    ("a slash", "+81/312345678", MISSING),
]


def _rows(method: str, contact: str, found: Sequence[tuple[str, str, str]]) -> Sequence[Row]:
    kind = method.split("_")[1]
    asked = ask(method, contact)
    before = f"_validation-contact{kind}.www IN TXT"
    if method.endswith("caa"):
        before = f"www IN CAA 0 contact{kind}"
    return [
        Row(f"{method}: {clause}", f'{before} "{value}"', asked, expected)
        for clause, value, expected in found
    ]


BY_TXT, BY_CAA = ask("contact_email_txt", EMAIL), ask("contact_email_caa", EMAIL)
CALL_TXT, CALL_CAA = ask("contact_phone_txt", PHONE), ask("contact_phone_caa", PHONE)
OWNER = "_validation-contactemail"
AT_TXT = [
    Row(
        "one of three",
        "\n".join(f'{OWNER}.www IN TXT "{one}"' for one in ("a@b", EMAIL, "c@d")),
        BY_TXT,
    ),
    Row("in two strings", f'{OWNER}.www IN TXT "{EMAIL[:5]}" "{EMAIL[5:]}"', BY_TXT),
    Row(
        "in two records",
        f'{OWNER}.www IN TXT "{EMAIL[:5]}"\n{OWNER}.www IN TXT "{EMAIL[5:]}"',
        BY_TXT,
        MISSING,
    ),
    Row("at the name", f'www IN TXT "{EMAIL}"', BY_TXT, MISSING),
    Row("at the parent, not asked", f'{OWNER} IN TXT "{EMAIL}"', BY_TXT, MISSING),
    Row("at the parent, asked", f'{OWNER} IN TXT "{EMAIL}"', BY_TXT, domain="@"),
    Row(
        "at the label of phones", f'_validation-contactphone.www IN TXT "{EMAIL}"', BY_TXT, MISSING
    ),
    Row("at the label of addresses", f'{OWNER}.www IN TXT "{PHONE}"', CALL_TXT, MISSING),
    Row("CAA, but it is asked for TXT", f'www IN CAA 0 contactemail "{EMAIL}"', BY_TXT, MISSING),
    Row("a wildcard", f'{OWNER}.www IN TXT "{EMAIL}"', BY_TXT, name="*.www"),
    Row("CNAME at the owner", f'{OWNER}.www IN CNAME a\na IN TXT "{EMAIL}"', BY_TXT),
    Row("CNAME at the name", f'www IN CNAME a\n{OWNER}.a IN TXT "{EMAIL}"', BY_TXT, domain="a"),
    Row(
        "CNAME at the name, not asked",
        f'www IN CNAME a\n{OWNER}.a IN TXT "{EMAIL}"',
        BY_TXT,
        MISSING,
    ),
    Row("no record", "www IN A 192.0.2.1", BY_TXT, MISSING),
    Row("no name", "", BY_TXT, MISSING),
    Row(
        "another contact asked",
        f'{OWNER}.www IN TXT "{EMAIL}"',
        ask("contact_email_txt", "b@c.test"),
        MISSING,
    ),
    Row(
        "UTF-8 in the local part",
        f'{OWNER}.www IN TXT "b\\195\\188ro@example.org"',
        ask("contact_email_txt", "büro@example.org"),
    ),
    Row(
        "the record has no separators",
        f'_validation-contactphone.www IN TXT "{PHONE}"',
        ask("contact_phone_txt", "+81-(3)-1234.5678"),
    ),
]
CONTACT = f'CAA 0 contactemail "{EMAIL}"'
AT_CAA = [
    Row("8659 3 at a parent", f"@ IN {CONTACT}", BY_CAA),
    Row(
        "8659 3 the first set ends the search",
        f'@ IN {CONTACT}\nwww IN CAA 0 issue "ca.test"',
        BY_CAA,
        MISSING,
    ),
    Row(
        "8659 3 another contact ends the search",
        f'@ IN {CONTACT}\nwww IN CAA 0 contactemail "a@b"',
        BY_CAA,
        MISSING,
    ),
    Row(
        "8659 3 an unknown property ends the search",
        f'@ IN {CONTACT}\nwww IN CAA 0 x "y"',
        BY_CAA,
        MISSING,
    ),
    Row(
        "8659 3 an alias ends the search",
        f'@ IN {CONTACT}\nwww IN CNAME a\na IN CAA 0 issue ";"',
        BY_CAA,
        MISSING,
    ),
    Row(
        "8659 3 an alias without a set",
        f"@ IN {CONTACT}\nwww IN CNAME a.b\na.b IN A 192.0.2.1",
        BY_CAA,
    ),
    Row("8659 3 at the end of an alias", f"www IN CNAME a\na IN {CONTACT}", BY_CAA),
    Row("beside issue", f'www IN CAA 0 issue ";"\nwww IN {CONTACT}', BY_CAA),
    Row("beside a critical unknown property", f'www IN CAA 128 x "y"\nwww IN {CONTACT}', BY_CAA),
    Row("one of two", f'www IN CAA 0 contactemail "a@b"\nwww IN {CONTACT}', BY_CAA),
    Row("critical", f'www IN CAA 128 contactemail "{EMAIL}"', BY_CAA),
    Row("a tag in upper case", f'www IN CAA 0 ContactEmail "{EMAIL}"', BY_CAA),
    Row("iodef", f'www IN CAA 0 iodef "mailto:{EMAIL}"', BY_CAA, MISSING),
    Row("issue", f'www IN CAA 0 issue "{EMAIL}"', BY_CAA, MISSING),
    Row("contactphone", f'www IN CAA 0 contactphone "{EMAIL}"', BY_CAA, MISSING),
    Row("a number in contactemail", f'www IN CAA 0 contactemail "{PHONE}"', CALL_CAA, MISSING),
    Row("below the domain asked", f"www IN {CONTACT}", BY_CAA, MISSING, domain="@"),
    Row("above the domain asked", f"@ IN {CONTACT}", BY_CAA, name="a.www", domain="www"),
    Row(
        "at the domain asked, others below",
        f'@ IN {CONTACT}\nwww IN CAA 0 issue ";"',
        BY_CAA,
        domain="@",
    ),
    Row("a wildcard", f"www IN {CONTACT}", BY_CAA, name="*.www"),
    Row("TXT, but it is asked for CAA", f'{OWNER}.www IN TXT "{EMAIL}"', BY_CAA, MISSING),
    Row("no CAA record", "www IN A 192.0.2.1", BY_CAA, MISSING),
]

ROWS = place(
    "contact-",
    [
        *_rows("contact_email_txt", EMAIL, ADDRESSES),
        *_rows("contact_email_caa", EMAIL, ADDRESSES),
        *_rows("contact_phone_txt", PHONE, NUMBERS),
        *_rows("contact_phone_caa", PHONE, NUMBERS),
        *(replace(row, clause=f"TXT {row.clause}") for row in AT_TXT),
        *(replace(row, clause=f"CAA {row.clause}") for row in AT_CAA),
    ],
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.clause)
def test_br_3_2_2_4_13_to_17(row: Row) -> None:
    judgement = judge(row)
    assert outcome_of(judgement) == row.expected, judgement.detail
    assert judgement.clause == METHODS[row.asked.WhichOneof("method") or ""]


@pytest.mark.parametrize(
    ("method", "contact"),
    [
        (method, contact)
        for kind, contacts in {
            "email": [
                *("", "admin", "@example.org", "admin@", "a@b@c", "a b@example.org", f"{EMAIL} "),
                *(f"{EMAIL}\n", f"<{EMAIL}>", '"a b"@c.test', "a..b@c.test", ".a@c.test"),
                *(
                    "a@c..test",
                    "a@c.test.",
                    "a@[192.0.2.1]",
                    "a@b\u00a0c.test",
                    "a" * 314 + "@c.test",
                ),
            ],
            "phone": [
                *("", "+", "81312345678", "+81 3", "+81a", "+-", "+1234567890123456", f"{PHONE}\n"),
                *(f"tel:{PHONE}", f"{PHONE};ext=1", "++81", "+\uff18\uff11"),
            ],
        }.items()
        for contact in contacts
        for method in (f"contact_{kind}_txt", f"contact_{kind}_caa")
    ],
)
def test_a_contact_that_is_none_is_refused(method: str, contact: str) -> None:
    requested = make_requested(Row("", "", ask(method, contact), origin="example.com"), NOVEMBER)
    with pytest.raises(ParameterError) as caught:
        request(requested)
    assert caught.value.field == f"domain_control.{method}.contact"
    assert METHODS[method] in str(caught.value)


@pytest.mark.parametrize(
    ("method", "contact"),
    [("contact_email_txt", "a" * 313 + "@c.test"), ("contact_phone_caa", "+123456789012345")],
)
def test_the_longest_contact_is_taken(method: str, contact: str) -> None:
    request(make_requested(Row("", "", ask(method, contact), origin="example.com"), NOVEMBER))


ENDS = {"phone": datetime(2027, 3, 15, tzinfo=UTC), "email": datetime(2028, 3, 15, tzinfo=UTC)}
SECOND = timedelta(seconds=1)


def _first(method: str) -> Row:
    return next(row for row in ROWS if row.clause.startswith(f"{method}:"))


@pytest.mark.parametrize("method", METHODS)
def test_a_method_ends_on_its_day(method: str) -> None:
    end = ENDS[method.split("_")[1]]
    row = _first(method)
    judgement = judge(row, end - SECOND)
    assert outcome_of(judgement) == PASSED
    assert judgement.usable_for == timedelta(0)
    with pytest.raises(ParameterError) as caught:
        judge(row, end)
    assert caught.value.field == f"domain_control.{method}"
    assert METHODS[method] in str(caught.value)
    assert f"{end:%Y-%m-%d}" in str(caught.value)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("before", [timedelta(days=1), timedelta(days=60)])
def test_no_validation_is_used_after_its_method_ended(method: str, before: timedelta) -> None:
    end = ENDS[method.split("_")[1]]
    assert judge(_first(method), end - before).usable_for == before - SECOND


def test_before_that_the_dated_rows_hold() -> None:
    at = datetime(2027, 6, 1, tzinfo=UTC)
    assert judge(_first("contact_email_txt"), at).usable_for == timedelta(days=100)


def test_no_challenge_is_wanted() -> None:
    requested = make_requested(ROWS[0], NOVEMBER)
    requested.domain_control.ClearField("challenge_created_at")
    request(requested)


def see(row: Row) -> tuple[c.RequestedCheck, str, o.Finding]:
    """Return what is asked, about which name, and what an agent finds."""
    requested = make_requested(row, NOVEMBER)
    check = request(requested)
    name = requested.name.removeprefix("*.")
    (finding,) = look(check, name, write_zone(row))
    return check, name, finding


def lookups(finding: o.Finding) -> Sequence[o.Lookup]:
    """Return the lookups of a finding, from the domain upwards."""
    is_walk = finding.HasField("caa_walk")
    return list(finding.caa_walk.levels) if is_walk else [finding.records.lookup]


def judged(row: Row, at: int, kind: o.FailureKind.ValueType) -> str:
    """Return the outcome if one of the lookups failed."""
    check, name, finding = see(row)
    del finding.caa_walk.levels[at + 1 :]
    lookup = lookups(finding)[at]
    lookup.failure.kind = kind
    lookup.dnssec = o.DNSSEC_INDETERMINATE
    return outcome_of(JUDGE.judge([finding], name, check, VALIDATED))


def _named(clause: str) -> Row:
    return next(row for row in ROWS if row.clause == clause)


PARENT = _named("CAA 8659 3 at a parent")


def test_rfc8659_3_a_failure_below_the_contact_hides_it() -> None:
    assert judged(PARENT, 0, o.FAILURE_KIND_SERVFAIL) == FAILED
    assert judged(PARENT, 1, o.FAILURE_KIND_BOGUS) == FAILED
    assert outcome_of(judge(PARENT)) == PASSED


def test_a_failed_lookup_of_txt_is_no_missing_contact() -> None:
    check, name, finding = see(_first("contact_email_txt"))
    finding.records.lookup.failure.kind = o.FAILURE_KIND_BOGUS
    assert outcome_of(JUDGE.judge([finding], name, check, VALIDATED)) == FAILED


@pytest.mark.parametrize(
    ("clause", "owner"),
    [
        ("CAA 8659 3 at a parent", ""),
        ("CAA a wildcard", ""),
        ("CAA below the domain asked", "{origin}"),
        ("CAA above the domain asked", "www.{origin}"),
    ],
)
def test_rfc8659_3_the_search_begins_at_the_domain(clause: str, owner: str) -> None:
    row = _named(clause)
    check, name, _ = see(row)
    (question,) = JUDGE.questions(check, name)
    assert question.caa_walk.owner == owner.format(origin=row.origin)


def test_rfc8659_3_a_search_that_skips_a_level_or_goes_elsewhere_is_not_believed() -> None:
    for number in (0, 1):
        check, name, finding = see(PARENT)
        del finding.caa_walk.levels[number]
        with pytest.raises(MalformedFindingError):
            JUDGE.judge([finding], name, check, VALIDATED)


@pytest.mark.parametrize("rdata", [b"", b"\x00", b"\x00\x09abc", b"\xff" * 9])
def test_a_malformed_record_is_skipped(rdata: bytes) -> None:
    for row in (_first("contact_email_txt"), _first("contact_email_caa")):
        check, name, finding = see(row)
        lookups(finding)[0].records.rdata.insert(0, rdata)
        assert outcome_of(JUDGE.judge([finding], name, check, VALIDATED)) == PASSED


def test_hostile_numbers_and_addresses_take_no_time() -> None:
    """What costs the square of its length would take minutes."""
    number = b"\xff" + b"+" + b"1" * 254 + (b"\xff" + b"1" * 255) * 250 + b"\x01x"
    address = (b"\xff" + b"a." * 127 + b"a") * 250
    for method, rdata in (("contact_phone_txt", number), ("contact_email_txt", address)):
        check, name, finding = see(_first(method))
        finding.records.lookup.records.rdata[:] = [rdata]
        assert outcome_of(JUDGE.judge([finding], name, check, VALIDATED)) == MISSING
