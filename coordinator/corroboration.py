"""THE MAIN PATH: one certificate's names in, one recorded verdict out. Read this first.

    room? -> decided before? -> check every field -> choose the perspectives to ask
          -> ask each of them about every name -> each reply is a vote -> the verdict is certain
          -> freeze the verdict -> make it durable -> return the record; the answer is read from it

BR 3.2.2.9 says what each remote must corroborate, how many of them, and from how many regions.
"""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from secrets import SystemRandom

import grpc
import structlog

from coordinator.checks.caa.issuer import Issuers
from coordinator.decision.attempt import Attempt
from coordinator.decision.request import IssuanceRequest, RequestRules, read_request
from coordinator.overload.admission import weigh
from coordinator.overload.limiter import Limiter
from coordinator.perspectives.fanout import AttemptQuestions, Fanout
from coordinator.record.builder import AskedBy, RecordBuilder, fill_late_replies
from coordinator.record.determination import blame_name
from coordinator.record.idempotency import Idempotency, RequestKey
from coordinator.record.unrecorded import Unrecorded
from coordinator.record.write_queue import is_cancelled
from coordinator.record.writer import RecordWriter
from coordinator.rules.perspective_selection import choose_set
from coordinator.rules.policy import NoPolicyRowError, PolicyRow
from coordinator.rules.roster import Rules, find_distance_breaches
from coordinator.telemetry.metrics import CoordinatorMetrics
from coordinator.telemetry.request_log import (
    log_late,
    log_not_decided,
    log_superseded,
    log_verdict,
    seconds_to_decide,
)
from coordinator.telemetry.tracing import Spans
from mpic.runtime.grpc.counted_lines import CountedLines
from mpic.runtime.grpc.errors import RequestError, shutting_down
from mpic.runtime.grpc.reasons import ErrorReason
from mpic.trace import Trace
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

log = structlog.get_logger()

# An outsider must not be able to predict from which networks an attempt looks.
_LOT = SystemRandom()


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, and how long the caller waits."""

    caller: str
    """The identity of the caller's certificate under which the request is counted."""
    remaining: Callable[[], float | None]
    """Returns the seconds until the caller's deadline; None: there is no deadline."""
    trace: Trace | None = None
    """The trace that the caller began."""

    @property
    def trace_id(self) -> str | None:
        """The id that finds the log lines of this call, here and at the agents."""
        return self.trace.trace_id if self.trace else None

    @property
    def traceparent(self) -> str:
        """The trace as agents are told of it; empty: there is none."""
        return self.trace.traceparent if self.trace else ""


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules that requests are decided by.

    A reload replaces them. An attempt that has begun keeps its own.
    """

    rules: Rules
    issuers: Issuers
    record_builder: RecordBuilder


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that decide requests, for as long as the coordinator runs."""

    limiter: Limiter
    idempotency: Idempotency
    fanout: Fanout
    record_writer: RecordWriter | Unrecorded
    metrics: CoordinatorMetrics
    spans: Spans | None
    clock: Callable[[], datetime]
    is_stopping: Callable[[], bool]
    max_linger: float
    """Seconds."""


