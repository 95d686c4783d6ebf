"""One question's way through the house: taken in, decided, written down, and only then told."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

import structlog

from coordinator.checks.caa.issuer import Issuers
from coordinator.corroboration import Corroborator
from coordinator.decision.attempt import Attempt
from coordinator.decision.question import Desk, Question, read_question
from coordinator.overload.admission import Bounds, weigh
from coordinator.overload.limiter import Limiter
from coordinator.record.builder import Asked, RecordBuilder, fill_late_replies
from coordinator.record.determination import blame_name
from coordinator.record.idempotency import Idempotency, RequestKey
from coordinator.record.write_queue import is_cancelled
from coordinator.record.writer import RecordWriter, Unrecorded
from coordinator.telemetry.metrics import CoordinatorMetrics
from coordinator.telemetry.request_log import (
    log_late,
    log_superseded,
    log_verdict,
    seconds_to_decide,
)
from mpic.bounds import MAX_REQUEST_ID
from mpic.runtime.grpc.counted_lines import CountedLines
from mpic.runtime.grpc.errors import RequestError, shutting_down
from mpic.trace import Trace
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Counter:
    """Where questions are taken in: what they are checked against, and who counts them."""

    issuers: Issuers
    max_linger: float
    """Seconds."""
    gate: Limiter
    """How much is taken in at a time."""
    metrics: CoordinatorMetrics


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, and how long it waits."""

    caller: str
    """The identity of its certificate under which it is counted."""
    remaining: Callable[[], float | None]
    """Returns the seconds until its deadline; None: it has none."""
    trace: Trace | None = None
    """The trace it has begun."""

    @property
    def trace_id(self) -> str | None:
        """By which its log lines, and those of the agents, are found."""
        return self.trace.trace_id if self.trace else None


@dataclass(frozen=True, slots=True)
class Registry:
    """Where attempts are written down, who words it, and what was asked before."""

    record_writer: RecordWriter | Unrecorded
    record_builder: RecordBuilder
    idempotency: Idempotency

    async def write_down(self, attempt: Attempt, asked: Asked) -> r.Record:
        """Return the record of an attempt once it is durable; raises RequestError."""
        entry = r.RecordEntry()

        def word() -> r.RecordEntry:
            attempt.close()
            self.record_builder.fill_record(entry.question, attempt, asked)
            return entry

        if holder := await self.record_writer.write(attempt.id, word):
            entry.question.superseded_by = holder
        return entry.question

    def keep_late(self, attempt: Attempt) -> None:
        """Write down what came after the answer, or never; the corroborator calls it."""
        if not attempt.late:
            return
        log_late(attempt)
        entry = r.RecordEntry()
        fill_late_replies(entry.late, attempt)
        self.record_writer.add(attempt.id, entry)


class RequestHandler:
    """Has questions decided and written down."""

    def __init__(
        self,
        corroborator: Corroborator,
        registry: Registry,
        counter: Counter,
        is_stopping: Callable[[], bool],
    ) -> None:
        """Decide by `corroborator`, write down by `registry`; refuse once `is_stopping`."""
        self._corroborator = corroborator
        self._registry = registry
        self._counter = counter
        self._is_stopping = is_stopping
        self.turned_away = CountedLines(partial(log.info, "turned_away"))
        """The lines of those that found no room: one for each would cost a fifth of refusing it."""

    @property
    def gate(self) -> Limiter:
        """How much is taken in at a time."""
        return self._counter.gate

    def adopt(self, record_builder: RecordBuilder, issuers: Issuers, bounds: Bounds) -> None:
        """Write down what is asked from now on in other words, for other issuers and bounds."""
        self._registry = replace(self._registry, record_builder=record_builder)
        self._counter = replace(self._counter, issuers=issuers)
        self.gate.admission.bounds = bounds

    async def decide(self, request: c.CorroborateRequest, call: Call) -> r.Record:
        """Return the record of a question; it is durable. Raises RequestError."""
        with self._counter.metrics.watch, self._enter(request, call):
            key = RequestKey(call.caller, request.request_id, digest_request(request))
            try:
                return await self._registry.idempotency.decide_once(
                    key, lambda: self._decide(request, call, key.digest)
                )
            except RequestError as error:
                log.info(
                    "not_decided",
                    # Not checked yet, and perhaps wrong just for its length.
                    request_id=request.request_id[:MAX_REQUEST_ID],
                    trace_id=call.trace_id,
                    caller=call.caller,
                    reason=error.reason,
                    error=str(error),
                )
                raise

    def _enter(self, request: c.CorroborateRequest, call: Call) -> AbstractContextManager[None]:
        """Let a question in until the end of `with`; raises RequestError if there is no room."""
        try:
            return self.gate.enter(call.caller, weigh(len(request.names)))
        except RequestError as error:
            self.turned_away.note(caller=call.caller, reason=error.reason)
            raise

    async def _decide(self, request: c.CorroborateRequest, call: Call, digest: bytes) -> r.Record:
        if self._is_stopping():
            raise shutting_down()
        budget = self.gate.find_budget(call.remaining())
        # Of this moment: an attempt is written down under the rules that it began with.
        registry = self._registry
        traceparent = call.trace.traceparent if call.trace else ""
        with registry.record_writer.company:
            question = self._take_in(request)
            attempt = await self._corroborator.corroborate(question, budget, traceparent)
        record = await registry.write_down(attempt, Asked(call.caller, request, digest))
        # What was cut short is no verdict, but an attempt that perspectives have answered.
        error = self.gate.explain_cut_short(attempt, budget)
        if error is not None:
            raise error
        self._show(attempt, record, call)
        return record

    def _show(self, attempt: Attempt, record: r.Record, call: Call) -> None:
        """Log what was decided, and count it if the caller is about to hear it."""
        if record.superseded_by:
            log_superseded(record, call.caller, call.trace_id)
            return
        seconds = seconds_to_decide(attempt)
        blamed = [blame_name(record, name) for name in record.names]
        if not is_cancelled():
            self._counter.metrics.count_verdict(attempt, seconds, blamed)
        log_verdict(attempt, call.caller, call.trace_id, seconds, blamed)

    def _take_in(self, request: c.CorroborateRequest) -> Question:
        row = self._corroborator.row_in_force()
        desk = Desk(
            issuers=self._counter.issuers,
            row=row,
            remotes=row.remotes_asked(len(self._corroborator.roster.remotes)),
            max_linger=self._counter.max_linger,
        )
        return read_question(request, desk)


def digest_request(request: c.CorroborateRequest) -> bytes:
    """Return the digest by which two requests are the same."""
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
