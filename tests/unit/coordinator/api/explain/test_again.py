"""What a page asks again: the checks of the record, as a dry run, as far as the record has it."""

from datetime import UTC, datetime, timedelta

import pytest

from coordinator.api.explain.again import is_repetition, make_repetition
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

NOW = datetime(2026, 12, 1, tzinfo=UTC)
HTTP_01 = c.DomainControl(
    acme_http_01=c.AcmeHttp01(token="t" * 43, key_authorization_sha256=b"h" * 32)
)
SECRET = c.DomainControl(
    website_change=c.WebsiteChange(path="x", value_sha256=b"v" * 32, value_octets=20)
)
CONTACT = c.DomainControl(contact_email_txt=c.SelectedContact())


def record(*controls: c.DomainControl | None, dns: bool = True) -> r.Record:
    made = r.Record(id=b"i" * 16, caller="caller", issuer="example", purpose=c.PURPOSE_ISSUANCE)
    for number, control in enumerate(controls):
        name = made.names.add(asked=f"*.n{number}.example.jp", looked_up=f"n{number}.example.jp")
        if dns:
            caa = c.RequestedCaa(account_uri="https://a/1", validation_method="dns-01")
            name.checks.add(caa=caa)
            name.checks.add(addresses=c.RequestedAddresses())
        if control is not None:
            name.checks.add(domain_control=c.RequestedDomainControl(control=control))
    return made


def test_it_asks_the_same_as_a_dry_run() -> None:
    asked = record(None, None)
    asked.tightening.min_corroborating = 5
    again = make_repetition(asked, NOW)
    request = again.request
    assert request.dry_run
    assert [one.name for one in request.names] == ["*.n0.example.jp", "*.n1.example.jp"]
    assert {one.validation_method for one in request.names} == {"dns-01"}
    assert (request.issuer, request.account_uri) == ("example", "https://a/1")
    assert list(request.checks) == ["addresses", "caa"]
    assert request.tightening.min_corroborating == 5
    assert (again.is_possible, again.is_partial) == (True, False)


def test_each_time_it_has_another_request_id_that_names_the_record() -> None:
    asked = record(None)
    first, second = (make_repetition(asked, NOW).request.request_id for _ in range(2))
    assert first != second
    later = r.Record(request_id=first, dry_run=True, caller="caller")
    assert is_repetition(later, asked)
    other = r.Record(id=b"o" * 16, caller="caller")
    assert not is_repetition(later, other)


@pytest.mark.parametrize(
    "change", [{"dry_run": False}, {"caller": "another"}, {"request_id": "order-17"}]
)
def test_no_other_record_is_taken_for_it(change: dict[str, object]) -> None:
    asked = record(None)
    made = make_repetition(asked, NOW).request.request_id
    usual: dict[str, object] = {"request_id": made, "dry_run": True, "caller": "caller"}
    assert not is_repetition(r.Record(**{**usual, **change}), asked)


@pytest.mark.parametrize("control", [HTTP_01, CONTACT])
def test_control_is_looked_for_again_by_what_is_recorded(control: c.DomainControl) -> None:
    again = make_repetition(record(control), NOW)
    assert again.request.names[0].domain_control == control
    assert not again.is_partial
    alone = record(control, dns=False)
    alone.purpose = c.PURPOSE_VALIDATION
    again = make_repetition(alone, NOW)
    assert (again.request.purpose, again.is_possible) == (c.PURPOSE_VALIDATION, True)
    assert not again.request.checks


def test_of_a_secret_that_is_not_recorded_dns_alone_is_asked_again() -> None:
    again = make_repetition(record(SECRET), NOW)
    assert not again.request.names[0].HasField("domain_control")
    assert (again.is_partial, again.is_possible) == (True, True)
    alone = record(SECRET, dns=False)
    alone.purpose = c.PURPOSE_VALIDATION
    assert not make_repetition(alone, NOW).is_possible


@pytest.mark.parametrize(("days", "partial"), [(29, False), (30, True), (31, True)])
def test_a_challenge_that_is_too_old_is_left_out(days: int, partial: bool) -> None:
    control = c.DomainControl()
    control.CopyFrom(HTTP_01)
    control.challenge_created_at.FromDatetime(NOW - timedelta(days=days))
    assert make_repetition(record(control), NOW).is_partial is partial
