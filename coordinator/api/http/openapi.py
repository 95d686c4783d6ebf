"""The description of HTTP/JSON (OpenAPI 3.1), made from the agreement and its comments. Pure.

It is for whoever reaches the port: it tells nothing of callers, names or this service's state, and
who generates a client has no token yet.
"""

from collections.abc import Mapping
from typing import Any, get_args

from coordinator.api.http.calls import DEADLINE, REQUEST_ID
from coordinator.api.http.ndjson import MEDIA_TYPE as LINES
from coordinator.api.http.problems import MEDIA_TYPE as PROBLEM
from coordinator.api.http.schemas import PREFIX, Schema, make_schemas, refer
from mpic import __version__
from mpic.runtime.grpc.reasons import ErrorReason
from mpic.trace import HEADER as TRACEPARENT
from mpic.v1 import corroboration_pb2 as c

PATH = "/openapi.json"
_SERVICE = "mpic.v1.CorroborationService"
_JSON = "application/json"
_ABOUT = """\
May a certificate be issued? Several networks of the world are asked (BR 3.2.2.9).

The JSON mapping of proto3, of the service `mpic.v1.CorroborationService`. Names of fields are read
as `requestId` and as `request_id`; the first is sent. A field that is not known is refused. A
refusal of a certificate is an answer with status 200. Any other status means that nothing was
decided, and is told as problem details (RFC 9457)."""

_ASKED = (c.CorroborateRequest.DESCRIPTOR, c.Issuance.DESCRIPTOR)
_TOLD = (
    c.CorroborateResponse.DESCRIPTOR,
    c.GetCorroborationResponse.DESCRIPTOR,
    c.RecordIssuanceResponse.DESCRIPTOR,
    c.ListPerspectivesResponse.DESCRIPTOR,
)


