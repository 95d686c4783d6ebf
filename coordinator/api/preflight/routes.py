"""The officer's pages: who may see what, what is handed in, and what is given back."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import structlog
from aiohttp import hdrs, web

from coordinator.api.explain.headers import is_same_origin, list_origins, page_headers
from coordinator.api.explain.languages import choose_page_language
from coordinator.api.explain.notices import HTML, tell_notice, tell_page
from coordinator.api.http.gate import Gate, read_credentials
from coordinator.api.http.problems import HttpError, to_problem
from coordinator.api.http.routes import PublicRoute
from coordinator.api.http.sessions import COOKIE
from coordinator.api.http.sessions import SECONDS as SESSION_SECONDS
from coordinator.api.preflight.asking import Asker
from coordinator.api.preflight.form import TOKEN_FORM_OCTETS, FormField, read_form
from coordinator.api.preflight.handed_in import HandedIn, read_list, read_pasted
from coordinator.api.preflight.jobs import JobLines, NoRoomError, PreflightJob, PreflightJobs
from coordinator.api.preflight.page import (
    JobView,
    StartView,
    render_job,
    render_sign_in,
    render_start,
)
from coordinator.api.sources import Sources
from coordinator.corroboration import Corroborator
from mpic.ask.lists.line import ListError
from mpic.ask.lists.outputs import Dress, to_csv, to_tsv
from mpic.words import Language

log = structlog.get_logger()

PATH = "/preflight"
REFRESH_SECONDS = 3
PAGES_AT_A_TIME = 2
"""Pages and files that are made at the same time, each in a thread; others wait."""
_NUMBER = re.compile("[0-9]{1,5}")
_OUTPUTS = {"tsv": to_tsv, "csv": to_csv}


@dataclass(frozen=True, slots=True)
class OfficersRequest:
    """A request of a caller that was let in."""

    request: web.Request
    caller: str
    language: Language


Handle = Callable[[OfficersRequest], Awaitable[web.Response]]


class PreflightPages:
    """Takes lists, and shows what they have come to."""

    def __init__(
        self,
        corroborator: Corroborator,
        sources: Sources,
        gate: Gate,
        clock: Callable[[], datetime],
    ) -> None:
        """Ask `corroborator` for whom `gate` lets in."""
        self._corroborator = corroborator
        self._sources = sources
        self._gate = gate
        self._clock = clock
        self.jobs = PreflightJobs()
        self._places = asyncio.Semaphore(PAGES_AT_A_TIME)
        self._asker = Asker(corroborator, sources.answers, gate.is_allowed, clock)

    def public(self) -> Sequence[PublicRoute]:
        """Return what is served: each handler says who may see what."""
        post, job = hdrs.METH_POST, PATH + "/{job_id}"
        return (
            PublicRoute(PATH, self._guard(self._show_start), tell=tell_page),
            PublicRoute(PATH, self._guard(self._take), post, tell=tell_page),
            PublicRoute(PATH + "/sign-in", self._sign_in, post, tell=tell_page),
            PublicRoute(PATH + "/sign-out", self._guard(self._sign_out), post, tell=tell_page),
            PublicRoute(job, self._guard(self._show_job), tell=tell_page),
            PublicRoute(job + "/file", self._guard(self._give_back), tell=tell_page),
        )

    def _guard(self, handle: Handle) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Let callers in; ask others to sign in, and tell every error as a page."""

        async def answer(request: web.Request) -> web.Response:
            language = _read_language(request)
            try:
                if not self._shows_anything(request):
                    return _ask_to_sign_in(request, language)
                identities = self._gate.identify(request, cookie=True)
                caller = self._corroborator.limiter.admission.name_caller(identities)
                if request.method == hdrs.METH_POST and not self._is_ours(request):
                    return tell_notice("foreign", HTTPStatus.FORBIDDEN, language)
                return await handle(OfficersRequest(request, caller, language))
            except Exception as error:
                if not isinstance(error, HttpError):
                    log.exception("internal_error")
                details = to_problem(error)
            # The token of a cookie may have been taken off the list meanwhile.
            if details.status == HTTPStatus.UNAUTHORIZED and COOKIE in request.cookies:
                return _ask_to_sign_in(request, language, is_wrong=True)
            return tell_page(details, language)

        return answer

    def _shows_anything(self, request: web.Request) -> bool:
        """Whether somebody shows a certificate, a token, or the cookie of one that signed in."""
        shown = read_credentials(request)
        cookie = self._gate.sessions.find(request.cookies.get(COOKIE, ""))
        return bool(shown.certificate or shown.authorization or cookie)

    def _is_ours(self, request: web.Request) -> bool:
        """Whether a form comes from a page of ours."""
        origins = list_origins(request.host, self._sources.explanation_links.public_url)
        return is_same_origin(request.headers, origins)

    async def _sign_in(self, request: web.Request) -> web.Response:
        """Take a token, and give a cookie for it."""
        language = _read_language(request)
        try:
            if not self._is_ours(request):
                return tell_notice("foreign", HTTPStatus.FORBIDDEN, language)
            fields = await read_form(request, TOKEN_FORM_OCTETS)
            token = fields.get("token", FormField(b"")).text
            self._gate.check_token(request, token)
        except HttpError as error:
            if error.details.status != HTTPStatus.UNAUTHORIZED:
                return tell_page(error.details, language)
            return _ask_to_sign_in(request, language, is_wrong=True)
        response = _lead(f"../preflight?lang={language}", language)
        response.set_cookie(
            COOKIE,
            self._gate.sessions.begin(token),
            max_age=SESSION_SECONDS,
            path="/",
            secure=True,
            httponly=True,
            samesite="Strict",
        )
        return response

    async def _sign_out(self, asked: OfficersRequest) -> web.Response:
        self._gate.sessions.end(asked.request.cookies.get(COOKIE, ""))
        response = _lead(f"../preflight?lang={asked.language}", asked.language)
        response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
        return response

    async def _show_start(self, asked: OfficersRequest) -> web.Response:
        return self._tell_start(asked, "")

    def _tell_start(
        self, asked: OfficersRequest, wrong: str, status: int = HTTPStatus.OK
    ) -> web.Response:
        issuers = list(self._corroborator.issuers)
        jobs = list(reversed(self.jobs.of_caller(asked.caller)))
        is_signed_in = COOKIE in asked.request.cookies
        view = StartView(issuers if len(issuers) > 1 else (), jobs, wrong, is_signed_in)
        return _tell(render_start(view, asked.language), asked.language, status)

    async def _take(self, asked: OfficersRequest) -> web.Response:
        """Take a list, begin to ask about it, and lead to its page."""
        fields = await read_form(asked.request)
        issuer = fields.get("issuer", FormField(b"")).text
        try:
            handed_in = await asyncio.to_thread(_read, fields)
            job = self.jobs.add(asked.caller, issuer, handed_in)
        except ListError as error:
            said = error.phrase.say(asked.language)
            return self._tell_start(asked, said, HTTPStatus.BAD_REQUEST)
        except NoRoomError:
            said = ListError("no_room").phrase.say(asked.language)
            return self._tell_start(asked, said, HTTPStatus.TOO_MANY_REQUESTS)
        job.asking = asyncio.create_task(self._asker.ask(job))
        self.jobs.forget_in_time()
        return _lead(f"preflight/{job.id}?lang={asked.language}", asked.language)

    async def _show_job(self, asked: OfficersRequest) -> web.Response:
        job, query = self._find(asked), asked.request.query
        first = query.get("from", "")
        view = JobView(
            job,
            asked.language,
            only_bad=query.get("show") == "bad",
            first=int(first) if _NUMBER.fullmatch(first) else 0,
            policy=self._corroborator.rules.policy,
            now=self._clock(),
        )
        async with self._places:
            page = await asyncio.to_thread(render_job, view)
        response = _tell(page, asked.language)
        if job.is_running:
            response.headers["Refresh"] = str(REFRESH_SECONDS)
        return response

    async def _give_back(self, asked: OfficersRequest) -> web.Response:
        """Give the list back, with the columns added or as a CSV."""
        job = self._find(asked)
        kind = "csv" if asked.request.query.get("format") == "csv" else "tsv"
        dress = job.handed_in.dress(asked.language)
        async with self._places:
            body = await asyncio.to_thread(_write, kind, job.show(asked.language), dress)
        headers = {
            **page_headers(asked.language),
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="preflight.{kind}"',
        }
        charset = "utf-8" if dress.encoding == "utf-8" else "shift_jis"
        media = {"csv": "text/csv", "tsv": "text/tab-separated-values"}[kind]
        return web.Response(body=body, content_type=media, charset=charset, headers=headers)

    def _find(self, asked: OfficersRequest) -> PreflightJob:
        job = self.jobs.find(asked.request.match_info["job_id"], asked.caller)
        if job is None:
            text = "there is no such list of yours, or not any more"
            raise HttpError(HTTPStatus.NOT_FOUND, "RECORD_NOT_FOUND", text)
        return job


