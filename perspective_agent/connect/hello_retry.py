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
_FINITE_FIELD_DEMANDED = "the server demands a finite-field group, which takes too long"
_MOST_PARTS = 64
"""Records and messages up to the first ServerHello; servers need one of each."""
_TOO_MANY_PARTS = "the server sends too much before it says hello"


class HelloRetryWatch:
    """Reads what a server sends, until its first ServerHello."""

    def __init__(self) -> None:
        """Begin before the first octet."""
        self._records = bytearray()
        self._messages = bytearray()
        self._parts = 0
        self._is_over = False

    def __call__(self, octets: bytes) -> None:
        """Read on; raises ssl.SSLError for such a group, or too much before it."""
        if self._is_over:
            return
        self._records += octets
        hello = self._read_on()
        if hello is not None and _find_group(hello) in _FINITE_FIELD:
            raise _make_error(_FINITE_FIELD_DEMANDED)

    def _read_on(self) -> bytes | None:
        """Return the ServerHello once it is whole; what comes after it is not read."""
        while self._read_record():
            hello = self._find_hello()
            if self._is_over:
                return hello
        return None

    def _read_record(self) -> bool:
        """Move what a whole record has of messages; return whether there was one."""
        end = _RECORD_HEAD + int.from_bytes(self._records[3:_RECORD_HEAD])
        if len(self._records) < max(end, _RECORD_HEAD):
            return False
        self._count()
        if self._records[0] == _HANDSHAKE:  # OpenSSL passes over others, or ends the handshake
            self._messages += self._records[_RECORD_HEAD:end]
        del self._records[:end]
        return True

    def _find_hello(self) -> bytes | None:
        """Return the ServerHello if it is the next message but HelloRequests, and whole."""
        while len(self._messages) >= _MESSAGE_HEAD:
            kind, end = self._messages[0], _MESSAGE_HEAD + int.from_bytes(self._messages[1:4])
            if len(self._messages) < end:
                return None
            self._count()
            message = bytes(self._messages[_MESSAGE_HEAD:end])
            del self._messages[:end]
            if kind != _HELLO_REQUEST:  # which OpenSSL skips
                self._is_over = True
                return message if kind == _SERVER_HELLO else None
        return None

    def _count(self) -> None:
        """Count a record or a message: each takes a little time."""
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _make_error(_TOO_MANY_PARTS)


def _make_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(0, reason)
    error.reason = reason
    return error


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
