"""What was seen, in the shapes and forms of Open MPIC, method by method."""

import base64
from typing import Any

import pytest

from coordinator.api.open_mpic.details import show_caa, show_domain_control
from coordinator.checks.domain_control.method import hash_value
from mpic.urls import parse_url
from mpic.v1 import observation_pb2 as o
from tests.clauses.web import HOST, Row, Sent, look, make_hop, redirect
from tests.world.acme_certificates import Shape, good_extensions, make_certificate
from tests.world.domain_control import DIGEST, KEY_AUTHORIZATION, TOKEN, records, txt
from tests.world.open_mpic import VALUE, Asked, ask, caa_body, dcv_body
from tests.world.samples import ADDRESS, NAME, addresses, caa, failed_caa

FREE = (caa(), addresses(ADDRESS))
PAGE = f"http://{HOST}/.well-known/acme-challenge/{TOKEN}"
HTTP_01 = dcv_body("acme-http-01", HOST)
WEBSITE = dcv_body("website-change", HOST, challenge_value="v" * 200)
DNS_01 = dcv_body("acme-dns-01")
LONGER = f"{KEY_AUTHORIZATION}{' ' * 13}and more of it".encode()
NOTHING_OF_DNS = dict.fromkeys(
    ("records_seen", "response_code", "ad_flag", "found_at", "cname_chain")
)
NOTHING_OF_HTTP = dict.fromkeys(
    ("response_history", "response_url", "response_status_code", "response_page")
)


def shown(body: dict[str, Any], *findings: o.Finding) -> dict[str, object]:
    parameters = ask(body).translated.asked.dcv_check_parameters
    details = show_domain_control(findings, parameters)
    assert details.pop("validation_method") == parameters.validation_method
    return details


def seen(body: dict[str, Any], finding: o.Finding) -> dict[str, Any]:
    """The response of a remote that found this when the primary did too."""
    answer = ask(body).answer([finding])
    response: dict[str, Any] = answer["perspectives"][0]["check_response"]
    return response


def error_of(response: dict[str, Any]) -> str:
    kind: str = response["errors"][0]["error_type"]
    return kind


def page(asked: Asked, pages: dict[str, Sent]) -> o.Finding:
    (question,) = asked.request.names[0].checks[0].questions
    row = Row("", asked.translated.question.names[0].domain_control, pages)
    return o.Finding(http_get=look(question.http_get, row))


def cname(target: bytes, owner: str = NAME) -> o.Finding:
    labels = b"".join(bytes([len(one)]) + one for one in target.split(b"."))
    return records(owner, o.RECORD_TYPE_CNAME, labels + b"\0")


def test_caa_that_was_not_seen_is_null() -> None:
    nothing = {"caa_record_present": None, "found_at": None, "records_seen": None}
    assert show_caa([]) == show_caa([o.Finding()]) == show_caa([failed_caa()]) == nothing


def test_caa_at_a_parent_is_found_there() -> None:
    finding = caa()
    levels = finding.caa_walk.levels
    del levels[2:]
    levels[1].records.CopyFrom(
        o.RecordSet(owner="alias.example", ttl=60, rdata=[b"\x80\x05issue;", b"\x00\x05iodefx\x07"])
    )
    assert show_caa([addresses(ADDRESS), finding]) == {
        "caa_record_present": True,
        "found_at": "parent.example.co.jp",
        "records_seen": ['128 issue ";"', '0 iodef "x\\007"'],
    }


def test_records_are_told_joined_with_what_dnssec_says() -> None:
    finding = txt(DIGEST, b"other")
    lookup = finding.records.lookup
    lookup.records.rdata.append(b"\x02ab\x01c")
    lookup.aliases.add(owner=lookup.name, target="alias.example.net")
    assert shown(DNS_01, finding) == {
        "records_seen": [DIGEST.decode(), "other", "abc"],
        "response_code": 0,
        "ad_flag": True,
        "found_at": f"_acme-challenge.{NAME}",
        "cname_chain": ["alias.example.net."],
    }
    lookup.dnssec = o.DNSSEC_INSECURE
    assert shown(DNS_01, finding)["ad_flag"] is False


