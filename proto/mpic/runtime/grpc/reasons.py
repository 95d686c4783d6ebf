"""The reasons of errors: what a caller's program tells them apart by. Stable.

They stand in google.rpc.ErrorInfo and in the agreement's RequestError. mypy refuses a reason that
is not listed here. A test refuses one that has no responsible party in the coordinator.
"""

from typing import Literal

ErrorReason = Literal[
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
