"""Reading one response from the octets that come, by aiohttp's parser (llhttp, RFC 9112).

Interim responses are passed over. What follows the response is no part of it (RFC 9112 section
6.3). How much is read is bounded by aiohttp for lines and fields, here for the header section and
the content, and at the socket for all together.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpResponseParser, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from mpic.text import shorten
from mpic.v1 import observation_pb2 as o

HEADER_OCTETS = 16 * 1024
"""Of the header section."""
_LINE_OCTETS = 8 * 1024
_FIELDS = HEADER_OCTETS // len(b"X:\r\n")
_BUFFER_OCTETS = 2**30
"""More than the socket lets through, so that the parser never waits for who reads its content."""
_DETAIL_OCTETS = 500
_SWITCHING = 101
_STATUSES = range(100, 1000)  # RFC 9110 section 15
_NO_CONTENT = (_SWITCHING, 204, 304)
_HEADER_END = re.compile(rb"\n\r?\n")


class ReplyError(Exception):
    """What came is no response that counts; it says why."""

    def __init__(self, kind: o.FailureKind.ValueType, detail: str) -> None:
        """Say it in a sentence that may quote what came."""
        detail = shorten(detail, _DETAIL_OCTETS)
        self.failure = o.Failure(kind=kind, detail=f"the server's response: {detail}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a response is wanted."""

    body_octets: int
    """How much of the content."""
    no_body_of: frozenset[int] = frozenset()
    """The status codes of redirects that are followed: their content is not read."""


class ResponseReader:
    """One response, as far as it has come."""

    def __init__(self, wanted: Wanted) -> None:
        """Begin before the first octet."""
        loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(
            BaseProtocol(loop),
            loop,
            _BUFFER_OCTETS,
            max_line_size=_LINE_OCTETS,
            max_field_size=_LINE_OCTETS,
            max_headers=_FIELDS,
            read_until_eof=True,
            auto_decompress=False,
        )
        self._wanted = wanted
        self._message: RawResponseMessage | None = None
        self._content: StreamReader | None = None
        self._body = bytearray()
        self._last = b""
        """The last octets that were parsed, in which the end of a header section may begin."""
        self.locations: list[bytes] = []
        """All values of the field Location."""

    def feed(self, octets: bytes) -> bool:
        """Take what came; return whether nothing more is wanted; raises ReplyError."""
        while octets:
            piece, octets = self._split(octets)
            try:
                messages = self._parser.feed_data(piece)[0]
            except HttpProcessingError as error:
                if self._is_whole():
                    return True
                raise _read_error(error) from error
            for message, content in messages:
                self._take(message, content)
            if self._is_whole():
                return True
        return False

    def end(self) -> None:
        """Take that nothing more comes; raises ReplyError if the response is not whole."""
        try:
            self._parser.feed_eof()
        except HttpProcessingError as error:
            detail = f"the connection ended too early: {error.message}"
            raise ReplyError(o.FAILURE_KIND_CONNECTION_LOST, detail) from error
        if not self._is_whole():
            detail = "the connection ended before it was there"
            raise ReplyError(o.FAILURE_KIND_CONNECTION_LOST, detail)

    def read(self) -> o.HttpResponse:
        """Return the response, once it is whole."""
        assert self._message is not None  # noqa: S101 - it is whole
        most = self._wanted.body_octets
        return o.HttpResponse(
            status=self._message.code,
            location=self.locations[0] if self.locations else b"",
            body=bytes(self._body[:most]),
            body_is_cut=len(self._body) > most,
        )

    def _split(self, octets: bytes) -> tuple[bytes, bytes]:
        """Return what is parsed next, and the rest.

        The parser forgets a header section if what comes with it does not parse. So each is given
        by itself.
        """
        if self._message is not None:
            return octets, b""
        found = _HEADER_END.search(self._last + octets)
        at = len(octets) if found is None else found.end() - len(self._last)
        self._last = b"" if found else (self._last + octets)[-2:]
        return octets[:at], octets[at:]

    def _take(self, message: RawResponseMessage, content: StreamReader) -> None:
        """Take a response, unless it is interim or there is one."""
        if self._message is not None:
            return
        if message.code not in _STATUSES:
            detail = f"the status code {message.code:03} does not exist"
            raise ReplyError(o.FAILURE_KIND_MALFORMED, detail)
        if message.code < 200 and message.code != _SWITCHING:  # noqa: PLR2004 - RFC 9110 section 15.2
            return
        octets = sum(len(name) + len(value) + 4 for name, value in message.raw_headers)
        if octets > HEADER_OCTETS:
            detail = f"a header section of {octets} octets; {HEADER_OCTETS} may be"
            raise ReplyError(o.FAILURE_KIND_TOO_LARGE, detail)
        self._message, self._content = message, content
        self.locations = [
            value for name, value in message.raw_headers if name.lower() == b"location"
        ]

    def _is_whole(self) -> bool:
        """Whether all that is wanted is there; raises ReplyError if the content does not parse."""
        if self._message is None or self._content is None:
            return False
        code = self._message.code
        if code in _NO_CONTENT or (self.locations and code in self._wanted.no_body_of):
            return True
        error = self._content.exception()
        if isinstance(error, HttpProcessingError):
            raise _read_error(error) from error
        self._body += self._content.read_nowait()
        return self._content.is_eof() or len(self._body) > self._wanted.body_octets


def _read_error(error: HttpProcessingError) -> ReplyError:
    is_long = any(isinstance(one, LineTooLong) for one in _causes(error))
    kind = o.FAILURE_KIND_TOO_LARGE if is_long else o.FAILURE_KIND_MALFORMED
    return ReplyError(kind, error.message)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__