def _read(fields: Mapping[str, FormField]) -> HandedIn:
    """Read the file, else what was pasted; raises ListError."""
    given, column = fields.get("list", FormField(b"")), fields.get("column", FormField(b"")).text
    if given.octets:
        name = given.file_name.replace("\\", "/").rpartition("/")[2] or "list"
        return read_list(name, given.octets, column)
    return read_pasted(fields.get("names", FormField(b"")).octets.decode(errors="replace"))


def _write(kind: str, lines: JobLines, dress: Dress) -> bytes:
    return b"".join(_OUTPUTS[kind](lines, dress))


def _read_language(request: web.Request) -> Language:
    accepted = ",".join(request.headers.getall(hdrs.ACCEPT_LANGUAGE, []))
    return choose_page_language(request.query.get("lang", ""), accepted)


def _ask_to_sign_in(
    request: web.Request, language: Language, *, is_wrong: bool = False
) -> web.Response:
    root = "../" * (request.path.count("/") - 1)
    page = render_sign_in(language, root, is_wrong=is_wrong)
    return _tell(page, language, HTTPStatus.UNAUTHORIZED if is_wrong else HTTPStatus.OK)


def _tell(page: bytes, language: Language, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(
        status=status,
        body=page,
        content_type=HTML,
        charset="utf-8",
        headers=page_headers(language),
    )


def _lead(location: str, language: Language) -> web.Response:
    headers = {**page_headers(language), hdrs.LOCATION: location}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)
