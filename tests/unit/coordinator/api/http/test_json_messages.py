"""JSON as callers write it: read in both forms of names, and all that is wrong is told by place."""

import json
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from coordinator.api.http import json_check
from coordinator.api.http.json_messages import (
    BODY_OCTETS,
    read_json,
    read_message,
    write_json,
)
from coordinator.api.http.json_paths import below, to_camel, to_json_path
from coordinator.api.http.json_writing import to_json_value
from coordinator.api.response import fill_answer
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from tests.world.records import sample_record


def read(text: str | bytes | object) -> c.CorroborateRequest:
    if not isinstance(text, str | bytes):
        text = json.dumps(text)
    body = text.encode() if isinstance(text, str) else text
    return read_message(body, c.CorroborateRequest())


def wrong(text: str | bytes | object) -> list[tuple[str, str]]:
    with pytest.raises(RequestError) as raised:
        read(text)
    assert raised.value.reason == "INVALID_REQUEST"
    return [(one.field, one.description) for one in raised.value.violations]


CONTROL = {"acmeHttp01": {"token": "t", "keyAuthorizationSha256": "AAEC"}}


def test_both_forms_of_a_name_are_read_and_mean_the_same() -> None:
    camel = {"requestId": "r", "dryRun": True, "names": [{"name": "a", "domainControl": CONTROL}]}
    snake = {
        "request_id": "r",
        "dry_run": True,
        "names": [
            {
                "name": "a",
                "domain_control": {
                    "acme_http_01": {"token": "t", "key_authorization_sha256": "AAEC"}
                },
            }
        ],
    }
    assert read(camel) == read(snake)
    assert read(camel).names[0].domain_control.acme_http_01.key_authorization_sha256 == b"\0\1\2"


@pytest.mark.parametrize("message", [c.CorroborateRequest, c.CorroborateResponse, c.Issuance])
def test_the_names_of_fields_are_those_of_the_mapping(message: Any) -> None:  # noqa: ANN401
    seen, todo = set(), [message.DESCRIPTOR]
    while todo:
        kind = todo.pop()
        if kind.full_name not in seen:
            seen.add(kind.full_name)
            assert all(to_camel(field.name) == field.json_name for field in kind.fields)
            todo += [field.message_type for field in kind.fields if field.message_type]


