"""A link over a real connection to an agent of the test's own: it begins, ends, begins again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from grpc import aio
from structlog.testing import capture_logs

from coordinator.perspectives import client as module
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.perspectives.pending import Answer
from coordinator.rules.roster import Perspective
from mpic.channel import TlsFiles
from mpic.runtime.grpc.handlers import Context
from mpic.runtime.grpc.tls import server_credentials
from mpic.runtime.pki import Authority, Pair, Subject, create_authority, issue_certificate
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import perspective_pb2_grpc
from tests.world import network
from tests.world.samples import WORLD

NOW = datetime.now(UTC)
ID, RIR = WORLD.remotes[0].id, WORLD.remotes[0].rir
NAME = f"{ID}.perspective.mpic.test"


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where these are the first tests in their network; and connect again at once."""
    network.bring_up(())
    monkeypatch.setattr(module, "_RECONNECT_SECONDS", (0.01, 0.01, 0.01))


class Agent(perspective_pb2_grpc.PerspectiveServiceServicer):
    """Answers each question as it is told to, and says it is who the test wants."""

    def __init__(self) -> None:
        self.id, self.rir = ID, RIR
        self.described = 0
        self.streams = 0
        self.ends_after: int | None = None
        self.refuses = False
        self.asked: list[int] = []

    async def Describe(  # noqa: N802 - the method's name in the agreement
        self, request: p.DescribeRequest, context: Context
    ) -> p.DescribeResponse:
        del request
        self.described += 1
        if self.refuses:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not on the list")
        return p.DescribeResponse(
            perspective_id=self.id,
            rir=self.rir,
            heartbeats=True,
            checks=["caa_walk", "addresses"],
        )

    async def Observe(  # noqa: N802 - the method's name in the agreement
        self, request_iterator: AsyncIterator[p.ObserveRequest], context: Context
    ) -> AsyncIterator[p.ObserveResponse]:
        del context
        self.streams += 1
        async for request in request_iterator:
            response = p.ObserveResponse(perspective_id=self.id, rir=self.rir)
            for question in request.questions:
                self.asked.append(question.id)
                response.observations.add(question_id=question.id, observation=b"seen")
            yield response
            if self.ends_after is not None and len(self.asked) >= self.ends_after:
                self.ends_after = None
                return


class World:
    """An agent that serves, and a link to it."""

    def __init__(self, directory: Path) -> None:
        self.authority: Authority = create_authority(directory, "mpic.test", now=NOW)
        self.coordinator = self.issue(Subject("coordinator", "main"))
        self.agent = Agent()
        self.told: list[tuple[int, Answer]] = []
        self._running: asyncio.Task[None] | None = None
        self._server: aio.Server | None = None

    def issue(self, subject: Subject) -> Pair:
        return issue_certificate(self.authority, subject, now=NOW)

    def files(self, pair: Pair) -> TlsFiles:
        return TlsFiles(pair.certificate, pair.private_key, self.authority.file)

    async def serve(self, certificate_of: str = ID) -> None:
        pair = self.issue(Subject("perspective", certificate_of))
        self._server = aio.server()
        credentials = server_credentials(self.files(pair))
        port = self._server.add_secure_port("127.0.0.1:0", credentials)
        perspective_pb2_grpc.add_PerspectiveServiceServicer_to_server(self.agent, self._server)
        await self._server.start()
        where = WORLD.remotes[0]
        here = Perspective(
            where.id,
            where.role,
            where.rir,
            f"127.0.0.1:{port}",
            NAME,
            where.egress,
            where.resolver,
        )
        options = ClientOptions(self.files(self.coordinator), 0.0, restart_patience=0.0)
        self.link = PerspectiveClient(here, options)
        self._running = asyncio.create_task(self.link.run())
        await asyncio.wait_for(self.link.first_attempt(), 30)

    async def end(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        if self._server is not None:
            await self._server.stop(0)

    def ask(self, *question_ids: int) -> None:
        for number in question_ids:
            question = p.Question(id=number, name="example.test")
            entry = p.ObserveRequest(questions=[question]).SerializeToString()
            self.link.ask(number, entry, lambda _, which, got: self.told.append((which, got)))

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not done():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.005)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    one = World(tmp_path / "pki")
    yield one
    await one.end()


