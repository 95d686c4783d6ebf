"""A request of Open MPIC as a question of this service: what is asked, by which rules."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coordinator.api.open_mpic.issuers import choose_issuer
from coordinator.api.open_mpic.refusal import RefusedError
from coordinator.checks.caa.issuer import Issuer
from coordinator.checks.domain_control.method import hash_value
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world.domain_control import KEY_AUTHORIZATION, TOKEN
from tests.world.open_mpic import (
    ACCOUNT,
    AGAINST,
    GOOD,
    HASH,
    HEX,
    ISSUERS,
    LAB,
    PARAMETERS,
    VALUE,
    ask,
    caa_body,
    dcv_body,
    refused,
)
from tests.world.samples import ISSUER, NOVEMBER, RULES

TXT = o.RECORD_TYPE_TXT
WITHOUT_CAA = replace(RULES.row, checks=("addresses",))
WITH_CONTROL = replace(RULES.row, checks=("caa", "domain_control"))


def question(body: dict[str, Any], **rules: object) -> c.CorroborateRequest:
    return ask(body, replace(AGAINST, **rules)).translated.question


def control(body: dict[str, Any]) -> c.DomainControl:
    return question(body).names[0].domain_control


def only(issues: list[dict[str, Any]]) -> tuple[str, str]:
    (issue,) = issues
    return issue["issue_type"], issue["message"]


def test_caa_is_asked_as_for_an_issuance() -> None:
    asked = ask(caa_body("*.Www.Example.com"))
    assert asked.request.may_permit
    (name,) = asked.request.names
    assert [check.name for check in name.checks] == ["caa", "addresses"]
    assert name.checks[0].asked.caa.wildcard
    assert name.checks[0].asked.caa.issuer_domains == [ISSUER]
    assert asked.request.rules.required == 4
    assert not asked.request.dry_run


def test_caa_is_asked_even_if_the_policy_does_not_demand_it() -> None:
    (name,) = ask(caa_body(), row=WITHOUT_CAA).request.names
    assert [check.name for check in name.checks] == ["caa", "addresses"]


def test_a_policy_that_demands_domain_control_cannot_be_met_by_caa_alone() -> None:
    with pytest.raises(RefusedError) as raised:
        ask(caa_body(), row=WITH_CONTROL)
    assert only(raised.value.issues)[0] == "invalid-check-type"


def test_domain_control_is_asked_as_for_a_validation() -> None:
    asked = ask(dcv_body("acme-dns-01"))
    assert not asked.request.may_permit
    assert [check.name for check in asked.request.names[0].checks] == ["domain_control"]


def test_parameters_of_caa_are_passed_on() -> None:
    body = caa_body(account_uri="https://acme.example/acct/1", validation_method="dns-01")
    caa = ask(body).request.names[0].checks[0].asked.caa
    assert (caa.account_uri, caa.validation_method) == ("https://acme.example/acct/1", "dns-01")


@pytest.mark.parametrize(
    ("parameters", "kind", "says"),
    [
        ({"certificate_type": "s-mime"}, "invalid-certificate-type", "RFC 9495"),
        ({"caa_domains": ["other.example"]}, "invalid-caa-domains", "names other.example"),
        ({"caa_domains": [ISSUER, "other.example"]}, "invalid-caa-domains", "other.example"),
        ({"caa_domains": ["one.example.test"]}, "invalid-caa-domains", "all domains of one"),
        ({"caa_domains": [ISSUER, "one.example.test"]}, "invalid-caa-domains", "all domains"),
        ({"caa_domains": [f"{ISSUER}."]}, "invalid-caa-domains", "not configured"),
        ({"account_uri": "no uri"}, "invalid-account-uri", "absolute URI"),
        ({"validation_method": "DNS-01"}, "invalid-validation-method", "lower case"),
    ],
)
def test_caa_that_cannot_be_judged_as_asked_is_refused(
    parameters: dict[str, Any], kind: str, says: str
) -> None:
    found, message = only(refused(caa_body(**parameters)))
    assert found == kind
    assert says in message


def test_a_failed_lookup_is_no_permission_because_a_request_says_so() -> None:
    caa = ask(caa_body(allow_lookup_failure=True)).request.names[0].checks[0].asked.caa
    assert not caa.permit_failure_in_insecure_zone


@pytest.mark.parametrize(
    ("domains", "issuer"),
    [
        (None, "example"),
        ([], "example"),
        ([ISSUER], "example"),
        ([ISSUER.upper(), ISSUER], "example"),
        (["two.example.test", "ONE.example.test"], "two"),
    ],
)
def test_domains_choose_the_issuer_that_has_them(domains: list[str] | None, issuer: str) -> None:
    assert question(caa_body(caa_domains=domains)).issuer == issuer


def test_domains_of_several_issuers_choose_the_default_or_nobody() -> None:
    twice = {**ISSUERS, "again": Issuer(frozenset({ISSUER}), frozenset({"issuevmc"}))}
    assert choose_issuer([ISSUER], "d", twice, "again") == "again"
    assert choose_issuer([ISSUER], "d", twice, "example") == "example"
    with pytest.raises(RefusedError) as raised:
        choose_issuer([ISSUER], "d", twice, "two")
    assert "several issuers: again, example" in only(raised.value.issues)[1]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "is empty"),
        ("203.0.113.1", "IP address"),
        ("[2001:db8::1]", "IP address"),
        ("1.113.0.203.in-addr.arpa", "reverse"),
        ("www.example.com.", "ends with a dot"),
        ("*.co.jp", "public suffix"),
        ("a_b.example.com", '"_"'),
        ("exa mple.com", "space"),
        ("x.onion", "Onion"),
    ],
)
def test_what_is_no_name_for_a_certificate_is_refused(name: str, says: str) -> None:
    kind, message = only(refused(caa_body(name)))
    assert kind == "invalid-domain-or-ip-target"
    assert message.startswith("domain_or_ip_target ")
    assert says in message


def test_a_quorum_above_the_policys_tightens() -> None:
    body = caa_body(top={"orchestration_parameters": {"perspective_count": 5, "quorum_count": 5}})
    assert ask(body).request.rules.required == 5


def test_a_lab_never_asks_for_an_issuance() -> None:
    small = {"orchestration_parameters": {"perspective_count": 2, "quorum_count": 1}}
    for body in (caa_body(), caa_body(top=small)):
        asked = ask(body, LAB)
        assert asked.request.dry_run
        assert asked.request.rules.required == 4


def test_each_request_is_a_new_one_and_is_found_by_its_trace() -> None:
    plain = [question(caa_body()).request_id for _ in range(100)]
    assert len(set(plain)) == 100
    traced = question(caa_body(top={"trace_identifier": "order-17"})).request_id
    assert traced.startswith("open-mpic:")
    assert traced.endswith(":order-17")
    for odd in ("", "a b", "x" * 65, "ü"):
        assert question(caa_body(top={"trace_identifier": odd})).request_id.count(":") == 1


def test_who_has_not_answered_is_waited_for() -> None:
    assert question(caa_body(), linger=2.5).linger.ToMilliseconds() == 2500


CNAME = f"{VALUE}.ca.example."
SHA256 = hash_value(KEY_AUTHORIZATION)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            dcv_body("acme-http-01", http_headers={}),
            {"acme_http_01": c.AcmeHttp01(token=TOKEN, key_authorization=KEY_AUTHORIZATION)},
        ),
        (dcv_body("acme-dns-01"), {"acme_dns_01": c.AcmeDns01(key_authorization_sha256=SHA256)}),
        (
            dcv_body("acme-tls-alpn-01", key_authorization_hash=HEX.upper()),
            {"acme_tls_alpn_01": c.AcmeTlsAlpn01(key_authorization_sha256=SHA256)},
        ),
        (
            dcv_body("dns-change", dns_name_prefix="_DnsAuth", require_exact_match=True),
            {"dns_change": c.DnsChange(record_type=TXT, label="_dnsauth", value=VALUE)},
        ),
        (
            dcv_body("dns-change", dns_name_prefix="", require_exact_case=False),
            {"dns_change": c.DnsChange(record_type=TXT, value=VALUE, contained=True)},
        ),
        (
            dcv_body("dns-change", challenge_value=CNAME, dns_record_type="CNAME"),
            {"dns_change": c.DnsChange(record_type=o.RECORD_TYPE_CNAME, value=CNAME)},
        ),
        (
            dcv_body("website-change", http_headers=None),
            {"website_change": c.WebsiteChange(path="a.txt", value=VALUE)},
        ),
        (
            dcv_body("website-change", url_scheme="https", match_regex=""),
            {"website_change": c.WebsiteChange(path="a.txt", value=VALUE, https=True)},
        ),
    ],
    ids=lambda one: str(one)[:60],
)
def test_a_method_with_a_challenge_becomes_ours(
    body: dict[str, Any], expected: dict[str, Any]
) -> None:
    wanted = c.DomainControl(**expected)
    wanted.challenge_created_at.FromDatetime(NOVEMBER)
    assert control(body) == wanted


@pytest.mark.parametrize("method", [one for one in GOOD if one.startswith("contact")])
def test_a_contact_becomes_ours(method: str) -> None:
    found = control(dcv_body(method))
    member = method.replace("-", "_")
    assert found.WhichOneof("method") == member
    assert getattr(found, member).contact == GOOD[method]["challenge_value"]
    assert not found.HasField("challenge_created_at")


def test_a_persistent_record_names_an_issuer_of_ours() -> None:
    names = ["Two.example.test", "one.example.test"]
    body = dcv_body("dns-persistent", issuer_domain_names=names)
    asked = ask(body)
    assert asked.translated.question.issuer == "two"
    requested = asked.request.names[0].checks[0].asked.domain_control
    assert requested.issuer_domains == sorted(one.lower() for one in names)
    assert requested.control.persistent_dns_txt.account_uris == [ACCOUNT]
    body[PARAMETERS]["issuer_domain_names"] = ["one.example.test"]
    assert only(refused(body))[0] == "invalid-issuer-domain-names"


NOTHING = hash_value("")
HASH_OF_NOTHING = base64.urlsafe_b64encode(NOTHING).decode().rstrip("=")
BAD = [
    # What cannot be done.
    ("website-change", {"match_regex": ".*"}, "cannot be searched for"),
    ("website-change", {"http_headers": {"a": "b"}}, "cannot be sent"),
    ("acme-http-01", {"http_headers": {"Host": "b"}}, "cannot be sent"),
    ("contact-email-caa", {"dns_name_prefix": "_x"}, "must be empty"),
    # Values that would be found almost everywhere.
    ("dns-change", {"challenge_value": "1"}, "112 bits"),
    ("dns-change", {"challenge_value": "x" * 19}, "has 19 octets"),
    ("website-change", {"challenge_value": "x" * 19}, "has 19 octets"),
    ("website-change", {"challenge_value": "a b" * 10}, "visible ASCII"),
    ("website-change", {"challenge_value": "ü" * 20}, "visible ASCII"),
    # Paths and labels.
    ("website-change", {"http_token_path": "../../index.html"}, "segments"),
    ("website-change", {"http_token_path": "/a"}, "segments"),
    ("website-change", {"http_token_path": "%2e%2e/a"}, "segments"),
    ("website-change", {"http_token_path": f"{VALUE}.txt"}, "must not have the value"),
    ("dns-change", {"dns_name_prefix": "dnsauth"}, "begins with"),
    ("dns-change", {"dns_name_prefix": "_a.b"}, "one label"),
    # ACME.
    ("acme-http-01", {"token": "short"}, "22 to 84"),
    ("acme-http-01", {"token": f"{TOKEN}/../x"}, "base64url"),
    ("acme-http-01", {"key_authorization": f"{'A' * 43}.{'A' * 43}"}, "begin with the token"),
    ("acme-http-01", {"key_authorization": ""}, "is empty"),
    ("acme-http-01", {"key_authorization": f"{TOKEN}."}, "thumbprint"),
    ("acme-dns-01", {"key_authorization_hash": ""}, "base64url"),
    ("acme-dns-01", {"key_authorization_hash": HEX}, "base64url"),
    ("acme-dns-01", {"key_authorization_hash": f"{HASH}="}, "base64url"),
    ("acme-dns-01", {"key_authorization_hash": f"{HASH[:42]}p"}, "base64url"),
    ("acme-dns-01", {"key_authorization_hash": HASH_OF_NOTHING}, "SHA-256 of nothing"),
    ("acme-tls-alpn-01", {"key_authorization_hash": HASH}, "hexadecimal"),
    ("acme-tls-alpn-01", {"key_authorization_hash": HEX[:-1]}, "hexadecimal"),
    ("acme-tls-alpn-01", {"key_authorization_hash": NOTHING.hex()}, "SHA-256 of nothing"),
    # Contacts.
    ("contact-email-txt", {"challenge_value": "nobody"}, "e-mail address"),
    ("contact-phone-caa", {"challenge_value": "03-1234"}, "telephone number"),
]


@pytest.mark.parametrize(("method", "changed", "says"), BAD, ids=lambda one: str(one)[:60])
def test_what_our_rules_or_this_face_cannot_take_is_refused(
    method: str, changed: dict[str, object], says: str
) -> None:
    kind, message = only(refused(dcv_body(method, **changed)))
    (field,) = changed
    assert kind == f"invalid-{field.replace('_', '-')}"
    assert message.startswith(f"{PARAMETERS}.{field} ")
    assert says in message


def test_a_key_authorization_is_asked_for_by_no_other_name() -> None:
    _, message = only(refused(dcv_body("acme-http-01", key_authorization="")))
    assert message == f"{PARAMETERS}.key_authorization is empty"


def test_a_cname_holds_fewer_bits_in_each_character() -> None:
    for octets, is_enough in ((21, False), (22, True)):
        body = dcv_body("dns-change", dns_record_type="CNAME", challenge_value="x" * octets)
        if is_enough:
            ask(body)
        else:
            assert "has 21 octets" in only(refused(body))[1]


@pytest.mark.parametrize("method", [one for one in GOOD if "challenge_value" in GOOD[one]])
def test_an_empty_value_is_refused_as_by_open_mpic(method: str) -> None:
    kind, message = only(refused(dcv_body(method, challenge_value="")))
    assert (kind, message) == ("empty-challenge-value", "Empty challenge value.")


@pytest.mark.parametrize("method", ["website-change", "acme-http-01", "acme-tls-alpn-01"])
def test_br_3_2_2_4_18_to_20_no_web_server_validates_a_wildcard(method: str) -> None:
    kind, message = only(refused(dcv_body(method, "*.example.com")))
    assert kind == "invalid-validation-method"
    assert "wildcard" in message


@pytest.mark.parametrize(
    ("method", "parameters", "says"),
    [
        ("ip-address", {"challenge_value": "203.0.113.1", "dns_record_type": "A"}, "is retired"),
        ("reverse-address-lookup", {"challenge_value": "a.example."}, "IP addresses"),
    ],
)
def test_methods_that_are_not_judged_are_refused(
    method: str, parameters: dict[str, object], says: str
) -> None:
    kind, message = only(refused(dcv_body(method, **parameters)))
    assert kind == "unsupported-validation-method"
    assert says in message


CREATED = dcv_body("acme-dns-01")


def created(moment: datetime) -> dict[str, Any]:
    parameters = {**CREATED[PARAMETERS], "challenge_created_at": moment.isoformat()}
    return {**CREATED, PARAMETERS: parameters}


def test_a_challenge_may_say_when_it_was_created_and_is_judged_by_it() -> None:
    earlier = NOVEMBER - timedelta(days=29)
    assert control(created(earlier)).challenge_created_at.ToDatetime(UTC) == earlier
    for moment in (NOVEMBER - timedelta(days=31), NOVEMBER + timedelta(hours=1)):
        assert only(refused(created(moment)))[0] == "invalid-challenge-created-at"


def test_a_service_may_require_it() -> None:
    strict = replace(AGAINST, require_challenge_created_at=True)
    assert "is missing" in only(refused(CREATED, strict))[1]
    ask(created(NOVEMBER), strict)
    ask(dcv_body("contact-email-txt"), strict)


def test_a_wildcard_keeps_its_label_where_the_method_allows_it() -> None:
    body = dcv_body("acme-dns-01", "*.example.com")
    asked = ask(body).request.names[0].checks[0].asked.domain_control
    assert asked.wildcard
    assert asked.control.authorization_domain_name == "example.com"
