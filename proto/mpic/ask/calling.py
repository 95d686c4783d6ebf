"""Calls a coordinator for the commands, and says what a failed call means to who made it."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import grpc
import typer

from mpic.ask.exit_status import NO_REPLY, UNDETERMINED, USAGE
from mpic.ask.lists.line import find_wrong_name
from mpic.client import (
    AsyncClient,
    CertificateRefusedError,
    Client,
    ClientError,
    CredentialsError,
    InvalidRequestError,
    NoConnectionError,
    NotGrpcError,
    NoTimeError,
    RetryPolicy,
    ServerNameError,
    ServerNotTrustedError,
    TlsFiles,
)
from mpic.text import escape
from mpic.v1 import corroboration_pb2 as c
from mpic.words.catalogue import Language, is_known, say

M = TypeVar("M")

# Codes that say that nobody answered: no connection, no certificate, no time.
_NO_REPLY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

_HINTS: Mapping[type[ClientError], str] = {
    CredentialsError: "credentials",
    CertificateRefusedError: "certificate_refused",
    ServerNotTrustedError: "server_not_trusted",
    ServerNameError: "server_name",
    NotGrpcError: "not_grpc",
    NoConnectionError: "no_connection",
}
"""The message of each, the first that holds."""
_NAME = re.compile(r"names\[(\d{1,3})\]\.name|names\[(\d{1,3})\]")


@dataclass(frozen=True, slots=True)
class CalledServer:
    """Where to ask, and as whom."""

    address: str
    name: str | None
    tls: TlsFiles
    timeout: float
    lang: Language = "en"
    names: Sequence[str] = ()
    """That are asked about."""


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
    for kind, code in _HINTS.items():
        if isinstance(error, kind):
            facts = {"said": escape(str(error)), "address": server.address}
            return say(f"error.{code}", server.lang, **facts)
    if isinstance(error, NoTimeError) and not error.reason:
        facts = {"address": server.address, "seconds": f"{server.timeout:g}"}
        return say("error.no_time", server.lang, **facts)
    if error.violations:
        told = [_explain_violation(server, one) for one in error.violations]
        return "\n".join([*_say_message(error, server.lang), *told])
    return _explain_reason(error, server.lang)


def _explain_violation(server: CalledServer, violation: c.FieldViolation) -> str:
    """Say what is wrong with a field; of a name, in the language, if that is known here."""
    place = _NAME.fullmatch(violation.field)
    if place and server.lang != "en":
        index = int(place[1] or place[2])
        wrong = find_wrong_name(server.names[index]) if index < len(server.names) else None
        if wrong is not None:
            return f"{violation.field}: {wrong.say(server.lang)}"
    return f"{violation.field}: {violation.description}"


def _say_message(error: ClientError, lang: Language) -> Sequence[str]:
    """Return what a reason means, where the service's own sentence is in another language."""
    message = f"error.{error.reason}.message"
    return [say(message, lang)] if lang != "en" and is_known(message, lang) else []


def _explain_reason(error: ClientError, lang: Language) -> str:
    """Say why the service decided nothing, and what to do, by its stable reason."""
    if not is_known(f"error.{error.reason}.remedy", lang):
        return f"{error.reason or error.status.name}: {error}"
    remedy = say(f"error.{error.reason}.remedy", lang)
    # The service's own sentence is in English, and says more: with which values, and of what.
    return "\n".join([f"{error.reason}: {error}", *_say_message(error, lang), remedy])
