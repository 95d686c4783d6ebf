"""The service: whose call it is, how long it waits; streams end; perspectives are as they are."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from coordinator.api.answers import Answers
from coordinator.api.explain.links import ExplanationLinks, LinkTerms
from coordinator.api.servicer import CorroborationServicer, StreamBounds
from coordinator.api.sources import Sources
from coordinator.corroboration import Call
from coordinator.overload.admission import Admission, Bounds
from coordinator.overload.limiter import Limiter
from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.rules.roster import Perspective
from mpic.runtime.grpc.errors import RequestError
from mpic.trace import HEADER
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import record_pb2 as r
from tests.world.records import CALLER, sample_record
from tests.world.requests import named
from tests.world.samples import WORLD

TERMS = LinkTerms("https://mpic.example.ac.jp", b"k" * 32, 86_400)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Context:
    """What is asked of a call's context."""

    def invocation_metadata(self) -> list[tuple[str, str]]:
        return [(HEADER, TRACE)]

    def time_remaining(self) -> float:
        return 7.5

    def peer(self) -> str:
        return "ipv4:192.0.2.1:40000"


class FakeCorroborator:
    """Decides what it is asked, at once or when the test says so."""

    def __init__(self) -> None:
        self.limiter = Limiter(Admission(Bounds(200, 150)), 11.0)
        self.calls: list[Call] = []
        self.asked: list[str] = []
        self.cancelled: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def corroborate(self, request: c.CorroborateRequest, call: Call) -> r.Record:
        self.calls.append(call)
        self.asked.append(request.request_id)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.request_id)
            raise
        record = sample_record()
        record.request_id = request.request_id
        return record


class Link:
    """Stands for the link to a perspective."""

    def __init__(self, perspective: Perspective) -> None:
        self.perspective = perspective
        self.problem: PerspectiveProblem | None = None
        self.description: p.DescribeResponse | None = None
        self.next = p.DescribeResponse(version="now")
        self.clock_difference: float | None = None
        self.breaks = False

    async def refresh(self) -> None:
        if self.breaks:
            raise ConnectionError
        self.description = self.next


class Service:
    """The service, its corroborator and its links."""

    def __init__(self, record_queries: Any = None) -> None:  # noqa: ANN401 - stands for record queries
        self.corroborator = FakeCorroborator()
        self.links = [Link(one) for one in WORLD.perspectives]
        corroborator: Any = self.corroborator
        explanations = ExplanationLinks(TERMS, lambda: datetime.now(UTC))
        answers = Answers(explanations.make)
        links: Any = lambda: self.links  # noqa: E731
        sources = Sources(record_queries, links, answers, explanations)
        limits = StreamBounds(window=0.0)
        self.servicer = CorroborationServicer(corroborator, sources, limits, lambda _: [CALLER])

    def stream(self, questions: AsyncIterator[c.CorroborateStreamRequest]) -> Any:  # noqa: ANN401 - an asynchronous generator
        context: Any = Context()
        return self.servicer.CorroborateStream(questions, context)

    async def list(self) -> list[c.PerspectiveStatus]:
        context: Any = Context()
        response = await self.servicer.ListPerspectives(c.ListPerspectivesRequest(), context)
        return list(response.perspectives)


@pytest.fixture
async def service() -> Service:
    return Service()


def question(request_id: str, names: int = 1) -> c.CorroborateRequest:
    asked = [f"h{number}.example.com" for number in range(names)]
    return c.CorroborateRequest(request_id=request_id, names=named(asked))


async def few(
    *questions: c.CorroborateRequest, end: bool = True
) -> AsyncIterator[c.CorroborateStreamRequest]:
    """Ask these, each in a message of its own; then end, or ask nothing more."""
    for one in questions:
        yield c.CorroborateStreamRequest(questions=[one])
    if not end:
        await asyncio.Event().wait()


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def told(response: Message) -> list[str]:
    message = c.CorroborateStreamResponse.FromString(response.SerializeToString())
    return [outcome.request_id for outcome in message.outcomes]


async def test_a_call_is_its_callers_with_its_deadline_and_its_trace(service: Service) -> None:
    context: Any = Context()
    encoded: Any = await service.servicer.Corroborate(question("r-1"), context)
    response = c.CorroborateResponse.FromString(encoded.SerializeToString())
    assert response.request_id == "r-1"
    (call,) = service.corroborator.calls
    assert call.caller == CALLER
    assert call.remaining() == 7.5
    assert call.trace_id == TRACE.split("-")[1]


