"""Lines of application/x-ndjson: one request a line in, one answer a line out. Pure.

An answer line has the number of its request's line, counted from 1, and the request id:

    {"line":3,"requestId":"r-3","verdict":{...}}        a CorroborateResponse
    {"line":4,"requestId":"r-4","problem":{...}}        problem details: nothing was decided

A line that cannot be read is answered like any other, and those around it are not affected. Empty
lines are passed over.
"""

from collections.abc import Iterator, Sized
from dataclasses import dataclass

from coordinator.api.answers import FillAnswer
from coordinator.api.http.json_messages import BODY_OCTETS, read_message, write_json
from coordinator.api.http.json_writing import to_json_value
from coordinator.api.http.problems import to_problem
from mpic.bounds import MAX_REQUEST_ID
from mpic.runtime.grpc.errors import RequestError, Violation, invalid_argument
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

MEDIA_TYPE = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a body, read."""

    number: int
    """Counted from 1, with empty lines."""
    question: c.CorroborateRequest
    """Empty if the line cannot be read."""
    error: RequestError | None = None
    """Why it cannot be read."""
    octets: int = 0
    """As it came."""

    @property
    def request_id(self) -> str:
        """The caller's id; it is not checked yet."""
        return self.question.request_id

    @property
    def names(self) -> Sized:
        """The names it asks about."""
        return self.question.names


class LineSplitter:
    """Cuts a body into lines as it comes; no line is kept beyond its bound."""

    def __init__(self, most: int = BODY_OCTETS) -> None:
        """Let a line have at most `most` octets."""
        self._most = most
        self._line = bytearray()
        """The beginning of the line that is coming."""
        self._number = 0
        self._is_long = False

    def feed(self, octets: bytes) -> Iterator[tuple[int, bytes | None]]:
        """Yield number and octets of each line that ends in these; None: it was too long."""
        first, *others = octets.split(b"\n")
        self._add(first)
        for part in others:
            yield from self._end()
            self._add(part)

    def end(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield the last line, if it does not end with a newline."""
        yield from self._end()

    def _add(self, part: bytes) -> None:
        self._line += part
        if len(self._line) > self._most:
            self._is_long = True
            self._line.clear()

    def _end(self) -> Iterator[tuple[int, bytes | None]]:
        self._number += 1
        line, is_long = bytes(self._line), self._is_long
        self._line.clear()
        self._is_long = False
        if is_long:
            yield self._number, None
        elif line.strip():
            yield self._number, line


def read_line(number: int, line: bytes | None) -> Line:
    """Return a line, read; None stands for one that is too long."""
    question = c.CorroborateRequest()
    try:
        if line is None:
            text = f"is longer than {BODY_OCTETS} octets"
            raise invalid_argument([Violation("$", text)])
        return Line(number, read_message(line, question), octets=len(line))
    except RequestError as error:
        return Line(number, c.CorroborateRequest(), error)


def write_line(line: Line, outcome: r.Record | RequestError, fill: FillAnswer) -> bytes:
    """Return the answer to a line."""
    # A request with a longer id is refused. The whole id is not sent back.
    told: dict[str, object] = {"line": line.number, "requestId": line.request_id[:MAX_REQUEST_ID]}
    if isinstance(outcome, RequestError):
        told["problem"] = to_problem(outcome).to_json()
    else:
        response = c.CorroborateResponse()
        fill(response, outcome)
        told["verdict"] = to_json_value(response)
    return write_json(told) + b"\n"
