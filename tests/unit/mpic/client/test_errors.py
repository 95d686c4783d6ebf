"""Errors: the kind of each status, and all that the service said."""

from pathlib import Path
from typing import get_args

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from coordinator.rules.responsibility import Responsible, blame_error
from mpic.client import NoConnectionError, TlsFiles, diagnosis, errors
from mpic.client.errors import ClientError, Failure, make_error, read_call, read_outcome
from mpic.runtime.grpc.errors import RequestError, Violation, to_status
from mpic.runtime.grpc.reasons import ErrorReason
from mpic.v1 import corroboration_pb2 as c

WHOSE = {Responsible.CALLER: c.RESPONSIBLE_CALLER, Responsible.OURS: c.RESPONSIBLE_SERVICE}


class Call:
    """A call that has failed."""

    def __init__(self, code: grpc.StatusCode, text: str, details: bytes | None = None) -> None:
        self._code, self._text = code, text
        self._metadata: list[tuple[str, str | bytes]] = [("other", "x")]
        if details is not None:
            self._metadata.append(("grpc-status-details-bin", details))

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._text

    def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        return self._metadata


def sent(error: RequestError) -> Call:
    """The call that a server ends with an error."""
    return Call(error.status, error.message, to_status(error).SerializeToString())


def test_all_that_the_service_says_is_read() -> None:
    violations = [Violation("names[0]", "is no name"), Violation("issuer", "is unknown")]
    error = RequestError(
        grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", "two fields", violations, 2.5
    )
    read = read_call(sent(error))
    assert type(read) is errors.InvalidRequestError
    assert (str(read), read.reason, read.retry_after) == ("two fields", "INVALID_REQUEST", 2.5)
    assert read.status is grpc.StatusCode.INVALID_ARGUMENT
    assert [(one.field, one.description) for one in read.violations] == [
        ("names[0]", "is no name"),
        ("issuer", "is unknown"),
    ]


def test_a_stream_says_the_same() -> None:
    message = c.RequestError(status=8, reason="OVERLOADED", message="too much to do")
    message.retry_after.FromMilliseconds(1500)
    message.violations.add(field="names[0]", description="x")
    read = read_outcome(message)
    assert type(read) is errors.BusyError
    assert (str(read), read.reason, read.retry_after) == ("too much to do", "OVERLOADED", 1.5)
    assert [one.field for one in read.violations] == ["names[0]"]
    message.ClearField("retry_after")
    assert read_outcome(message).retry_after is None
    assert read_outcome(c.RequestError(status=99)).status is grpc.StatusCode.UNKNOWN


@pytest.mark.parametrize("reason", get_args(ErrorReason))
def test_whose_failure_a_reason_is_the_service_says_too(reason: ErrorReason) -> None:
    for status in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND):
        error = make_error(Failure(status, "x", reason))
        assert error.responsible == WHOSE[blame_error(reason)]


@pytest.mark.parametrize(
    ("status", "kind", "whose"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, errors.InvalidRequestError, c.RESPONSIBLE_CALLER),
        (grpc.StatusCode.PERMISSION_DENIED, errors.NotAllowedError, c.RESPONSIBLE_CALLER),
        (grpc.StatusCode.ALREADY_EXISTS, errors.RequestIdUsedError, c.RESPONSIBLE_CALLER),
        (grpc.StatusCode.NOT_FOUND, errors.NotFoundError, c.RESPONSIBLE_CALLER),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.BusyError, c.RESPONSIBLE_SERVICE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.NoTimeError, c.RESPONSIBLE_SERVICE),
        (grpc.StatusCode.UNAVAILABLE, errors.NoConnectionError, c.RESPONSIBLE_SERVICE),
        (grpc.StatusCode.INTERNAL, errors.ServiceError, c.RESPONSIBLE_SERVICE),
        (grpc.StatusCode.DATA_LOSS, errors.ServiceError, c.RESPONSIBLE_SERVICE),
    ],
)
def test_a_status_without_details_has_a_kind(
    status: grpc.StatusCode, kind: type[errors.ClientError], whose: c.Responsible.ValueType
) -> None:
    read = read_call(Call(status, ""))
    assert type(read) is kind
    assert (str(read), read.reason, read.violations) == (status.name, "", ())
    assert (read.retry_after, read.responsible) == (None, whose)


def test_a_service_that_gives_a_reason_was_reached() -> None:
    shutting_down = make_error(Failure(grpc.StatusCode.UNAVAILABLE, "x", "SHUTTING_DOWN"))
    assert type(shutting_down) is errors.ServiceError


def test_details_that_are_none_are_passed_over() -> None:
    read = read_call(Call(grpc.StatusCode.INTERNAL, "broken", b"\xff\xff"))
    assert (type(read), str(read), read.reason) == (errors.ServiceError, "broken", "")


def test_a_reason_of_somebody_else_is_none_of_ours() -> None:
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason="SHUTTING_DOWN", domain="proxy.example"))
    details = status_pb2.Status(code=14, message="x", details=[packed]).SerializeToString()
    read = read_call(Call(grpc.StatusCode.UNAVAILABLE, "x", details))
    assert (type(read), read.reason) == (errors.NoConnectionError, "")


def test_an_address_with_a_scheme_is_told_and_not_looked_up(tmp_path: Path) -> None:
    tls = TlsFiles(tmp_path / "cert", tmp_path / "key", tmp_path / "ca")
    target = diagnosis.CoordinatorAddress("https://mpic.example:7300", tls)
    found = diagnosis.explain(target, ClientError(Failure(grpc.StatusCode.UNAVAILABLE, "")))
    assert isinstance(found, NoConnectionError)
    assert "give host:port, and no scheme" in str(found)
