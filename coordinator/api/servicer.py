"""CorroborationService: turns messages into values, and back. Nothing is decided here."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from coordinator.api.perspective_list import list_perspectives
from coordinator.api.record_queries import open_record
from coordinator.api.sources import Sources
from coordinator.api.stream import RequestStream
from coordinator.corroboration import Call, Corroborator
from mpic.runtime.grpc.errors import RequestError
from mpic.runtime.grpc.identity import Context, peer_trace
from mpic.runtime.in_flight import GATHER_SECONDS
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc


@dataclass(frozen=True, slots=True)
class StreamBounds:
    """How one stream is served."""

    in_flight: int = 4096
    """Names of one stream in flight; more are read only after some are answered and taken."""
    window: float = GATHER_SECONDS
    """Seconds that an answer waits for others at most."""


class CorroborationServicer(corroboration_pb2_grpc.CorroborationServiceServicer):
    """Answers callers."""

    def __init__(
        self,
        corroborator: Corroborator,
        sources: Sources,
        limits: StreamBounds,
        identify: Callable[[Context], Sequence[str]],
    ) -> None:
        """Answer with what `corroborator` and `sources` return.

        `identify` returns the identities of a caller that are on the list of callers.
        """
        self._corroborator = corroborator
        self._sources = sources
        self._limits = limits
        self._identify = identify
        self._streams: set[RequestStream] = set()

    def drain(self) -> None:
        """End every stream once its questions are answered."""
        for stream in self._streams:
            stream.drain()

    async def Corroborate(  # noqa: N802 - the method's name in the agreement
        self, request: c.CorroborateRequest, context: Context
    ) -> c.CorroborateResponse:
        """Answer one question."""
        record = await self._corroborator.corroborate(request, self._call(context))
        response = c.CorroborateResponse()
        self._sources.answers.fill(response, record)
        return response

    async def CorroborateStream(  # noqa: N802 - the method's name in the agreement
        self, request_iterator: AsyncIterator[c.CorroborateStreamRequest], context: Context
    ) -> AsyncIterator[c.CorroborateStreamResponse]:
        """Answer questions as they finish, matched by request id."""
        call = self._call(context)
        stream = RequestStream(
            partial(self._corroborator.corroborate, call=call),
            self._limits.window,
            self._limits.in_flight,
            partial(self._corroborator.limiter.limit_of, call.caller),
            self._sources.answers.fill,
        )
        self._streams.add(stream)
        reading = asyncio.create_task(stream.read(request_iterator))
        try:
            async for response in stream.responses():
                yield response
            if reading.done() and isinstance(error := reading.exception(), RequestError):
                raise error  # a message was wrong as a whole
        finally:
            self._streams.discard(stream)
            reading.cancel()
            stream.cancel()

    async def GetCorroboration(  # noqa: N802 - the method's name in the agreement
        self, request: c.GetCorroborationRequest, context: Context
    ) -> c.GetCorroborationResponse:
        """Return what is recorded about one question."""
        return await open_record(self._sources.record_queries).get(
            request, self._call(context).caller
        )

    async def RecordIssuance(  # noqa: N802 - the method's name in the agreement
        self, request: c.RecordIssuanceRequest, context: Context
    ) -> c.RecordIssuanceResponse:
        """Add a certificate to a record."""
        return await open_record(self._sources.record_queries).record_issuance(
            request, self._call(context).caller
        )

    async def ListPerspectives(  # noqa: N802 - the method's name in the agreement
        self,
        request: c.ListPerspectivesRequest,  # noqa: ARG002 - it asks nothing in particular
        context: Context,  # noqa: ARG002
    ) -> c.ListPerspectivesResponse:
        """Return the roster and the state of each link, with a new description of each agent."""
        return await list_perspectives(self._sources.links())

    def _call(self, context: Context) -> Call:
        """Say who calls, and when the caller's deadline ends."""
        caller = self._corroborator.limiter.admission.name_caller(self._identify(context))
        return Call(caller, context.time_remaining, peer_trace(context))
