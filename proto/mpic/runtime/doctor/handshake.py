"""Who answers at an address, by TLS handshakes and nothing more."""

import socket
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from mpic.channel import TlsFiles
from mpic.runtime.certificate_check import all_names
from mpic.runtime.grpc.tls import accepts_tls_1_2


@dataclass(frozen=True, slots=True)
class Presented:
    """The certificate a server showed, signed by our authority."""

    names: tuple[str, ...]
    """Its subject alternative names: DNS names and URIs."""
    ends_at: datetime
    certificate: x509.Certificate
    accepts_tls_1_2: bool = False
    """Whether it would also speak a TLS version that is too old."""


class StrangerError(Exception):
    """Something answers that is no peer: no TLS, or a certificate our authority did not sign."""


def shake_hands(address: str, tls: TlsFiles, timeout: float) -> Presented:
    """Connect to "host:port" and read whose certificate is shown there.

    Raises OSError if there is no connection, StrangerError if there is no peer. Whether the server
    accepts our own certificate is not known yet: TLS 1.3 says that later.
    """
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the caller compares, to say whose it is instead
    context.load_verify_locations(tls.authority)
    # The authority may be the server's own certificate: of HTTP, another CA may have issued it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_cert_chain(tls.certificate, tls.private_key)
    context.set_alpn_protocols(["h2"])
    with socket.create_connection((host.strip("[]"), int(port)), timeout) as plain:
        try:
            with context.wrap_socket(plain) as secure:
                encoded = secure.getpeercert(binary_form=True)
        except ssl.SSLCertVerificationError as error:
            raise StrangerError(f"its certificate is refused: {error.verify_message}") from error
        except (ssl.SSLError, ConnectionError) as error:
            raise StrangerError(f"it does not speak TLS 1.3 as we do: {error}") from error
    certificate = x509.load_der_x509_certificate(encoded or b"")
    return Presented(
        all_names(certificate),
        certificate.not_valid_after_utc,
        certificate,
        accepts_tls_1_2(address, timeout),
    )
