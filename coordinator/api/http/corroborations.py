"""The routes of `mpic.v1`: from JSON to messages, and back. Nothing is decided here."""

from collections.abc import Sequence

from aiohttp import hdrs, web
from google.protobuf.message import Message

from coordinator.api.http.bodies import read_body, read_media_type, split_media_type
from coordinator.api.http.calls import REQUEST_ID, agree_on_id, read_query, read_request_id
from coordinator.api.http.comments import read_comments
from coordinator.api.http.gate import Gate
from coordinator.api.http.json_messages import read_message, write_json
from coordinator.api.http.json_writing import to_json_value
from coordinator.api.http.line_streams import LineStreams
from coordinator.api.http.ndjson import MEDIA_TYPE as LINES
from coordinator.api.http.openapi import PATH as OPENAPI
from coordinator.api.http.openapi import make_openapi
from coordinator.api.http.routes import JSON, HttpRoute, PublicRoute, Visit, tell_json
from coordinator.api.perspective_list import list_perspectives
from coordinator.api.record_queries import open_record
from coordinator.api.servicer import StreamBounds
from coordinator.api.sources import Sources
from coordinator.corroboration import Corroborator
from mpic.v1 import corroboration_pb2 as c

ASK = "/v1/corroborations"
READ = "/v1/corroborations/{record_id}"
ISSUED = "/v1/corroborations/{record_id}/issuance"
PERSPECTIVES = "/v1/perspectives"


class Corroborations:
    """Answers callers."""

    def __init__(
        self, corroborator: Corroborator, sources: Sources, gate: Gate, limits: StreamBounds
    ) -> None:
        """Answer with what `corroborator` and `sources` return."""
        self._corroborator = corroborator
        self._sources = sources
        self._streams = LineStreams(corroborator, gate, limits, sources.answers.fill)

    def routes(self) -> Sequence[HttpRoute]:
        """Return what callers may ask."""
        return (
            HttpRoute(hdrs.METH_POST, ASK, self._corroborate, is_stream=is_stream),
            HttpRoute(hdrs.METH_GET, READ, self._get),
            HttpRoute(hdrs.METH_POST, ISSUED, self._record_issuance),
            HttpRoute(hdrs.METH_GET, PERSPECTIVES, self._list_perspectives),
        )

    def public(self) -> Sequence[PublicRoute]:
        """Return what whoever reaches the port may ask."""
        description = write_json(make_openapi(read_comments()))

        async def describe(_: web.Request) -> web.Response:
            return web.Response(body=description, content_type=JSON)

        return (PublicRoute(OPENAPI, describe),)

    def drain(self) -> None:
        """End streams once their questions are answered."""
        self._streams.drain()

    async def _corroborate(self, visit: Visit) -> web.StreamResponse:
        """Answer one question, or those of many lines."""
        request = visit.request
        if read_media_type(request, (JSON, LINES)) == LINES:
            return await self._streams.serve(visit)
        in_header = read_request_id(request.headers.getall(REQUEST_ID, []))
        question = read_message(await read_body(request), c.CorroborateRequest())
        question.request_id = agree_on_id(question.request_id, in_header)
        record = await self._corroborator.corroborate(question, visit.call)
        response = c.CorroborateResponse()
        self._sources.answers.fill(response, record)
        return _tell(response)

    async def _get(self, visit: Visit) -> web.StreamResponse:
        """Return what is recorded about one question."""
        asked = c.GetCorroborationRequest(record_id=visit.request.match_info["record_id"])
        asked.names.extend(read_query(visit.request.query, ("names",)).get("names", ()))
        records = open_record(self._sources.record_queries)
        return _tell(await records.get(asked, visit.call.caller))

    async def _record_issuance(self, visit: Visit) -> web.StreamResponse:
        """Add a certificate to a record."""
        request = visit.request
        read_media_type(request, (JSON,))
        issuance = read_message(await read_body(request), c.Issuance())
        record_id = request.match_info["record_id"]
        asked = c.RecordIssuanceRequest(record_id=record_id, issuance=issuance)
        records = open_record(self._sources.record_queries)
        return _tell(await records.record_issuance(asked, visit.call.caller))

    async def _list_perspectives(self, visit: Visit) -> web.StreamResponse:
        """Return the roster and the state of each link."""
        read_query(visit.request.query, ())
        return _tell(await list_perspectives(self._sources.links()))


def is_stream(request: web.Request) -> bool:
    """Whether a request has many questions, one a line."""
    return split_media_type(request)[0] == LINES


def _tell(message: Message) -> web.Response:
    return tell_json(to_json_value(message))