@pytest.mark.parametrize(
    ("rdata", "told"),
    [([b"\x02\xff\xfe"], [r"\xff\xfe"]), ([b"\x05ab"], []), ([b""], []), ([b"\0"], [""])],
)
def test_records_that_are_no_text_are_told_escaped_or_not_at_all(
    rdata: list[bytes], told: list[str]
) -> None:
    finding = records(f"_acme-challenge.{NAME}", o.RECORD_TYPE_TXT, *rdata)
    assert shown(DNS_01, finding)["records_seen"] == told


def test_a_cname_is_told_with_its_final_dot() -> None:
    body = dcv_body("dns-change", challenge_value=f"{VALUE}.ca.example", dns_record_type="CNAME")
    target = f"{VALUE}.ca.example".encode()
    assert shown(body, cname(target))["records_seen"] == [f"{VALUE}.ca.example."]
    broken = records(NAME, o.RECORD_TYPE_CNAME, b"\x3fno")
    assert shown(body, broken)["records_seen"] == []


def test_of_caa_the_values_are_told_and_of_contacts_those_alone() -> None:
    rdata = [b"\x00\x09dnschange" + VALUE.encode(), b"\x00\x0ccontactemaila@b.example", b"\x00"]
    body = dcv_body("dns-change", dns_record_type="CAA")
    finding = records(NAME, o.RECORD_TYPE_CAA, *rdata)
    assert shown(body, finding)["records_seen"] == [VALUE, "a@b.example"]
    contact = dcv_body("contact-email-caa")
    assert shown(contact, caa(*rdata))["records_seen"] == ["a@b.example"]
    assert shown(contact, caa(*rdata))["found_at"] == NAME
    assert shown(contact, caa()) == NOTHING_OF_DNS


async def test_an_absence_is_completed_and_an_error_of_lookup() -> None:
    response = seen(DNS_01, txt())
    assert (response["check_completed"], response["check_passed"]) == (True, False)
    assert error_of(response) == "mpic_error:dcv_checker:lookup"
    assert response["errors"][0]["error_message"].startswith("PROOF_MISSING: ")
    assert response["details"] == {"validation_method": "acme-dns-01", **NOTHING_OF_DNS}


async def test_another_value_is_completed_and_no_error_of_lookup() -> None:
    response = seen(DNS_01, txt(b"other"))
    assert (response["check_completed"], response["check_passed"]) == (True, False)
    assert error_of(response) == "mpic_error:dcv_checker:proof_missing"
    assert response["details"]["records_seen"] == ["other"]


async def test_a_failed_lookup_is_not_completed() -> None:
    finding = txt()
    failure = o.Failure(kind=o.FAILURE_KIND_SERVFAIL, detail="SERVFAIL")
    finding.records.lookup.failure.CopyFrom(failure)
    finding.records.lookup.dnssec = o.DNSSEC_INDETERMINATE
    response = seen(DNS_01, finding)
    assert response["check_completed"] is False
    assert error_of(response) == "mpic_error:dcv_checker:lookup"


async def test_a_page_is_told_with_its_redirects() -> None:
    to = f"http://{HOST}/elsewhere?x"
    finding = page(
        ask(HTTP_01), {PAGE: redirect("/elsewhere?x"), to: Sent(f"{KEY_AUTHORIZATION}\n".encode())}
    )
    response = seen(HTTP_01, finding)
    assert response["check_passed"]
    body = base64.b64encode(f"{KEY_AUTHORIZATION}\n".encode()).decode()
    assert response["details"] == {
        "validation_method": "acme-http-01",
        "response_history": [{"status_code": 302, "url": "/elsewhere?x"}],
        "response_url": PAGE,
        "response_status_code": 200,
        "response_page": body,
    }


def test_of_a_page_the_beginning_is_told() -> None:
    url = f"http://{HOST}/.well-known/pki-validation/a.txt"
    long = shown(WEBSITE, page(ask(WEBSITE), {url: Sent(b"x" * 4_000)}))
    assert base64.b64decode(str(long["response_page"])) == b"x" * 200
    assert long["response_history"] is None
    short = dcv_body("website-change", HOST)
    told = shown(short, page(ask(short), {url: Sent(b"x" * 4_000)}))
    assert base64.b64decode(str(told["response_page"])) == b"x" * 100


