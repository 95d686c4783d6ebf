"""Whether a peer accepts a certificate: a TLS 1.3 handshake with ourselves, in memory."""

import ssl
from pathlib import Path
from typing import Literal

Side = Literal["server", "client"]

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which `ssl` does not name


def find_refusal(certificate: Path, private_key: Path, authority: Path, side: Side) -> str:
    """Say why a peer with the same authority refuses this side's certificate; empty: it accepts.

    It does not check whether the dates include today.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    try:
        for context in (server, client):
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.verify_flags |= _NO_CHECK_TIME
            context.load_verify_locations(authority)
            context.load_cert_chain(certificate, private_key)
        client.verify_mode = ssl.CERT_REQUIRED if side == "server" else ssl.CERT_NONE
        server.verify_mode = ssl.CERT_REQUIRED if side == "client" else ssl.CERT_NONE
        _shake_hands(server, client)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except ssl.SSLError as error:
        return error.reason or str(error)
    return ""


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """Let the two sides talk until both have finished; raises ssl.SSLError."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    waiting = [
        client.wrap_bio(incoming=back, outgoing=there),
        server.wrap_bio(incoming=there, outgoing=back, server_side=True),
    ]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
