"""The body of a request: what is no request of Open MPIC, and what the caller is told of it."""

import json
from typing import Any

import pytest

from coordinator.api.open_mpic.body import read_request
from coordinator.api.open_mpic.messages import (
    METHOD_SHAPES,
    DnsChangeParameters,
    MpicCaaRequest,
    MpicDcvRequest,
)
from coordinator.api.open_mpic.refusal import RefusedError
from tests.world.open_mpic import GOOD, PARAMETERS, caa_body, dcv_body

NAME = "www.example.com"


def issues_of(octets: bytes) -> list[dict[str, Any]]:
    with pytest.raises(RefusedError) as raised:
        read_request(octets)
    body = json.loads(json.dumps(raised.value.to_json(), allow_nan=False))
    assert body["error"] == "request-validation-failed"
    issues: list[dict[str, Any]] = body["validation_issues"]
    return issues


def shape_issue(body: object) -> dict[str, Any]:
    (issue,) = issues_of(json.dumps(body).encode())
    return issue


@pytest.mark.parametrize(
    ("octets", "kind", "says"),
    [
        (b"", "missing", ""),
        (b" \n", "missing", ""),
        (b"{", "json_invalid", "Expecting property name"),
        (b"{} {}", "json_invalid", "Extra data"),
        (b'{"check_type":"caa"}{"check_type":"dcv"}', "json_invalid", "Extra data"),
        (b"\xff\xfe", "json_invalid", "utf-8"),
        (b'{"a":1,"a":2}', "json_invalid", "'a' stands twice"),
        (b'{"orchestration_parameters":{"x":1,"x":2}}', "json_invalid", "'x' stands twice"),
        (b'{"a":NaN}', "json_invalid", "NaN is no JSON number"),
        (b'{"a":-Infinity}', "json_invalid", "-Infinity"),
        (b'{"a":' + b"[" * 100_000, "json_invalid", "Nested too deeply"),
        (b'{"a":' + b"9" * 10_000 + b"}", "json_invalid", "digits"),
        (b'{"domain_or_ip_target":"\\ud800.example"}', "json_invalid", "surrogates"),
        (b'{"\\udfff":1}', "json_invalid", "surrogates"),
        (b"null", "model_attributes_type", ""),
        (b"[]", "model_attributes_type", ""),
        (b'"caa"', "model_attributes_type", ""),
    ],
)
def test_what_is_no_json_object_is_refused(octets: bytes, kind: str, says: str) -> None:
    (issue,) = issues_of(octets)
    assert issue["type"] == kind
    assert issue["loc"][0] == "body"
    assert says in issue.get("ctx", {}).get("error", "")


def test_a_request_about_caa_is_read() -> None:
    body = caa_body(
        "a.example.com",
        certificate_type="tls-server",
        caa_domains=["ca.example.test"],
        allow_lookup_failure=True,
        top={"trace_identifier": "t", "orchestration_parameters": {"quorum_count": "4"}},
    )
    read = read_request(json.dumps(body).encode())
    assert isinstance(read, MpicCaaRequest)
    assert read.caa_check_parameters.caa_domains == ["ca.example.test"]
    assert read.orchestration_parameters.quorum_count == 4


@pytest.mark.parametrize(
    ("left_out", "shape"),
    [
        ({"domain_or_ip_target": NAME}, MpicCaaRequest),
        ({"domain_or_ip_target": NAME, "dcv_check_parameters": None}, MpicCaaRequest),
        (dcv_body("acme-dns-01", NAME), MpicDcvRequest),
    ],
)
def test_the_check_type_may_be_left_out(left_out: dict[str, Any], shape: type) -> None:
    left_out.pop("check_type", None)
    assert isinstance(read_request(json.dumps(left_out).encode()), shape)


@pytest.mark.parametrize("given", ["CAA", "", None, 7, ["caa"]])
def test_another_check_type_is_refused_for_both_shapes(given: object) -> None:
    issues = issues_of(json.dumps({"domain_or_ip_target": NAME, "check_type": given}).encode())
    assert [issue["loc"] for issue in issues] == [
        ["body", "MpicCaaRequest", "check_type"],
        ["body", "MpicDcvRequest", "check_type"],
    ]
    assert {issue["type"] for issue in issues} == {"literal_error"}


