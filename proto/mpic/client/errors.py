"""What is raised if nothing was decided: errors with the service's own reason.

A refusal is never one of these. It is an answer.

`ClientError` is the base of all. What its kinds are and what to do with each: deploy/client.md.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from mpic.v1 import corroboration_pb2 as c

_DETAILS = "grpc-status-details-bin"
_DOMAIN = "mpic"
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}

_CALLERS = frozenset(
    {
        "CALLER_LIMIT",
        "CALLER_NOT_ALLOWED",
        "CONTENT_TOO_LARGE",
        "DEADLINE_TOO_SHORT",
        "DUPLICATE_REQUEST_ID",
        "INVALID_REQUEST",
        "MEDIA_TYPE_NOT_SUPPORTED",
        "METHOD_NOT_ALLOWED",
        "NOT_AUTHENTICATED",
        "PATH_NOT_FOUND",
        "RECORD_NOT_FOUND",
        "REQUEST_TOO_SLOW",
        "TOO_MANY_FAILURES",
        "TOO_MANY_ISSUANCES",
    }
)
"""Reasons that the caller is responsible for, of HTTP too; every other is the service's."""


class FailedCall(Protocol):
    """What this module reads of a grpc.RpcError that a call ended in."""

    def code(self) -> grpc.StatusCode:
        """Return the status."""

    def details(self) -> str | None:
        """Return its text."""

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """Return what came with it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of a call after which nothing was decided."""

    status: grpc.StatusCode
    message: str
    reason: str = ""
    """As in google.rpc.ErrorInfo, such as "CALLER_LIMIT"; "": the service did not say it."""
    violations: Sequence[c.FieldViolation] = ()
    retry_after: float | None = None
    """Seconds, as in google.rpc.RetryInfo; None: it is not said when asking again would help."""


class ClientError(Exception):
    """Nothing was decided."""

    _whose = c.RESPONSIBLE_SERVICE
    """If the service gave no reason."""

    def __init__(self, failure: Failure) -> None:
        """Take what is known of it."""
        super().__init__(failure.message)
        self.status = failure.status
        self.reason = failure.reason
        """Stable: what a program tells errors apart by. "": the service did not say one."""
        self.violations = tuple(failure.violations)
        """The wrong fields, if the request is wrong."""
        self.retry_after = failure.retry_after
        """Seconds until asking again may help; None: the service did not say."""

    @property
    def responsible(self) -> c.Responsible.ValueType:
        """Whose failure it is: RESPONSIBLE_CALLER or RESPONSIBLE_SERVICE."""
        if self.reason:
            return c.RESPONSIBLE_CALLER if self.reason in _CALLERS else c.RESPONSIBLE_SERVICE
        return self._whose


class NoConnectionError(ClientError):
    """Nobody answered: the address is wrong, nothing listens there, or a network is down."""


class NotGrpcError(NoConnectionError):
    """Who answered speaks TLS, but not HTTP/2: it may be the port of HTTP/JSON."""

    _whose = c.RESPONSIBLE_CALLER


class TrustError(NoConnectionError):
    """One side does not accept the other's certificate. Asking again does not help."""

    _whose = c.RESPONSIBLE_CALLER


class CredentialsError(TrustError):
    """The client's own certificate, key or authority cannot be used: no call was made."""


class CertificateRefusedError(TrustError):
    """The server does not accept the client's certificate."""


class ServerNotTrustedError(TrustError):
    """The server's certificate is not signed by the authority that the client was given."""


class ServerNameError(TrustError):
    """The server's certificate is for other names."""

    def __init__(self, failure: Failure, names: Sequence[str]) -> None:
        """Take the names that the certificate is for."""
        super().__init__(failure)
        self.names = tuple(names)


class NoTimeError(ClientError):
    """There was no answer in time, or the service said that the time would not do."""


class InvalidRequestError(ClientError):
    """The request is wrong; `violations` says which fields. The same request is never right."""

    _whose = c.RESPONSIBLE_CALLER


class NotAllowedError(ClientError):
    """The service knows the client's certificate, and it is not on its list of callers."""

    _whose = c.RESPONSIBLE_CALLER


class RequestIdUsedError(ClientError):
    """The request id was used for another request."""

    _whose = c.RESPONSIBLE_CALLER


class BusyError(ClientError):
    """The service, or the caller's share of it, is used up; see `retry_after`."""


class NotFoundError(ClientError):
    """There is no record that this caller may read."""

    _whose = c.RESPONSIBLE_CALLER


class ServiceError(ClientError):
    """The service answered that it cannot decide, by no failure of the caller."""


_KINDS: dict[grpc.StatusCode, type[ClientError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.PERMISSION_DENIED: NotAllowedError,
    grpc.StatusCode.UNAUTHENTICATED: NotAllowedError,
    grpc.StatusCode.ALREADY_EXISTS: RequestIdUsedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: BusyError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.DEADLINE_EXCEEDED: NoTimeError,
}


def make_error(failure: Failure) -> ClientError:
    """Return the error of the kind that a failure is."""
    if failure.status is grpc.StatusCode.UNAVAILABLE and not failure.reason:
        return NoConnectionError(failure)
    return _KINDS.get(failure.status, ServiceError)(failure)


def read_call(call: FailedCall) -> ClientError:
    """Return the error that a call ended in."""
    code, text = call.code(), call.details() or ""
    for key, value in call.trailing_metadata() or ():
        if key == _DETAILS and isinstance(value, bytes):
            with suppress(DecodeError):
                return make_error(_read_status(code, text, status_pb2.Status.FromString(value)))
    return make_error(Failure(code, text or code.name))


def _read_status(code: grpc.StatusCode, text: str, status: status_pb2.Status) -> Failure:
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        for message in (info, bad, retry):
            detail.Unpack(message)
    return Failure(
        code,
        text,
        info.reason if info.domain == _DOMAIN else "",
        [c.FieldViolation(field=f.field, description=f.description) for f in bad.field_violations],
        retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
    )


def read_outcome(error: c.RequestError) -> ClientError:
    """Return the error that one question of a stream ended in."""
    return make_error(
        Failure(
            _CODES.get(error.status, grpc.StatusCode.UNKNOWN),
            error.message,
            error.reason,
            error.violations,
            error.retry_after.ToTimedelta().total_seconds()
            if error.HasField("retry_after")
            else None,
        )
    )
