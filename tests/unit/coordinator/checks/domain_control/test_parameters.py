"""What a caller may say of domain control: every wrong form, and the table of methods."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from coordinator.checks import prepare_checks
from coordinator.checks.check import VALIDATED, MalformedFindingError, ParameterError
from coordinator.checks.domain_control.authorization_domain import Allowed
from coordinator.checks.domain_control.check import DomainControlJudge
from coordinator.checks.domain_control.methods import METHODS, find_labels
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.clauses.domain_control import PASSED, look, outcome_of, request
from tests.clauses.test_rfc8555_8_4_dns_01 import ASKED as DNS_01
from tests.clauses.test_rfc8555_8_4_dns_01 import DIGEST
from tests.world.domain_control import KEY_AUTHORIZATION
from tests.world.samples import JUDGING, NOVEMBER

NAME = "www.dept.example.co.jp"
JUDGE = DomainControlJudge()
TXT = f'_acme-challenge.{NAME}. IN TXT "{DIGEST}"'


def requested(control: c.DomainControl = DNS_01, name: str = NAME) -> c.RequestedName:
    made = c.RequestedName(name=name, domain_control=control)
    made.domain_control.challenge_created_at.FromDatetime(NOVEMBER - timedelta(days=1))
    return made


def refuse(made: c.RequestedName, at: datetime = NOVEMBER) -> tuple[str, str]:
    """Return the field and the text of the refusal."""
    with pytest.raises(ParameterError) as caught:
        request(made, at)
    return caught.value.field, str(caught.value)


def at_domain(domain: str, name: str = NAME) -> c.RequestedName:
    made = requested(name=name)
    made.domain_control.authorization_domain_name = domain
    return made


def test_a_name_without_domain_control_says_what_is_missing() -> None:
    field, text = refuse(c.RequestedName(name=NAME))
    assert (field, "is missing" in text) == ("domain_control", True)


def test_a_method_that_is_not_there_names_those_that_are() -> None:
    field, text = refuse(requested(c.DomainControl()))
    assert field == "domain_control"
    assert "acme_dns_01" in text


@pytest.mark.parametrize(
    "domain",
    [
        "dept.example.co.jp.",
        "DEPT.example.co.jp",
        "*.dept.example.co.jp",
        "co.jp",
        "jp",
        "other.example.co.jp",
        "www.dept.example.co.jp.example.co.jp",
        "ww.dept.example.co.jp",
        "ept.example.co.jp",
        "192.0.2.1",
        "[2001:db8::1]",
        "example.onion",
        "1.2.0.192.in-addr.arpa",
        "localhost",
        "a..example.co.jp",
        "https://example.co.jp/",
        "example.co.jp/x",
        "_acme-challenge.www.dept.example.co.jp",
        "日本語.example.co.jp",
    ],
)
def test_br_3_2_2_4_a_domain_that_no_step_leads_to_is_refused(domain: str) -> None:
    """For a wildcard, which no CNAME leads from: else perspectives have to look first."""
    made = at_domain(domain, f"*.{NAME}")
    assert refuse(made)[0] == "domain_control.authorization_domain_name"


@pytest.mark.parametrize("domain", ["WWW.example.com", "*.example.com", "192.0.2.1", "a.onion"])
def test_br_3_2_2_4_a_cname_leads_to_no_domain_that_is_no_name(domain: str) -> None:
    assert refuse(at_domain(domain))[0] == "domain_control.authorization_domain_name"


TABLE = {
    "acme_dns_01": ("BR 3.2.2.4.7", "WPC"),
    "acme_dns_account_01": ("BR 3.2.2.4.21", "WP"),
    "persistent_dns_txt": ("BR 3.2.2.4.22", "WP"),
    "acme_http_01": ("BR 3.2.2.4.19", ""),
    "acme_tls_alpn_01": ("BR 3.2.2.4.20", ""),
    "dns_change": ("BR 3.2.2.4.7", "WPC"),
    "website_change": ("BR 3.2.2.4.18", ""),
    "contact_email_txt": ("BR 3.2.2.4.14", "WPC"),
    "contact_email_caa": ("BR 3.2.2.4.13", "WPC"),
    "contact_phone_txt": ("BR 3.2.2.4.16", "WPC"),
    "contact_phone_caa": ("BR 3.2.2.4.17", "WPC"),
}
"""BR 3.2.2.4: each method's section, and which of W, P and C the table gives it."""