@pytest.mark.parametrize(
    ("body", "at", "kind"),
    [
        ({"check_type": "caa"}, ["domain_or_ip_target"], "missing"),
        (caa_body(7), ["domain_or_ip_target"], "string_type"),
        (caa_body(NAME, top={"trace_identifier": 1}), ["trace_identifier"], "string_type"),
        (
            caa_body(NAME, certificate_type="tls"),
            ["caa_check_parameters", "certificate_type"],
            "literal_error",
        ),
        (
            caa_body(NAME, caa_domains=["a", 1]),
            ["caa_check_parameters", "caa_domains", 1],
            "string_type",
        ),
        (
            caa_body(NAME, top={"orchestration_parameters": {"quorum_count": "four"}}),
            ["orchestration_parameters", "quorum_count"],
            "int_parsing",
        ),
        (
            caa_body(NAME, top={"orchestration_parameters": {"quorum_count": 4.5}}),
            ["orchestration_parameters", "quorum_count"],
            "int_from_float",
        ),
        (
            caa_body(NAME, top={PARAMETERS: {"validation_method": "acme-dns-01"}}),
            [PARAMETERS],
            "none_required",
        ),
        ({"check_type": "dcv", "domain_or_ip_target": NAME}, [PARAMETERS], "missing"),
        (dcv_body("dns-account-01", NAME), [PARAMETERS], "union_tag_invalid"),
        (
            {"check_type": "dcv", "domain_or_ip_target": NAME, PARAMETERS: {}},
            [PARAMETERS],
            "union_tag_not_found",
        ),
    ],
)
def test_a_wrong_shape_is_told_where_it_is(
    body: dict[str, Any], at: list[str | int], kind: str
) -> None:
    issue = shape_issue(body)
    arm = "MpicDcvRequest" if body["check_type"] == "dcv" else "MpicCaaRequest"
    assert (issue["loc"], issue["type"]) == (["body", arm, *at], kind)
    assert issue["msg"]