def make_openapi(comments: Mapping[str, str]) -> dict[str, Any]:
    """Return the document; `comments` are those of the agreement, by full name."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Issuance corroboration", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"certificate": []}],
        "paths": _paths(comments),
        "components": {
            "schemas": {**make_schemas(_ASKED, _TOLD, comments), **_own_schemas()},
            "parameters": _PARAMETERS,
            "responses": {"Problem": _PROBLEM_RESPONSE},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "certificate": {"type": "mutualTLS"},
            },
        },
    }


def _paths(comments: Mapping[str, str]) -> dict[str, Any]:
    question, answer = (
        refer(c.CorroborateRequest.DESCRIPTOR),
        refer(c.CorroborateResponse.DESCRIPTOR),
    )
    ask = _operation("Corroborate", comments, answer)
    ask["parameters"] = [_parameter(REQUEST_ID), *_COMMON]
    ask["requestBody"] = {
        "required": True,
        "content": {_JSON: {"schema": question}, LINES: {"schema": question}},
    }
    ask["responses"]["200"]["content"][LINES] = {"schema": {"$ref": f"{PREFIX}AnswerLine"}}
    read = _operation("GetCorroboration", comments, refer(c.GetCorroborationResponse.DESCRIPTOR))
    read["parameters"] = [_parameter("record_id"), _parameter("names"), *_COMMON]
    issued = _operation("RecordIssuance", comments, refer(c.RecordIssuanceResponse.DESCRIPTOR))
    issued["parameters"] = [_parameter("record_id"), *_COMMON]
    issued["requestBody"] = {
        "required": True,
        "content": {_JSON: {"schema": refer(c.Issuance.DESCRIPTOR)}},
    }
    perspectives = refer(c.ListPerspectivesResponse.DESCRIPTOR)
    listed = _operation("ListPerspectives", comments, perspectives)
    listed["parameters"] = list(_COMMON)
    return {
        "/v1/corroborations": {"post": ask},
        "/v1/corroborations/{record_id}": {"get": read},
        "/v1/corroborations/{record_id}/issuance": {"post": issued},
        "/v1/perspectives": {"get": listed},
        PATH: {"get": _OWN},
    }


def _operation(method: str, comments: Mapping[str, str], answer: Schema) -> dict[str, Any]:
    return {
        "operationId": method,
        "description": comments.get(f"{_SERVICE}.{method}", ""),
        "responses": {
            "200": {"description": "The answer.", "content": {_JSON: {"schema": answer}}},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }


def _own_schemas() -> dict[str, Schema]:
    """Return the schemas of what only HTTP has."""
    return {"Problem": _PROBLEM, "AnswerLine": _ANSWER_LINE}


def _parameter(name: str) -> Schema:
    return {"$ref": f"#/components/parameters/{name}"}


_COMMON = (_parameter(DEADLINE), _parameter(TRACEPARENT))
_TEXT: Schema = {"type": "string"}
_PARAMETERS: dict[str, Any] = {
    DEADLINE: {
        "name": DEADLINE,
        "in": "header",
        "description": "How long the caller waits: digits and a unit (H, M, S, m, u, n), as `5S`.",
        "schema": {"type": "string", "pattern": "^[0-9]{1,8}[HMSmun]$"},
    },
    TRACEPARENT: {
        "name": TRACEPARENT,
        "in": "header",
        "description": "The trace that the caller has begun (W3C Trace Context).",
        "schema": _TEXT,
    },
    REQUEST_ID: {
        "name": REQUEST_ID,
        "in": "header",
        "description": "Stands for requestId. Not with application/x-ndjson.",
        "schema": _TEXT,
    },
    "record_id": {
        "name": "record_id",
        "in": "path",
        "required": True,
        "description": "The `recordId` of an answer.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "names": {
        "name": "names",
        "in": "query",
        "description": "Names whose reports come whole before others.",
        "schema": {"type": "array", "maxItems": 100, "items": _TEXT},
        "style": "form",
        "explode": True,
    },
}
_PROBLEM: Schema = {
    "type": "object",
    "description": "Problem details (RFC 9457): nothing was decided.",
    "required": ["type", "title", "status", "detail", "reason", "responsible"],
    "properties": {
        "type": {"type": "string", "description": "urn:mpic:error: and the reason."},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For a person. Never parse it."},
        "reason": {
            "type": "string",
            "description": "Stable. Later releases may have more.",
            "examples": sorted(get_args(ErrorReason)),
        },
        "responsible": {"type": "string", "enum": ["domain", "caller", "service"]},
        "violations": {
            "type": "array",
            "description": "The wrong fields.",
            "items": {
                "type": "object",
                "required": ["path", "description"],
                "properties": {
                    "path": {"type": "string", "description": "A JSONPath, as `$.names[0].name`."},
                    "description": _TEXT,
                },
            },
        },
        "retryAfter": {
            "type": "number",
            "description": "Seconds after which to ask again; Retry-After has them rounded up.",
        },
    },
}
_ANSWER_LINE: Schema = {
    "type": "object",
    "description": "The answer to one line: `verdict` or `problem`. Without `line`, a problem is"
    " that of the stream, and its last line.",
    "properties": {
        "line": {"type": "integer", "description": "The number of the request's line, from 1."},
        "requestId": _TEXT,
        "verdict": {"$ref": f"{PREFIX}CorroborateResponse"},
        "problem": {"$ref": f"{PREFIX}Problem"},
    },
}
_PROBLEM_RESPONSE: dict[str, Any] = {
    "description": "Nothing was decided.",
    "headers": {"Retry-After": {"description": "Whole seconds.", "schema": {"type": "integer"}}},
    "content": {PROBLEM: {"schema": {"$ref": f"{PREFIX}Problem"}}},
}
_OWN: dict[str, Any] = {
    "operationId": "ReadDescription",
    "description": "This description.",
    "security": [{}],
    "responses": {
        "200": {"description": "OpenAPI 3.1.", "content": {_JSON: {"schema": {"type": "object"}}}}
    },
}
