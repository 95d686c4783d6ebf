"""What a caller hears if nothing could be decided: `google.rpc.Status` with a stable reason.

A negative verdict is never one of these; it is an answer.

Whatever a caller wrote may be in a text. A status travels as metadata of HTTP/2. gRPC's clients
take 8 KiB of that by default. A larger status looks like RESOURCE_EXHAUSTED to them, and they try
again for ever. So every text is escaped and cut here, and a status has no more fields than fit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
import structlog
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc import aio

from mpic.runtime.grpc.handlers import Context, Handler, replace_behaviour
from mpic.runtime.grpc.reasons import ErrorReason
from mpic.text import ELLIPSIS, shorten

DOMAIN = "mpic"

# Octets of UTF-8. The message travels twice: in percent-encoding, and with the fields in base64.
_MESSAGE = 768
_FIELD = 96
_DESCRIPTION = 256
_VIOLATIONS = 2048

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Violation:
    """One wrong field: its path, and what is wrong and would be right; both are bounded."""

    field: str
    description: str

    def __post_init__(self) -> None:
        """Escape and cut both."""
        object.__setattr__(self, "field", shorten(self.field, _FIELD))
        object.__setattr__(self, "description", shorten(self.description, _DESCRIPTION))


@dataclass
class RequestError(Exception):
    """The request cannot be answered; raised anywhere below a servicer, mapped at the edge."""

    status: grpc.StatusCode
    reason: ErrorReason
    message: str
    violations: Sequence[Violation] = field(default=())
    retry_after: float | None = None
    """Seconds; None: asking again would not help."""

    def __post_init__(self) -> None:
        """Escape and cut the message."""
        self.message = shorten(self.message, _MESSAGE)

    def __str__(self) -> str:
        """Return the message; the fields are in `violations`."""
        return self.message


def invalid_argument(violations: Sequence[Violation]) -> RequestError:
    """Make the error for a request with wrong fields."""
    message = "; ".join(f"{v.field}: {v.description}" for v in violations[:5])
    more = f" (and {len(violations) - 5} more)" if len(violations) > 5 else ""  # noqa: PLR2004 - as many as a person reads
    return RequestError(
        grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", message + more, violations
    )


def shutting_down() -> RequestError:
    """Make the error for a request that came after shutdown began."""
    return RequestError(
        grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", "the service is shutting down; ask another"
    )


def to_status(error: RequestError) -> status_pb2.Status:
    """Return the rich form of an error: ErrorInfo, and BadRequest or RetryInfo where they apply."""
    details = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)]
    packed = [_pack(detail) for detail in details]
    if error.violations:
        fields = [
            error_details_pb2.BadRequest.FieldViolation(field=v.field, description=v.description)
            for v in _fit(error.violations)
        ]
        packed.append(_pack(error_details_pb2.BadRequest(field_violations=fields)))
    if error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(error.retry_after * 1000))
        packed.append(_pack(retry))
    code: int = error.status.value[0]
    return status_pb2.Status(
        code=code_pb2.Code.ValueType(code), message=error.message, details=packed
    )


def _fit(violations: Sequence[Violation]) -> Sequence[Violation]:
    """Return the first fields, as many as fit, and how many more there are."""
    octets = 0
    for count, one in enumerate(violations):
        octets += len(one.field.encode()) + len(one.description.encode())
        if octets > _VIOLATIONS:
            more = Violation(ELLIPSIS, f"{len(violations) - count} more fields are wrong")
            return [*violations[:count], more]
    return violations


def _pack(message: Any) -> any_pb2.Any:  # noqa: ANN401 - any protobuf message
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def map_errors(handler: Handler) -> Handler:
    """Return the same handler; it tells the caller every exception as an error."""

    async def one(inner: Any, request: Any, context: Context) -> Any:  # noqa: ANN401 - any message
        try:
            return await inner(request, context)
        except (aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the edge: everything is mapped
            await abort(context, error)

    async def many(inner: Any, request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - any message
        try:
            async for message in inner(request, context):
                yield message
        except (aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the edge: everything is mapped
            await abort(context, error)

    return replace_behaviour(handler, one, many)


async def abort(context: aio.ServicerContext[Any, Any], error: Exception) -> NoReturn:
    """End a call with `error`; anything but a RequestError becomes INTERNAL without its text.

    grpcio would send the text of an unhandled exception to the caller.
    """
    if not isinstance(error, RequestError):
        log.error("internal_error", exc_info=error)
        error = RequestError(
            grpc.StatusCode.INTERNAL, "INTERNAL", "internal error; nothing was decided"
        )
    trailer = ("grpc-status-details-bin", to_status(error).SerializeToString())
    await context.abort(error.status, error.message, trailing_metadata=(trailer,))
    raise AssertionError("abort raises")  # pragma: no cover
