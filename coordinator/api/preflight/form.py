"""The fields of a form that a browser sends, up to a bound."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import BodyPartReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from coordinator.api.http.bodies import refuse_large, split_media_type
from coordinator.api.http.problems import HttpError

FORM_OCTETS = 1024 * 1024
"""Of a whole form: some ten thousand names."""
FIELDS = 8
_BROKEN = (
    ValueError,
    RuntimeError,
    AssertionError,
    web.RequestPayloadError,
    HttpProcessingError,
)
"""What aiohttp raises for what is no form."""
_SECONDS = 60.0
"""Until the last octet has to be there."""


@dataclass(frozen=True, slots=True)
class FormField:
    """What stands in a field."""

    octets: bytes
    file_name: str = ""

    @property
    def text(self) -> str:
        """As text; what is no UTF-8 is replaced."""
        return self.octets.decode(errors="replace").strip()


async def read_form(request: web.Request) -> Mapping[str, FormField]:
    """Return the fields of a form by their names; raises HttpError."""
    if split_media_type(request)[0] != "multipart/form-data":
        text = "send the form of the page: multipart/form-data"
        headers: dict[str, str] = {hdrs.ACCEPT: "multipart/form-data"}
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise HttpError(status, "MEDIA_TYPE_NOT_SUPPORTED", text, headers)
    if (request.content_length or 0) > FORM_OCTETS:
        raise refuse_large(FORM_OCTETS)
    try:
        async with asyncio.timeout(_SECONDS):
            return await _read_fields(request)
    except _BROKEN as error:
        text = "this is no form that can be read"
        raise HttpError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", text) from error
    except TimeoutError:
        text = f"the form was not there within {_SECONDS:g} s"
        raise HttpError(HTTPStatus.REQUEST_TIMEOUT, "REQUEST_TOO_SLOW", text) from None


async def _read_fields(request: web.Request) -> Mapping[str, FormField]:
    fields: dict[str, FormField] = {}
    left, parts = FORM_OCTETS, 0
    async for part in await request.multipart():
        parts += 1
        if not isinstance(part, BodyPartReader) or parts > FIELDS:
            raise ValueError("more than a form of the page has")
        octets = bytearray()
        while piece := await part.read_chunk():
            octets += piece
            if len(octets) > left:
                raise refuse_large(FORM_OCTETS)
        left -= len(octets)
        fields[part.name or ""] = FormField(bytes(octets), part.filename or "")
    return fields
