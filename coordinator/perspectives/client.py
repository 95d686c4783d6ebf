"""The connection to one agent: one long-lived mTLS stream, opened again whenever it ends.

Questions are sent in batches (see `mpic.runtime.grpc.batching`). Each is encoded once for all
agents: the wire form of a repeated field is the concatenation of its entries, so a batch is a join.
How many questions share a message decides the speed of a coordinator (see tests/bench/RESULTS.md).

One task writes and one reads. A deadline never cancels a read, because that ends the stream. A
third task gives the connection up when nothing comes any more (see
`coordinator.perspectives.liveness`).

The agent may send anything. What is beyond the bounds (`coordinator.perspectives.identity`) is
garbage, and this agent then does not corroborate. An agent whose clock is too far from ours is not
asked.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial

import structlog
from grpc import aio

from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.clock_watch import ClockWatch
from coordinator.perspectives.errors import (
    PerspectiveError,
    PerspectiveProblem,
    explain_error,
    explain_silence,
)
from coordinator.perspectives.identity import read_description, read_response
from coordinator.perspectives.liveness import PATIENCE, Liveness, State
from coordinator.perspectives.pending import Pending, Receive
from coordinator.perspectives.restart_queue import RestartQueue
from coordinator.rules.roster import Perspective
from mpic.channel import open_channel
from mpic.runtime.clock import read_steady_us
from mpic.runtime.grpc.batching import Outbox, write_batches
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p

log = structlog.get_logger()

_SERVICE = p.DESCRIPTOR.services_by_name["PerspectiveService"].full_name
_DESCRIBE, _OBSERVE = f"/{_SERVICE}/Describe", f"/{_SERVICE}/Observe"
_DESCRIBE_SECONDS = 5.0
_RECONNECT_SECONDS = (0.1, 0.3, 1.0)
_HEARTBEAT = p.ObserveRequest(heartbeat=True).SerializeToString()
_LARGE = 4096  # octets of an observation
_LAST = p.ObserveRequest(last=True).SerializeToString()
_LEFT = PerspectiveProblem(c.DISSENT_UNREACHABLE, "the agent was ended, and is not back")


class PerspectiveClient:
    """One perspective as the coordinator reaches it."""

    def __init__(
        self, perspective: Perspective, options: ClientOptions, address: str | None = None
    ) -> None:
        """Connect nothing yet; `run` does. No address: the perspective's own."""
        self.perspective = perspective
        self.address = address or perspective.address
        self.description: p.DescribeResponse | None = None
        """The agent's description of itself when it was last reached."""
        self.known_kinds: frozenset[str] = frozenset()
        """The kinds of check that the agent says it knows."""
        self.problem: PerspectiveProblem | None = PerspectiveProblem(
            c.DISSENT_UNREACHABLE, "not connected yet"
        )
        """Why it cannot be asked right now; None when it can."""
        self.connections = 0
        """How often the connection was established."""
        self._options = options
        self._outbox: Outbox[bytes] | None = None
        self._absence = RestartQueue(options.limit, options.restart_patience)
        self._breaker = Liveness()
        self._clock = ClockWatch(perspective.id, self.address, options.clock)
        self._channel: aio.Channel | None = None
        self._pending = Pending(perspective)
        self._settled = asyncio.Event()

    @property
    def up(self) -> int:
        """How many links can be asked: 1 or 0."""
        return self.problem is None

    @property
    def may_return(self) -> bool:
        """Whether questions are kept, because the agent left on purpose a moment ago."""
        return self._absence.is_short

    @property
    def clock_difference(self) -> float | None:
        """The agent's clock minus ours, in seconds; None: it does not tell the time."""
        return self._clock.difference

    @property
    def pending(self) -> int:
        """How many questions are not answered."""
        return len(self._pending) + len(self._absence)

    @property
    def waiting(self) -> int:
        """How many of those questions are not sent yet."""
        return len(self._outbox) if self._outbox is not None else 0

    def ask(self, question_id: int, entry: bytes, receive: Receive) -> None:
        """Send one encoded question; `receive` is called once, unless `forget` comes first."""
        if self._outbox is None or self.problem is not None:
            ask = partial(self.ask, question_id, entry, receive)
            self._absence.keep(question_id, ask, partial(self._refuse, question_id, receive))
            return
        if len(self._pending) >= self._options.limit or self._outbox.is_full:
            text = f"the link is full: {len(self._pending)} questions are not answered"
            receive(self.perspective, question_id, PerspectiveProblem(c.DISSENT_UNREACHABLE, text))
            return
        self._outbox.put(entry)
        self._pending.add(question_id, receive)

    def _refuse(self, question_id: int, receive: Receive) -> None:
        """Say why a question is not sent."""
        problem = self.problem or PerspectiveProblem(c.DISSENT_UNREACHABLE, "not connected")
        receive(self.perspective, question_id, problem)

    def forget(self, question_id: int) -> None:
        """Stop waiting for an answer; if it still comes, it is dropped."""
        self._pending.forget(question_id)
        self._absence.forget(question_id)

    def withdraw(self, entry: bytes) -> None:
        """Send encoded ids of questions that need no answer any more; lost if it cannot be sent."""
        if self._outbox is not None and not self._outbox.is_full:
            self._outbox.put(entry)

    def check_clock(self) -> None:
        """Stop asking if the agent's clock is too far from ours, as ours is now."""
        if self.problem is None and (problem := self._clock.find_problem()) is not None:
            self._suspend(problem)

    async def refresh(self) -> None:
        """Ask the agent for its description again; if that fails, the old one stays."""
        if self._channel is not None:
            with suppress(aio.AioRpcError, PerspectiveError):
                self.description = await self._describe(self._channel)

    async def first_attempt(self) -> None:
        """Wait until the first attempt to connect has succeeded or failed."""
        await self._settled.wait()

    async def run(self) -> None:
        """Connect, and connect again whenever the link is lost, until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            self._lose(await self._live())
            lasted = loop.time() - started > _RECONNECT_SECONDS[-1]
            # An agent that left on purpose is back soon, so we try more often.
            failures = 0 if lasted else 1 if self.may_return else failures + 1
            await asyncio.sleep(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])

    async def _live(self) -> PerspectiveProblem:
        """Connect and exchange messages for as long as it lasts; return why it ended."""
        perspective = self.perspective
        try:
            opened = open_channel(self.address, self._options.tls, perspective.server_name)
            async with opened as channel:
                self.description = await self._describe(channel)
                self._channel = channel
                await self._converse(channel)
        except PerspectiveError as error:
            return error.problem
        except aio.AioRpcError as error:
            return explain_error(error)
        except OSError as error:
            return PerspectiveProblem(c.DISSENT_UNREACHABLE, f"[tls]: {error}")
        except Exception:  # whatever an agent does must not end its link for ever
            log.exception("link_failed", perspective=perspective.id)
            return PerspectiveProblem(c.DISSENT_GARBAGE, "what the agent sent could not be handled")
        ended = PerspectiveProblem(c.DISSENT_UNREACHABLE, "the agent ended the stream")
        return _LEFT if self.problem is _LEFT else ended

    async def _describe(self, channel: aio.Channel) -> p.DescribeResponse:
        describe: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_DESCRIBE)
        asked_us = read_steady_us()
        message = await describe(b"", timeout=_DESCRIBE_SECONDS)
        description = read_description(message, self.perspective, self.address)
        self._clock.note_description(description, asked_us)
        self.known_kinds = frozenset(description.checks)
        return description

    async def _converse(self, channel: aio.Channel) -> None:
        """Open the stream and read it until it ends."""
        stream: aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(_OBSERVE)()
        options = self._options
        self._outbox = Outbox(options.window, options.limit, len, options.company)
        self._breaker = Liveness()
        # The questions of the last connection have failed. Their answers do not come over this one.
        self._pending = Pending(self.perspective)
        self._clock.begin()
        self.connections += 1
        writing = asyncio.create_task(write_batches(stream, self._outbox))
        ending = [asyncio.create_task(self._read(stream))]
        if self.description is not None and self.description.heartbeats:
            ending.append(asyncio.create_task(self._watch(self._outbox)))
        else:
            self._admit("")
        try:
            done, _ = await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (writing, *ending):
                task.cancel()
            await asyncio.gather(writing, *ending, return_exceptions=True)
            stream.cancel()

    async def _read(self, stream: aio.StreamStreamCall[bytes, bytes]) -> None:
        """Take every message until the stream ends."""
        try:
            while (message := await stream.read()) is not aio.EOF:
                await self._deliver(message)  # type: ignore[arg-type] # not EOF
        except aio.AioRpcError:
            # An agent that leaves ends the stream. A message of ours may have crossed that.
            if self.problem is not _LEFT:
                raise

    async def _watch(self, outbox: Outbox[bytes]) -> None:
        """Give up a connection without a sign of life; raises PerspectiveError."""
        while True:
            if self._is_at_rest():
                self._breaker.rest()
            elif self._breaker.beat() and not outbox.is_full:
                outbox.put(_HEARTBEAT)
            if not outbox.is_full and (asked := self._clock.ask()):
                outbox.put(asked)
            self.check_clock()
            if self._breaker.state is State.HUNG:
                problem = explain_silence(f"{self._options.hung_after:g} s of silence")
                self._lose(problem)  # at once: to close a connection takes its time
                raise PerspectiveError(problem)
            await asyncio.sleep(self._options.hung_after / PATIENCE)

    def _is_at_rest(self) -> bool:
        """Whether nothing is open at an agent that lives, not even what its clock says."""
        is_asked = len(self._pending) > 0 or self._clock.is_asked
        return self._breaker.state is State.LIVE and not is_asked

    def _admit(self, cannot_look: str) -> None:
        """Ask an agent that lives, if it can look and its clock fits."""
        if cannot_look:
            self._suspend(PerspectiveProblem(c.DISSENT_NOT_LOOKED, cannot_look))
        elif (problem := self._clock.find_problem()) is not None:
            self._suspend(problem)
        elif self.problem is not None:
            self.problem = None
            log.info("perspective_connected", perspective=self.perspective.id, address=self.address)
            self._absence.end()
        self._settled.set()

    async def _deliver(self, message: bytes) -> None:
        """Hand each observation of a message to whoever asked; garbage ends the connection."""
        response = read_response(message, self.perspective, self.address)
        self._breaker.hear()
        self._clock.hear(response)
        if not response.observations:
            self._pending.note_empty(time.monotonic())
        for encoded in response.observations:
            self._pending.answer(encoded)
            if len(encoded.observation) > _LARGE:
                await asyncio.sleep(0)  # judging it takes long, so let others run
        if response.leaving:
            self._part()
        elif self._breaker.state is State.LIVE:
            self._admit(response.cannot_look)

    def _part(self) -> None:
        """Stop asking an agent that leaves; it still answers the questions it has."""
        self._absence.note()
        if self.problem is not _LEFT:
            log.info("perspective_leaving", perspective=self.perspective.id, address=self.address)
            self.problem = _LEFT
            self.withdraw(_LAST)

    def _lose(self, problem: PerspectiveProblem) -> None:
        """Fail the open questions, and all questions until the link is up again."""
        self._suspend(problem)
        self._channel = self._outbox = None
        self._settled.set()

    def _suspend(self, problem: PerspectiveProblem) -> None:
        """Fail the open questions, and all questions while the problem lasts."""
        if self.problem is None or self.problem.detail != problem.detail:
            why = {"dissent": c.Dissent.Name(problem.dissent), "detail": problem.detail}
            log.warning("perspective_lost", perspective=self.perspective.id, **why)
        self.problem = problem
        self._pending.fail(problem)
