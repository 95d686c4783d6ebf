"""Spans of an attempt: below its caller's, one for each perspective; none that nobody asked for."""

from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import ValidationError

from coordinator.decision.attempt import Attempt
from coordinator.decision.vote import Reply
from coordinator.telemetry import tracing
from coordinator.telemetry.tracing import Spans, TracingTable
from mpic.v1 import corroboration_pb2 as c
from tests.world.samples import NAME, WORLD, issuance_request, reply

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ASKED = datetime(2026, 11, 25, 12, tzinfo=UTC)


async def spans_of(traceparent: str) -> dict[str, ReadableSpan]:
    attempt = Attempt(issuance_request(), WORLD, ASKED, lambda _: None)
    attempt.traceparent = traceparent
    for one in WORLD.perspectives[:5]:
        attempt.receive(0, reply(one))
    late = Reply(WORLD.perspectives[5], None, None, c.DISSENT_LATE, "no answer")
    attempt.receive(0, late)
    attempt.decided_at = ASKED + timedelta(seconds=1)
    exporter = InMemorySpanExporter()
    spans = Spans(exporter)
    spans.show(attempt)
    spans.close()
    return {span.name: span for span in exporter.get_finished_spans()}


async def test_a_request_and_each_perspective_have_a_span() -> None:
    spans = await spans_of(f"00-{TRACE}-{PARENT}-01")
    root = spans.pop("corroborate")
    assert root.context is not None
    assert root.parent is not None
    assert f"{root.context.trace_id:032x}" == TRACE
    assert f"{root.parent.span_id:016x}" == PARENT
    assert root.end_time is not None
    assert root.start_time is not None
    assert root.end_time - root.start_time == 10**9
    assert root.attributes is not None
    assert root.attributes["mpic.reasons"] == ("REASON_CORROBORATED",)
    assert sorted(spans) == sorted(f"observe {one.id}" for one in WORLD.perspectives)
    for span in spans.values():
        assert span.parent is not None
        assert span.parent.span_id == root.context.span_id
    silent = spans[f"observe {WORLD.perspectives[5].id}"]
    assert not silent.status.is_ok
    assert silent.attributes is not None
    assert silent.attributes[f"mpic.dissent.{NAME}"] == "DISSENT_LATE"


@pytest.mark.parametrize("traceparent", ["", "nonsense", f"00-{TRACE}-{PARENT}-00"])
async def test_nobody_is_shown_what_he_does_not_record(traceparent: str) -> None:
    assert not await spans_of(traceparent)


def test_an_endpoint_without_opentelemetry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "find_spec", lambda _: None)
    with pytest.raises(ValidationError, match="pip install 'mpic\\[otel\\]'"):
        TracingTable(otlp_endpoint="http://127.0.0.1:4317")


def test_an_endpoint_is_a_url() -> None:
    with pytest.raises(ValidationError, match="is no endpoint"):
        TracingTable(otlp_endpoint="127.0.0.1:4317")
