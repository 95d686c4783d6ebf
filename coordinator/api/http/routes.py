"""Routes: who calls, what they ask, the answer or the error, and what is counted of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from aiohttp import hdrs, web

from coordinator.api.http.calls import DEADLINE, count_down, read_deadline, read_trace
from coordinator.api.http.gate import Gate
from coordinator.api.http.json_messages import write_json
from coordinator.api.http.metrics import NO_ROUTE, HttpMetrics
from coordinator.api.http.problems import (
    MEDIA_TYPE,
    HttpError,
    ProblemDetails,
    refuse_late,
    to_problem,
)
from coordinator.corroboration import Call
from mpic.runtime.grpc.errors import RequestError
from mpic.trace import HEADER as TRACEPARENT

log = structlog.get_logger()

_WRITE_SECONDS = 30.0
"""A caller has this long to take an answer."""
_HUNG_UP = 499
JSON = "application/json"


class HungUpError(ConnectionResetError):
    """The answer has begun, and the caller does not take the rest: nothing more can be told."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a caller that was let in."""

    request: web.Request
    call: Call
    """For `Corroborator.corroborate` and the record: under whose name, and how long."""
    identities: Sequence[str]
    """All identities of the caller that are on the list."""


def tell_problem(details: ProblemDetails) -> web.Response:
    """Return the response of an error: problem details."""
    body = write_json(details.to_json())
    headers = details.all_headers()
    return web.Response(status=details.status, body=body, content_type=MEDIA_TYPE, headers=headers)


def tell_json(value: object, status: int = HTTPStatus.OK) -> web.Response:
    """Return a response with a JSON value."""
    return web.Response(status=status, body=write_json(value), content_type=JSON)


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """A path that callers may ask."""

    method: str
    path: str
    """As aiohttp writes it, with {name} for what differs."""
    handle: Callable[[Visit], Awaitable[web.StreamResponse]]
    """Answers; raises RequestError or HttpError."""
    tell: Callable[[ProblemDetails], web.Response] = tell_problem
    """Turns an error into a response."""
    api_key: bool = False
    """Whether a token may also stand in the header X-Api-Key."""
    is_stream: Callable[[web.Request], bool] = lambda _: False
    """Whether it keeps the caller's deadline itself: its answer begins before it is known."""


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A path for whoever reaches the port.

    It tells nothing of callers, names or records, or its handler says who may see what.
    """

    path: str
    handle: Callable[[web.Request], Awaitable[web.Response]]
    method: str = hdrs.METH_GET
    tell: Callable[[ProblemDetails], web.Response] = tell_problem
    """Tells what no route takes at and below the part of the path that is always the same."""


class Router:
    """Serves routes behind the gate."""

    def __init__(
        self,
        gate: Gate,
        metrics: HttpMetrics,
        name_caller: Callable[[Sequence[str]], str],
    ) -> None:
        """Take whom `gate` lets in, under the name that `name_caller` gives its identities."""
        self._gate = gate
        self._metrics = metrics
        self._name_caller = name_caller
        self._tells: dict[str, Callable[[ProblemDetails], web.Response]] = {}
        """How errors are told at each path and below it, where they are no problem details."""

    def make_application(
        self, routes: Iterable[HttpRoute], public: Iterable[PublicRoute] = ()
    ) -> web.Application:
        """Return what serves these routes, and tells all other paths and methods an error."""
        application = web.Application(middlewares=[self._tell_strays])
        application.on_response_prepare.append(_add_usual_headers)
        for route in routes:
            self._tells[route.path] = route.tell
            self._add(application, route.method, route.path, self._serve(route))
        for page in public:
            self._tells[page.path.partition("/{")[0]] = page.tell
            self._add(application, page.method, page.path, self._show(page))
        return application

    def _add(
        self,
        application: web.Application,
        method: str,
        path: str,
        handle: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> None:
        self._metrics.expect(path)
        methods = (method, hdrs.METH_HEAD) if method == hdrs.METH_GET else (method,)
        for one in methods:
            application.router.add_route(one, path, handle, expect_handler=_expect)

    def _serve(self, route: HttpRoute) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._count(route.path, request, self._answer(route, request))

        return serve

    def _show(self, page: PublicRoute) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def show(request: web.Request) -> web.StreamResponse:
            return await self._count(page.path, request, page.handle(request))

        return show

    async def _count(
        self, path: str, request: web.Request, answering: Awaitable[web.StreamResponse]
    ) -> web.StreamResponse:
        """Deliver an answer, and count it once it is taken, or the caller has hung up."""
        started, status = time.perf_counter(), _HUNG_UP
        try:
            response = await answering
            await _deliver(request, response)
            status = response.status
            return response
        finally:
            self._metrics.count(path, status, time.perf_counter() - started)

    async def _answer(self, route: HttpRoute, request: web.Request) -> web.StreamResponse:
        """Return the answer, or how an error is told."""
        try:
            visit = self._let_in(route, request)
            if route.is_stream(request):
                return await route.handle(visit)
            return await _within_deadline(route, visit)
        except HungUpError:
            raise
        except Exception as error:
            if not isinstance(error, RequestError | HttpError):
                log.exception("internal_error")
            return route.tell(to_problem(error))

    def _let_in(self, route: HttpRoute, request: web.Request) -> Visit:
        """Return who calls, and for how long; raises HttpError or RequestError."""
        identities = self._gate.identify(request, api_key=route.api_key)
        remaining = count_down(read_deadline(request.headers.getall(DEADLINE, [])))
        trace = read_trace(request.headers.getall(TRACEPARENT, []))
        return Visit(request, Call(self._name_caller(identities), remaining, trace), identities)

    @web.middleware
    async def _tell_strays(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Answer for paths and methods that no route has, in the form of the nearest route."""
        tell = self._find_tell(request.path)
        try:
            return await handler(request)
        except web.HTTPMethodNotAllowed as error:
            response = _refuse_method(request, sorted(error.allowed_methods), tell)
        except web.HTTPNotFound:
            text = "there is no such path; GET /openapi.json names those that there are"
            response = tell(HttpError(HTTPStatus.NOT_FOUND, "PATH_NOT_FOUND", text).details)
        self._metrics.requests.labels(NO_ROUTE, str(response.status)).inc()
        return response

    def _find_tell(self, path: str) -> Callable[[ProblemDetails], web.Response]:
        """Return how errors are told at a path."""
        above = [known for known in self._tells if path == known or path.startswith(f"{known}/")]
        return self._tells[max(above, key=len)] if above else tell_problem


