"""What a caller may not ask of web and TLS servers: the field that is wrong, and the rule."""

from datetime import datetime, timedelta

import pytest

from coordinator.checks.caa.issuer import Issuer
from coordinator.decision.request import RequestRules, read_request
from mpic.runtime.grpc.errors import RequestError, Violation
from mpic.v1 import corroboration_pb2 as c
from tests.world.domain_control import KEY_AUTHORIZATION, TOKEN
from tests.world.samples import NOVEMBER, RULES, WORLD

HOST = "www.example.com"
ISSUERS = {"example": Issuer(frozenset({"ca.example.test"}))}
REQUEST_RULES = RequestRules(ISSUERS, RULES.row, len(WORLD.remotes), 11.0, NOVEMBER)
HTTP_01 = c.DomainControl(
    acme_http_01=c.AcmeHttp01(token=TOKEN, key_authorization=KEY_AUTHORIZATION)
)
ALPN = c.DomainControl(acme_tls_alpn_01=c.AcmeTlsAlpn01(key_authorization=KEY_AUTHORIZATION))
WEBSITE = c.DomainControl(website_change=c.WebsiteChange(path="a.txt", value="x7Kq" * 6))
CLAUSES = {
    "acme_http_01": "BR 3.2.2.4.19",
    "acme_tls_alpn_01": "BR 3.2.2.4.20",
    "website_change": "BR 3.2.2.4.18",
}
METHODS = list(zip(CLAUSES, (HTTP_01, ALPN, WEBSITE), strict=True))
CREATED = NOVEMBER - timedelta(days=1)


def ask(
    asked: c.DomainControl, name: str = HOST, created: datetime | None = CREATED, adn: str = ""
) -> dict[str, str]:
    """Ask for a validation; return what is wrong, by field."""
    requested = c.RequestedName(name=name, domain_control=asked)
    control = requested.domain_control
    control.authorization_domain_name = adn
    if created is not None:
        control.challenge_created_at.FromDatetime(created)
    request = c.CorroborateRequest(
        request_id="r-1", names=[requested], purpose=c.PURPOSE_VALIDATION
    )
    try:
        read_request(request, REQUEST_RULES)
    except RequestError as error:
        return {one.field: one.description for one in error.violations}
    return {}


@pytest.mark.parametrize(("method", "asked"), METHODS)
class TestEveryMethod:
    def test_a_name_may_be_asked(self, method: str, asked: c.DomainControl) -> None:
        del method
        assert not ask(asked)
        assert not ask(asked, adn=HOST)

    def test_a_wildcard_may_not(self, method: str, asked: c.DomainControl) -> None:
        wrong = ask(asked, f"*.{HOST}")
        (field,) = wrong
        assert field == f"names[0].domain_control.{method}"
        assert CLAUSES[method] in wrong[field]

    @pytest.mark.parametrize("adn", ["example.com", f"a.{HOST}", "www.example.net", "com"])
    def test_no_other_domain_may(self, method: str, asked: c.DomainControl, adn: str) -> None:
        wrong = ask(asked, adn=adn)
        (field,) = wrong
        assert field == "names[0].domain_control.authorization_domain_name"
        assert CLAUSES[method] in wrong[field] or adn == "com"

    @pytest.mark.parametrize(
        "created",
        [
            None,
            NOVEMBER + timedelta(minutes=1, seconds=1),
            NOVEMBER - timedelta(days=30, seconds=1),
        ],
    )
    def test_no_challenge_without_a_beginning_nor_of_old(
        self, method: str, asked: c.DomainControl, created: datetime | None
    ) -> None:
        del method
        assert list(ask(asked, created=created)) == ["names[0].domain_control.challenge_created_at"]

    def test_a_challenge_of_30_days_may(self, method: str, asked: c.DomainControl) -> None:
        del method
        assert not ask(asked, created=NOVEMBER - timedelta(days=30))
        assert not ask(asked, created=NOVEMBER)

    @pytest.mark.parametrize("name", ["192.0.2.1", "2001:db8::1", "x.onion", "localhost", "com"])
    def test_no_name_outside_the_public_dns(
        self, method: str, asked: c.DomainControl, name: str
    ) -> None:
        del method
        assert list(ask(asked, name)) == ["names[0].name"]


@pytest.mark.parametrize(("method", "asked"), METHODS[::2])
@pytest.mark.parametrize("name", ["example.com.well-known", "a.0x1"])
def test_a_host_that_no_url_can_have(method: str, asked: c.DomainControl, name: str) -> None:
    wrong = ask(asked, name)
    (field,) = wrong
    assert field == f"names[0].domain_control.{method}"
    assert "cannot be fetched from http://" in wrong[field]


DIGESTS = [
    ({}, "key_authorization"),
    ({"key_authorization": TOKEN}, "key_authorization"),
    ({"key_authorization": f"{KEY_AUTHORIZATION}\n"}, "key_authorization"),
    ({"key_authorization": f"{KEY_AUTHORIZATION}="}, "key_authorization"),
    ({"key_authorization_sha256": bytes(31)}, "key_authorization_sha256"),
    ({"key_authorization_sha256": bytes(33)}, "key_authorization_sha256"),
    (
        {"key_authorization": KEY_AUTHORIZATION, "key_authorization_sha256": bytes(32)},
        "key_authorization_sha256",
    ),
]


@pytest.mark.parametrize(("given", "field"), DIGESTS)
def test_a_key_authorization_or_its_digest(given: dict[str, str | bytes], field: str) -> None:
    alpn = c.DomainControl(acme_tls_alpn_01=c.AcmeTlsAlpn01(**given))
    assert list(ask(alpn)) == [f"names[0].domain_control.acme_tls_alpn_01.{field}"]
    http = c.DomainControl(acme_http_01=c.AcmeHttp01(token=TOKEN, **given))
    assert list(ask(http)) == [f"names[0].domain_control.acme_http_01.{field}"]


def test_no_method_may_be_left_out() -> None:
    assert list(ask(c.DomainControl())) == ["names[0].domain_control"]


def test_the_name_of_no_field_is_cut() -> None:
    for method in c.DomainControl.DESCRIPTOR.oneofs[0].fields:
        for field in method.message_type.fields:
            path = f"names[99].domain_control.{method.name}.{field.name}"
            assert Violation(path, "").field == path
