"""Many requests in one body of application/x-ndjson: each is answered when it is decided.

Back-pressure is that of gRPC's streams (`coordinator/api/stream.py`): a caller that asks too fast,
or takes its answers too slowly, is not read. So it has to read while it sends.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http import HTTPStatus

import structlog
from aiohttp import ClientError, StreamReader, web

from coordinator.api.answers import FillAnswer
from coordinator.api.http.calls import REQUEST_ID, refuse_request_id
from coordinator.api.http.gate import Gate
from coordinator.api.http.json_messages import write_json
from coordinator.api.http.ndjson import MEDIA_TYPE, Line, LineSplitter, read_line, write_line
from coordinator.api.http.problems import HttpError, ProblemDetails, refuse_late, to_problem
from coordinator.api.http.routes import Visit, hang_up
from coordinator.api.servicer import StreamBounds
from coordinator.api.stream import QuestionStream
from coordinator.corroboration import Call, Corroborator
from mpic.runtime.grpc.errors import shutting_down
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()

_IDLE_SECONDS = 300.0
"""Without a line; then nothing more is read, and the stream ends when all is answered."""
_TAKE_SECONDS = 300.0
"""Until a caller has to have taken an answer."""
_AT_A_TIME = 16
"""Lines that are read before others have their turn."""


class LineStreams:
    """The streams of lines that are open."""

    def __init__(
        self, corroborator: Corroborator, gate: Gate, limits: StreamBounds, fill: FillAnswer
    ) -> None:
        """Answer with what `corroborator` returns, while `gate` lets the caller in."""
        self._fill = fill
        self._corroborator = corroborator
        self._gate = gate
        self._limits = limits
        self._open: set[QuestionStream[Line]] = set()

    def drain(self) -> None:
        """End every stream once its questions are answered."""
        for stream in self._open:
            stream.drain()

    async def serve(self, visit: Visit) -> web.StreamResponse:
        """Answer the lines of a request; raises RequestError if they are not looked at."""
        if visit.request.headers.getall(REQUEST_ID, []):
            raise refuse_request_id()
        response = web.StreamResponse(headers={"Content-Type": MEDIA_TYPE})
        try:
            await response.prepare(visit.request)
            problem = await self._converse(visit, response)
            if problem is not None:
                await _send(response, write_json({"problem": problem.to_json()}) + b"\n")
                response.force_close()
        except Exception as error:
            # An answer has begun: another one cannot be sent into it.
            if not isinstance(error, ConnectionError):
                log.exception("internal_error")
            raise hang_up(visit.request) from None
        return response

    async def _converse(self, visit: Visit, response: web.StreamResponse) -> ProblemDetails | None:
        """Answer line by line; return why it ended before the caller's last line, if it did."""
        stream = QuestionStream(
            partial(self._decide, visit.call),
            self._limits.window,
            self._limits.in_flight,
            partial(self._corroborator.limiter.limit_of, visit.call.caller),
        )
        reader = LineReader(visit.request.content)
        self._open.add(stream)
        lines = ([(one, one.octets) for one in batch] async for batch in reader.batches())
        reading = asyncio.create_task(stream.read(lines))
        try:
            with self._gate.watch(visit.request, visit.call.caller):
                await self._answer(stream, response, visit.call.remaining())
        except HttpError as error:
            return error.details
        except TimeoutError:
            return to_problem(refuse_late())
        finally:
            self._open.discard(stream)
            reading.cancel()
            stream.cancel()
        if reader.problem is None and not reader.is_at_end:
            return to_problem(shutting_down())
        return reader.problem

    async def _answer(
        self, stream: QuestionStream[Line], response: web.StreamResponse, seconds: float | None
    ) -> None:
        """Send the answers as they come; raises TimeoutError if the caller's deadline passes."""
        async with asyncio.timeout(seconds):
            async for decided in stream.answers():
                while decided:
                    await _send(response, write_line(*decided.pop(), self._fill))

    async def _decide(self, call: Call, line: Line) -> r.Record:
        if line.error is not None:
            raise line.error
        return await self._corroborator.corroborate(line.question, call)


class LineReader:
    """Reads the lines of a body."""

    def __init__(self, content: StreamReader) -> None:
        self._content = content
        self.problem: ProblemDetails | None = None
        """Why it ended before the end of the body; None: it did not."""
        self.is_at_end = False
        """Whether every line is read."""

    async def batches(self) -> AsyncIterator[list[Line]]:
        """Yield some lines at a time; a batch is asked for once there is room."""
        splitter = LineSplitter()
        try:
            while octets := await self._read():
                for batch in _cut(splitter.feed(octets)):
                    yield batch
                    await asyncio.sleep(0)
            for batch in _cut(splitter.end()):
                yield batch
            self.is_at_end = True
        except TimeoutError:
            text = f"no line came for {_IDLE_SECONDS:g} s"
            self.problem = HttpError(HTTPStatus.REQUEST_TIMEOUT, "REQUEST_TOO_SLOW", text).details
        except (OSError, ClientError, web.RequestPayloadError) as error:
            text = f"the body is broken: {error}"
            self.problem = HttpError(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", text).details
        except Exception as error:
            log.exception("internal_error")
            self.problem = to_problem(error)

    async def _read(self) -> bytes:
        """Return what is there; none at the end. Raises TimeoutError.

        Before Python 3.12 `asyncio.wait_for` passes over its own end if there is something to read.
        """
        async with asyncio.timeout(_IDLE_SECONDS):
            return await self._content.readany()


def _cut(lines: Iterator[tuple[int, bytes | None]]) -> Iterator[list[Line]]:
    """Read lines, and yield a few at a time."""
    batch: list[Line] = []
    for number, line in lines:
        batch.append(read_line(number, line))
        if len(batch) >= _AT_A_TIME:
            yield batch
            batch = []
    if batch:
        yield batch


async def _send(response: web.StreamResponse, octets: bytes) -> None:
    """Send an answer; raises ConnectionResetError if the caller does not take it in time."""
    try:
        async with asyncio.timeout(_TAKE_SECONDS):
            await response.write(octets)
    except TimeoutError:
        raise ConnectionResetError("the answers are not taken") from None