def _refuse_method(
    request: web.Request,
    allowed: Sequence[str],
    tell: Callable[[ProblemDetails], web.Response],
) -> web.Response:
    headers: dict[str, str] = {hdrs.ALLOW: ", ".join(allowed)}
    if request.method == hdrs.METH_OPTIONS:
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)
    text = f"this path takes {headers[hdrs.ALLOW]}"
    status = HTTPStatus.METHOD_NOT_ALLOWED
    return tell(HttpError(status, "METHOD_NOT_ALLOWED", text, headers).details)


async def _within_deadline(route: HttpRoute, visit: Visit) -> web.StreamResponse:
    """Answer within the caller's deadline; raises RequestError if that passes."""
    try:
        async with asyncio.timeout(visit.call.remaining()) as deadline:
            return await route.handle(visit)
    except TimeoutError:
        if not deadline.expired():
            raise
    raise refuse_late()


async def _deliver(request: web.Request, response: web.StreamResponse) -> None:
    """Send a response; a caller that does not take it in time is hung up on."""
    try:
        async with asyncio.timeout(_WRITE_SECONDS):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        raise hang_up(request) from None


def hang_up(request: web.Request) -> HungUpError:
    """End the connection of a caller at once, and return what is to be raised then."""
    if request.transport is not None:
        request.transport.abort()
    return HungUpError("the answer is not taken")


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """Let a caller send the body that it holds back; if it is not let in, nobody reads that."""
    if request.headers.getall(hdrs.EXPECT) != ["100-continue"]:
        text = "the only expectation that is met here is 100-continue"
        status = HTTPStatus.EXPECTATION_FAILED
        return tell_problem(HttpError(status, "INVALID_REQUEST", text).details)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0
    return None


async def _add_usual_headers(_: web.BaseRequest, response: web.StreamResponse) -> None:
    """Say nothing of what serves, and let nobody keep an answer: it is the caller's alone."""
    response.headers[hdrs.SERVER] = "mpic"
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
