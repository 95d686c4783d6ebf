"""The body of a request: its media type, and its octets up to a bound."""

import asyncio
from collections.abc import Collection
from http import HTTPStatus

from aiohttp import hdrs, web

from coordinator.api.http.json_messages import BODY_OCTETS
from coordinator.api.http.problems import HttpError

_BODY_SECONDS = 30.0
"""Until the last octet of a body has to be there."""


def read_media_type(request: web.Request, accepted: Collection[str]) -> str:
    """Return the media type of a body; raises HttpError if it is none of `accepted`.

    A body has to be in UTF-8, and in no encoding such as gzip.
    """
    kind, parameters = split_media_type(request)
    charset = parameters.strip().lower().replace(" ", "").replace('"', "")
    if kind not in accepted or charset not in ("", "charset=utf-8"):
        wanted = " or ".join(accepted)
        text = f"send Content-Type: {wanted}, in UTF-8"
        headers: dict[str, str] = {hdrs.ACCEPT: ", ".join(accepted)}
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise HttpError(status, "MEDIA_TYPE_NOT_SUPPORTED", text, headers)
    encodings = request.headers.getall(hdrs.CONTENT_ENCODING, [])
    if any(one.strip().lower() not in ("", "identity") for one in encodings):
        text = "send the body without a Content-Encoding"
        headers = {hdrs.ACCEPT_ENCODING: "identity"}
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise HttpError(status, "MEDIA_TYPE_NOT_SUPPORTED", text, headers)
    return kind


def split_media_type(request: web.Request) -> tuple[str, str]:
    """Return media type and parameters of a body; both are empty if it does not have one."""
    values = request.headers.getall(hdrs.CONTENT_TYPE, [])
    kind, _, parameters = (values[0] if len(values) == 1 else "").partition(";")
    return kind.strip().lower(), parameters


async def read_body(request: web.Request, most: int = BODY_OCTETS) -> bytes:
    """Return the body; no more than `most` octets of it are ever kept. Raises HttpError."""
    if (request.content_length or 0) > most:
        raise refuse_large(most)
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.content.iter_any():
                body += part
                if len(body) > most:
                    raise refuse_large(most)
    except web.RequestPayloadError as error:
        text = f"the body is broken: {error}"
        raise HttpError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", text) from None
    except TimeoutError:
        text = f"the body was not there within {_BODY_SECONDS:g} s"
        raise HttpError(HTTPStatus.REQUEST_TIMEOUT, "REQUEST_TOO_SLOW", text) from None
    return bytes(body)


def refuse_large(most: int) -> HttpError:
    """Return the error for a body of more than `most` octets."""
    text = f"a body has at most {most} octets; send many requests as application/x-ndjson"
    return HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "CONTENT_TOO_LARGE", text)
