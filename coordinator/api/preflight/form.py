"""The fields of a form that a browser sends, up to a bound.

All octets are counted and read first: also what stands before, between and behind the fields. They
are then taken apart in a thread, since that goes line by line, and a form may have very many.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus

from aiohttp import BodyPartReader, MultipartReader, StreamReader, hdrs, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError

from coordinator.api.http.bodies import read_body, split_media_type
from coordinator.api.http.problems import HttpError

FORM_OCTETS = 1024 * 1024
"""Of a whole form: some ten thousand names."""
TOKEN_FORM_OCTETS = 4096
"""Of the form to sign in, which anybody may send."""
FIELDS = 8
_BROKEN = (
    ValueError,
    RuntimeError,
    AssertionError,
    web.RequestPayloadError,
    HttpProcessingError,
)
"""What aiohttp raises for what is no form."""


@dataclass(frozen=True, slots=True)
class FormField:
    """What stands in a field."""

    octets: bytes
    file_name: str = ""

    @property
    def text(self) -> str:
        """As text; what is no UTF-8 is replaced."""
        return self.octets.decode(errors="replace").strip()


async def read_form(request: web.Request, most: int = FORM_OCTETS) -> Mapping[str, FormField]:
    """Return the fields of a form of at most `most` octets by their names; raises HttpError."""
    if split_media_type(request)[0] != "multipart/form-data":
        text = "send the form of the page: multipart/form-data"
        headers: dict[str, str] = {hdrs.ACCEPT: "multipart/form-data"}
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise HttpError(status, "MEDIA_TYPE_NOT_SUPPORTED", text, headers)
    octets = await read_body(request, most)
    try:
        return await asyncio.to_thread(_take_apart, request.headers[hdrs.CONTENT_TYPE], octets)
    except _BROKEN as error:
        text = "this is no form that can be read"
        raise HttpError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", text) from error


def _take_apart(content_type: str, octets: bytes) -> Mapping[str, FormField]:
    """Return the fields; raises one of `_BROKEN`."""
    typed = Message()
    typed[hdrs.CONTENT_TYPE] = content_type
    # RFC 2046 allows lines before the first field. No browser sends any.
    if not octets.startswith(f"--{typed.get_boundary('')}\r\n".encode()):
        raise ValueError("it does not begin with its boundary")
    return asyncio.run(_read_fields(content_type, octets))


async def _read_fields(content_type: str, octets: bytes) -> Mapping[str, FormField]:
    content = StreamReader(BaseProtocol(asyncio.get_running_loop()), len(octets) + 1)
    content.feed_data(octets)
    content.feed_eof()
    fields: dict[str, FormField] = {}
    parts = 0
    async for part in MultipartReader({hdrs.CONTENT_TYPE: content_type}, content):
        parts += 1
        if not isinstance(part, BodyPartReader) or parts > FIELDS:
            raise ValueError("more than a form of the page has")
        fields[part.name or ""] = FormField(bytes(await part.read()), part.filename or "")
    return fields