async def test_a_streams_questions_are_its_callers(service: Service) -> None:
    responses = [one async for one in service.stream(few(question("a"), question("b")))]
    assert sorted(name for one in responses for name in told(one)) == ["a", "b"]
    assert {(call.caller, call.remaining()) for call in service.corroborator.calls} == {
        (CALLER, 7.5)
    }


async def test_a_stream_reads_no_more_than_its_caller_may_have_in_flight(service: Service) -> None:
    service.corroborator.go_on.clear()
    stream = service.stream(few(question("a", 100), question("b", 50), question("c")))
    first = asyncio.ensure_future(anext(stream))
    await settle()
    assert service.corroborator.asked == ["a", "b"]
    service.corroborator.go_on.set()
    told_of = told(await first) + [name async for one in stream for name in told(one)]
    assert sorted(told_of) == ["a", "b", "c"]


async def test_what_a_newer_caller_demands_of_a_whole_message_is_not_passed_over(
    service: Service,
) -> None:
    async def ask() -> AsyncIterator[c.CorroborateStreamRequest]:
        demanding = c.CorroborateStreamRequest(questions=[question("r-1")])
        demanding.MergeFromString(b"\x82\x01\x01x")  # field 16, which there is not
        yield demanding

    with pytest.raises(RequestError, match="has a field that this service does not know"):
        _ = [one async for one in service.stream(ask())]
    assert not service.corroborator.asked


async def test_when_the_service_stops_a_stream_ends_once_it_is_answered(service: Service) -> None:
    service.corroborator.go_on.clear()
    stream = service.stream(few(question("a"), end=False))
    first = asyncio.ensure_future(anext(stream))
    await settle()
    service.servicer.drain()
    assert not first.done()
    service.corroborator.go_on.set()
    async with asyncio.timeout(30):
        assert told(await first) == ["a"]
        assert [one async for one in stream] == []
    assert not service.corroborator.cancelled


async def test_what_a_caller_that_has_gone_asked_is_not_decided_on(service: Service) -> None:
    service.corroborator.go_on.clear()
    stream = service.stream(few(question("a"), question("b"), end=False))
    first = asyncio.ensure_future(anext(stream))
    await settle()
    first.cancel()
    await settle()
    await stream.aclose()
    await settle()
    assert sorted(service.corroborator.cancelled) == service.corroborator.asked == ["a", "b"]
    assert not service.servicer._streams


async def test_perspectives_are_shown_as_they_are_now(service: Service) -> None:
    service.links[1].problem = PerspectiveProblem(c.DISSENT_UNREACHABLE, "not connected")
    service.links[2].breaks = True
    service.links[3].clock_difference, service.links[4].clock_difference = 0.0, -30.25
    statuses = await service.list()
    assert [one.perspective_id for one in statuses] == [one.id for one in WORLD.perspectives]
    assert [one.ready for one in statuses] == [True, False, True, True, True, True]
    assert [one.problem for one in statuses] == ["", "not connected", "", "", "", ""]
    versions = ["now", "now", "", "now", "now", "now"]
    assert [one.description.version for one in statuses] == versions
    told = [one.HasField("clock_difference") for one in statuses]
    assert told == [False, False, False, True, True, False]
    assert statuses[4].clock_difference.ToMicroseconds() == -30_250_000


async def test_after_a_reload_other_perspectives_are_shown(service: Service) -> None:
    service.links = service.links[:3]
    assert len(await service.list()) == 3


async def test_where_nothing_is_recorded_that_is_said(service: Service) -> None:
    context: Any = Context()
    for asking in (
        service.servicer.GetCorroboration(c.GetCorroborationRequest(), context),
        service.servicer.RecordIssuance(c.RecordIssuanceRequest(), context),
    ):
        with pytest.raises(RequestError) as raised:
            await asking
        assert raised.value.status is grpc.StatusCode.FAILED_PRECONDITION
        assert raised.value.reason == "NOTHING_RECORDED"


class Archive:
    """Notes who asks it."""

    def __init__(self) -> None:
        self.callers: list[str] = []

    async def get(self, request: object, caller: str) -> c.GetCorroborationResponse:
        del request
        self.callers.append(caller)
        return c.GetCorroborationResponse()

    async def record_issuance(self, request: object, caller: str) -> c.RecordIssuanceResponse:
        del request
        self.callers.append(caller)
        return c.RecordIssuanceResponse()


async def test_the_record_is_asked_in_the_callers_name() -> None:
    archive = Archive()
    service = Service(archive)
    context: Any = Context()
    await service.servicer.GetCorroboration(c.GetCorroborationRequest(), context)
    await service.servicer.RecordIssuance(c.RecordIssuanceRequest(), context)
    assert archive.callers == [CALLER, CALLER]
