"""Calls a coordinator for the commands, and says what a failed call means to who made it."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import grpc
import typer

from mpic.ask.exit_status import NO_REPLY, UNDETERMINED, USAGE
from mpic.client import (
    AsyncClient,
    CertificateRefusedError,
    Client,
    ClientError,
    CredentialsError,
    InvalidRequestError,
    NoConnectionError,
    NoTimeError,
    RetryPolicy,
    ServerNameError,
    ServerNotTrustedError,
    TlsFiles,
)
from mpic.words.catalogue import Language, is_known, say

M = TypeVar("M")

# Codes that say that nobody answered: no connection, no certificate, no time.
_NO_REPLY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

_HINTS: Mapping[type[ClientError], str] = {
    CertificateRefusedError: "--cert must be signed by an authority that the coordinator knows",
    ServerNotTrustedError: "--ca must be the authority of the coordinator's certificate",
    ServerNameError: "give one of them as --server-name, if that is the coordinator",
}


@dataclass(frozen=True, slots=True)
class CalledServer:
    """Where to ask, and as whom."""

    address: str
    name: str | None
    tls: TlsFiles
    timeout: float
    lang: Language = "en"


def call_or_exit(server: CalledServer, call: Callable[[Client], M]) -> M:
    """Return the answer; where there is none, say why and exit."""
    try:
        with Client(
            server.address, server.tls, server_name=server.name, timeout=server.timeout
        ) as client:
            return call(client)
    except ClientError as error:
        _fail(code_of(error), explain(server, error))


def open_for_many(server: CalledServer) -> AsyncClient:
    """Return what asks many questions; raises CredentialsError."""
    # Long enough for an agent, or the coordinator, to be started again.
    retry = RetryPolicy(attempts=6, undetermined=True)
    return AsyncClient(server.address, server.tls, server_name=server.name, retry=retry)


def _fail(code: int, text: str) -> NoReturn:
    print(f"mpic: {text}", file=sys.stderr)  # noqa: T201 - for a person
    raise typer.Exit(code)


def code_of(error: ClientError) -> int:
    """Return what a failed call means to the shell."""
    if isinstance(error, InvalidRequestError | CredentialsError):
        return USAGE
    # A reason is the service's own, so there was a reply.
    is_reply = bool(error.reason) or error.status not in _NO_REPLY
    return UNDETERMINED if is_reply else NO_REPLY


def explain(server: CalledServer, error: ClientError) -> str:
    """Say what a failed call means to the person who made it."""
    if isinstance(error, CredentialsError):
        return f"{error}; see --cert, --key and --ca"
    for kind, hint in _HINTS.items():
        if isinstance(error, kind):
            return f"{error}: {hint}"
    if isinstance(error, NoConnectionError):
        return f"no reply from {server.address}: {error}\nIs the coordinator running there?"
    if isinstance(error, NoTimeError) and not error.reason:
        return f"no reply from {server.address} within {server.timeout:g} s (--timeout)"
    if error.violations:
        return "\n".join(f"{one.field}: {one.description}" for one in error.violations)
    return _explain_reason(error, server.lang)


def _explain_reason(error: ClientError, lang: Language) -> str:
    """Say why the service decided nothing, and what to do, by its stable reason."""
    if not is_known(f"error.{error.reason}.remedy", lang):
        return f"{error.reason or error.status.name}: {error}"
    remedy = say(f"error.{error.reason}.remedy", lang)
    # The service's own sentence is in English, and says more: with which values, and of what.
    message = f"error.{error.reason}.message"
    said = [] if lang == "en" else [say(message, lang)]
    return "\n".join([f"{error.reason}: {error}", *said, remedy])
