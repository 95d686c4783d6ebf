"""The paths of Open MPIC's API: its requests and answers, on the same path as all others.

Their clients for containers ask below /mpic-coordinator, and those for AWS Lambda at //mpic.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from importlib.metadata import version

from aiohttp import hdrs, web
from grpc import StatusCode

from coordinator.api.http.bodies import read_body
from coordinator.api.http.problems import ProblemDetails
from coordinator.api.http.routes import HttpRoute, PublicRoute, Visit, tell_json
from coordinator.api.open_mpic.answer import make_answer
from coordinator.api.open_mpic.body import read_request
from coordinator.api.open_mpic.orchestration import Terms
from coordinator.api.open_mpic.question import TranslationRules, translate
from coordinator.api.open_mpic.refusal import RefusedError, from_violations
from coordinator.api.open_mpic.settings import OpenMpicTable
from coordinator.corroboration import Corroborator
from coordinator.decision.attempt_id import show_id
from coordinator.rules.quorum import required_by_policy
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import record_pb2 as r

BODY_OCTETS = 64 * 1024
"""Of a request: one name and its parameters take a tenth of it."""
PATHS = ("/mpic", "//mpic", "/mpic-coordinator/mpic")
SPEC_VERSION = "3.9.0"
"""Of Open MPIC's API: what its core 6.5.0 says it follows."""
RECORD_ID = "Mpic-Record-Id"
DRY_RUN = "Mpic-Dry-Run"
"""Says that an answer is a lab's: nothing may be issued on it."""

_HEALTHY = {"status": "healthy"}
_UNHEALTHY = {"status": "unhealthy"}
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT)
_FRAMEWORK: Mapping[int, str] = {
    HTTPStatus.METHOD_NOT_ALLOWED: "Method Not Allowed",
    HTTPStatus.NOT_FOUND: "Not Found",
}


class OpenMpic:
    """Answers callers of Open MPIC's API."""

    def __init__(
        self,
        corroborator: Corroborator,
        table: OpenMpicTable,
        clock: Callable[[], datetime],
        is_ready: Callable[[], bool],
    ) -> None:
        """Answer with what `corroborator` returns; probes are told whether it is ready."""
        self._corroborator = corroborator
        self._table = table
        self._clock = clock
        self._is_ready = is_ready

    def routes(self) -> Sequence[HttpRoute]:
        """Return what callers may ask."""
        asked = [(hdrs.METH_POST, path, self._ask) for path in PATHS]
        routes = (*asked, (hdrs.METH_GET, "/configz", self._show_config))
        return [
            HttpRoute(method, path, handle, tell=tell_error, api_key=True)
            for method, path, handle in routes
        ]

    def public(self) -> Sequence[PublicRoute]:
        """Return what anybody may ask."""
        return (PublicRoute("/healthz", self._show_health),)

    async def _ask(self, visit: Visit) -> web.StreamResponse:
        """Answer one request."""
        octets = await read_body(visit.request, BODY_OCTETS)
        try:
            translated = translate(read_request(octets), self._make_rules())
            record = await self._corroborator.corroborate(translated.question, visit.call)
        except RefusedError as error:
            return tell_json(error.to_json(), HTTPStatus.BAD_REQUEST)
        except RequestError as error:
            if error.status is not StatusCode.INVALID_ARGUMENT:
                raise
            refused = from_violations(error.violations)
            return tell_json(refused.to_json(), HTTPStatus.BAD_REQUEST)
        response = tell_json(make_answer(record, translated))
        response.headers.update(_name_record(record))
        return response

    def _make_rules(self) -> TranslationRules:
        """Return the rules in force; raises RequestError if there are none."""
        corroborator, table = self._corroborator, self._table
        row = corroborator.row_in_force()
        remotes = row.remotes_asked(len(corroborator.rules.roster.remotes))
        issuers = corroborator.issuers
        return TranslationRules(
            issuers=issuers,
            default_issuer=table.issuer or next(iter(issuers)),
            terms=Terms(remotes, required_by_policy(row, remotes)),
            at=self._clock(),
            linger=min(table.linger, corroborator.max_linger),
            require_challenge_created_at=table.require_challenge_created_at,
            honour_smaller_quorum=table.honour_smaller_quorum,
        )

    async def _show_health(self, _: web.Request) -> web.Response:
        """Answer a probe; Open MPIC's own is always healthy, and would draw calls here in vain."""
        if self._is_ready():
            return tell_json(_HEALTHY)
        return tell_json(_UNHEALTHY, HTTPStatus.SERVICE_UNAVAILABLE)

    async def _show_config(self, _: Visit) -> web.StreamResponse:
        """Tell the configuration, by the keys of Open MPIC; null: there is no such thing here."""
        config = {
            "open_mpic_api_spec_version": SPEC_VERSION,
            "app_version": version("mpic"),
            "mpic_core_version": None,
            "absolute_max_attempts": 1,
            "default_perspective_count": self._make_rules().terms.remotes,
            "http_client_timeout_seconds": self._corroborator.max_linger,
            "http_client_keepalive_timeout_seconds": None,
            "log_level": logging.getLogger().getEffectiveLevel(),
            "uvicorn_server_timeout_keep_alive": None,
        }
        return tell_json(config)


def tell_error(details: ProblemDetails) -> web.Response:
    """Return the response of an error in the form of Open MPIC.

    Callers know the statuses 400 and 500 of it. What is not their fault has one of 500 to 599.
    """
    status, headers = details.status, details.all_headers()
    body: dict[str, object] = {"error": details.detail}
    if status in _FRAMEWORK:
        body = {"detail": _FRAMEWORK[status]}
    elif details.violations:
        body = from_violations(details.violations).to_json()
    elif status in _BUSY and details.reason != "TOO_MANY_FAILURES":
        status = HTTPStatus.SERVICE_UNAVAILABLE
    response = tell_json(body, status)
    response.headers.update(headers)
    return response


def _name_record(record: r.Record) -> dict[str, str]:
    """Return the headers that say where an answer is recorded, and whether it is of a lab."""
    headers = {RECORD_ID: show_id(record.id)} if record.id else {}
    return {**headers, DRY_RUN: "true"} if record.dry_run else headers
