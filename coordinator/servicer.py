"""CorroborationService: messages in, values down, messages out. Nothing is decided here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from coordinator.admission import weigh
from coordinator.answer import QUORUM_ERROR, Answerer, is_quorum_error
from coordinator.ballot import Ballot
from coordinator.corroboration import Attempt, Corroborator
from coordinator.fanout import AnyLink
from coordinator.intake import Desk, Issuers, read_question
from coordinator.metrics import CoordinatorMetrics
from coordinator.overload import Gate
from coordinator.stream import QuestionStream
from mpic.grpc.errors import RequestError, shutting_down
from mpic.grpc.identity import Context, peer_identities
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import corroboration_pb2_grpc

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Counter:
    """Where questions are taken in: what they are checked against, and who counts them."""

    issuers: Issuers
    max_linger: float
    """Seconds."""
    gate: Gate
    """How much is taken in at a time."""
    metrics: CoordinatorMetrics
    window: float = 0.005
    """Seconds between two messages of a busy stream."""
    stream_in_flight: int = 4096
    """Names of one stream in flight; more are not read until some are answered and taken."""


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, and how long it waits."""

    caller: str
    """The identity of its certificate under which it is counted."""
    remaining: Callable[[], float | None]
    """Returns the seconds until its deadline; None: it has none."""


class CorroborationServicer(corroboration_pb2_grpc.CorroborationServiceServicer):
    """Answers callers."""

    def __init__(
        self,
        corroborator: Corroborator,
        links: list[AnyLink],
        counter: Counter,
        is_stopping: Callable[[], bool],
    ) -> None:
        """Answer by `corroborator`; refuse once `is_stopping`."""
        self._gate = counter.gate
        self._corroborator = corroborator
        self._links = links
        self._answerer = Answerer(links)
        self._counter = counter
        self._metrics = counter.metrics
        self._is_stopping = is_stopping
        self._streams: set[QuestionStream] = set()

    def drain(self) -> None:
        """End every stream once its questions are answered."""
        for stream in self._streams:
            stream.drain()

    async def Corroborate(  # noqa: N802 - the method's name in the agreement
        self, request: c.CorroborateRequest, context: Context
    ) -> c.CorroborateResponse:
        """Answer one question."""
        attempt = await self._decide(request, self._call(context))
        response = c.CorroborateResponse()
        self._answerer.fill(response, attempt)
        return response

    async def CorroborateStream(  # noqa: N802 - the method's name in the agreement
        self, request_iterator: AsyncIterator[c.CorroborateStreamRequest], context: Context
    ) -> AsyncIterator[c.CorroborateStreamResponse]:
        """Answer questions as they finish, matched by request id."""
        call = self._call(context)
        bound = self._gate.admission.bounds.of(call.caller)
        stream = QuestionStream(
            partial(self._decide, call=call),
            self._answerer.fill,
            self._counter.window,
            min(self._counter.stream_in_flight, bound),
        )
        self._streams.add(stream)
        reading = asyncio.create_task(stream.read(request_iterator))
        try:
            async for response in stream.responses():
                yield response
        finally:
            self._streams.discard(stream)
            reading.cancel()
            stream.cancel()

    async def ListPerspectives(  # noqa: N802 - the method's name in the agreement
        self,
        request: c.ListPerspectivesRequest,  # noqa: ARG002 - it asks nothing in particular
        context: Context,  # noqa: ARG002
    ) -> c.ListPerspectivesResponse:
        """Return the roster and the live state of each link."""
        statuses = [_status(link) for link in self._links]
        return c.ListPerspectivesResponse(perspectives=statuses)

    def _call(self, context: Context) -> Call:
        """Say who calls, and until when."""
        caller = self._gate.admission.name_caller(peer_identities(context))
        return Call(caller, context.time_remaining)

    async def _decide(self, request: c.CorroborateRequest, call: Call) -> Attempt:
        """Decide one question, count it and write its line into the log; raises RequestError."""
        try:
            with self._metrics.watch(), self._gate.enter(call.caller, weigh(len(request.names))):
                attempt = await self._corroborate(request, call)
        except RequestError as error:
            log.info(
                "not_decided",
                request_id=request.request_id,
                caller=call.caller,
                reason=error.reason,
                error=str(error),
            )
            raise
        seconds = _seconds(attempt)
        self._metrics.count_verdict(attempt, seconds)
        _log_verdict(attempt, call.caller, seconds)
        return attempt

    async def _corroborate(self, request: c.CorroborateRequest, call: Call) -> Attempt:
        if self._is_stopping():
            raise shutting_down()
        budget = self._gate.find_budget(call.remaining())
        row = self._corroborator.row_in_force()
        desk = Desk(
            issuers=self._counter.issuers,
            row=row,
            remotes=row.remotes_asked(len(self._corroborator.roster.remotes)),
            max_linger=self._counter.max_linger,
        )
        question = read_question(request, desk)
        attempt = await self._corroborator.corroborate(question, budget)
        error = self._gate.explain_cut_short(attempt, budget)
        if error is not None:
            raise error
        return attempt


def _status(link: AnyLink) -> c.PerspectiveStatus:
    return c.PerspectiveStatus(
        perspective_id=link.perspective.id,
        role=link.perspective.role,
        rir=link.perspective.rir,
        ready=link.problem is None,
        problem=link.problem.detail if link.problem else "",
        description=link.description,
    )


def _log_verdict(attempt: Attempt, caller: str, seconds: float) -> None:
    """Write the one line of a request."""
    question = attempt.question
    names = [_summarize(ballot) for ballot in attempt.ballots]
    log.info(
        "verdict",
        request_id=question.request_id,
        caller=caller,
        approved=attempt.approved,
        dry_run=question.dry_run,
        error=QUORUM_ERROR if any(is_quorum_error(b.reason) for b in attempt.ballots) else None,
        names=names,
        policy_from=question.terms.row.effective_from.isoformat(),
        elapsed_ms=round(seconds * 1000, 1),
    )


def _summarize(ballot: Ballot) -> dict[str, object]:
    dissents = {}
    for perspective in ballot.roster.perspectives:
        dissent = ballot.standing(perspective).dissent
        if dissent:
            dissents[perspective.id] = c.Dissent.Name(dissent)
    return {
        "name": ballot.ask.name,
        "reason": c.Reason.Name(ballot.reason),
        "quorum": ballot.quorum,
        "dissents": dissents,
    }


def log_late(attempt: Attempt) -> None:
    """Write a line for each observation that came after the answer, or never."""
    for index, reply in attempt.late:
        standing = attempt.ballots[index].late_standing(reply.perspective)
        log.info(
            "late_observation",
            request_id=attempt.question.request_id,
            name=attempt.ballots[index].ask.name,
            perspective=reply.perspective.id,
            corroborates=standing.corroborates,
            dissent=c.Dissent.Name(standing.dissent) if standing.dissent else None,
            elapsed_ms=None if reply.elapsed is None else round(reply.elapsed * 1000, 1),
        )


def _seconds(attempt: Attempt) -> float:
    assert attempt.decided_at is not None  # noqa: S101 - it is decided
    return (attempt.decided_at - attempt.asked_at).total_seconds()
