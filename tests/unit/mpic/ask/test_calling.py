"""What a failed call means to the person who made it: the service's reason, and what to do."""

from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from mpic.ask.calling import CalledServer, code_of, explain
from mpic.ask.exit_status import NO_REPLY, UNDETERMINED, USAGE
from mpic.client import (
    CertificateRefusedError,
    ClientError,
    CredentialsError,
    InvalidRequestError,
    NoConnectionError,
    NotGrpcError,
    NoTimeError,
    ServerNameError,
    ServerNotTrustedError,
    TlsFiles,
)
from mpic.client.errors import Failure
from mpic.v1 import corroboration_pb2 as c
from mpic.words import Language

FILE = Path("x.pem")
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def server(lang: Language = "en") -> CalledServer:
    return CalledServer("mpic.test:7300", None, TlsFiles(FILE, FILE, FILE), 30, lang)


def failure(message: str, reason: str = "") -> Failure:
    return Failure(UNAVAILABLE, message, reason)


def test_a_service_that_cannot_write_its_record_is_not_taken_to_be_away() -> None:
    error = ClientError(failure("the record cannot be written: disk full", "RECORD_NOT_WRITTEN"))
    assert explain(server(), error) == (
        "RECORD_NOT_WRITTEN: the record cannot be written: disk full\n"
        "Ask again. If it stays so, tell the operator of this service."
    )
    assert explain(server("ja"), error).splitlines()[1:] == [
        "本サービスが記録を書き込めないため、判定できませんでした。",
        "しばらくしてから再度お試しください。続く場合は、サービス窓口へご連絡ください。",
    ]
    assert code_of(error) == UNDETERMINED


def test_a_reason_of_a_newer_service_is_told_as_it_is() -> None:
    error = ClientError(failure("too full a moon", "MOON_TOO_FULL"))
    for lang in ("en", "ja"):
        assert explain(server(lang), error) == "MOON_TOO_FULL: too full a moon"


@pytest.mark.parametrize(
    ("error", "says", "code"),
    [
        (
            ServerNameError(
                failure("the server's certificate is for mpic.example"), ["mpic.example"]
            ),
            "is for mpic.example: give one of them as --server-name",
            NO_REPLY,
        ),
        (
            CredentialsError(failure("x.pem: the private key is not that of the certificate")),
            "x.pem: the private key is not that of the certificate; see --cert, --key and --ca",
            USAGE,
        ),
        (NoConnectionError(failure("Connection refused")), "Is the coordinator running", NO_REPLY),
    ],
)
def test_each_cause_of_no_reply_is_told_apart(error: ClientError, says: str, code: int) -> None:
    assert says in explain(server(), error)
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (CertificateRefusedError(failure("x")), "クライアント証明書を受け付けませんでした。"),
        (ServerNotTrustedError(failure("self-signed")), "--caには"),
        (ServerNameError(failure("for mpic.example"), ["mpic.example"]), "--server-nameに"),
        (CredentialsError(failure("x.pem")), "--cert、--key、--ca"),
        (NotGrpcError(failure("no HTTP/2")), "HTTP/JSON用のポート"),
        (NoConnectionError(failure("Connection refused")), "応答がありません"),
        (NoTimeError(failure("late")), "30秒以内(--timeout)に"),
    ],
)
def test_each_cause_of_no_reply_is_told_in_japanese(error: ClientError, says: str) -> None:
    assert says in explain(server("ja"), error)


def test_the_port_of_http_is_told_as_such() -> None:
    said = explain(server(), NotGrpcError(failure("who answers there speaks TLS, but no HTTP/2")))
    assert "The port of HTTP/JSON ([http] listen) is another" in said


def test_what_is_wrong_with_a_name_is_told_in_japanese_if_it_is_known_here() -> None:
    violations = [
        c.FieldViolation(field="names[0].name", description="is a single label; give"),
        c.FieldViolation(field="names[1].name", description="is a public suffix"),
        c.FieldViolation(field="issuer", description="is not configured"),
    ]
    told = Failure(grpc.StatusCode.INVALID_ARGUMENT, "", "INVALID_REQUEST", violations)
    asked = replace(server("ja"), names=("localhost", "co.jp"))
    lines = explain(asked, InvalidRequestError(told)).splitlines()
    assert "FQDN" in lines[1]
    assert lines[2:] == ["names[1].name: is a public suffix", "issuer: is not configured"]
    english = explain(server(), InvalidRequestError(told)).splitlines()
    assert english[0] == "names[0].name: is a single label; give"
