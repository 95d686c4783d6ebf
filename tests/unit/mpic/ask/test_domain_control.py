"""`mpic ask`: each option of domain control becomes its method; what is wrong is told."""

from datetime import UTC, datetime

import pytest
import typer

from mpic.ask.domain_control import Proof, read_proof
from mpic.ask.exit_status import APPROVED, REFUSED, UNDETERMINED, exit_code
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEYED = "token.thumbprint"


@pytest.mark.parametrize(
    ("proof", "method", "parameters"),
    [
        (
            Proof(http_01="token", key_authorization=KEYED),
            "acme_http_01",
            c.AcmeHttp01(token="token", key_authorization=KEYED),  # noqa: S106 - a public value
        ),
        (Proof(dns_01=KEYED), "acme_dns_01", c.AcmeDns01(key_authorization=KEYED)),
        (
            Proof(dns_account_01="https://acme.test/1", key_authorization=KEYED),
            "acme_dns_account_01",
            c.AcmeDnsAccount01(account_url="https://acme.test/1", key_authorization=KEYED),
        ),
        (Proof(tls_alpn_01=KEYED), "acme_tls_alpn_01", c.AcmeTlsAlpn01(key_authorization=KEYED)),
        (
            Proof(persistent_txt=("https://a.test/1", "https://a.test/2")),
            "persistent_dns_txt",
            c.PersistentDnsTxt(account_uris=["https://a.test/1", "https://a.test/2"]),
        ),
        (
            Proof(dns_change=("txt", "v"), label="_dnsauth"),
            "dns_change",
            c.DnsChange(record_type=o.RECORD_TYPE_TXT, value="v", label="_dnsauth"),
        ),
        (Proof(website=("a.txt", "v")), "website_change", c.WebsiteChange(path="a.txt", value="v")),
        (
            Proof(contact=("email-caa", "a@example.com")),
            "contact_email_caa",
            c.SelectedContact(contact="a@example.com"),
        ),
    ],
)
def test_an_option_is_its_method(proof: Proof, method: str, parameters: object) -> None:
    control = read_proof(proof, NOW)
    assert control is not None
    assert control.WhichOneof("method") == method
    assert getattr(control, method) == parameters
    assert control.challenge_created_at.ToDatetime(UTC) == NOW


def test_without_an_option_nothing_is_asked() -> None:
    assert read_proof(Proof(), NOW) is None


def test_the_domain_and_the_time_are_those_given() -> None:
    control = read_proof(Proof(dns_01=KEYED, adn="example.com", created="2026-11-29T12:00+09"), NOW)
    assert control is not None
    assert control.authorization_domain_name == "example.com"
    created = control.challenge_created_at.ToDatetime(UTC)
    assert created == datetime(2026, 11, 29, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("proof", "text"),
    [
        (Proof(dns_01=KEYED, http_01="token"), "one method"),
        (Proof(key_authorization=KEYED), "give a method"),
        (Proof(adn="example.com"), "give a method"),
        (Proof(dns_01=KEYED, label="_dnsauth"), "--label is for --dns-change"),
        (Proof(tls_alpn_01=KEYED, key_authorization=KEYED), "--key-authorization is for --http-01"),
        (Proof(dns_change=("MX", "v")), "TXT, CNAME or CAA"),
        (Proof(contact=("fax", "1")), "email-txt"),
        (Proof(dns_01=KEYED, created="yesterday"), "--created is a time"),
        (Proof(dns_01=KEYED, created="2026-11-30T12:00"), "no time zone"),
    ],
)
def test_what_is_wrong_is_told(proof: Proof, text: str) -> None:
    with pytest.raises(typer.BadParameter, match=text):
        read_proof(proof, NOW)


@pytest.mark.parametrize(
    ("reason", "responsible", "code"),
    [
        (c.REASON_CORROBORATED, c.RESPONSIBLE_UNSPECIFIED, APPROVED),
        (c.REASON_QUORUM_NOT_MET, c.RESPONSIBLE_DOMAIN, REFUSED),
        (c.REASON_PRIMARY_UNAVAILABLE, c.RESPONSIBLE_SERVICE, UNDETERMINED),
    ],
)
def test_a_validation_is_its_exit_status(
    reason: c.Reason.ValueType, responsible: c.Responsible.ValueType, code: int
) -> None:
    is_good = reason == c.REASON_CORROBORATED
    name = c.NameVerdict(reason=reason, responsible=responsible)
    answer = c.CorroborateResponse(purpose=c.PURPOSE_VALIDATION, corroborated=is_good, names=[name])
    assert exit_code(answer) == code
