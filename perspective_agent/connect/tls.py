"""TLS to servers whose certificate is not verified, for all who look over TLS."""

import ssl
from functools import lru_cache

# Small keys and old signatures are the owner's business. No DHE: its parameters are the server's
# choice, and large ones take this agent tenths of a second. TLS 1.3 has it too (`hello_retry`).
_CIPHERS = "DEFAULT:!DHE:!PSK:!SRP:@SECLEVEL=0"


def new_context(alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """Return a context that verifies nothing and offers these protocols (RFC 7301), in their order.

    A server that is to get its first certificate has none that could be verified. TLS 1.2 is the
    oldest version that RFC 8737 section 3 and RFC 8996 let anybody use.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


make_context = lru_cache(maxsize=16)(new_context)
"""The same, made once for each value and shared: nobody changes it."""