@pytest.mark.parametrize(
    ("pages", "completed", "kind"),
    [
        ({}, True, "mpic_error:http"),
        ({PAGE: Sent(b"", 500)}, True, "mpic_error:http"),
        ({PAGE: Sent(b"x")}, True, "mpic_error:dcv_checker:proof_missing"),
        ({PAGE: Sent(LONGER)}, True, "mpic_error:dcv_checker:proof_missing"),
        ({PAGE: redirect("http://127.0.0.1/")}, True, "mpic_error:redirect:invalid"),
        ({PAGE: redirect("http://www.example.com:8080/")}, True, "mpic_error:redirect:invalid"),
        ({PAGE: redirect(PAGE)}, False, "mpic_error:dcv_checker:lookup"),
        ({PAGE: Sent(failure=o.FAILURE_KIND_TIMEOUT)}, False, "mpic_error:dcv_checker:lookup"),
    ],
)
async def test_a_page_that_was_not_got_is_null_and_says_why(
    pages: dict[str, Sent], completed: bool, kind: str
) -> None:
    response = seen(HTTP_01, page(ask(HTTP_01), pages))
    assert (response["check_completed"], error_of(response)) == (completed, kind)
    if kind != "mpic_error:dcv_checker:proof_missing":
        assert response["details"] == {"validation_method": "acme-http-01", **NOTHING_OF_HTTP}


ALPN = dcv_body("acme-tls-alpn-01", HOST)


def handshake(certificate: bytes, alpn: str = "acme-tls/1") -> o.Finding:
    hop = make_hop(parse_url(f"https://{HOST}/"), Sent(), 0)
    session = o.TlsSession(alpn=alpn, certificate=certificate)
    return o.Finding(tls_handshake=o.TlsFinding(connection=hop.connection, session=session))


async def test_a_certificate_is_told_by_its_common_name() -> None:
    extensions = good_extensions(HOST, hash_value(KEY_AUTHORIZATION))
    certificate = make_certificate(Shape(extensions, subject="ACMÉ"))
    response = seen(ALPN, handshake(certificate))
    assert response["check_passed"]
    assert response["details"] == {"validation_method": "acme-tls-alpn-01", "common_name": "ACMÉ"}


@pytest.mark.parametrize("alpn", ["", "http/1.1"])
async def test_rfc8737_a_server_that_does_not_choose_the_protocol_proves_nothing(alpn: str) -> None:
    certificate = make_certificate(Shape(good_extensions(HOST, hash_value(KEY_AUTHORIZATION))))
    response = seen(ALPN, handshake(certificate, alpn))
    assert (response["check_completed"], response["check_passed"]) == (True, False)
    assert error_of(response) == "mpic_error:dcv_checker:proof_missing"


@pytest.mark.parametrize("der", [b"", b"\x30", b"\x30\x80" * 1000, b"\xff" * 100])
def test_a_certificate_that_cannot_be_read_has_no_common_name(der: bytes) -> None:
    assert shown(ALPN, handshake(der)) == {"common_name": None}


def test_without_findings_every_method_has_its_own_shape() -> None:
    assert shown(DNS_01) == NOTHING_OF_DNS
    assert shown(HTTP_01) == shown(WEBSITE) == NOTHING_OF_HTTP
    assert shown(ALPN) == {"common_name": None}
    assert shown(HTTP_01, o.Finding()) == NOTHING_OF_HTTP


async def test_addresses_that_could_not_be_looked_up_are_no_error_of_caa() -> None:
    failed = addresses(ADDRESS)
    failed.addresses.lookup.failure.CopyFrom(o.Failure(kind=o.FAILURE_KIND_TIMEOUT, detail="none"))
    failed.addresses.lookup.dnssec = o.DNSSEC_INDETERMINATE
    answer = ask(caa_body()).answer(FREE, (caa(), failed), FREE)
    response = answer["perspectives"][0]["check_response"]
    assert error_of(response) == "mpic_error:address_checker:lookup"
    assert response["check_completed"] is False