@pytest.mark.parametrize(
    ("body", "known"),
    [
        (caa_body(NAME, top={"trace_identifer": "x"}), "trace_identifier"),
        (caa_body(NAME, caa_domain=["x"]), "caa_domains"),
        (caa_body(NAME, top={"orchestration_parameters": {"quorum": 5}}), "quorum_count"),
        (
            dcv_body("acme-dns-01", NAME, dns_prefix="_x"),
            "dns_name_prefix",
        ),
        (
            dcv_body("website-change", NAME, regex="a"),
            "match_regex",
        ),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest_known_one(
    body: dict[str, Any], known: str
) -> None:
    issue = shape_issue(body)
    assert issue["type"] == "extra_forbidden"
    assert issue["msg"] == f"Unknown field. Did you mean {known}?"


@pytest.mark.parametrize("name", ["a" * 100_000, "\x1b[31m"])
def test_an_unknown_fields_name_is_bounded_and_escaped(name: str) -> None:
    text = json.dumps(shape_issue(caa_body(NAME, top={name: 1})))
    assert len(text) < 2_000
    assert "\\u001b" not in text


@pytest.mark.parametrize(
    "value",
    ["x" * 1_000_000, ["y"] * 100_000, {str(key): 1 for key in range(10_000)}, 10**400, 1e308],
)
def test_whatever_was_wrong_is_bounded_when_it_is_told_again(value: object) -> None:
    text = json.dumps(shape_issue(caa_body(NAME, certificate_type=value)), allow_nan=False)
    assert len(text) < 40_000


def test_a_number_that_few_programs_can_hold_is_told_as_text() -> None:
    issue = shape_issue(caa_body(NAME, certificate_type=2**63))
    assert issue["input"] == str(2**63)
    assert shape_issue(caa_body(NAME, certificate_type=-(2**62)))["input"] == -(2**62)


def test_infinity_is_told_as_text() -> None:
    octets = json.dumps(caa_body(NAME, certificate_type=0)).replace(": 0", ": 1e999").encode()
    (issue,) = issues_of(octets)
    assert issue["input"] == "inf"


def test_many_wrong_fields_are_told_up_to_a_bound() -> None:
    issues = issues_of(json.dumps(caa_body(NAME, caa_domains=[1] * 1_000)).encode())
    assert len(issues) == 64


def test_every_method_of_open_mpic_has_a_shape() -> None:
    assert sorted(METHOD_SHAPES) == [
        "acme-dns-01", "acme-http-01", "acme-tls-alpn-01", "contact-email-caa",
        "contact-email-txt", "contact-phone-caa", "contact-phone-txt", "dns-change",
        "dns-persistent", "ip-address", "reverse-address-lookup", "website-change",
    ]  # fmt: skip


FORCED = [
    ("acme-http-01", "require_exact_case", False),
    ("acme-dns-01", "require_exact_case", False),
    ("acme-dns-01", "dns_record_type", "CNAME"),
    ("acme-dns-01", "dns_name_prefix", "_x"),
    ("acme-tls-alpn-01", "require_exact_case", True),
    ("contact-email-txt", "dns_name_prefix", "_x"),
    ("contact-phone-txt", "dns_record_type", "CAA"),
    ("contact-email-caa", "dns_record_type", "TXT"),
    ("dns-persistent", "require_exact_case", True),
    ("dns-change", "dns_record_type", "A"),
    ("website-change", "url_scheme", "ftp"),
]


@pytest.mark.parametrize(("method", "field", "value"), FORCED)
def test_a_forced_field_takes_no_other_value(method: str, field: str, value: object) -> None:
    issue = shape_issue(dcv_body(method, **{field: value}))
    assert issue["loc"][2:] == [PARAMETERS, method, field]


def test_persistent_names_and_account_are_checked() -> None:
    for names, uri in ((["ca"], "not a uri"), ([], "https://a/1"), (["ca", ""], "https://a/1")):
        given = {"issuer_domain_names": names, "expected_account_uri": uri}
        assert shape_issue(dcv_body("dns-persistent", NAME, **given))["loc"][3] == "dns-persistent"


@pytest.mark.parametrize(
    "moment", ["yesterday", "2026-11-30T00:00:00", "0001-01-01T00:00:00+23:59"]
)
def test_a_moment_of_creation_needs_a_time_zone_and_an_era(moment: str) -> None:
    body = dcv_body("acme-dns-01", NAME, challenge_created_at=moment)
    assert shape_issue(body)["loc"][-1] == "challenge_created_at"


COMMON = ["validation_method", "require_exact_case"]
VALUE_AT = [*COMMON, "challenge_value", "dns_name_prefix", "dns_record_type"]
ORDER = {
    "website-change": [
        *COMMON, "challenge_value", "http_token_path", "url_scheme", "http_headers", "match_regex",
    ],
    "dns-change": [*VALUE_AT, "require_exact_match"],
    "dns-persistent": [
        *COMMON, "dns_record_type", "dns_name_prefix", "issuer_domain_names",
        "expected_account_uri",
    ],
    "acme-http-01": [*COMMON, "token", "key_authorization", "http_headers"],
    "acme-dns-01": [*COMMON, "key_authorization_hash", "dns_record_type", "dns_name_prefix"],
    "acme-tls-alpn-01": [*COMMON, "key_authorization_hash"],
    "contact-email-txt": VALUE_AT,
    "contact-email-caa": VALUE_AT,
    "contact-phone-txt": VALUE_AT,
    "contact-phone-caa": VALUE_AT,
}  # fmt: skip


@pytest.mark.parametrize("method", sorted(GOOD))
def test_parameters_are_repeated_whole_in_the_order_of_open_mpic(method: str) -> None:
    body = dcv_body(method)
    told = read_request(json.dumps(body).encode()).dcv_check_parameters.echo()
    assert list(told) == ORDER[method]
    assert {key: told[key] for key in body[PARAMETERS]} == body[PARAMETERS]


@pytest.mark.parametrize(("kind", "exact"), [("TXT", True), ("CNAME", False), ("CAA", False)])
def test_case_counts_for_txt_alone(kind: str, exact: bool) -> None:
    body = dcv_body("dns-change", dns_record_type=kind, require_exact_case=True)
    read = read_request(json.dumps(body).encode())
    assert read.dcv_check_parameters.echo()["require_exact_case"] is exact


def test_our_own_fields_are_repeated_only_if_they_were_sent() -> None:
    without = read_request(json.dumps(caa_body(NAME, caa_domains=[])).encode())
    assert without.caa_check_parameters.echo() == {
        "certificate_type": "tls-server",
        "caa_domains": [],
        "allow_lookup_failure": False,
    }
    sent = read_request(json.dumps(caa_body(NAME, account_uri="https://a/1")).encode())
    assert sent.caa_check_parameters.echo()["account_uri"] == "https://a/1"
    parameters = DnsChangeParameters(
        validation_method="dns-change",
        challenge_value="v",
        dns_record_type="TXT",
        challenge_created_at="2026-11-30T01:00:00+09:00",
    )
    assert parameters.echo()["challenge_created_at"] == "2026-11-29T16:00:00Z"