@pytest.mark.parametrize(
    ("body", "path", "says"),
    [
        ({"nmaes": []}, "$.nmaes", "Did you mean names?"),
        ({"requestid": "r"}, "$.requestid", "Did you mean requestId?"),
        ({"names": [{"nam": "a"}]}, "$.names[0].nam", "Did you mean name?"),
        ({"names": [{}, {"we ird": 1}]}, "$.names[1]['we ird']", "there is no such field"),
        ({"names": {}}, "$.names", "must be a list, and is an object"),
        ({"names": ["a"]}, "$.names[0]", 'must be an object, and is "a"'),
        ({"names": [None]}, "$.names[0]", "must be an object, and is null"),
        ({"requestId": 7}, "$.requestId", "must be text of Unicode characters, and is 7"),
        ({"requestId": True}, "$.requestId", "and is true"),
        ({"dryRun": "true"}, "$.dryRun", 'must be true or false, and is "true"'),
        ({"dryRun": 1}, "$.dryRun", "must be true or false"),
        ({"purpose": "PURPOSE_ISUANCE"}, "$.purpose", "Did you mean PURPOSE_ISSUANCE?"),
        ({"purpose": 1.5}, "$.purpose", "must be a whole number"),
        ({"purpose": 2**31}, "$.purpose", "is not from"),
        ({"tightening": {"minCorroborating": -1}}, "$.tightening.minCorroborating", "is not from"),
        ({"tightening": {"minCorroborating": True}}, "$.tightening.minCorroborating", "whole"),
        ({"tightening": {"minCorroborating": 10**400}}, "$.tightening.minCorroborating", "is not"),
        ({"tightening": {"minCorroborating": "1e3"}}, "$.tightening.minCorroborating", "whole"),
        ({"tightening": []}, "$.tightening", "must be an object, and is a list"),
        ({"linger": 5}, "$.linger", 'such as "1.5s"'),
        ({"linger": "5"}, "$.linger", 'such as "1.5s"'),
        ({"linger": {"seconds": 5}}, "$.linger", 'such as "1.5s"'),
        ({"linger": "999999999999s"}, "$", ""),
        (
            {"names": [{"domainControl": {"challengeCreatedAt": "2026-11-30"}}]},
            "$.names[0].domainControl.challengeCreatedAt",
            "must be a time",
        ),
        *(
            (
                {
                    "names": [
                        {"domainControl": {"challengeCreatedAt": f"2026-11-30T00:00:00{zone}"}}
                    ]
                },
                "$.names[0].domainControl.challengeCreatedAt",
                "must be a time",
            )
            for zone in ("+99:99", "-24:00", "+09:60")  # they would shift it by days
        ),
        (
            {"names": [{"domainControl": {"challengeCreatedAt": "2026-13-30T00:00:00Z"}}]},
            "$",
            "",
        ),
        (
            {"names": [{"domainControl": {"acmeDns01": {"keyAuthorizationSha256": "!!!"}}}]},
            "$.names[0].domainControl.acmeDns01.keyAuthorizationSha256",
            "octets in base64",
        ),
        (
            {"names": [{"domainControl": {"acmeDns01": {}, "acmeHttp01": {}}}]},
            "$.names[0].domainControl.acmeHttp01",
            "cannot stand beside acmeDns01",
        ),
        ({"request_id": "r", "requestId": "r"}, "$.requestId", "is there as request_id too"),
        ('{"requestId":"a","requestId":"a"}', "$.requestId", "is there twice"),
        ('{"names":[{"name":"a","name":"b"}]}', "$.names[0].name", "is there twice"),
        ('{"x":1,"x":2}', "$.x", ""),
        ('{"requestId":"\\ud800"}', "$.requestId", "text of Unicode characters"),
        ("[]", "$", "must be an object, and is a list"),
        ("null", "$", "must be an object, and is null"),
        ("7", "$", "must be an object"),
        ("", "$", "is no JSON text"),
        ("   ", "$", "is no JSON text"),
        ("{}{}", "$", "Extra data"),
        ("{} x", "$", "Extra data"),
        ("{'a':1}", "$", "is no JSON text"),
        ('{"a":1,}', "$", "is no JSON text"),
        ('{"linger":NaN}', "$", "NaN is no number in JSON"),
        ('{"linger":-Infinity}', "$", "-Infinity is no number in JSON"),
        ("\ufeff{}", "$", "is no JSON text"),
        (b"\xff\xfe{\0}\0", "$", "is not UTF-8"),
        (b'{"requestId":"\xe9"}', "$", "is not UTF-8 at octet 14"),
        (b'{"requestId":"\xed\xa0\x80"}', "$", "is not UTF-8"),
        ("[" * 100_000, "$", "nests deeper"),
        ('{"a":' * 100_000, "$", "nests deeper"),
        ('{"tightening":{"minCorroborating":' + "9" * 5000 + "}}", "$", "is no JSON text"),
        ('{"requestId":"a\x00b"}', "$", "is no JSON text"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(
    body: str | bytes | object, path: str, says: str
) -> None:
    found = wrong(body)
    assert path in [one for one, _ in found], found
    assert any(says in text for one, text in found if one == path), found


def test_every_wrong_place_is_told_up_to_a_number() -> None:
    assert [path for path, _ in wrong({"a": 1, "names": [{"b": 1}, {"c": 1}]})] == [
        "$.a",
        "$.names[0].b",
        "$.names[1].c",
    ]
    assert len(wrong({"names": [{"x": 1}] * 200})) == 20


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"names": [{}] * 257}, "$.names"),
        ({"checks": [""] * 257}, "$.checks"),
        ({"names": [{"domainControl": {"persistentDnsTxt": {"accountUris": [""] * 257}}}]},
         "$.names[0].domainControl.persistentDnsTxt.accountUris"),
    ],
)  # fmt: skip
def test_no_list_is_longer_than_a_request_has_any_use_for(body: object, path: str) -> None:
    """A body of a mebibyte has room for 350,000 empty names. To read each would take seconds."""
    text = "has 257 entries; no list of a request has more than 256"
    assert wrong(body) == [(path, text)]
    assert len(read({"names": [{}] * 256}).names) == 256


