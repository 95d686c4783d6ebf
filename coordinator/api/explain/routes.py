"""The page that explains a record, and its button: who may see it, and what is asked anew."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple

import structlog
from aiohttp import hdrs, web

from coordinator.api.explain.again import Repetition, is_repetition, make_repetition
from coordinator.api.explain.asked import AskedPage, make_page, read_page_query
from coordinator.api.explain.bounds import CheckBounds, TooOftenError, ViewBounds
from coordinator.api.explain.headers import (
    accepts_html,
    is_same_origin,
    list_origins,
    page_headers,
    style_headers,
)
from coordinator.api.explain.links import EXPIRES, PATH, SIGNATURE, LinkProof
from coordinator.api.explain.notices import HTML, put_off, tell_notice, tell_page
from coordinator.api.explain.page import read_style
from coordinator.api.http.authentication import Refused
from coordinator.api.http.bodies import read_body
from coordinator.api.http.gate import Gate
from coordinator.api.http.problems import HttpError, to_problem
from coordinator.api.http.routes import PublicRoute, tell_problem
from coordinator.api.record_queries import open_record
from coordinator.api.sources import Sources
from coordinator.checks import DOMAIN_CONTROL
from coordinator.corroboration import Call, Corroborator
from coordinator.decision.attempt_id import show_id
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()

PAGE = PATH + "/{record_id}"
STYLE = PATH + "/style.css"
FORM_OCTETS = 1024
"""Of the form, which has no fields: everything is in its URL."""
PAGES_AT_A_TIME = 2
"""Pages that are made at the same time; others wait."""
PAGES_WAITING = 32
"""Beyond that a page is refused."""


class OpenedPage(NamedTuple):
    """A record that whoever asks may see."""

    record: r.Record
    caller: str
    """Who asks; empty: whoever has a link."""


class ExplanationPages:
    """Shows pages, and checks again."""

    def __init__(
        self,
        corroborator: Corroborator,
        sources: Sources,
        gate: Gate,
        clock: Callable[[], datetime],
    ) -> None:
        """Show what `sources` has, to whom `gate` or a link lets in."""
        self._corroborator = corroborator
        self._sources = sources
        self._gate = gate
        self._clock = clock
        self._bounds = CheckBounds()
        self._views = ViewBounds()
        self._places = asyncio.Semaphore(PAGES_AT_A_TIME)
        self._waiting = 0

    def public(self) -> Sequence[PublicRoute]:
        """Return what is served: each handler says who may see what."""
        return (
            PublicRoute(STYLE, _show_style, tell=tell_page),
            PublicRoute(PAGE, self._guard(self._show), tell=tell_page),
            PublicRoute(PAGE, self._guard(self._check_again), hdrs.METH_POST, tell=tell_page),
        )

    def _guard(
        self, handle: Callable[[web.Request, AskedPage], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Tell every error as a page, or as problem details to whoever wants no page."""

        async def answer(request: web.Request) -> web.Response:
            asked = read_page_query(request)
            try:
                return await handle(request, asked)
            except TooOftenError as error:
                details = put_off(error.wait).details
            except Exception as error:
                if not isinstance(error, RequestError | HttpError):
                    log.exception("internal_error")
                details = to_problem(error)
            if not accepts_html(request.headers.getall(hdrs.ACCEPT, [])):
                return tell_problem(details)
            return tell_page(details, asked.language)

        return answer

    async def _show(self, request: web.Request, asked: AskedPage) -> web.Response:
        """Show the page of a record."""
        opened = await self._open(request, asked)
        record, later = opened.record, None
        if asked.after:
            later = await self._read_repetition(asked.after, record)
            if later is None:
                raise _refuse_link(self._gate, request)
        repetition = self._find_repetition(opened)
        body = await self._make(asked, record, later, repetition)
        return web.Response(
            body=body,
            content_type=HTML,
            charset="utf-8",
            headers=page_headers(asked.language),
        )

    async def _check_again(self, request: web.Request, asked: AskedPage) -> web.Response:
        """Ask anew, and lead to the page that shows both."""
        opened = await self._open(request, asked)
        await read_body(request, FORM_OCTETS)
        if not is_same_origin(request.headers, self._own_origins(request, asked)):
            return tell_notice("foreign", HTTPStatus.FORBIDDEN, asked.language)
        repetition = self._find_repetition(opened)
        if repetition is None:
            text = "this record cannot be asked again from here"
            raise HttpError(HTTPStatus.CONFLICT, "INVALID_REQUEST", text)
        call = Call(opened.record.caller, lambda: None)
        with self._bounds.enter(opened.record.id.hex(), request.remote or ""):
            later = await self._corroborator.corroborate(repetition.request, call)
        location = asked.refer(after=show_id(later.id)) + "#after"
        headers = {**page_headers(asked.language), hdrs.LOCATION: location}
        return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)

    async def _open(self, request: web.Request, asked: AskedPage) -> OpenedPage:
        """Return the record, if a link or the caller's credentials open it; raises an error."""
        record_id = request.match_info["record_id"]
        if asked.proof:
            proof = LinkProof(asked.proof.get(EXPIRES, ""), asked.proof.get(SIGNATURE, ""))
            if not self._sources.explanation_links.is_valid(record_id, proof):
                raise _refuse_link(self._gate, request)
            self._views.count(record_id)
            records = open_record(self._sources.record_queries)
            return OpenedPage(await records.read_linked(record_id), "")
        identities = self._gate.identify(request, cookie=True)
        caller = self._corroborator.limiter.admission.name_caller(identities)
        records = open_record(self._sources.record_queries)
        return OpenedPage(await records.read_own(record_id, caller), caller)

    async def _read_repetition(self, record_id: str, of: r.Record) -> r.Record | None:
        """Return the record of a check again; None: it is of none, or there is no such record."""
        try:
            later = await open_record(self._sources.record_queries).read_linked(record_id)
        except RequestError as error:
            if error.reason != "RECORD_NOT_FOUND":
                raise
            return None
        return later if is_repetition(later, of) else None

    def _find_repetition(self, opened: OpenedPage) -> Repetition | None:
        """Return what is asked again; None: nothing can be, or whoever asks may not."""
        record, caller = opened
        if caller not in ("", record.caller) or not self._gate.is_allowed(record.caller):
            return None
        try:
            row = self._corroborator.row_in_force()
        except RequestError:
            return None
        repetition = make_repetition(record, self._clock())
        is_demanded = repetition.is_partial and DOMAIN_CONTROL in row.checks
        return None if is_demanded or not repetition.is_possible else repetition

    def _own_origins(self, request: web.Request, asked: AskedPage) -> set[str]:
        """Return the origins of this service; an older browser hides it, and a link is proof."""
        origins = list_origins(request.host, self._sources.explanation_links.public_url)
        return origins | {"null"} if asked.proof else origins

    async def _make(
        self,
        asked: AskedPage,
        record: r.Record,
        later: r.Record | None,
        repetition: Repetition | None,
    ) -> bytes:
        """Return a page, made in a thread: it takes long if the record is large."""
        if self._waiting >= PAGES_WAITING:
            text = "too many pages are asked for; ask again in some seconds"
            raise HttpError(HTTPStatus.SERVICE_UNAVAILABLE, "OVERLOADED", text)
        self._waiting += 1
        try:
            async with self._places:
                return await asyncio.to_thread(make_page, asked, record, later, repetition)
        finally:
            self._waiting -= 1


async def _show_style(_: web.Request) -> web.Response:
    return web.Response(body=read_style(), content_type="text/css", headers=style_headers())


def _refuse_link(gate: Gate, request: web.Request) -> HttpError:
    """Return the error for a link that opens nothing, without saying which part of it is wrong."""
    text = "this link opens nothing, or not any more"
    return gate.turn_away(request, Refused("link_not_valid", text))
