"""Asking the servers of a name directly, as a way of looking (`perspective_agent.wants`).

Questions that want a diagnosis of the same name at the same time share it. Nothing is kept.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.resolver import ResolverLink

Diagnose = Callable[[str], Coroutine[Any, Any, o.Diagnosis]]


class DiagnosisTarget(NamedTuple):
    """Ask the servers of a name directly, not through the resolver."""

    name: str

    def too_large(self, detail: str) -> DiagnosisResult:
        """Return a diagnosis that proves nothing."""
        return DiagnosisResult(o.Diagnosis(incomplete=detail), ())


class DiagnosisResult(NamedTuple):
    """What the servers did."""

    diagnosis: o.Diagnosis
    """Shared with others, so it is never changed."""
    lookups_us: tuple[int, ...]
    """How long it took."""


Receive = Callable[[DiagnosisResult], None]


class PendingDiagnosis:
    """A diagnosis in progress, and all who wait for it."""

    is_queued = False
    """A diagnosis that waits for its turn is not done in time. The rest of the question still
    counts."""
    no_times = (0,)

    def __init__(self, target: DiagnosisTarget, shared: SharedDiagnoses) -> None:
        """Begin with nobody who waits."""
        self.target = target
        self.waiting: list[Receive] = []
        self.task: asyncio.Task[None] | None = None
        self._shared = shared

    @property
    def is_open(self) -> bool:
        """Whether servers are still asked."""
        return bool(self.waiting)

    def cut_short(self, since: float, seconds: float) -> DiagnosisResult:  # noqa: ARG002 - nothing is excused
        """Return that it was not done, which proves nothing."""
        return DiagnosisResult(o.Diagnosis(incomplete=f"not done within {seconds:g} s"), (0,))

    def withdraw(self) -> None:
        """Go on until it is released, because others may join it."""

    def release(self, receive: Receive) -> None:
        """Let go of it; stop asking if nobody waits any more."""
        if receive in self.waiting:
            self.waiting.remove(receive)
            if not self.waiting:
                self._shared.give_up(self)


class SharedDiagnoses:
    """The diagnoses in progress at one agent."""

    def __init__(self, diagnose: Diagnose | None, link: ResolverLink) -> None:
        """Ask by `diagnose`; None: this agent asks no server directly. `link` counts them."""
        self._diagnose = diagnose
        self._link = link
        self._under_way: dict[DiagnosisTarget, PendingDiagnosis] = {}

    def start(self, target: DiagnosisTarget, receive: Receive) -> PendingDiagnosis:
        """Join or begin a diagnosis; `receive` gets it, once, unless it is released before."""
        pending = self._under_way.get(target)
        if pending is None:
            pending = self._under_way[target] = PendingDiagnosis(target, self)
            pending.task = asyncio.get_running_loop().create_task(self._run(pending))
        pending.waiting.append(receive)
        return pending

    def give_up(self, pending: PendingDiagnosis) -> None:
        """Stop a diagnosis that nobody waits for; a later question begins another."""
        del self._under_way[pending.target]
        if pending.task is not None:
            pending.task.cancel()

    async def _run(self, pending: PendingDiagnosis) -> None:
        started = time.perf_counter()
        self._link.in_flight += 1
        try:
            if self._diagnose is None:
                diagnosis = o.Diagnosis(incomplete="this agent asks no server directly")
            else:
                diagnosis = await self._diagnose(pending.target.name)
        finally:
            self._link.in_flight -= 1
        del self._under_way[pending.target]
        waiting, pending.waiting = pending.waiting, []
        result = DiagnosisResult(diagnosis, (int((time.perf_counter() - started) * 1e6),))
        for receive in waiting:
            receive(result)
