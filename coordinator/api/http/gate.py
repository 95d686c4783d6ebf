"""Lets callers in, and counts, logs and bounds those that are not."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

import structlog
from aiohttp import hdrs, web

from coordinator.api.http.authentication import (
    Access,
    Admitted,
    Credentials,
    Refused,
    authenticate,
)
from coordinator.api.http.failures import Failures
from coordinator.api.http.metrics import HttpMetrics
from coordinator.api.http.problems import HttpError, ProblemDetails
from coordinator.api.http.sessions import COOKIE, Sessions
from mpic.runtime.grpc.counted_lines import CountedLines

log = structlog.get_logger()

_API_KEY = "X-Api-Key"
_FORBIDDEN = ("caller_not_allowed", "token_contradicts_certificate")
"""It is known who calls, and that caller may not; after any other failure it is not known."""


class _Stream(NamedTuple):
    """Of a caller that was let in."""

    credentials: Credentials
    caller: str
    """The identity under which it was."""


class Gate:
    """The door of every route that needs to know who calls."""

    def __init__(self, access: Access, metrics: HttpMetrics) -> None:
        """Let in by `access`, until another is adopted."""
        self._access = access
        self._streams: dict[asyncio.Task[Any], _Stream] = {}
        """The caller of each open stream, by the task of the stream."""
        self._closed: set[asyncio.Task[Any]] = set()
        """Streams that are to end, because their caller is no longer let in."""
        self._failures = Failures()
        self.sessions = Sessions()
        """Browsers that have signed in with a token."""
        self._metrics = metrics
        self.refused = CountedLines(partial(log.warning, "http_caller_refused"))
        """Writes few log lines for many callers that are not let in."""

    def identify(
        self, request: web.Request, *, api_key: bool = False, cookie: bool = False
    ) -> Sequence[str]:
        """Return the identities of a caller that is let in; raises HttpError.

        With `cookie` a browser is let in that has signed in. So its forms must be ours.
        """
        shown = read_credentials(request, api_key=api_key)
        if cookie and not shown.authorization:
            token = self.sessions.find(request.cookies.get(COOKIE, ""))
            shown = shown._replace(authorization=[f"Bearer {token}"] if token else [])
        return self._let_in(request, shown)

    def check_token(self, request: web.Request, token: str) -> None:
        """Raise HttpError if a token, sent otherwise than in a header, lets nobody in."""
        certificate = read_credentials(request).certificate
        self._let_in(request, Credentials(certificate, [f"Bearer {token}"]))

    def _let_in(self, request: web.Request, shown: Credentials) -> Sequence[str]:
        outcome = authenticate(shown, self._access)
        if isinstance(outcome, Admitted):
            return outcome.identities
        raise self.turn_away(request, outcome)

    def turn_away(self, request: web.Request, refused: Refused) -> HttpError:
        """Count a caller that is not let in, and return what it is told."""
        self._metrics.failures[refused.failure].inc()
        address = request.remote or ""
        self.refused.note(failure=refused.failure, address=address)
        wait = self._failures.note(address)
        return _refuse(refused) if wait is None else _put_off(wait)

    def is_allowed(self, caller: str) -> bool:
        """Whether an identity is on the list of callers."""
        return caller in self._access.allowed

    def adopt(self, access: Access) -> None:
        """Let in by `access` from now on, and end the streams of those who are no longer let in.

        Other calls end by themselves within seconds, for those who were let in.
        """
        self._access = access
        for task, stream in self._streams.items():
            outcome = authenticate(stream.credentials, access)
            if not (isinstance(outcome, Admitted) and stream.caller in outcome.identities):
                self._closed.add(task)
                task.cancel()

    @contextmanager
    def watch(self, request: web.Request, caller: str) -> Iterator[None]:
        """Let a stream go on for as long as its caller is let in; then raise HttpError in it."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - aiohttp gives each request one
        self._streams[task] = _Stream(read_credentials(request), caller)
        try:
            yield
        except asyncio.CancelledError:
            if task not in self._closed:
                raise
            task.uncancel()
            text = "this caller, or its token, has been taken off the list"
            raise HttpError(HTTPStatus.FORBIDDEN, "CALLER_NOT_ALLOWED", text) from None
        finally:
            self._streams.pop(task, None)
            self._closed.discard(task)


def read_credentials(request: web.Request, *, api_key: bool = False) -> Credentials:
    """Return what a caller shows: its certificate, which TLS has verified, and its token.

    With `api_key` a token may also stand in the header X-Api-Key. One token is taken, not two.
    """
    tls = request.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls is not None else None
    authorization = request.headers.getall(hdrs.AUTHORIZATION, [])
    keys = request.headers.getall(_API_KEY, []) if api_key else []
    return Credentials(certificate, [*authorization, *(f"Bearer {key}" for key in keys)])


def _refuse(refused: Refused) -> HttpError:
    if refused.failure == "link_not_valid":
        return HttpError(HTTPStatus.NOT_FOUND, "RECORD_NOT_FOUND", refused.detail)
    if refused.failure in _FORBIDDEN:
        return HttpError(HTTPStatus.FORBIDDEN, "CALLER_NOT_ALLOWED", refused.detail)
    # RFC 6750 section 3: the error is named only if there was a token.
    challenge = 'Bearer realm="mpic"'
    if refused.failure in ("token_malformed", "token_unknown"):
        challenge += ', error="invalid_token"'
    headers: dict[str, str] = {hdrs.WWW_AUTHENTICATE: challenge}
    return HttpError(HTTPStatus.UNAUTHORIZED, "NOT_AUTHENTICATED", refused.detail, headers)


def _put_off(seconds: float) -> HttpError:
    text = "too many calls from this address were not let in; valid ones are all the same"
    error = HttpError(HTTPStatus.TOO_MANY_REQUESTS, "TOO_MANY_FAILURES", text)
    error.details = ProblemDetails(
        HTTPStatus.TOO_MANY_REQUESTS, "TOO_MANY_FAILURES", text, retry_after=seconds
    )
    return error
