"""BR 3.2.2.4.22: a persistent TXT record, in the form of a CAA issue-value."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from coordinator.checks.check import VALIDATED, ParameterError
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
from tests.world.domain_control import controlled
from tests.world.samples import ISSUER, NAME, NOVEMBER

ACCOUNT = "https://acme.example/acct/1"
SECOND = "https://acme.example/acct/2"
HASHED = "https://acme.example/hash/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
"""As by draft-ietf-acme-dns-persist-02 section 4.1."""
OWNER = "_validation-persist"
OURS = f"{ISSUER}; accounturi={ACCOUNT}"
NOW = int(NOVEMBER.timestamp())


def ask(*uris: str) -> c.DomainControl:
    """Return what is asked about the accounts."""
    method = c.PersistentDnsTxt(account_uris=uris or [ACCOUNT])
    return c.DomainControl(persistent_dns_txt=method)


ASKED, TWO = ask(), ask(ACCOUNT, SECOND)

SYNTAX = [
    ("RFC 8659 4.2 as it is usually written", OURS, PASSED),
    ("no white space", OURS.replace("; ", ";"), PASSED),
    (
        "blanks and tabs everywhere",
        f" \\009{ISSUER} \\009;\\009 accounturi \\009=\\009 {ACCOUNT} ",
        PASSED,
    ),
    ("a tag in mixed case", OURS.replace("accounturi", "AccountURI"), PASSED),
    ("an unknown parameter", f"{OURS}; unknown=1", PASSED),
    ("an unknown parameter before", f"{ISSUER}; unknown=1; accounturi={ACCOUNT}", PASSED),
    ("an empty parameter value", f"{OURS}; unknown=", PASSED),
    ("a semicolon at the end", f"{OURS};", MISSING),
    ("a semicolon and blanks at the end", f"{OURS}; ", MISSING),
    ("an empty parameter", f"{ISSUER};; accounturi={ACCOUNT}", MISSING),
    ("a parameter without =", f"{OURS}; unknown", MISSING),
    ("a parameter without a tag", f"{OURS}; =1", MISSING),
    ("a blank in a value", f"{OURS}; unknown=a b", MISSING),
    ("a blank in the account", f"{ISSUER}; accounturi={ACCOUNT} x", MISSING),
    ("an underscore in a tag", f"{OURS}; a_b=1", MISSING),
    ("a hyphen at the end of a tag", f"{OURS}; a-=1", MISSING),
    ("a vertical tab", f"{OURS}\\011", MISSING),
    ("a form feed", f"{ISSUER};\\012 accounturi={ACCOUNT}", MISSING),
    ("a line feed at the end", f"{OURS}\\010", MISSING),
    ("a carriage return at the end", f"{OURS}\\013", MISSING),
    ("a no-break space", f"{ISSUER};\\194\\160accounturi={ACCOUNT}", MISSING),
    ("a NUL at the end", f"{OURS}\\000", MISSING),
    ("UTF-8 in a value", f"{OURS}; unknown=\\195\\169", MISSING),
    ("a comma between", OURS.replace(";", ","), MISSING),
    ("quotes around the account", f'{ISSUER}; accounturi=\\"{ACCOUNT}\\"', MISSING),
    ("quotes around all", f'\\"{OURS}\\"', MISSING),
    ("nothing", "", MISSING),
    ("a semicolon alone", ";", MISSING),
    ("a tag of CAA before it", f"issue {OURS}", MISSING),
    ("a whole CAA record", f'0 issue \\"{OURS}\\"', MISSING),
]
ISSUERS = [
    ("the other of our names", f"another-ca.test; accounturi={ACCOUNT}", PASSED),
    ("in upper case", OURS.replace(ISSUER, ISSUER.upper()), PASSED),
    ("another CA", f"other.test; accounturi={ACCOUNT}", MISSING),
    ("below ours", f"a.{ISSUER}; accounturi={ACCOUNT}", MISSING),
    ("above ours", f"example.test; accounturi={ACCOUNT}", MISSING),
    ("ours and more", f"{ISSUER}.evil.test; accounturi={ACCOUNT}", MISSING),
    ("ends as ours", f"x{ISSUER}; accounturi={ACCOUNT}", MISSING),
    ("begins as ours", f"{ISSUER[:-1]}; accounturi={ACCOUNT}", MISSING),
    ("a final dot", f"{ISSUER}.; accounturi={ACCOUNT}", MISSING),
    ("no issuer", f"; accounturi={ACCOUNT}", MISSING),
    ("two issuers", f"{ISSUER} another-ca.test; accounturi={ACCOUNT}", MISSING),
]
ACCOUNTS = [
    ("no accounturi", ISSUER, MISSING),
    ("an empty one", f"{ISSUER}; accounturi=", MISSING),
    ("another account", f"{ISSUER}; accounturi={SECOND}", MISSING),
    ("upper case", f"{ISSUER}; accounturi={ACCOUNT.upper()}", MISSING),
    ("the scheme in upper case", f"{ISSUER}; accounturi=HTTPS{ACCOUNT[5:]}", MISSING),
    ("a final slash", f"{ISSUER}; accounturi={ACCOUNT}/", MISSING),
    (
        "the usual port",
        f"{ISSUER}; accounturi={ACCOUNT.replace('example/', 'example:443/')}",
        MISSING,
    ),
    ("an escape", f"{ISSUER}; accounturi={ACCOUNT.replace('acct', '%61cct')}", MISSING),
    ("longer", f"{ISSUER}; accounturi={ACCOUNT}0", MISSING),
    ("shorter", f"{ISSUER}; accounturi={ACCOUNT[:-1]}", MISSING),
    ("twice the same", f"{OURS}; accounturi={ACCOUNT}", MISSING),
    ("twice in two cases", f"{OURS}; AccountUri={ACCOUNT}", MISSING),
    ("twice, ours first", f"{OURS}; accounturi={SECOND}", MISSING),
    ("twice, ours last", f"{ISSUER}; accounturi={SECOND}; accounturi={ACCOUNT}", MISSING),
    ("in another parameter", f"{ISSUER}; account={ACCOUNT}", MISSING),
    ("an unknown parameter twice", f"{OURS}; a=1; a=2", MISSING),
]
DATES = [
    ("in the future", str(NOW + 1), PASSED),
    ("now", str(NOW), PASSED),
    ("just past", str(NOW - 1), MISSING),
    ("1970", "0", MISSING),
    ("19 digits", "9" * 19, PASSED),
    ("leading zeros", f"000000{NOW + 1}", PASSED),
    ("20 digits", "9" * 20, MISSING),
    ("empty", "", MISSING),
    ("a plus sign", f"+{NOW + 1}", MISSING),
    ("a minus sign", f"-{NOW + 1}", MISSING),
    ("an underscore", "9_999_999_999", MISSING),
    ("a fraction", f"{NOW + 1}.5", MISSING),
    ("an exponent", "1e10", MISSING),
    ("hexadecimal", "0xFFFFFFFF", MISSING),
    ("a date", "2030-01-01T00:00:00Z", MISSING),
    ("full-width digits", "\\239\\188\\145" * 10, MISSING),
    ("quotes", f'\\"{NOW + 1}\\"', MISSING),
]
POLICIES = [
    ("policy=wildcard", "; policy=wildcard", PASSED, PASSED),
    ("in upper case", "; Policy=WILDCARD", PASSED, PASSED),
    ("no policy", "", PASSED, MISSING),
    ("another policy", "; policy=subdomains", PASSED, MISSING),
    ("empty", "; policy=", PASSED, MISSING),
    ("two values", "; policy=wildcard,other", PASSED, MISSING),
    ("twice", "; policy=wildcard; policy=wildcard", MISSING, MISSING),
]


def _txt(*values: str, owner: str = f"{OWNER}.www") -> str:
    return "\n".join(f'{owner} IN TXT "{value}"' for value in values)


def _rows(what: str, found: Sequence[tuple[str, str, str]]) -> Sequence[Row]:
    return [
        Row(f"{what}: {name}", _txt(text), ASKED, expected, only_here="another-ca" in text)
        for name, text, expected in found
    ]


MALFORMED, OTHERS = f"{OURS};", "other.test; accounturi=https://other.test/1"
ROWS = place(
    "persist-",
    [
        *_rows("(1) issue-value", SYNTAX),
        *_rows("(2) issuer", ISSUERS),
        *_rows("(3) accounturi", ACCOUNTS),
        *(
            Row(
                f"(4) persistUntil: {name}",
                _txt(f"{OURS}; persistUntil={value}"),
                ASKED,
                expected,
                only_here=str(NOW)[:5] in value,
            )
            for name, value, expected in DATES
        ),
        Row(
            "(4) persistUntil twice",
            _txt(f"{OURS}; persistUntil=0; persistUntil={NOW}"),
            ASKED,
            MISSING,
        ),
        Row("(4) PERSISTUNTIL", _txt(f"{OURS}; PERSISTUNTIL={NOW - 1}"), ASKED, MISSING),
        *(
            Row(f"policy, the name: {name}", _txt(OURS + policy), ASKED, plain)
            for name, policy, plain, _ in POLICIES
        ),
        *(
            Row(f"policy, a wildcard: {name}", _txt(OURS + policy), ASKED, wild, name="*.www")
            for name, policy, _, wild in POLICIES
        ),
        *(
            Row(
                f"policy, a parent: {name}",
                _txt(OURS + policy, owner=OWNER),
                ASKED,
                wild,
                domain="@",
            )
            for name, policy, _, wild in POLICIES
        ),
        Row(
            "a wildcard of a parent",
            _txt(f"{OURS}; policy=wildcard", owner=OWNER),
            ASKED,
            name="*.www",
            domain="@",
        ),
        Row("a malformed record beside", _txt(MALFORMED, OURS), ASKED),
        Row("another CA's record beside", _txt(OTHERS, OURS), ASKED),
        Row("an expired record beside", _txt(f"{OURS}; persistUntil=1", OURS), ASKED),
        Row("an empty record beside", _txt("", OURS), ASKED),
        Row("only others", _txt(MALFORMED, OTHERS, "v=spf1 -all"), ASKED, MISSING),
        Row("in two records", _txt(f"{ISSUER};", f"accounturi={ACCOUNT}"), ASKED, MISSING),
        Row("in two strings", f'{OWNER}.www IN TXT "{OURS[:20]}" "{OURS[20:]}"', ASKED),
        Row("one of two accounts", _txt(f"{ISSUER}; accounturi={SECOND}"), TWO),
        Row("a hashed account", _txt(f"{ISSUER}; accounturi={HASHED}"), ask(ACCOUNT, HASHED)),
        Row(
            "a hash in lower case",
            _txt(f"{ISSUER}; accounturi={HASHED.lower()}"),
            ask(HASHED),
            MISSING,
        ),
        Row("at the name itself", _txt(OURS, owner="www"), ASKED, MISSING),
        Row(
            "at the parent, not asked",
            _txt(f"{OURS}; policy=wildcard", owner=OWNER),
            ASKED,
            MISSING,
        ),
        Row("at _acme-challenge", _txt(OURS, owner="_acme-challenge.www"), ASKED, MISSING),
        Row("as CAA", f'{OWNER}.www IN CAA 0 issue "{OURS}"', ASKED, MISSING),
        Row(
            "CNAME at the owner is followed",
            f"{OWNER}.www IN CNAME a\n{_txt(OURS, owner='a')}",
            ASKED,
        ),
        Row(
            "CNAME at the name moves nothing",
            f"www IN CNAME a\n{_txt(OURS, owner=f'{OWNER}.a')}",
            ASKED,
            MISSING,
        ),
        Row("no record", "www IN A 192.0.2.1", ASKED, MISSING),
        Row("no name", "", ASKED, MISSING),
    ],
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.clause)
def test_br_3_2_2_4_22(row: Row) -> None:
    judgement = judge(row)
    assert outcome_of(judgement) == row.expected, judgement.detail
    assert judgement.clause == "BR 3.2.2.4.22"


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (MALFORMED, "a semicolon follows its last parameter"),
        (f"{OURS}; a=1; a=1", "it has a parameter twice"),
        (f"{OURS}; persistUntil=x", "its persistUntil is not 1 to 19 digits"),
        (OTHERS, "names other.test, not one of another-ca.test, ca.example.test"),
        (";", "names no issuer"),
        (ISSUER, "has no accounturi"),
        (f"{ISSUER}; accounturi={SECOND}", "has an accounturi of another account"),
        (OURS, "does not have policy=wildcard"),
        (f"{OURS}; policy=wildcard; persistUntil=1", "has a persistUntil that is past"),
    ],
)
def test_the_record_nearest_to_a_proof_is_told_with_what_it_lacks(record: str, why: str) -> None:
    row = replace(ROWS[0], records=_txt(record, "v=spf1 -all:all"), name="*.www")
    judgement = judge(row)
    assert why in judgement.detail
    assert judgement.record == f'"{record}"'


def test_what_is_relied_on_is_told() -> None:
    row = replace(ROWS[0], records=_txt(f"{ISSUER}; accounturi={SECOND}", OURS), asked=TWO)
    judgement = judge(row)
    assert judgement.record == f'"{OURS}"'
    assert judgement.found_at == f"{OWNER}.www.{ROWS[0].origin}"


TEN_DAYS = timedelta(days=10)


@pytest.mark.parametrize(
    ("until", "usable"),
    [
        ([""], TEN_DAYS),
        ([f"{NOW + 11 * 86400}"], TEN_DAYS),
        (["9" * 19], TEN_DAYS),
        ([f"{NOW + 86400}"], timedelta(days=1, minutes=-1)),
        ([f"{NOW + 864000}"], TEN_DAYS - timedelta(minutes=1)),
        ([f"{NOW + 864060}"], TEN_DAYS),
        ([f"{NOW + 30}"], timedelta(0)),
        ([f"{NOW}"], timedelta(0)),
        ([f"{NOW + 3600}", f"{NOW + 7200}"], timedelta(minutes=119)),
        ([f"{NOW + 7200}", f"{NOW + 3600}"], timedelta(minutes=119)),
        ([f"{NOW + 3600}", ""], TEN_DAYS),
        ([f"{NOW - 3600}", f"{NOW + 3600}"], timedelta(minutes=59)),
    ],
)
def test_br_3_2_2_4_22_it_is_reused_for_10_days_and_never_beyond_persist_until(
    until: Sequence[str], usable: timedelta
) -> None:
    texts = [f"{OURS}; persistUntil={one}" if one else OURS for one in until]
    assert judge(replace(ROWS[0], records=_txt(*texts))).usable_for == usable


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOVEMBER, PASSED),
        (NOVEMBER + timedelta(microseconds=1), MISSING),
        (NOVEMBER - timedelta(microseconds=1), PASSED),
    ],
)
def test_br_3_2_2_4_22_a_record_ends_after_the_second_it_names(at: datetime, expected: str) -> None:
    row = replace(ROWS[0], records=_txt(f"{OURS}; persistUntil={NOW}"))
    assert outcome_of(judge(row, at)) == expected


def compare(
    primary: Sequence[str], remote: Sequence[str], asked: c.DomainControl = TWO, name: str = "www"
) -> str:
    """Return what a remote's records are beside the primary's, where both pass alone."""
    row = Row("", "", asked, name=name, origin=ROWS[0].origin)
    requested = make_requested(row, NOVEMBER)
    check = request(requested)
    looked_up = requested.name.removeprefix("*.")
    seen = []
    for texts in (remote, primary):
        zone = write_zone(replace(row, records=_txt(*texts)))
        findings = look(check, looked_up, zone)
        assert outcome_of(JUDGE.judge(findings, looked_up, check, VALIDATED)) == PASSED
        seen.append(findings)
    judgement = JUDGE.compare(seen[0], seen[1], looked_up, check)
    if judgement is None:
        return "same"
    assert judgement.dissent == c.DISSENT_DIFFERS
    return outcome_of(judgement)


FIRST, OTHER = OURS, f"{ISSUER}; accounturi={SECOND}"
WILD = "; policy=wildcard"


@pytest.mark.parametrize(
    ("primary", "remote", "expected"),
    [
        ([FIRST], [FIRST], "same"),
        ([FIRST], [f"{FIRST}; persistUntil={NOW + 9}; a=b"], "same"),
        ([FIRST], [FIRST.replace(ISSUER, "another-ca.test")], "same"),
        ([FIRST], [OTHER, FIRST], "same"),
        ([OTHER], [FIRST, OTHER], "same"),
        ([FIRST], [OTHER], "differs"),
        ([OTHER], [FIRST], "differs"),
        ([FIRST, OTHER], [FIRST], "same"),
        ([FIRST, OTHER], [OTHER], "differs"),  # the primary relied on the first of the accounts
        ([OTHER, FIRST], [OTHER], "differs"),
        ([FIRST], [OTHER, f"{FIRST}; persistUntil=1"], "differs"),
        ([FIRST], [OTHER, f"{FIRST};"], "differs"),
        ([f"{FIRST}; persistUntil=1", OTHER], [OTHER], "same"),
    ],
)
def test_br_3_2_2_4_22_a_remote_sees_the_accounturi_that_the_primary_relied_on(
    primary: Sequence[str], remote: Sequence[str], expected: str
) -> None:
    assert compare(primary, remote) == expected


def test_br_3_2_2_4_22_the_same_for_a_wildcard() -> None:
    assert compare([FIRST + WILD], [FIRST + WILD], name="*.www") == "same"
    assert compare([FIRST + WILD], [FIRST, OTHER + WILD], name="*.www") == "differs"


@pytest.mark.parametrize(
    ("uris", "field"),
    [
        ([], ""),
        ([ACCOUNT] * 17, ""),
        (["https:" + "x" * 1019] * 4, ""),
        ([f"https:{'x' * 2000}"] * 16, ""),
        ([""], "[0]"),
        ([ACCOUNT, "acct/1"], "[1]"),
        ([f"{ACCOUNT} x"], "[0]"),
        ([f"{ACCOUNT};policy=wildcard"], "[0]"),
        ([f"{ACCOUNT}\n"], "[0]"),
        ([f"{ACCOUNT}é"], "[0]"),
        (["https:"], "[0]"),
    ],
)
def test_br_3_2_2_4_22_the_accounts_are_uris(uris: Sequence[str], field: str) -> None:
    control = c.DomainControl(persistent_dns_txt=c.PersistentDnsTxt(account_uris=uris))
    with pytest.raises(ParameterError) as caught:
        request(controlled(control).requested)
    assert caught.value.field == f"domain_control.persistent_dns_txt.account_uris{field}"
    assert "BR 3.2.2.4.22" in str(caught.value)


def test_br_3_2_2_4_22_sixteen_accounts_and_no_challenge_are_asked() -> None:
    check = request(controlled(ask(*["https:" + "x" * 250] * 16)).requested)
    assert check.domain_control.issuer_domains == ["another-ca.test", ISSUER]


def test_a_failed_lookup_is_no_missing_record() -> None:
    check = request(controlled(ASKED).requested)
    findings = look(check, NAME, f'{OWNER}.{NAME}. IN TXT "{OURS}"')
    assert outcome_of(JUDGE.judge(findings, NAME, check, VALIDATED)) == PASSED
    findings[0].records.lookup.failure.kind = o.FAILURE_KIND_BOGUS
    assert outcome_of(JUDGE.judge(findings, NAME, check, VALIDATED)) == FAILED


def test_a_malformed_txt_record_is_skipped() -> None:
    check = request(controlled(ASKED).requested)
    findings = look(check, NAME, f'{OWNER}.{NAME}. IN TXT "{OURS}"')
    findings[0].records.lookup.records.rdata.insert(0, b"\x09abc")
    assert outcome_of(JUDGE.judge(findings, NAME, check, VALIDATED)) == PASSED
    del findings[0].records.lookup.records.rdata[1]
    judgement = JUDGE.judge(findings, NAME, check, VALIDATED)
    assert outcome_of(judgement) == MISSING
    assert "not a sequence of strings" in judgement.detail
