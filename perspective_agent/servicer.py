"""PerspectiveService: turns messages into questions, and observations into messages.

Nothing is looked up or judged here.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import structlog
from google.protobuf import timestamp_pb2

from mpic import __version__
from mpic.name_form import is_looked_up
from mpic.runtime.clock import read_clock_us
from mpic.runtime.grpc.identity import Context
from mpic.trace import read_traceparent
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import perspective_pb2_grpc
from perspective_agent.checks import CHECKS
from perspective_agent.connect.dialer import Dialer, Reach
from perspective_agent.connect.shared_looks import SharedLooks
from perspective_agent.diagnosis.shared_diagnoses import (
    Diagnose,
    DiagnosisTarget,
    SharedDiagnoses,
)
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.dns.shared_lookups import SharedLookups
from perspective_agent.examine import Examination, overloaded, unaskable
from perspective_agent.http.get import Get, make_user_agent
from perspective_agent.http.target import HttpTarget
from perspective_agent.stream import ObservationStream, StreamOptions
from perspective_agent.tls.handshake import Handshake, TlsTarget
from perspective_agent.unbound.control import UnboundControl
from perspective_agent.unbound.validation_probe import ProbeResult
from perspective_agent.wants import Ways

log = structlog.get_logger()


_FAR = Reach()


@dataclass(frozen=True, slots=True)
class Identity:
    """The perspective that this agent says it is."""

    perspective_id: str
    rir: o.Rir.ValueType


@dataclass(slots=True)
class ResolverState:
    """The resolver the agent looks through, and whether it can look; both change."""

    link: ResolverLink
    control: UnboundControl
    software: str
    key_tags: list[int]
    probe: ProbeResult
    require_validation: bool = True
    hangs: str = ""
    """The request that the resolver does not react to; empty: it reacts."""
    kill: Callable[[], None] | None = None
    """Ends the resolver so that it is started again; None: only the operator may end it."""
    diagnose: Diagnose | None = None
    """Asks the servers of a name directly, past the resolver; None: this agent does not."""

    @property
    def cannot_look(self) -> str:
        """Why the agent looks up nothing now, in one sentence; empty: it looks."""
        if self.hangs:
            return f"the agent's resolver hangs: {self.hangs}"
        if self.require_validation and not self.probe.validates:
            return f"the agent's resolver was not shown to validate: {self.probe.evidence}"
        return ""

    def validates(self) -> bool:
        """Whether the resolver was last shown to validate, so that its AD bit means something."""
        return self.probe.validates

    def describe(self) -> p.Resolver:
        """Return the message form."""
        probed_at = timestamp_pb2.Timestamp()
        probed_at.FromDatetime(self.probe.ended_at)
        host, port = self.link.address
        return p.Resolver(
            software=self.software,
            address=f"{host}:{port}",
            transport="tcp",
            validates=self.probe.validates and not self.hangs,
            evidence=self.hangs or self.probe.evidence,
            probed_at=probed_at,
            trust_anchor_key_tags=self.key_tags,
        )


class StreamLoad(NamedTuple):
    """What is open on all streams."""

    streams: int
    questions: int
    """Questions that are being looked up."""
    waiting: int
    """Observations that wait to be sent."""
    limit: int
    """Questions that may be looked up at a time."""
    oldest: float
    """When the oldest open question began, by `time.perf_counter`; inf: there is none."""


class QuestionLimit:
    """How many questions may be looked up at the same time; at first, all that there is room for.

    A burst is accepted and worked off. If questions have waited long because of our own side, each
    sample lets in fewer, until it keeps up. Each sample in which it keeps up lets in more again.
    """

    _LESS = 0.7
    _MORE = 1.25
    LEAST = 100
    """One certificate may have this many names."""

    def __init__(self, most: int) -> None:
        """Start with `most`."""
        self._most = most
        self.now = most

    def adjust(self, in_flight: int, *, strained: bool) -> None:
        """Adjust after a sample, given how many questions were looked up at its end."""
        if strained:
            less = int(min(self.now, in_flight) * self._LESS)
            self.now = min(max(less, self.LEAST), self._most)
        else:
            self.now = min(int(self.now * self._MORE), self._most)


class PerspectiveServicer(perspective_pb2_grpc.PerspectiveServiceServicer):
    """Answers coordinators."""

    def __init__(
        self,
        identity: Identity,
        resolver: ResolverState,
        timeout: float,
        stream: StreamOptions,
        reach: Reach = _FAR,
    ) -> None:
        """Serve `identity` through `resolver`; a question takes at most `timeout` seconds."""
        self._identity = identity
        self._resolver = resolver
        lookups = SharedLookups(resolver.link, resolver.validates)
        self.dialer = Dialer(lookups, reach, resolver.link.overload_history)
        """Opens the connections of all checks."""
        diagnoses = SharedDiagnoses(resolver.diagnose, resolver.link)
        count = None if reach.counts is None else reach.counts.count_look
        user_agent = make_user_agent(reach.contact_url)
        gets = SharedLooks(partial(Get, dialer=self.dialer, user_agent=user_agent), count)
        handshakes = SharedLooks(partial(Handshake, dialer=self.dialer), count)
        self._ways: Ways = {
            LookupTarget: lookups.start,
            DiagnosisTarget: diagnoses.start,
            HttpTarget: gets.start,
            TlsTarget: handshakes.start,
        }
        self._timeout = timeout
        self._options = stream
        self._streams: set[ObservationStream] = set()
        self._is_leaving = False
        self.limit = QuestionLimit(stream.max_open)
        """How many questions may be looked up at a time."""

    def drain(self) -> None:
        """Ask for no more questions, and end every stream once its questions are answered."""
        self._is_leaving = True
        for stream in self._streams:
            stream.drain()

    def tell(self) -> None:
        """Tell every coordinator at once whether the agent can look."""
        for stream in self._streams:
            stream.outbox.nudge()

    def load(self) -> StreamLoad:
        """Return what is open right now."""
        questions = sum(len(stream.open) for stream in self._streams)
        waiting = sum(len(stream.outbox) for stream in self._streams)
        firsts = [next(iter(one.open.values())).started for one in self._streams if one.open]
        oldest = min(firsts, default=math.inf)
        return StreamLoad(len(self._streams), questions, waiting, self.limit.now, oldest)

    async def Describe(  # noqa: N802 - the method's name in the agreement
        self,
        request: p.DescribeRequest,  # noqa: ARG002 - it asks nothing in particular
        context: Context,  # noqa: ARG002
    ) -> p.DescribeResponse:
        """Describe the agent and the resolver it looks through."""
        return p.DescribeResponse(
            perspective_id=self._identity.perspective_id,
            rir=self._identity.rir,
            version=__version__,
            resolver=self._resolver.describe(),
            checks=list(CHECKS),
            heartbeats=True,
            clock_us=read_clock_us(),
        )

    async def Observe(  # noqa: N802 - the method's name in the agreement
        self,
        request_iterator: AsyncIterator[p.ObserveRequest],
        context: Context,  # noqa: ARG002
    ) -> AsyncIterator[p.ObserveResponse]:
        """Examine every question that comes, and send each observation when it is complete."""
        stream = ObservationStream(self._options)
        self._streams.add(stream)
        if self._is_leaving:
            stream.drain()
        reading = asyncio.create_task(self._read(request_iterator, stream))
        try:
            async for observations in stream.outbox.batches():
                yield p.ObserveResponse(
                    perspective_id=self._identity.perspective_id,
                    rir=self._identity.rir,
                    observations=observations,
                    cannot_look=self._resolver.cannot_look,
                    leaving=stream.is_leaving,
                    clock_asked_us=stream.take_clock_asked(),
                    clock_us=read_clock_us(),
                )
        finally:
            self._streams.discard(stream)
            reading.cancel()
            stream.withdraw(list(stream.open))

    async def _read(
        self, requests: AsyncIterator[p.ObserveRequest], stream: ObservationStream
    ) -> None:
        try:
            async for request in requests:
                if request.heartbeat:
                    stream.outbox.nudge()
                if request.clock_asked_us:
                    stream.ask_clock(request.clock_asked_us)
                stream.tells_causes |= request.failure_causes
                for question in request.questions:
                    self._take(question, stream)
                if request.withdrawn:
                    stream.withdraw(request.withdrawn)
                if request.last:
                    stream.close()
        finally:
            stream.outbox.close()

    def _take(self, question: p.Question, stream: ObservationStream) -> None:
        """Start looking, or answer at once why nobody looks."""
        if question.traceparent:
            _log_traced(question)
        resolver = self._resolver
        if resolver.cannot_look:
            stream.report(_answer(question, _blind(resolver.cannot_look)), looked=False)
        elif not is_looked_up(question.name):
            # Such a name would break the message to the resolver, and with it the whole stream.
            stream.report(_answer(question, unaskable()), looked=False)
        elif self._is_full():
            stream.report(_answer(question, overloaded()), looked=False)
        else:
            examination = Examination(question, self._ways, self._timeout, stream.report)
            stream.examine(examination, question.id)

    def _is_full(self) -> bool:
        begun = sum(len(stream.open) for stream in self._streams)
        return begun >= self.limit.now or self._resolver.link.is_full


def _log_traced(question: p.Question) -> None:
    """Log a line that names the caller's trace, so that it can be found here."""
    trace = read_traceparent(question.traceparent)
    if trace is not None:
        log.debug("question", trace_id=trace.trace_id, name=question.name, id=question.id)


def _blind(why: str) -> o.Finding:
    """Return the finding of a check when the agent cannot look."""
    failure = o.Failure(kind=o.FAILURE_KIND_RESOLVER_UNAVAILABLE, detail=why)
    return o.Finding(not_run=failure)


def _answer(question: p.Question, finding: o.Finding) -> p.EncodedObservation:
    """Answer a question without looking: the same finding for each check."""
    findings = [finding] * len(question.checks)
    observation = o.Observation(name=question.name, findings=findings)
    return p.EncodedObservation(
        question_id=question.id, observation=observation.SerializeToString(deterministic=True)
    )
