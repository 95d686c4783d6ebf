"""PerspectiveService: messages in, observations out. Nothing is looked up or judged here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

import structlog
from google.protobuf import timestamp_pb2

from mpic import __version__
from mpic.grpc.gather import Outbox, OutboxFullError
from mpic.grpc.identity import Context
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import perspective_pb2_grpc
from perspective_agent.checks import CHECKS
from perspective_agent.examine import Limits, examine
from perspective_agent.probe import Probe
from perspective_agent.resolver import Resolver

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this agent says it is."""

    perspective_id: str
    rir: o.Rir.ValueType


@dataclass(slots=True)
class View:
    """What the agent looks through; the probe changes while it serves."""

    resolver: Resolver
    software: str
    key_tags: list[int]
    probe: Probe

    def describe(self) -> p.Resolver:
        """Return the message form."""
        probed_at = timestamp_pb2.Timestamp()
        probed_at.FromDatetime(self.probe.ended_at)
        host, port = self.resolver.address
        return p.Resolver(
            software=self.software,
            address=f"{host}:{port}",
            transport="tcp",
            validates=self.probe.validates,
            evidence=self.probe.evidence,
            probed_at=probed_at,
            trust_anchor_key_tags=self.key_tags,
        )


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How a stream gathers observations."""

    window: float = 0.002
    """Seconds between two messages of a busy stream."""
    limit: int = 65536
    """Observations waiting to be sent, at most."""


class PerspectiveServicer(perspective_pb2_grpc.PerspectiveServiceServicer):
    """Answers coordinators."""

    def __init__(
        self, identity: Identity, view: View, limits: Limits, stream: StreamOptions
    ) -> None:
        """Serve `identity` through `view`."""
        self._identity = identity
        self._view = view
        self._limits = limits
        self._stream = stream

    async def Describe(  # noqa: N802 - the method's name in the agreement
        self,
        request: p.DescribeRequest,  # noqa: ARG002 - it asks nothing in particular
        context: Context,  # noqa: ARG002
    ) -> p.DescribeResponse:
        """Say who the agent is and what it looks through."""
        return p.DescribeResponse(
            perspective_id=self._identity.perspective_id,
            rir=self._identity.rir,
            version=__version__,
            resolver=self._view.describe(),
            checks=list(CHECKS),
        )

    async def Observe(  # noqa: N802 - the method's name in the agreement
        self,
        request_iterator: AsyncIterator[p.ObserveRequest],
        context: Context,  # noqa: ARG002
    ) -> AsyncIterator[p.ObserveResponse]:
        """Examine every question that comes, and send what was seen as it is complete."""
        outbox: Outbox[o.Observation] = Outbox(self._stream.window, self._stream.limit)
        reading = asyncio.create_task(self._read(request_iterator, outbox))
        try:
            async for observations in outbox.batches():
                yield p.ObserveResponse(
                    perspective_id=self._identity.perspective_id,
                    rir=self._identity.rir,
                    observations=observations,
                )
        finally:
            reading.cancel()

    async def _read(
        self, requests: AsyncIterator[p.ObserveRequest], outbox: Outbox[o.Observation]
    ) -> None:
        report: Callable[[o.Observation], None] = partial(_put, outbox)
        try:
            async for request in requests:
                for question in request.questions:
                    if self._view.probe.validates:
                        examine(question, self._view.resolver, self._limits, report)
                    else:
                        report(_blind(question, self._view.probe.evidence))
        finally:
            outbox.close()


def _put(outbox: Outbox[o.Observation], observation: o.Observation) -> None:
    """Put an observation into the outbox; a coordinator that does not read loses its stream."""
    try:
        outbox.put(observation)
    except OutboxFullError as error:
        log.error("coordinator_does_not_read", error=str(error))  # noqa: TRY400 - it says all
        outbox.close()


def _blind(question: p.Question, evidence: str) -> o.Observation:
    """Answer a question without looking: the resolver was last seen not to validate."""
    failure = o.Failure(
        kind=o.FAILURE_KIND_RESOLVER_UNAVAILABLE,
        detail=f"the agent's resolver was not shown to validate: {evidence}",
    )
    findings = [o.Finding(not_run=failure) for _ in question.checks]
    return o.Observation(question_id=question.id, name=question.name, findings=findings)
