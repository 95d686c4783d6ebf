"""Errors as an HTTP caller reads them: problem details (RFC 9457) with a stable reason. Pure.

`type` is "urn:mpic:error:" and the reason. It is a name and leads nowhere. The reasons are those of
gRPC's ErrorInfo, and some that only HTTP has. `responsible` says whose failure it is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from grpc import StatusCode

from coordinator.api.http.json_paths import to_json_path
from coordinator.rules.responsibility import Responsible, blame_error
from mpic.runtime.grpc.errors import RequestError, Violation, invalid_argument
from mpic.runtime.grpc.reasons import ErrorReason
from mpic.text import shorten

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:mpic:error:"
_DETAIL_OCTETS = 1024

HTTP_STATUS: Mapping[StatusCode, HTTPStatus] = {
    StatusCode.OK: HTTPStatus.OK,
    StatusCode.CANCELLED: HTTPStatus.SERVICE_UNAVAILABLE,
    StatusCode.UNKNOWN: HTTPStatus.INTERNAL_SERVER_ERROR,
    StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    StatusCode.DEADLINE_EXCEEDED: HTTPStatus.GATEWAY_TIMEOUT,
    StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    StatusCode.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    StatusCode.FAILED_PRECONDITION: HTTPStatus.CONFLICT,
    StatusCode.ABORTED: HTTPStatus.CONFLICT,
    StatusCode.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    StatusCode.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    StatusCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    StatusCode.DATA_LOSS: HTTPStatus.INTERNAL_SERVER_ERROR,
    StatusCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
}
"""The HTTP status of each gRPC status.

One exception: FAILED_PRECONDITION is 503 if the failure is the service's (`find_status`).
"""

TITLES: Mapping[ErrorReason, str] = {
    "CALLER_LIMIT": "This caller has too many names in flight",
    "CALLER_NOT_ALLOWED": "This caller is not on the list",
    "CONTENT_TOO_LARGE": "The body is too large",
    "DEADLINE_TOO_SHORT": "The deadline left too little time",
    "DUPLICATE_REQUEST_ID": "The request id is another request's",
    "INTERNAL": "The service failed",
    "INVALID_REQUEST": "The request is wrong",
    "MEDIA_TYPE_NOT_SUPPORTED": "The body has another media type than is read here",
    "METHOD_NOT_ALLOWED": "The path has no such method",
    "NOT_AUTHENTICATED": "It is not known who calls",
    "NOTHING_RECORDED": "The service records nothing",
    "NO_POLICY_ROW": "No policy is in force",
    "OVERLOADED": "The service has too much to do",
    "PATH_NOT_FOUND": "There is no such path",
    "RECORD_NOT_FOUND": "There is no such record for this caller",
    "RECORD_NOT_READ": "The record cannot be read",
    "RECORD_NOT_WHOLE": "The record is not whole",
    "RECORD_NOT_WRITTEN": "The record cannot be written",
    "REQUEST_TOO_SLOW": "The request took too long to arrive",
    "ROSTER_BREAKS_POLICY": "The roster breaks the policy",
    "SHUTTING_DOWN": "The service is shutting down",
    "TOO_MANY_FAILURES": "Too many calls from there were not let in",
    "TOO_MANY_ISSUANCES": "The record has too many certificates",
}
"""A title for each reason; it is the same each time (RFC 9457 section 3.1.3)."""

_PARTIES = {
    Responsible.DOMAIN: "domain",
    Responsible.CALLER: "caller",
    Responsible.OURS: "service",
}


@dataclass(frozen=True, slots=True)
class ProblemDetails:
    """One error, as it is told."""

    status: int
    reason: ErrorReason
    detail: str
    violations: Sequence[Violation] = ()
    """Wrong fields; the paths are in JSON."""
    retry_after: float | None = None
    """Seconds; None: asking again would not help."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the response, beside the usual ones."""

    def to_json(self) -> dict[str, object]:
        """Return the members of the problem details object."""
        members: dict[str, object] = {
            "type": _TYPE + self.reason,
            "title": TITLES[self.reason],
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
            "responsible": _PARTIES[blame_error(self.reason)],
        }
        if self.violations:
            members["violations"] = [
                {"path": one.field, "description": one.description} for one in self.violations
            ]
        if self.retry_after is not None:
            members["retryAfter"] = round(self.retry_after, 3)
        return members

    def all_headers(self) -> dict[str, str]:
        """Return the headers; Retry-After has whole seconds, rounded up (RFC 9110 10.2.3)."""
        if self.retry_after is None:
            return dict(self.headers)
        return {"Retry-After": str(math.ceil(self.retry_after)), **self.headers}


class HttpError(Exception):
    """An error that only HTTP has; raised anywhere below a route, told at the edge."""

    def __init__(
        self,
        status: HTTPStatus,
        reason: ErrorReason,
        detail: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take what is told; the text is escaped and cut."""
        super().__init__(detail)
        text = shorten(detail, _DETAIL_OCTETS)
        self.details = ProblemDetails(status, reason, text, headers=headers or {})


def refuse_late() -> RequestError:
    """Return the error for a caller's deadline that has passed."""
    text = "the deadline of Grpc-Timeout has passed; ask with some seconds, or without it"
    return RequestError(StatusCode.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT", text)


def find_status(status: StatusCode, reason: ErrorReason) -> HTTPStatus:
    """Return the HTTP status of an error."""
    if status is StatusCode.FAILED_PRECONDITION and blame_error(reason) is Responsible.OURS:
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTP_STATUS[status]


def to_problem(error: Exception) -> ProblemDetails:
    """Return how an error is told; anything but the known kinds is INTERNAL, without its text."""
    if isinstance(error, HttpError):
        return error.details
    if not isinstance(error, RequestError):
        text = "internal error; nothing was decided"
        return ProblemDetails(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL", text)
    violations = [Violation(to_json_path(one.field), one.description) for one in error.violations]
    return ProblemDetails(
        status=find_status(error.status, error.reason),
        reason=error.reason,
        detail=invalid_argument(violations).message if violations else error.message,
        violations=violations,
        retry_after=error.retry_after,
    )
