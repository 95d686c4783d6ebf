"""One connection as aiohttp serves it: bounded, and what is no HTTP is told as an error."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from coordinator.api.http.problems import HttpError
from coordinator.api.http.routes import tell_problem

_IDLE_SECONDS = 30.0
"""Until a request's headers have to be there, from the start or from the answer before."""
_LINE_OCTETS = 8190
"""Of the first line of a request, and of one header."""
_HEADERS = 64
_LINGERING_SECONDS = 2.0
"""For which the rest of a body that nobody wants is read and thrown away."""


class Connection(web.RequestHandler):
    """A connection of a caller."""

    __slots__ = ("_on_lost",)

    def __init__(
        self,
        server: web.Server,
        loop: asyncio.AbstractEventLoop,
        on_lost: Callable[["Connection"], None],
    ) -> None:
        """Serve what `server` serves; tell `on_lost` when it ends."""
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=_IDLE_SECONDS,
            access_log=None,  # type: ignore[arg-type] # None is allowed: nothing is logged
            max_line_size=_LINE_OCTETS,
            max_field_size=_LINE_OCTETS,
            max_headers=_HEADERS,
            lingering_time=_LINGERING_SECONDS,
            auto_decompress=False,
        )
        self._on_lost = on_lost

    async def start(self) -> None:
        """Answer requests until the last; then hang up, also if told to while nothing is asked."""
        try:
            await super().start()
        finally:
            if self.transport is not None:
                self.transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note that it has ended."""
        super().connection_lost(exc)
        self._on_lost(self)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the response to what is no HTTP; the connection ends with it."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun already")
        if status == HTTPStatus.BAD_REQUEST:
            text = f"this is no HTTP/1.1 as it is read here: {message or exc}"
            error = HttpError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", text)
        else:
            self.log_exception("http_request_failed", exc_info=exc)
            text = "internal error; nothing was decided"
            error = HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL", text)
        response = tell_problem(error.details)
        response.force_close()
        return response
