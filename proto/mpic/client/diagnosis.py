"""Why there is no connection, as a plain TLS handshake shows it.

gRPC has one code for all of it. So this is tried after a call has failed, to make a better error.
"""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import grpc

from mpic.channel import Tls, TlsFiles
from mpic.client.errors import (
    CertificateRefusedError,
    ClientError,
    CredentialsError,
    Failure,
    NoConnectionError,
    NotGrpcError,
    ServerNameError,
    ServerNotTrustedError,
)

_NOT_GRPC = "who answers there speaks TLS, but no HTTP/2, which gRPC needs"
SECONDS = 3.0
"""A connection takes three round trips."""
_PORT = "443"
"""What gRPC takes if the address has none."""
_WRONG_NAME = (62, 64)
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""


@dataclass(frozen=True, slots=True)
class CoordinatorAddress:
    """Where to connect, as whom, and which DNS name the server must show."""

    address: str
    """host:port."""
    tls: Tls
    server_name: str | None = None
    """None: the host."""

    @property
    def host_port(self) -> tuple[str, int]:
        """The host without brackets, and the port."""
        host, colon, port = self.address.rpartition(":")
        if not colon or "]" in port:
            host, port = self.address, _PORT
        return host.strip("[]"), int(port)

    @property
    def expected_name(self) -> str:
        """The name that the server's certificate must have."""
        return self.server_name or self.host_port[0]


def check_credentials(tls: Tls) -> None:
    """Raise CredentialsError if certificate, key and authority cannot be used."""
    try:
        tls.read()  # OpenSSL does not name the file that is missing
        if _can_try(tls):
            with _paths(tls) as paths:
                _make_context(paths)
    except OSError as error:  # ssl.SSLError is one
        raise CredentialsError(_unavailable(_explain(tls, error))) from error


def explain(
    target: CoordinatorAddress, error: ClientError, seconds: float = SECONDS
) -> ClientError:
    """Return what keeps a client from connecting, or the error if a handshake does not show it.

    It takes so many seconds at most for each step.
    """
    if "://" in target.address:
        return NoConnectionError(_unavailable(f"{target.address}: give host:port, and no scheme"))
    try:
        connection = socket.create_connection(target.host_port, seconds)
    except (OSError, ValueError, OverflowError) as found:
        text = f"no connection to {target.address}: {getattr(found, 'strerror', None) or found}"
        return NoConnectionError(_unavailable(text))
    if not _can_try(target.tls):
        connection.close()
        return error
    with connection, suppress(OSError), _paths(target.tls) as paths:
        context = _make_context(paths)
        try:
            with context.wrap_socket(connection, server_hostname=target.expected_name) as channel:
                return _read_verdict(channel, error)
        except ssl.SSLCertVerificationError as found:
            return _explain_server(target, found, paths)
    return error


def _read_verdict(channel: ssl.SSLSocket, error: ClientError) -> ClientError:
    """Say whether the server accepts our certificate: in TLS 1.3 it says so after the handshake.

    gRPC's servers send no alert. They close the connection before the first octet of HTTP/2.
    """
    if channel.selected_alpn_protocol() is None:
        return NotGrpcError(_unavailable(_NOT_GRPC))
    try:
        is_accepted = bool(channel.recv(1))
    except TimeoutError:
        return error
    except OSError:  # an alert is one
        is_accepted = False
    text = "the server ends the connection on seeing the client's certificate: it is not accepted"
    return error if is_accepted else CertificateRefusedError(_unavailable(text))


def _explain_server(
    target: CoordinatorAddress, found: ssl.SSLCertVerificationError, paths: "_Paths"
) -> ClientError:
    if found.verify_code not in _WRONG_NAME:
        text = f"the server's certificate is not accepted: {found.verify_message}"
        return ServerNotTrustedError(_unavailable(text))
    names = _read_names(target, paths)
    shown = ", ".join(names) or "no name"
    text = f"the server's certificate is for {shown}, and not for {target.expected_name}"
    return ServerNameError(_unavailable(text), names)


def _read_names(target: CoordinatorAddress, paths: "_Paths") -> list[str]:
    """Return the DNS names and addresses that the server's certificate has."""
    context = _make_context(paths)
    context.check_hostname = False
    with (
        suppress(OSError),
        socket.create_connection(target.host_port, SECONDS) as connection,
        context.wrap_socket(connection) as channel,
    ):
        found: Any = (channel.getpeercert() or {}).get("subjectAltName", ())
        return [value for kind, value in found if kind in {"DNS", "IP Address"}]
    return []


@dataclass(frozen=True, slots=True)
class _Paths:
    """Files that OpenSSL can read."""

    certificate: str
    private_key: str
    authority: str


def _make_context(paths: _Paths) -> ssl.SSLContext:
    """Return what a handshake as gRPC's is made with; raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    context.load_verify_locations(paths.authority)
    # Without a function OpenSSL would ask for a passphrase at the terminal.
    context.load_cert_chain(paths.certificate, paths.private_key, lambda: "")
    return context


def _can_try(tls: Tls) -> bool:
    """Whether Python can read the PEMs: Linux lends memory as a file."""
    return isinstance(tls, TlsFiles) or hasattr(os, "memfd_create")


@contextmanager
def _paths(tls: Tls) -> Iterator[_Paths]:
    """Lend the PEMs as files, since Python reads them from files only; never from a disk."""
    if isinstance(tls, TlsFiles):
        yield _Paths(str(tls.certificate), str(tls.private_key), str(tls.authority))
        return
    numbers = []
    try:
        for pem in tls.read():
            numbers.append(os.memfd_create("mpic"))
            os.write(numbers[-1], pem)
        yield _Paths(*(f"/proc/self/fd/{number}" for number in numbers))
    finally:
        for number in numbers:
            os.close(number)


def _explain(tls: Tls, error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"{_name(tls)}: the private key is not that of the certificate"
        return (
            f"{_name(tls)}: no PEM certificate, private key and authority: {error.reason or error}"
        )
    return f"{error.filename}: {error.strerror}"


def _name(tls: Tls) -> str:
    if isinstance(tls, TlsFiles):
        return f"{tls.certificate}, {tls.private_key}, {tls.authority}"
    return "the client's PEMs"


def _unavailable(text: str) -> Failure:
    return Failure(grpc.StatusCode.UNAVAILABLE, text)
