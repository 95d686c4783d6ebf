"""Whether a TLS server demands a key exchange that takes this agent too long. Pure.

A TLS 1.3 server may demand another group than the client began with, if the client offers it
(HelloRetryRequest, RFC 8446 section 4.1.4). OpenSSL offers groups of finite-field Diffie-Hellman
too (RFC 7919). The largest takes a hundred times as long as a curve, and all else waits meanwhile.
Python cannot take them out of the offer. No server needs them: it must know a curve (RFC 8446
section 9.1).
"""

import ssl

_HANDSHAKE = 22
_HELLO_REQUEST, _SERVER_HELLO = 0, 2
_RECORD_HEAD, _MESSAGE_HEAD = 5, 4
_RANDOM = slice(2, 34)
_SESSION_ID = 34
_KEY_SHARE = 51
# SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3).
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_FINITE_FIELD = range(0x0100, 0x0200)
_REASON = "the server demands a finite-field group, which takes too long"


class HelloRetryWatch:
    """Reads what a server sends, until its first ServerHello."""

    def __init__(self) -> None:
        """Begin before the first octet."""
        self._records = bytearray()
        self._messages = bytearray()
        self._is_over = False

    def __call__(self, octets: bytes) -> None:
        """Read on; raises ssl.SSLError if the server demands such a group."""
        if self._is_over:
            return
        self._records += octets
        self._read_records()
        hello = self._find_hello()
        if hello is not None and _find_group(hello) in _FINITE_FIELD:
            error = ssl.SSLError(0, _REASON)
            error.reason = _REASON
            raise error

    def _read_records(self) -> None:
        """Move the content of whole handshake records to the messages; OpenSSL skips others."""
        while len(self._records) >= _RECORD_HEAD:
            end = _RECORD_HEAD + int.from_bytes(self._records[3:_RECORD_HEAD])
            if len(self._records) < end:
                return
            if self._records[0] == _HANDSHAKE:
                self._messages += self._records[_RECORD_HEAD:end]
            del self._records[:end]

    def _find_hello(self) -> bytes | None:
        """Return the ServerHello once it is whole; what comes then is not read."""
        while len(self._messages) >= _MESSAGE_HEAD:
            kind, end = self._messages[0], _MESSAGE_HEAD + int.from_bytes(self._messages[1:4])
            if len(self._messages) < end:
                return None
            message = bytes(self._messages[_MESSAGE_HEAD:end])
            del self._messages[:end]
            if kind != _HELLO_REQUEST:  # which OpenSSL skips
                self._is_over = True
                return message if kind == _SERVER_HELLO else None
        return None


def _find_group(hello: bytes) -> int | None:
    """Return the group that a ServerHello demands to begin again with; None: it does not."""
    if hello[_RANDOM] != _RETRY:
        return None
    # The session id, the cipher suite, the compression method, the length of the extensions.
    at = _SESSION_ID + 1 + int.from_bytes(hello[_SESSION_ID : _SESSION_ID + 1]) + 2 + 1 + 2
    while at + 4 <= len(hello):
        kind, size = int.from_bytes(hello[at : at + 2]), int.from_bytes(hello[at + 2 : at + 4])
        if kind == _KEY_SHARE:
            return int.from_bytes(hello[at + 4 : at + 6])
        at += 4 + size
    return None
