"""What a server's first octets and OpenSSL's errors say. No socket."""

import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.tls import make_context
from perspective_agent.tls.client import CERTIFICATE_OCTETS, TlsClient, is_tls, read_tls_error
from tests.world.tls_server import make_server_context, self_sign


@pytest.mark.parametrize(
    ("beginning", "is_one"),
    [
        (b"\x16", True),
        (b"\x16\x03", True),
        (b"\x16\x03\x01\x00\x7a", True),
        (b"\x15\x03\x03\x00\x02\x02\x28", True),
        (b"HTTP/1.1 400 Bad Request\r\n", False),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
        (b"220 mail.example.test ESMTP\r\n", False),
        (b"\x16\x02\x00", False),
        (b"\x17\x03\x03", False),
        (b"\x00", False),
    ],
)
def test_rfc_8446_5_1_what_a_server_of_tls_begins_with(beginning: bytes, *, is_one: bool) -> None:
    assert is_tls(beginning) == is_one


def tls_error(reason: Any, text: str) -> ssl.SSLError:  # noqa: ANN401 - as OpenSSL's are made
    error = ssl.SSLError(1, text)
    error.reason = reason
    return error


def test_an_error_is_told_in_openssls_words_without_a_line_of_source() -> None:
    text = "[SSL: TLSV1_ALERT_NO_APPLICATION_PROTOCOL] tlsv1 alert ... (_ssl.c:1006)"
    failure = read_tls_error(tls_error("TLSV1_ALERT_NO_APPLICATION_PROTOCOL", text))
    assert failure.kind == o.FAILURE_KIND_TLS
    assert failure.detail == "the TLS handshake failed: tlsv1 alert no application protocol"


@pytest.mark.parametrize("reason", [None, ""])
def test_an_error_without_a_reason_is_told_and_what_it_says_is_bounded_and_prints(
    reason: str | None,
) -> None:
    failure = read_tls_error(tls_error(reason, "\x1b[2J" + "x" * 100_000))
    assert failure.kind == o.FAILURE_KIND_TLS
    assert failure.detail.isprintable()
    assert len(failure.detail) < 300


def test_certificates_larger_than_openssl_takes_are_too_large() -> None:
    failure = read_tls_error(tls_error("EXCESSIVE_MESSAGE_SIZE", ""))
    assert failure.kind == o.FAILURE_KIND_TOO_LARGE


@pytest.mark.parametrize("octets_at_a_time", [1, 7, 10_000])
def test_a_whole_handshake_in_pieces_of_any_size(tmp_path: Path, octets_at_a_time: int) -> None:
    certificate = self_sign(tmp_path / "one.pem", "www.example.test")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = make_server_context(certificate, ["acme-tls/1"])
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = TlsClient(make_context(("acme-tls/1",)), "www.example.test")
    is_completed = client.advance()
    while not is_completed:
        to_server.write(client._to_send.read())
        with suppress(ssl.SSLWantReadError):
            server.do_handshake()
        said = to_client.read()
        for at in range(0, len(said), octets_at_a_time):
            assert client.receive(said[at : at + octets_at_a_time]) is None
            is_completed = client.advance()
    assert client._read_session() is None
    assert client.session == o.TlsSession(alpn="acme-tls/1", certificate=certificate.der)


def test_what_is_no_tls_is_quoted_and_what_ends_is_lost() -> None:
    client = TlsClient(make_context(), "www.example.test")
    assert not client.advance()
    assert client.receive(b"\x16") is None
    failure = client.receive(b"\x02 is \x1b[2J no version" + b"x" * 10_000)
    assert failure is not None
    assert failure.kind == o.FAILURE_KIND_MALFORMED
    assert "no version" in failure.detail
    assert failure.detail.isprintable()
    assert len(failure.detail) < 400
    lost = client.receive(b"")
    assert lost is not None
    assert lost.kind == o.FAILURE_KIND_CONNECTION_LOST


class Presented:
    """A TLS connection whose handshake is completed, as `ssl.SSLObject` shows it."""

    def __init__(self, alpn: str | bytes | None, certificate: bytes | None) -> None:
        self._alpn = alpn
        self._certificate = certificate

    def version(self) -> str:
        return "TLSv1.3"

    def selected_alpn_protocol(self) -> str | None:
        return self._alpn.decode() if isinstance(self._alpn, bytes) else self._alpn

    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        assert binary_form
        return self._certificate


def read(alpn: str | bytes | None, certificate: bytes | None) -> tuple[TlsClient, Any]:
    client = TlsClient(make_context(), "www.example.test")
    shown: Any = Presented(alpn, certificate)
    client._tls = shown
    return client, client._read_session()


@pytest.mark.parametrize(
    ("alpn", "told"), [(None, ""), ("acme-tls/1", "acme-tls/1"), ("not offered", "not offered")]
)
def test_what_a_server_presented_is_told_as_it_is(alpn: str | None, told: str) -> None:
    largest = b"x" * CERTIFICATE_OCTETS
    client, failure = read(alpn, largest)
    assert failure is None
    assert client.session == o.TlsSession(alpn=told, certificate=largest)
    assert client.tls_version == "TLSv1.3"


@pytest.mark.parametrize(
    ("alpn", "certificate", "kind"),
    [
        (b"\xff", b"x", o.FAILURE_KIND_MALFORMED),
        ("h2", None, o.FAILURE_KIND_TLS),
        ("h2", b"", o.FAILURE_KIND_TLS),
        ("h2", b"x" * (CERTIFICATE_OCTETS + 1), o.FAILURE_KIND_TOO_LARGE),
    ],
)
def test_what_cannot_be_told_is_a_failure(
    alpn: str | bytes, certificate: bytes | None, kind: o.FailureKind.ValueType
) -> None:
    client, failure = read(alpn, certificate)
    assert failure.kind == kind
    assert client.session is None


def test_rfc_8737_3_a_context_verifies_nothing_and_takes_no_old_tls() -> None:
    context = make_context(("acme-tls/1",))
    assert context.verify_mode == ssl.CERT_NONE
    assert not context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert not any(cipher["name"].startswith("DHE") for cipher in context.get_ciphers())
    assert make_context(("acme-tls/1",)) is context
    assert make_context() is not context
