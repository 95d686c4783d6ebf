"""BR 3.2.2.4: domain control by records, the tables in a real zone, asked through the real API."""

from datetime import UTC, datetime, timedelta

import pytest

from mpic.v1 import corroboration_pb2 as c
from tests.clauses.answer import Verdict
from tests.clauses.domain_control import PASSED, Row, make_requested
from tests.clauses.service import NotDecidedError, Service, Terms
from tests.clauses.zone import controlled
from tests.world.domain_control import KEY_AUTHORIZATION

CREATED = datetime.now(UTC) - timedelta(minutes=5)
MADE = [(row, make_requested(row, CREATED)) for row in controlled()]
ASKED = {made.name: (row, made) for row, made in MADE}
PHONES_END = datetime(2027, 3, 15, tzinfo=UTC)


def control(name: str) -> c.DomainControl:
    """Return how control of a name was proved."""
    return ASKED[name][1].domain_control


TERMS = Terms(control=control, validation=True)


def check(row: Row, verdict: Verdict) -> str:
    """Say what is wrong with a verdict, if anything is: all perspectives see the same."""
    seen = {report.why for report in verdict.reports}
    if row.expected == PASSED:
        as_expected = verdict.reason == "corroborated" and seen == {""}
    else:
        as_expected = seen == {f"domain_control {row.expected}"}
    return "" if as_expected else f"{row.clause}: {verdict.reason} {seen}: {verdict.detail}"


METHODS = sorted({row.asked.WhichOneof("method") or "" for row, _ in ASKED.values()})


@pytest.mark.parametrize("method", METHODS)
def test_domain_control_by_records(service: Service, method: str) -> None:
    if "phone" in method and datetime.now(UTC) >= PHONES_END:
        pytest.skip("the method has ended")
    rows = {
        name: row for name, (row, _) in ASKED.items() if row.asked.WhichOneof("method") == method
    }
    verdicts = service.verdicts(list(rows), TERMS)
    assert verdicts.keys() == rows.keys()
    wrong = [check(row, verdicts[name]) for name, row in rows.items()]
    assert not [text for text in wrong if text]


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (c.DomainControl(dns_change=c.DnsChange(value="x" * 20)), "dns_change.record_type"),
        (
            c.DomainControl(persistent_dns_txt=c.PersistentDnsTxt()),
            "persistent_dns_txt.account_uris",
        ),
        (c.DomainControl(contact_email_txt=c.SelectedContact()), "contact_email_txt.contact"),
        (
            c.DomainControl(acme_dns_account_01=c.AcmeDnsAccount01()),
            "acme_dns_account_01.account_url",
        ),
    ],
)
def test_what_may_not_be_asked_is_told_before_anybody_is_asked(
    service: Service, made: c.DomainControl, field: str
) -> None:
    made.challenge_created_at.FromDatetime(CREATED)
    with pytest.raises(NotDecidedError, match="INVALID_ARGUMENT") as caught:
        service.ask("www.example.co.jp", terms=Terms(control=lambda _: made, validation=True))
    assert caught.value.fields == [f"names[0].domain_control.{field}"]


BOGUS = "child.bogus.example.co.jp"
DNS_01 = c.DomainControl(acme_dns_01=c.AcmeDns01(key_authorization=KEY_AUTHORIZATION))


@pytest.mark.parametrize("domain", ["", "allow.example.test"])
def test_br_4_2_2_2_a_lookup_that_does_not_validate_proves_nothing(
    service: Service, domain: str
) -> None:
    """Neither that of the proof, nor that of the CNAME records that would lead to its domain."""
    made = c.DomainControl(authorization_domain_name=domain)
    made.MergeFrom(DNS_01)
    made.challenge_created_at.FromDatetime(CREATED)
    verdict = service.ask(BOGUS, terms=Terms(control=lambda _: made, validation=True)).verdict
    assert verdict.reason == "primary domain_control failed"
    assert {report.why for report in verdict.reports} == {"domain_control failed"}
    assert "CNAME" in verdict.detail or not domain
