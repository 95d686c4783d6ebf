"""The coordinator's main path with perspectives and a disk that do as a test says."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self, cast

from coordinator.checks.caa.issuer import Issuer
from coordinator.corroboration import Call, Corroborator, InForce, Parts
from coordinator.decision.attempt import Attempt
from coordinator.decision.vote import Reply
from coordinator.overload.admission import Admission, Bounds
from coordinator.overload.limiter import Limiter
from coordinator.perspectives.client import PerspectiveClient
from coordinator.perspectives.client_options import ClientOptions
from coordinator.perspectives.fanout import AttemptQuestions, Fanout
from coordinator.perspectives.open_questions import Receive
from coordinator.record.builder import RecordBuilder
from coordinator.record.idempotency import Idempotency
from coordinator.record.unrecorded import Unrecorded
from coordinator.rules.policy import Policy
from coordinator.rules.roster import Perspective, Roster, Rules
from coordinator.telemetry.metrics import CoordinatorMetrics
from mpic.channel import TlsFiles
from mpic.names import walk_levels
from mpic.runtime.metrics import ProgramMetrics
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r
from tests.world.requests import named
from tests.world.samples import ISSUER, NAME, NOVEMBER, WORLD, encode

NO_FILES = ClientOptions(TlsFiles(Path("a"), Path("b"), Path("c")))


class FakeFanout:
    """Lets everybody see no CAA and no address, but those that are `silent`."""

    def __init__(self, ready: Collection[Perspective]) -> None:
        self.rosters: list[Roster] = []
        self.asked_questions: list[AttemptQuestions] = []
        self.held: asyncio.Event | None = None
        """Nobody answers before it is set; None: they answer at once."""
        self.silent: Collection[Perspective] = ()
        self.dissent: c.Dissent.ValueType = c.DISSENT_UNSPECIFIED
        """By which all have nothing to say."""
        self.about = ""
        """The name that all speak of, whatever they are asked about; empty: what they are asked."""
        self.is_withdrawn = False
        self.receive: Receive = lambda *_: None
        self._ready = frozenset(one.id for one in ready)
        self._answering: set[asyncio.Task[None]] = set()

    def ready(self, names: object) -> frozenset[str]:
        del names
        return self._ready

    def ask(self, asked: Roster, questions: AttemptQuestions, receive: Receive) -> Self:
        self.rosters.append(asked)
        self.asked_questions.append(questions)
        self.receive = receive
        self._answering.add(asyncio.create_task(self._answer(asked, questions, receive)))
        return self

    def withdraw(self) -> None:
        self.is_withdrawn = True

    async def _answer(self, asked: Roster, questions: AttemptQuestions, receive: Receive) -> None:
        if self.held is not None:
            await self.held.wait()
        for index, name in enumerate(questions.names):
            assert [kind for check in name.checks for kind in check.kinds] == [
                "caa_walk",
                "addresses",
            ]
            for one in asked.perspectives:
                if one not in self.silent:
                    receive(index, self.reply(one, name.looked_up))

    def reply(self, one: Perspective, name: str) -> Reply:
        if self.dissent:
            return Reply(one, None, None, self.dissent, "why")
        name = self.about or name
        lookup = o.Lookup(name=name, dnssec=o.DNSSEC_SECURE, absence=o.ABSENCE_NO_DATA)
        levels = [
            o.Lookup(name=level, dnssec=o.DNSSEC_SECURE, absence=o.ABSENCE_NO_DATA)
            for level in walk_levels(name)
        ]
        findings = [
            o.Finding(caa_walk=o.CaaFinding(levels=levels)),
            o.Finding(addresses=o.AddressFinding(lookup=lookup)),
        ]
        return Reply(one, encode(o.Observation(name=name, findings=findings)), 0.01)


class Disk(Unrecorded):
    """Where nothing is kept; a test says whose turn it is, and when what is written is durable."""

    def __init__(self) -> None:
        super().__init__()
        self.turn: asyncio.Event | None = None
        """None: it is everybody's at once."""
        self.durable: asyncio.Future[None] | None = None
        """None: all is at once."""
        self.superseded_by: bytes | None = None
        self.added: list[r.RecordEntry] = []

    async def __aenter__(self) -> Self:
        if self.turn is not None:
            await self.turn.wait()
        return self

    async def write(self, record: bytes, entry: r.RecordEntry) -> bytes | None:  # type: ignore[override]
        del record, entry
        while self.durable is not None and not self.durable.done():
            with suppress(asyncio.CancelledError):  # as a place waits to the end
                await asyncio.shield(self.durable)
        return self.superseded_by

    def add(self, record: bytes, entry: r.RecordEntry) -> None:
        del record
        self.added.append(entry)


class MainPath:
    """A corroborator, and what it decides with."""

    def __init__(
        self, roster: Roster = WORLD, policy: Policy | None = None, now: datetime = NOVEMBER
    ) -> None:
        self.roster = roster
        self.rules = Rules(roster, policy or Policy())
        self.fanout = FakeFanout(roster.perspectives)
        self.disk = Disk()
        self.is_stopping = False
        self.attempts: list[Attempt] = []
        self.program = ProgramMetrics("coordinator")
        self.limiter = Limiter(Admission(Bounds(200, 150)), 11.0)
        parts = Parts(
            limiter=self.limiter,
            idempotency=Idempotency(None),
            fanout=cast("Fanout", self.fanout),
            record_writer=self.disk,
            metrics=CoordinatorMetrics(self.rules, self.program),
            spans=None,
            clock=lambda: now,
            is_stopping=lambda: self.is_stopping,
            max_linger=11.0,
        )
        self.corroborator = Corroborator(parts, self.in_force(b"before"))

    def in_force(self, policy_version: bytes, issuer: Issuer | None = None) -> InForce:
        """Return what may be adopted."""
        links = [PerspectiveClient(one, NO_FILES) for one in self.roster.perspectives]
        issuers = {"one": issuer or Issuer(frozenset({ISSUER}))}
        return InForce(self.rules, issuers, RecordBuilder(links, policy_version))

    def count(self, outcome: str) -> float | None:
        """How many requests came to this."""
        labels = {"outcome": outcome}
        return self.program.registry.get_sample_value("mpic_questions_total", labels)

    async def decide(
        self,
        *names: str,
        caller: str = "pipeline",
        seconds: float | None = None,
        **fields: object,
    ) -> r.Record:
        """Have a request decided whose deadline leaves so many seconds."""
        asked = {"request_id": "r-1", "names": named(names or [NAME])}
        request = c.CorroborateRequest(**(asked | fields))
        return await self.corroborator.corroborate(request, Call(caller, lambda: seconds))
