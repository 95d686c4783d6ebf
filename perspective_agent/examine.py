"""One question at one perspective: start all that its checks want, return one observation.

THE AGENT'S MAIN PATH. It reports facts and knows no policy, no issuer and no other perspective. The
way of one question, and back:

    servicer   reads it from the coordinator's stream, or answers at once why nobody looks
    stream     holds it while it is open; gathers observations and sends them
    examine    starts what its checks want, hands them the results, ends it at its deadline
    checks     say what they want, and make a finding of the results
    dns        looks up: `shared_lookups` joins equal lookups, `resolver` asks Unbound
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from mpic.bounds import FINDING_OCTETS, OBSERVATION_OCTETS
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import CHECKS, RunningCheck, read_kind
from perspective_agent.wants import PendingResult, R, Step, Target, Want, Ways

log = structlog.get_logger()

Report = Callable[[p.EncodedObservation], None]
S = TypeVar("S")

_OVERDUE = 0.25
"""Seconds; if a timer comes so late, this agent is too slow, and not the servers it asked."""


class Examination:
    """The state of one question: its checks, what they want, its deadline."""

    def __init__(self, question: p.Question, ways: Ways, timeout: float, report: Report) -> None:
        """Prepare; `start` begins to look, and `report` gets the observation, once.

        A question takes at most `timeout` seconds, whatever it asks for.
        """
        self._id = question.id
        self._name = question.name
        self._asked = question.checks
        self._ways = ways
        self._report = report
        self._timeout = min(question.timeout_ms / 1000 or timeout, timeout)
        self._checks: list[RunningCheck | None] = []
        self._findings: list[o.Finding | None] = []
        self._missing = 0
        """Findings that are not certain yet."""
        self._held: list[_HeldWant[Any]] = []
        """All that was wanted so far, in the order in which it was wanted."""
        self._unanswered = 0
        self.started = time.perf_counter()
        self._reported = False

    def start(self) -> None:
        """Begin to look at all that all checks want."""
        self._deadline = asyncio.get_running_loop().call_later(self._timeout, self._expire)
        for asked in self._asked:
            made = self._make(asked)
            self._checks.append(None if isinstance(made, o.Finding) else made)
            self._findings.append(made if isinstance(made, o.Finding) else None)
        self._missing = self._findings.count(None)
        for number, check in enumerate(self._checks):
            if check is not None:
                self._go_on(number, _guard(check.start))
        self._report_if_complete()

    def _make(self, asked: p.Check) -> RunningCheck | o.Finding:
        """Return the check that is asked for, or the finding that it cannot be run here."""
        kind = read_kind(asked.SerializeToString())
        if isinstance(kind, o.Finding):
            return kind
        return _guard(partial(CHECKS[kind], self._name, asked))

    def _go_on(self, number: int, step: Step) -> None:
        """Take the finding of a check, or start what else it wants."""
        if isinstance(step, o.Finding):
            self._findings[number] = step
            self._missing -= 1
        elif step:
            self._look(number, step)

    def _look(self, number: int, wants: Sequence[Want[Any]]) -> None:
        """Start what a check wants."""
        for want in wants:
            held = _HeldWant(self, number, want)
            held.pending = self._ways[type(want.target)](want.target, held.receive)
            self._held.append(held)
            self._unanswered += 1

    def receive(self, held: "_HeldWant[R]", result: R) -> None:
        """Take one result for one check."""
        self._unanswered -= 1
        number = held.number
        if self._checks[number] is not None and self._findings[number] is None:
            held.lookups_us = result.lookups_us
            self._go_on(number, _guard(partial(held.want.take, result)))
            self._report_if_complete()
        if not self._unanswered:
            self._end_if_closed()

    def _end_if_closed(self) -> None:
        """Cancel the deadline, unless something is still open.

        Perhaps no finding needs that any more, such as a level above the end of a walk. But it is
        given up at the deadline. Otherwise it would keep its place for as long as the resolver
        tries.
        """
        if not any(held.pending.is_open for held in self._held):
            self._deadline.cancel()
            self._held = []

    def withdraw(self) -> None:
        """Report nothing, since nobody waits. What has been sent already may be finished."""
        self._reported = True
        self._checks = [None] * len(self._checks)
        for held in self._held:
            held.pending.withdraw()
        self._end_if_closed()

    def _expire(self) -> None:
        """End what is still open as failed, and release everything."""
        overdue = asyncio.get_running_loop().time() - self._deadline.when()
        if overdue > _OVERDUE or any(held.pending.is_queued for held in self._held):
            # This is not the domain's failure: a result may be here, not read yet, or a query was
            # never sent.
            self._findings = [overloaded() for _ in self._asked]
            self._missing = 0
        for number, check in enumerate(self._checks):
            if check is not None and self._findings[number] is None:
                cut_short = partial(self._cut_short, number)
                self._go_on(number, _guard(partial(check.finish, cut_short)))
        self._report_if_complete()
        for held in self._held:
            held.pending.release(held.receive)
        self._held = []

    def _cut_short(self, number: int, target: Target[R]) -> R:
        """Return the result so far of what a check wanted."""
        places = [(held.number, held.want.target) for held in self._held]
        held: _HeldWant[R] = self._held[places.index((number, target))]
        result = held.pending.cut_short(self.started, self._timeout)
        held.lookups_us = result.lookups_us
        return result

    def _report_if_complete(self) -> None:
        if self._reported or self._missing:
            return
        self._reported = True
        times = [held.lookups_us or held.pending.no_times for held in self._held]
        encoded = p.EncodedObservation(
            question_id=self._id,
            observation=self._encode(),
            elapsed_us=int((time.perf_counter() - self.started) * 1e6),
            lookups_us=sum(times, ()),
        )
        self._report(encoded)

    def _encode(self) -> bytes:
        """Return the observation in wire form, without what makes it too large.

        That is a failure of the domain, whose servers made it so. The largest set fits. Only long
        aliases at each of a hundred levels do not fit, or several large sets together.
        """
        findings = [finding for finding in self._findings if finding is not None]
        octets = self._serialize(findings)
        if len(octets) <= FINDING_OCTETS:
            return octets
        for number, finding in enumerate(findings):
            if (own := finding.ByteSize()) > FINDING_OCTETS:
                detail = f"what was found has {own} octets; {FINDING_OCTETS} may be"
                findings[number] = self._refuse_size(number, detail)
        by_size = sorted(range(len(findings)), key=lambda number: findings[number].ByteSize())
        while len(octets := self._serialize(findings)) > OBSERVATION_OCTETS and by_size:
            largest = by_size.pop()
            detail = (
                f"what was found in all has {len(octets)} octets; {OBSERVATION_OCTETS} may be, and"
                " this is the largest part"
            )
            findings[largest] = self._refuse_size(largest, detail)
        return octets

    def _serialize(self, findings: Sequence[o.Finding]) -> bytes:
        return o.Observation(name=self._name, findings=findings).SerializeToString()

    def _refuse_size(self, number: int, detail: str) -> o.Finding:
        """Return the finding of a check as if all that it wants were too large."""
        asked = self._asked[number]
        check = CHECKS[asked.WhichOneof("kind") or ""](self._name, asked)
        return check.finish(partial(_too_large, detail))


def _guard(call: Callable[[], S]) -> S | o.Finding:
    """Return what a check does; a check that breaks says so, and no other is affected."""
    try:
        return call()
    except Exception:
        log.exception("check_broken")
        detail = "the check broke in this agent; its log says how"
        return o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_INTERNAL, detail=detail))


class _HeldWant(Generic[R]):
    """One want of one check, from its start until the question ends."""

    __slots__ = ("_examination", "lookups_us", "number", "pending", "want")

    pending: PendingResult[R]

    def __init__(self, examination: Examination, number: int, want: Want[R]) -> None:
        self._examination = examination
        self.number = number
        """The place in the question of the check that wants it."""
        self.want = want
        self.lookups_us: tuple[int, ...] = ()
        """Empty until its result is taken."""

    def receive(self, result: R) -> None:
        """Pass the result on."""
        self._examination.receive(self, result)


def overloaded() -> o.Finding:
    """Return the finding of a check that this agent had no room or no time for."""
    detail = "this agent has too much to do; it did not look, or not to the end"
    return o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_OVERLOADED, detail=detail))


def unaskable() -> o.Finding:
    """Return the finding of a check if its name cannot be looked up."""
    detail = "the question's name is not in the form that is looked up"
    return o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_INTERNAL, detail=detail))


def _too_large(detail: str, target: Target[R]) -> R:
    return target.too_large(detail)