async def test_it_asks_and_is_answered(world: World) -> None:
    await world.serve()
    assert world.link.problem is None
    assert world.link.description is not None
    assert world.link.description.perspective_id == ID
    world.ask(1, 2)
    await world.until(lambda: len(world.told) == 2)
    assert all(isinstance(got, p.EncodedObservation) for _, got in world.told)
    await world.link.refresh()
    assert world.agent.described == 2


async def test_a_certificate_of_another_agent_is_not_this_agents(world: World) -> None:
    """Though the same authority signed it, and it says the right things."""
    await world.serve(certificate_of="ashburn")
    assert world.link.problem is not None
    assert world.link.problem.dissent == c.DISSENT_MISIDENTIFIED
    world.ask(1)
    assert world.told == [(1, world.link.problem)]
    assert not world.agent.asked


@pytest.mark.parametrize(("stated", "rir"), [("ashburn", RIR), (ID, o.RIR_LACNIC)])
async def test_who_says_he_is_another_is_not_asked(
    world: World, stated: str, rir: o.Rir.ValueType
) -> None:
    world.agent.id, world.agent.rir = stated, rir
    await world.serve()
    assert world.link.problem is not None
    assert world.link.problem.dissent == c.DISSENT_MISIDENTIFIED
    assert not world.agent.streams
    world.agent.id, world.agent.rir = ID, RIR
    await world.until(lambda: world.link.problem is None)


async def test_who_turns_into_another_while_he_is_asked_is_not_believed(world: World) -> None:
    await world.serve()
    world.agent.id = "ashburn"
    world.ask(1)
    await world.until(lambda: bool(world.told))
    ((_, got),) = world.told
    assert isinstance(got, PerspectiveProblem)
    assert got.dissent == c.DISSENT_MISIDENTIFIED


async def test_a_stream_that_ends_is_opened_anew(world: World) -> None:
    await world.serve()
    world.agent.ends_after = 1
    with capture_logs() as lines:
        world.ask(1)
        await world.until(lambda: world.agent.streams == 2 and world.link.problem is None)
    assert [line["detail"] for line in lines if line["event"] == "perspective_lost"] == [
        "the agent ended the stream"
    ]
    world.ask(2)
    await world.until(lambda: len(world.told) == 2)
    assert world.link.connections == 2


async def test_an_agent_that_refuses_the_coordinator_says_so(world: World) -> None:
    world.agent.refuses = True
    await world.serve()
    assert world.link.problem is not None
    assert "refuses this coordinator" in world.link.problem.detail
    world.agent.refuses = False
    await world.until(lambda: world.link.problem is None)


async def test_whatever_goes_wrong_with_an_answer_ends_no_link_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.serve()

    def break_down(*_: object) -> None:
        raise RuntimeError("planted")

    with monkeypatch.context() as broken, capture_logs() as lines:
        broken.setattr(module, "read_response", break_down)
        world.ask(1)
        await world.until(lambda: bool(world.told))
    ((_, got),) = world.told
    assert isinstance(got, PerspectiveProblem)
    assert got.dissent == c.DISSENT_GARBAGE
    assert "link_failed" in [line["event"] for line in lines]
    await world.until(lambda: world.link.problem is None)


async def test_where_nobody_listens_is_said_and_tried_again(world: World) -> None:
    await world.serve()
    assert world._server is not None
    await world._server.stop(0)
    await world.until(lambda: world.link.problem is not None)
    world.ask(1)
    ((_, got),) = world.told
    assert isinstance(got, PerspectiveProblem)
    assert got.dissent == c.DISSENT_UNREACHABLE


async def test_without_files_of_its_own_it_says_which_are_missing(
    world: World, tmp_path: Path
) -> None:
    await world.serve()
    files = TlsFiles(tmp_path / "none.pem", world.coordinator.private_key, world.authority.file)
    link = PerspectiveClient(world.link.perspective, ClientOptions(files))
    running = asyncio.create_task(link.run())
    await asyncio.wait_for(link.first_attempt(), 30)
    assert link.problem is not None
    assert "none.pem" in link.problem.detail
    running.cancel()


async def test_what_is_late_of_one_connection_does_not_come_over_the_next(world: World) -> None:
    await world.serve()
    before = world.link._pending
    world.agent.ends_after = 1
    world.ask(1)
    await world.until(lambda: world.agent.streams == 2 and world.link.problem is None)
    assert world.link._pending is not before
