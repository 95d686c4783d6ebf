"""Pages that say one thing, in both languages: errors, and what to do about them."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from coordinator.api.explain.headers import page_headers
from coordinator.api.explain.page import render_message
from coordinator.api.http.problems import HttpError, ProblemDetails
from mpic.words import Language

HTML = "text/html"

_NOTICES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "closed",
    HTTPStatus.UNAUTHORIZED: "closed",
    HTTPStatus.FORBIDDEN: "closed",
    HTTPStatus.NOT_FOUND: "closed",
    HTTPStatus.METHOD_NOT_ALLOWED: "closed",
    HTTPStatus.TOO_MANY_REQUESTS: "often",
}
"""What people are told for each status; "failed" for any other."""


def tell_page(details: ProblemDetails, language: Language = "en") -> web.Response:
    """Return the page of an error, in both languages."""
    notice = _NOTICES.get(details.status, "failed")
    facts = {"seconds": round(details.retry_after or 1)} if notice == "often" else {}
    response = tell_notice(notice, details.status, language, **facts)
    response.headers.update(details.all_headers())
    return response


def tell_notice(kind: str, status: int, language: Language, **facts: object) -> web.Response:
    """Return a page with the sentences of a kind (`page.KIND.title`, `page.KIND.text`)."""
    return web.Response(
        status=status,
        body=render_message(kind, language, **facts),
        content_type=HTML,
        charset="utf-8",
        headers=page_headers(),
    )


def put_off(seconds: float) -> HttpError:
    """Return the error for a record that was shown or checked again too often."""
    text = "this was asked for too often a short while ago, or is being checked"
    error = HttpError(HTTPStatus.TOO_MANY_REQUESTS, "CALLER_LIMIT", text)
    status = HTTPStatus.TOO_MANY_REQUESTS
    error.details = ProblemDetails(status, "CALLER_LIMIT", text, retry_after=seconds)
    return error
