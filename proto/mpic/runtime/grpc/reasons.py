"""The reasons of errors: what a caller's program tells them apart by. Stable.

They stand in google.rpc.ErrorInfo, in the agreement's RequestError, and in the problem details of
HTTP. A few are of HTTP alone. mypy refuses a reason that
is not listed here. A test refuses one that has no responsible party in the coordinator.
"""

from typing import Literal

ErrorReason = Literal[
    "CALLER_LIMIT",
    "CALLER_NOT_ALLOWED",
    "CONTENT_TOO_LARGE",
    "DEADLINE_TOO_SHORT",
    "DUPLICATE_REQUEST_ID",
    "INTERNAL",
    "INVALID_REQUEST",
    "MEDIA_TYPE_NOT_SUPPORTED",
    "METHOD_NOT_ALLOWED",
    "NOTHING_RECORDED",
    "NOT_AUTHENTICATED",
    "NO_POLICY_ROW",
    "OVERLOADED",
    "PATH_NOT_FOUND",
    "RECORD_NOT_FOUND",
    "RECORD_NOT_READ",
    "RECORD_NOT_WHOLE",
    "RECORD_NOT_WRITTEN",
    "REQUEST_TOO_SLOW",
    "ROSTER_BREAKS_POLICY",
    "SHUTTING_DOWN",
    "TOO_MANY_FAILURES",
    "TOO_MANY_ISSUANCES",
]
