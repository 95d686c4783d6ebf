"""THE MAIN PATH: one certificate's names in, one recorded verdict out. Read this first.

    room? -> decided before? -> every field checked -> the set of perspectives that are asked
          -> each of them is asked every name -> each reply is a vote -> the verdict is certain
          -> the verdict is frozen -> it is durable -> the record, off which the answer is read

BR 3.2.2.9: what each remote must corroborate, how many of them, from how many regions.
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

# Which networks an attempt looks from is nobody's to know before.
_LOT = SystemRandom()


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

    @property
    def traceparent(self) -> str:
        """The trace as agents are told of it; empty: there is none."""
        return self.trace.traceparent if self.trace else ""


@dataclass(frozen=True, slots=True)
class InForce:
    """What is decided by. A reload puts another in its place; an attempt keeps what it has."""

    rules: Rules
    issuers: Issuers
    record_builder: RecordBuilder


@dataclass(frozen=True, slots=True)
class Parts:
    """What is decided with, for as long as the coordinator runs."""

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
        """Decide with `parts`, by what is `in_force`."""
        self._parts = parts
        self.limiter = parts.limiter
        self.turned_away = CountedLines(partial(log.info, "turned_away"))
        """The lines of those that found no room: one for each would be a good part of its cost."""
        self.adopt(in_force)

    def adopt(self, in_force: InForce) -> None:
        """Decide what is asked from now on by something else."""
        self._in_force = in_force
        self.rules = rules = in_force.rules
        self._breaches = {
            row: "; ".join(map(str, find_distance_breaches(rules.roster, row)))
            for row in rules.policy.rows
        }

    async def corroborate(self, message: c.CorroborateRequest, call: Call) -> r.Record:
        """Return the record of a request; it is durable.

        Raises RequestError where nothing was decided.
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
        # What was cut short is no verdict, but an attempt that perspectives have answered.
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
        rules = RequestRules(in_force.issuers, row, remotes, self._parts.max_linger)
        return read_request(message, rules)

    def row_in_force(self) -> PolicyRow:
        """Return the policy row of this moment.

        Raises RequestError when the roster breaks its distances, or when there is none. Too few
        remotes or regions is left to the quorum, whose answer then says who saw what.
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
        """Ask every perspective of the attempt's set and return once the verdict is certain.

        Replies that come later are counted until the verdict is frozen; they cannot change it.
        `budget` is the seconds the caller leaves, if an attempt may take more: who has not answered
        by then had no time. `traceparent` is the caller's trace.
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
        """Log what was decided, and count it if the caller is about to hear it."""
        seconds = seconds_to_decide(attempt)
        blamed = [blame_name(record, name) for name in record.names]
        if not is_cancelled():
            self._parts.metrics.count_verdict(attempt, seconds, blamed)
        log_verdict(attempt, call.caller, call.trace_id, seconds, blamed)

    def _keep(self, attempt: Attempt) -> None:
        """Count, log and write down what is known once every perspective has replied."""
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
    """Fix what is told of an attempt, and return it as it is recorded: what comes now is late."""
    attempt.freeze()
    entry = r.RecordEntry()
    in_force.record_builder.fill_record(entry.question, attempt, by)
    return entry


def digest_request(message: c.CorroborateRequest) -> bytes:
    """Return the digest by which two requests are the same."""
    return hashlib.sha256(message.SerializeToString(deterministic=True)).digest()


def _not_ready(reason: ErrorReason, message: str) -> RequestError:
    return RequestError(grpc.StatusCode.FAILED_PRECONDITION, reason, message)


async def _wait_for_stragglers(attempt: Attempt, seconds: float) -> None:
    """Wait until every perspective has replied, at most so long."""
    if seconds > 0:
        await asyncio.wait([attempt.complete], timeout=seconds)