@pytest.mark.parametrize("method", METHODS)
def test_br_3_2_2_4_a_method_allows_what_the_table_gives_it(method: str) -> None:
    clause, allowed = TABLE[method]
    assert METHODS[method].clause == clause
    assert METHODS[method].allowed == Allowed("W" in allowed, "P" in allowed, "C" in allowed)


def test_br_3_2_2_4_every_method_that_can_be_asked_for_is_in_the_table() -> None:
    fields = c.DomainControl.DESCRIPTOR.oneofs_by_name["method"].fields
    assert [field.name for field in fields if field.name not in TABLE] == []


def test_br_3_2_2_4_a_refused_domain_names_the_clause() -> None:
    _, text = refuse(at_domain("other.example.co.jp", f"*.{NAME}"))
    assert "(BR 3.2.2.4, BR 3.2.2.4.7;" in text


@pytest.mark.parametrize("seconds", [10**15, -(10**15)])
def test_a_challenge_of_no_moment_is_refused(seconds: int) -> None:
    made = requested()
    made.domain_control.challenge_created_at.seconds = seconds
    assert refuse(made)[0] == "domain_control.challenge_created_at"


KEY = "acme_dns_01.key_authorization"


@pytest.mark.parametrize(
    ("value", "digest", "field"),
    [
        ("", b"", KEY),
        ("token", b"", KEY),
        (KEY_AUTHORIZATION.partition(".")[0], b"", KEY),
        (f"{KEY_AUTHORIZATION}=", b"", KEY),
        (f"{KEY_AUTHORIZATION}\n", b"", KEY),
        (f" {KEY_AUTHORIZATION}", b"", KEY),
        (KEY_AUTHORIZATION[22:], b"", KEY),
        (KEY_AUTHORIZATION[:-1], b"", KEY),
        (KEY_AUTHORIZATION.replace("o", "/", 1), b"", KEY),
        ("a" * 257 + KEY_AUTHORIZATION[43:], b"", KEY),
        ("", b"x" * 31, f"{KEY}_sha256"),
        ("", b"x" * 33, f"{KEY}_sha256"),
        (KEY_AUTHORIZATION, b"x" * 32, f"{KEY}_sha256"),
        ("", hashlib.sha256(b"").digest(), f"{KEY}_sha256"),
    ],
)
def test_rfc8555_8_1_a_key_authorization_has_its_form(
    value: str, digest: bytes, field: str
) -> None:
    method = c.AcmeDns01(key_authorization=value, key_authorization_sha256=digest)
    refused, text = refuse(requested(c.DomainControl(acme_dns_01=method)))
    assert refused == f"domain_control.{field}"
    assert len(value) < 22 or value not in text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acct/1",
        "https:",
        "https://ca.example/a b",
        "https://ca.example/\n",
        "https://ca.example/é",
    ],
)
def test_br_3_2_2_4_21_the_account_url_is_a_url(url: str) -> None:
    method = c.AcmeDnsAccount01(key_authorization=KEY_AUTHORIZATION, account_url=url)
    field, text = refuse(requested(c.DomainControl(acme_dns_account_01=method)))
    assert field == "domain_control.acme_dns_account_01.account_url"
    assert "draft-ietf-acme-dns-account-label-00" in text


def test_br_3_2_2_4_21_the_key_authorization_is_checked_too() -> None:
    method = c.AcmeDnsAccount01(key_authorization="x", account_url="https://ca.example/1")
    field, _ = refuse(requested(c.DomainControl(acme_dns_account_01=method)))
    assert field == "domain_control.acme_dns_account_01.key_authorization"


