"""The routes of `mpic.v1`: from JSON to messages, and back. Nothing is decided here."""

from collections.abc import Sequence

from aiohttp import hdrs, web

from coordinator.api.http.bodies import read_body, read_media_type
from coordinator.api.http.calls import REQUEST_ID, agree_on_id, read_request_id
from coordinator.api.http.json_messages import read_message, write_message
from coordinator.api.http.routes import JSON, HttpRoute, Visit, tell_json
from coordinator.api.response import fill_answer
from coordinator.corroboration import Corroborator
from mpic.v1 import corroboration_pb2 as c


class Corroborations:
    """Answers callers."""

    def __init__(self, corroborator: Corroborator) -> None:
        """Answer with what `corroborator` returns."""
        self._corroborator = corroborator

    def routes(self) -> Sequence[HttpRoute]:
        """Return what callers may ask."""
        return (HttpRoute(hdrs.METH_POST, "/v1/corroborations", self._corroborate),)

    async def _corroborate(self, visit: Visit) -> web.StreamResponse:
        """Answer one question."""
        request = visit.request
        read_media_type(request, (JSON,))
        in_header = read_request_id(request.headers.getall(REQUEST_ID, []))
        question = read_message(await read_body(request), c.CorroborateRequest())
        question.request_id = agree_on_id(question.request_id, in_header)
        record = await self._corroborator.corroborate(question, visit.call)
        response = c.CorroborateResponse()
        fill_answer(response, record)
        return tell_json(write_message(response))
