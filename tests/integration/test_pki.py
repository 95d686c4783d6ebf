"""The private CA: TLS 1.3 and openssl take what it writes."""

import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mpic.runtime.pki import (
    Authority,
    Pair,
    Subject,
    create_authority,
    issue_certificate,
    load_authority,
    perspective_dns_name,
)
from tests.unit.mpic.runtime.test_pki import MAIN, NOW, TOKYO


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "pki", "mpic.example", now=NOW)


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "other", "mpic.example", now=NOW)


def openssl_verify(authority: Authority, certificate: Path, purpose: str) -> str:
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile"]
    done = subprocess.run(
        [*command, str(authority.file), str(certificate)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_an_authority_is_loaded_as_it_was_created(authority: Authority) -> None:
    loaded = load_authority(authority.directory)
    assert loaded.trust_domain == "mpic.example"
    assert loaded.certificate == authority.certificate
    assert "OK" in openssl_verify(authority, issue_certificate(loaded, TOKYO).certificate, "any")


@pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
def test_openssl_verifies_a_certificate(authority: Authority, purpose: str) -> None:
    pair = issue_certificate(authority, MAIN)
    assert openssl_verify(authority, pair.certificate, purpose) == f"{pair.certificate}: OK\n"


def test_openssl_refuses_an_agent_as_a_client(authority: Authority) -> None:
    pair = issue_certificate(authority, TOKYO)
    assert "OK" in openssl_verify(authority, pair.certificate, "sslserver")
    said = openssl_verify(authority, pair.certificate, "sslclient")
    assert re.search("unsuitable certificate purpose|unsupported certificate purpose", said)


def test_openssl_refuses_a_certificate_of_another_authority(
    authority: Authority, other: Authority
) -> None:
    pair = issue_certificate(other, MAIN)
    assert "verification failed" in openssl_verify(authority, pair.certificate, "any")


@dataclass(frozen=True)
class Side:
    """One end of a handshake."""

    pair: Pair
    trusts: Authority

    def context(self, protocol: int) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_verify_locations(self.trusts.file)
        context.load_cert_chain(self.pair.certificate, self.pair.private_key)
        return context


def shake_hands(server: Side, client: Side, name: str) -> tuple[object, object]:
    """Return what each end made of it: the TLS version, or the verification error."""
    near, far = socket.socketpair()
    near.settimeout(10)
    far.settimeout(10)
    outcomes: dict[str, object] = {}

    def run(end: str, wrap: Callable[[], ssl.SSLSocket]) -> None:
        try:
            with wrap() as stream:
                # In TLS 1.3 a client learns only by reading that it was refused.
                stream.sendall(b"x")
                stream.recv(1)
                outcomes[end] = stream.version()
        except (OSError, ssl.SSLError) as error:
            outcomes[end] = error

    serving = server.context(ssl.PROTOCOL_TLS_SERVER)
    calling = client.context(ssl.PROTOCOL_TLS_CLIENT)
    thread = threading.Thread(
        target=run, args=("server", lambda: serving.wrap_socket(far, server_side=True))
    )
    thread.start()
    run("client", lambda: calling.wrap_socket(near, server_hostname=name))
    thread.join(10)
    return outcomes["server"], outcomes["client"]


def test_both_sides_shake_hands_in_tls_1_3(authority: Authority) -> None:
    agent = Side(issue_certificate(authority, TOKYO), authority)
    coordinator = Side(issue_certificate(authority, MAIN), authority)
    name = perspective_dns_name("tokyo", "mpic.example")
    assert shake_hands(agent, coordinator, name) == ("TLSv1.3", "TLSv1.3")


def test_a_server_of_another_authority_is_refused(authority: Authority, other: Authority) -> None:
    agent = Side(issue_certificate(other, TOKYO), authority)
    coordinator = Side(issue_certificate(authority, MAIN), authority)
    _, client = shake_hands(agent, coordinator, agent.pair.dns_name)
    assert isinstance(client, ssl.SSLCertVerificationError)


def test_a_client_of_another_authority_is_refused(authority: Authority, other: Authority) -> None:
    agent = Side(issue_certificate(authority, TOKYO), authority)
    coordinator = Side(issue_certificate(other, MAIN), authority)
    server, client = shake_hands(agent, coordinator, agent.pair.dns_name)
    assert isinstance(server, ssl.SSLCertVerificationError)
    assert isinstance(client, OSError)


def test_a_server_by_another_name_is_refused(authority: Authority) -> None:
    agent = Side(issue_certificate(authority, TOKYO), authority)
    coordinator = Side(issue_certificate(authority, MAIN), authority)
    _, client = shake_hands(agent, coordinator, perspective_dns_name("paris", "mpic.example"))
    assert isinstance(client, ssl.SSLCertVerificationError)
    assert "Hostname mismatch" in str(client)


def test_an_agent_cannot_call_another_agent(authority: Authority) -> None:
    tokyo = Side(issue_certificate(authority, TOKYO), authority)
    paris = Side(issue_certificate(authority, Subject("perspective", "paris")), authority)
    server, _ = shake_hands(tokyo, paris, tokyo.pair.dns_name)
    assert isinstance(server, ssl.SSLCertVerificationError)
