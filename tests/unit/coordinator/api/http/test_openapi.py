"""The description of HTTP/JSON: valid to a public validator, and true of what is sent and read."""

import json
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from coordinator.api.http.comments import read_comments
from coordinator.api.http.json_writing import to_json_value
from coordinator.api.http.openapi import make_openapi
from coordinator.api.http.problems import to_problem
from coordinator.api.response import fill_answer
from mpic.runtime.grpc.errors import Violation, invalid_argument
from mpic.v1 import corroboration_pb2 as c
from tests.world.records import sample_record


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(make_openapi(read_comments())))
    return made


def check(document: dict[str, Any], name: str, value: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


def test_a_public_validator_finds_nothing_wrong(document: dict[str, Any]) -> None:
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_a_public_validator_would_find_something(document: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(document))
    broken["paths"]["/v1/corroborations"]["post"]["responses"] = {"ok": {}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


def test_every_field_has_the_comment_of_the_agreement(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    fields = schemas["NameVerdict"]["properties"]
    assert fields["reason"]["description"] == "Why it is approved or not."
    assert "REASON_QUORUM_NOT_MET`: Error 338" in schemas["Reason"]["description"]
    for name, schema in schemas.items():
        assert schema["description"], name
        for field, described in schema.get("properties", {}).items():
            assert described.get("description") or name in ("Problem", "AnswerLine"), (name, field)


def test_answers_are_as_described(document: dict[str, Any]) -> None:
    response = c.CorroborateResponse()
    fill_answer(response, sample_record())
    check(document, "CorroborateResponse", to_json_value(response))
    problem = to_problem(invalid_argument([Violation("names[0]", "is wrong")])).to_json()
    check(document, "Problem", problem)


def test_requests_are_as_described_and_have_no_other_members(document: dict[str, Any]) -> None:
    asked = {"requestId": "r", "names": [{"name": "a"}], "linger": "1.5s"}
    check(document, "CorroborateRequest", asked)
    for member in ({"nmaes": ""}, {"linger": "5"}, {"dryRun": "yes"}, {"purpose": "NONE"}):
        with pytest.raises(jsonschema.ValidationError):
            check(document, "CorroborateRequest", member)


def test_the_committed_comments_are_those_of_the_stubs() -> None:
    """The set that is shipped has the fields that the stubs have."""
    comments = read_comments()
    for kind in c.DESCRIPTOR.message_types_by_name.values():
        for field in kind.fields:
            assert field.full_name in comments