class Corroborator:
    """Decides requests."""

    def __init__(self, parts: Parts, in_force: InForce) -> None:
        """Decide with `parts`, by the rules `in_force`."""
        self._parts = parts
        self.limiter = parts.limiter
        self.max_linger = parts.max_linger
        self.turned_away = CountedLines(partial(log.info, "turned_away"))
        """Writes few log lines for many requests that found no room.

        One line for each would be a good part of the cost of rejecting it.
        """
        self.adopt(in_force)

    def adopt(self, in_force: InForce) -> None:
        """Decide by other rules from now on."""
        self._in_force = in_force
        self.issuers = in_force.issuers
        self.rules = rules = in_force.rules
        self._breaches = {
            row: "; ".join(map(str, find_distance_breaches(rules.roster, row)))
            for row in rules.policy.rows
        }

    async def corroborate(self, message: c.CorroborateRequest, call: Call) -> r.Record:
        """Return the record of a request; it is durable.

        Raises RequestError if nothing was decided.
        """
        with self._parts.metrics.watch, self._enter(message, call):
            key = RequestKey(call.caller, message.request_id, digest_request(message))
            try:
                async with self._parts.idempotency.claim(key) as claim:
                    if claim.record is None:
                        claim.record = await self._decide(message, call, key)
                    return claim.record
            except RequestError as error:
                log_not_decided(message.request_id, call.caller, call.trace_id, error)
                raise

    def _enter(self, message: c.CorroborateRequest, call: Call) -> AbstractContextManager[None]:
        """Let a request in until the end of `with`; raises RequestError if there is no room."""
        try:
            return self.limiter.enter(call.caller, weigh(len(message.names)))
        except RequestError as error:
            self.turned_away.note(caller=call.caller, reason=error.reason)
            raise

    async def _decide(self, message: c.CorroborateRequest, call: Call, key: RequestKey) -> r.Record:
        """Decide a request that was not decided before; raises RequestError."""
        if self._parts.is_stopping():
            raise shutting_down()
        budget = self.limiter.find_budget(call.remaining())
        in_force, writer = self._in_force, self._parts.record_writer
        with writer.company:
            request = self._read(message, in_force)
            attempt = await self._ask_all(request, call.traceparent, budget)
        async with writer.next_batch() as place:
            entry = freeze_verdict(attempt, AskedBy(call.caller, key.digest), in_force)
            superseded_by = await place.write(attempt.id, entry)
        # An attempt that was cut short has no verdict. It is written, since perspectives answered
        # it.
        error = self.limiter.explain_cut_short(attempt, budget)
        if error is not None:
            raise error
        if superseded_by is not None:
            log_superseded(attempt, superseded_by, call.caller, call.trace_id)
            return await self._parts.idempotency.read_first(key, superseded_by)
        self._show(attempt, entry.question, call)
        return entry.question

    def _read(self, message: c.CorroborateRequest, in_force: InForce) -> IssuanceRequest:
        """Check every field; raises RequestError."""
        row = self.row_in_force()
        remotes = row.remotes_asked(len(in_force.rules.roster.remotes))
        linger, now = self._parts.max_linger, self._parts.clock()
        rules = RequestRules(in_force.issuers, row, remotes, linger, now)
        return read_request(message, rules)

    def row_in_force(self) -> PolicyRow:
        """Return the policy row that applies now.

        Raises RequestError when the roster breaks the required distances, or when no row applies.
        Too few remotes or regions is no error here: the quorum decides that, and its answer says
        who saw what.
        """
        try:
            row = self.rules.policy.row_at(self._parts.clock())
        except NoPolicyRowError as error:
            raise _not_ready("NO_POLICY_ROW", str(error)) from error
        if self._breaches[row]:
            raise _not_ready("ROSTER_BREAKS_POLICY", self._breaches[row])
        return row

    async def _ask_all(
        self, request: IssuanceRequest, traceparent: str, budget: float | None
    ) -> Attempt:
        """Ask every perspective of the attempt's set, and return once the verdict is certain.

        Replies that come later are counted until the verdict is frozen. They cannot change the
        verdict. `budget` is the number of seconds that the caller leaves, if an attempt may take
        longer than that. A perspective that has not answered when they are over had no time.
        `traceparent` is the caller's trace.
        """
        fanout, clock = self._parts.fanout, self._parts.clock
        ready = fanout.ready(request.names)
        roster = choose_set(self.rules.roster, request.rules.row, ready, _LOT)
        attempt = Attempt(request, roster, clock(), self._keep)
        attempt.traceparent = traceparent
        questions = AttemptQuestions(request.names, budget, traceparent)
        asking = fanout.ask(roster, questions, attempt.receive)
        try:
            await attempt.certain
            attempt.decided_at = clock()
            await _wait_for_stragglers(attempt, request.linger)
        except asyncio.CancelledError:
            asking.withdraw()
            raise
        return attempt

    def _show(self, attempt: Attempt, record: r.Record, call: Call) -> None:
        """Log what was decided. Count it if the caller is about to hear it."""
        seconds = seconds_to_decide(attempt)
        blamed = [blame_name(record, name) for name in record.names]
        if not is_cancelled():
            self._parts.metrics.count_verdict(attempt, seconds, blamed)
        log_verdict(attempt, call.caller, call.trace_id, seconds, blamed)

    def _keep(self, attempt: Attempt) -> None:
        """Count, log and record what is known once every perspective has replied."""
        parts = self._parts
        parts.metrics.count_complete(attempt)
        if attempt.late:
            log_late(attempt)
            entry = r.RecordEntry()
            fill_late_replies(entry.late, attempt)
            parts.record_writer.add(attempt.id, entry)
        if parts.spans is not None and attempt.traceparent:
            parts.spans.show(attempt)


def freeze_verdict(attempt: Attempt, by: AskedBy, in_force: InForce) -> r.RecordEntry:
    """Fix the verdict of an attempt, and return its record entry. Later replies are late."""
    attempt.freeze()
    entry = r.RecordEntry()
    in_force.record_builder.fill_record(entry.question, attempt, by)
    return entry


def digest_request(message: c.CorroborateRequest) -> bytes:
    """Return a digest of the request; two requests are the same if their digests are equal."""
    return hashlib.sha256(message.SerializeToString(deterministic=True)).digest()


def _not_ready(reason: ErrorReason, message: str) -> RequestError:
    return RequestError(grpc.StatusCode.FAILED_PRECONDITION, reason, message)


async def _wait_for_stragglers(attempt: Attempt, seconds: float) -> None:
    """Wait until every perspective has replied, for at most `seconds`."""
    if seconds > 0:
        await asyncio.wait([attempt.complete], timeout=seconds)
