"""Spans of requests for an OpenTelemetry collector: one for each attempt, one for each perspective.

They are made once every perspective has replied, so that no answer waits for them. Only a request
gets them if its caller sent a trace that it records itself. OpenTelemetry is imported only if an
endpoint is configured. It comes with the extra `otel`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field, field_validator

from coordinator.decision.attempt import Attempt
from mpic.runtime.config import ConfigTable, Flaw
from mpic.trace import Trace, read_traceparent
from mpic.v1 import corroboration_pb2 as c

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter

_PACKAGE = "opentelemetry.exporter.otlp.proto.grpc"
_SAMPLED = 1


class TracingTable(ConfigTable):
    """Where spans are sent."""

    otlp_endpoint: str = Field(
        default="", description='OTLP over gRPC, such as "http://127.0.0.1:4317"; empty: nowhere'
    )

    @field_validator("otlp_endpoint")
    @classmethod
    def _check_endpoint(cls, endpoint: str) -> str:
        if endpoint and not endpoint.startswith(("http://", "https://")):
            raise Flaw(f"{endpoint!r} is no endpoint", 'Write it as "http://127.0.0.1:4317"')
        if endpoint and not _is_installed():
            raise Flaw("OpenTelemetry is not installed", "Install it: pip install 'mpic[otel]'")
        return endpoint

    def make_spans(self) -> Spans | None:
        """Return what sends spans, if they are to be sent."""
        if not self.otlp_endpoint:
            return None
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415 - optional
            OTLPSpanExporter,
        )

        return Spans(OTLPSpanExporter(endpoint=self.otlp_endpoint))


class Part(NamedTuple):
    """What one perspective did for an attempt."""

    perspective: str
    ended_us: int | None
    """Microseconds after asking; None: it has not answered."""
    dissents: Mapping[str, str]
    """By name: why it does not corroborate that name."""


class Spans:
    """Makes spans and has them sent, by a thread that OpenTelemetry runs."""

    def __init__(self, exporter: SpanExporter) -> None:
        """Send by this exporter."""
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - optional
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - optional
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - optional

        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "mpic-coordinator"}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("mpic")

    def show(self, attempt: Attempt) -> None:
        """Make the spans of an attempt that every perspective has replied to."""
        trace = read_traceparent(attempt.traceparent)
        if trace is None or not int(trace.flags, 16) & _SAMPLED or attempt.decided_at is None:
            return
        from opentelemetry import trace as otel  # noqa: PLC0415 - optional

        asked = _to_ns(attempt.asked_at)
        span = self._tracer.start_span(
            "corroborate",
            _enter(trace),
            otel.SpanKind.SERVER,
            start_time=asked,
            attributes={
                "mpic.request_id": attempt.request.request_id,
                "mpic.approved": attempt.approved,
                "mpic.corroborated": attempt.is_corroborated,
                "mpic.reasons": [c.Reason.Name(one.reason) for one in attempt.decisions],
            },
        )
        inside = otel.set_span_in_context(span)
        for part in divide(attempt):
            attributes = {
                f"mpic.dissent.{name}": dissent for name, dissent in part.dissents.items()
            }
            child = self._tracer.start_span(
                f"observe {part.perspective}",
                inside,
                otel.SpanKind.CLIENT,
                start_time=asked,
                attributes={"mpic.perspective": part.perspective, **attributes},
            )
            if part.ended_us is None:
                child.set_status(otel.StatusCode.ERROR, "it has not answered")
            child.end(asked + (part.ended_us or 0) * 1000)
        span.end(_to_ns(attempt.decided_at))

    def close(self) -> None:
        """Send what there is; gives up after a second."""
        self._provider.force_flush(1000)
        self._provider.shutdown()


def divide(attempt: Attempt) -> Iterator[Part]:
    """Yield what each perspective did, the primary first. Pure."""
    for perspective in attempt.roster.perspectives:
        ended, dissents = [], {}
        for decision in attempt.decisions:
            vote = decision.late_vote_of(perspective)
            if vote.reply is not None and vote.reply.elapsed is not None:
                ended.append(round(vote.reply.elapsed * 1e6))
            if vote.dissent:
                dissents[decision.asked.looked_up] = c.Dissent.Name(vote.dissent)
        yield Part(perspective.id, max(ended, default=None), dissents)


def _enter(trace: Trace) -> Context:
    """Return the context in which the caller's span is the parent."""
    from opentelemetry import trace as otel  # noqa: PLC0415 - optional

    caller = otel.SpanContext(
        int(trace.trace_id, 16),
        int(trace.parent_id, 16),
        is_remote=True,
        trace_flags=otel.TraceFlags(_SAMPLED),
    )
    return otel.set_span_in_context(otel.NonRecordingSpan(caller))


def _is_installed() -> bool:
    try:
        return find_spec(_PACKAGE) is not None
    except ModuleNotFoundError:
        return False


def _to_ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000
