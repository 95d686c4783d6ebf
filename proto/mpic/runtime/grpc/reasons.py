"""The reasons of errors: what a caller's program tells them apart by. Stable.

They stand in google.rpc.ErrorInfo, in the agreement's RequestError, and in the problem details of
HTTP. mypy refuses a reason that is not listed here. A test refuses one that has no responsible
party in the coordinator, or no row in the agreement.
"""

from typing import Literal

CallReason = Literal[
    "CALLER_LIMIT",
    "CALLER_NOT_ALLOWED",
    "DEADLINE_TOO_SHORT",
    "DUPLICATE_REQUEST_ID",
    "INTERNAL",
    "INVALID_REQUEST",
    "NOTHING_RECORDED",
    "NO_POLICY_ROW",
    "OVERLOADED",
    "RECORD_NOT_FOUND",
    "RECORD_NOT_READ",
    "RECORD_NOT_WHOLE",
    "RECORD_NOT_WRITTEN",
    "ROSTER_BREAKS_POLICY",
    "SHUTTING_DOWN",
    "TOO_MANY_ISSUANCES",
]

HttpReason = Literal[
    "CONTENT_TOO_LARGE",
    "MEDIA_TYPE_NOT_SUPPORTED",
    "METHOD_NOT_ALLOWED",
    "NOT_AUTHENTICATED",
    "PATH_NOT_FOUND",
    "REQUEST_TOO_SLOW",
    "TOO_MANY_FAILURES",
]
"""What only HTTP can have."""

ErrorReason = Literal[CallReason, HttpReason]