def test_a_name_that_would_be_too_long_to_look_up_is_refused() -> None:
    fits = ".".join(["a" * 55] * 4 + ["example.co.jp"])
    assert len(f"_acme-challenge.{fits}") == 253
    request(requested(name=fits))
    field, text = refuse(requested(name=f"a{fits}"))
    assert field == "domain_control.authorization_domain_name"
    assert "254 octets" in text


def judged(
    zone: str, made: c.RequestedName, change: Callable[[o.Finding], None] | None = None
) -> str:
    check = request(made)
    findings = look(check, NAME, zone)
    if change is not None:
        change(findings[0])
    return outcome_of(JUDGE.judge(findings, NAME, check, VALIDATED))


def garble_owner(finding: o.Finding) -> None:
    finding.records.lookup.name = "example.co.jp"


def garble_type(finding: o.Finding) -> None:
    finding.records.type = o.RECORD_TYPE_CNAME


def empty(finding: o.Finding) -> None:
    del finding.records.lookup.records.rdata[:]


def no_result(finding: o.Finding) -> None:
    finding.records.lookup.ClearField("records")


def bogus(finding: o.Finding) -> None:
    finding.records.lookup.dnssec = o.DNSSEC_BOGUS


@pytest.mark.parametrize("change", [garble_owner, garble_type, empty, no_result, bogus])
def test_a_finding_of_something_else_is_garbage(change: Callable[[o.Finding], None]) -> None:
    assert judged(TXT, requested()) == PASSED
    with pytest.raises(MalformedFindingError):
        judged(TXT, requested(), change)


def test_what_is_recorded_is_judged_as_it_was_asked() -> None:
    check = request(requested())
    (again,) = prepare_checks([check], NAME, JUDGING)
    assert again.asked == check
    assert again.kinds == ["records"]


LABELS = {
    "acme_dns_01": {"dns-01", "ca-tbr-7"},
    "acme_dns_account_01": {"dns-account-01", "ca-tbr-21"},
    "acme_http_01": {"http-01", "ca-tbr-19"},
    "acme_tls_alpn_01": {"tls-alpn-01", "ca-tbr-20"},
    "contact_email_caa": {"ca-tbr-13"},
    "contact_email_txt": {"ca-tbr-14"},
    "contact_phone_caa": {"ca-tbr-17"},
    "contact_phone_txt": {"ca-tbr-16"},
    "dns_change": {"ca-tbr-7"},
    "persistent_dns_txt": {"dns-persist-01", "ca-tbr-22"},
    "website_change": {"ca-tbr-18"},
}
"""BR 3.2.2.4 and 4.2.2.1.2: not every DNS change is a dns-01."""


def test_br_4_2_2_1_2_every_method_has_its_labels() -> None:
    assert {member: set(find_labels(member)) for member in METHODS} == LABELS


def test_rfc8657_4_a_cas_own_label_may_stand_for_any_method() -> None:
    made = requested()
    made.validation_method = "ca-example"
    assert request(made, NOVEMBER).HasField("domain_control")
    for label in ("ca-tbr-99", "ca-tbr-", "caa-example", "http-01"):
        made.validation_method = label
        assert refuse(made)[0] == "validation_method"


@pytest.mark.parametrize("label", sorted(set().union(*LABELS.values())))
def test_rfc8657_4_caa_is_judged_for_the_method_that_is_proved(label: str) -> None:
    made = requested()
    made.validation_method = label
    if label in LABELS["acme_dns_01"]:
        assert request(made, NOVEMBER).HasField("domain_control")
    else:
        field, text = refuse(made)
        assert field == "validation_method"
        assert "acme_dns_01, which is dns-01 or ca-tbr-7" in text


def test_a_name_of_u_labels_is_looked_at_in_a_labels() -> None:
    for text in ("BÜCHER.example", "bücher。example", "*.bücher.example"):
        asked = request(requested(name=text)).domain_control.control
        assert asked.authorization_domain_name == "xn--bcher-kva.example"
    made = at_domain("bücher.example", "www.bücher.example")
    assert refuse(made)[0] == "domain_control.authorization_domain_name"
    request(at_domain("xn--bcher-kva.example", "www.bücher.example"))