@pytest.mark.parametrize("body", [{"a_b" * 100_000: 1}, {"purpose": "x_y" * 100_000}])
def test_nothing_long_is_compared_with_what_is_known(
    body: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    def suggest(word: str, _: object) -> str:
        compared.append(word)
        return ""

    monkeypatch.setattr(json_check, "suggest", suggest)
    wrong(body)
    assert [len(word) <= 40 for word in compared] == [True]


def test_null_stands_for_no_value() -> None:
    assert read({"requestId": None, "names": None, "tightening": None}) == c.CorroborateRequest()
    control = {"acmeDns01": None, "acmeHttp01": {"token": "t"}}
    (name,) = read({"names": [{"domainControl": control}]}).names
    assert name.domain_control.WhichOneof("method") == "acme_http_01"


@pytest.mark.parametrize(("text", "number"), [("3", 3), ('"3"', 3), ("3.0", 3), ("3e0", 3)])
def test_whole_numbers_as_the_mapping_takes_them(text: str, number: int) -> None:
    read_one = read(f'{{"tightening":{{"minCorroborating":{text}}}}}')
    assert read_one.tightening.min_corroborating == number


KEYS = (
    *("requestId", "names", "name", "purpose", "linger", "tightening", "domainControl"),
    *("acmeDns01", "minCorroborating", "dryRun", "checks", "keyAuthorizationSha256"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS) | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_whatever_it_is_it_is_read_as_the_mapping_reads_it_or_refused(value: object) -> None:
    text = json.dumps(value)
    try:
        message = read(text)
    except RequestError:
        assert wrong(text)
        return
    assert isinstance(value, dict)
    assert message == json_format.ParseDict(value, c.CorroborateRequest())


@given(st.binary(max_size=200))
def test_whatever_octets_come_they_are_read_or_refused(octets: bytes) -> None:
    with suppress(RequestError):
        read_json(octets)


def test_an_answer_has_its_values_even_where_they_are_none() -> None:
    response = c.CorroborateResponse()
    fill_answer(response, sample_record())
    told = to_json_value(response)
    assert "approved" in to_json_value(c.CorroborateResponse())
    assert read_back(told) == response
    assert b"\n" not in write_json(told)
    assert json.loads(write_json(told)) == told


def read_back(told: dict[str, object]) -> c.CorroborateResponse:
    return json_format.ParseDict(told, c.CorroborateResponse())


def test_the_largest_honest_request_fits_into_a_body() -> None:
    name = {
        "name": ".".join(["x" * 60] * 4) + ".example.jp",
        "validationMethod": "ca-tbr-7" * 8,
        "domainControl": {
            "authorizationDomainName": "x" * 253,
            "persistentDnsTxt": {"accountUris": ["u" * 256] * 16},
        },
    }
    assert len(json.dumps({"names": [name] * 100})) < BODY_OCTETS / 2


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("names[0].domain_control.acme_dns_01", "$.names[0].domainControl.acmeDns01"),
        ("request_id", "$.requestId"),
        ("$.a_b", "$.a_b"),
        ("header Grpc-Timeout", "header Grpc-Timeout"),
        ("query x", "query x"),
        ("...", "..."),
    ],
)
def test_paths(field: str, path: str) -> None:
    assert to_json_path(field) == path


def test_a_key_that_is_no_name_is_quoted() -> None:
    assert below("$", "a'b\\") == "$['a\\'b\\\\']"
