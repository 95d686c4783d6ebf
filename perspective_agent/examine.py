"""One question at one perspective: all its lookups at once, one observation back.

THE AGENT'S MAIN PATH. It reports facts and knows no policy, no issuer and no other perspective.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf import duration_pb2

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import CHECKS, Check
from perspective_agent.resolver import Lookup, Receive, Resolver
from perspective_agent.wire import failed

Report = Callable[[o.Observation], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an agent allows one question, and may say of its answers."""

    timeout: float
    """The longest a question may take, in seconds, whatever it asks for."""
    validated: bool = True
    """Whether the resolver was shown to validate, so that its AD bit says something."""


def examine(question: p.Question, resolver: Resolver, limits: Limits, report: Report) -> None:
    """Start looking up what `question` asks; `report` gets the observation, once."""
    Examination(question, resolver, limits, report).start()


class Examination:
    """The state of one question: its checks, the lookups still open, its deadline."""

    def __init__(
        self, question: p.Question, resolver: Resolver, limits: Limits, report: Report
    ) -> None:
        """Prepare; `start` asks."""
        self._question = question
        self._resolver = resolver
        self._report = report
        self._validated = limits.validated
        self._timeout = min(question.timeout_ms / 1000 or limits.timeout, limits.timeout)
        self._checks: list[Check | None] = []
        self._findings: list[o.Finding | None] = []
        self._open: dict[Receive, Lookup] = {}
        self._started = time.perf_counter()
        self._reported = False

    def start(self) -> None:
        """Ask all lookups of all checks."""
        for asked in self._question.checks:
            kind = asked.WhichOneof("kind")
            make = CHECKS.get(kind or "")
            self._checks.append(make(self._question.name, asked) if make else None)
            self._findings.append(None if make else _unsupported(kind))
        self._deadline = asyncio.get_running_loop().call_later(self._timeout, self._expire)
        for number, check in enumerate(self._checks):
            if check is not None:
                self._ask(number, check, 0)
        self._report_if_complete()

    def _ask(self, number: int, check: Check, asked: int) -> None:
        """Ask what a check wants, past what was asked before."""
        for index, wanted in enumerate(check.lookups[asked:], asked):
            receive = _Receiver(self, number, index)
            self._open[receive] = self._resolver.ask(*wanted, receive)

    def receive(self, receiver: "_Receiver", lookup: o.Lookup) -> None:
        """Take one answer for one check.

        The deadline stays until no lookup is open: a lookup that the finding no longer needs
        would hold its place in the link for as long as the resolver tries.
        """
        del self._open[receiver]
        if not self._validated and lookup.dnssec in (o.DNSSEC_SECURE, o.DNSSEC_INSECURE):
            lookup.dnssec = o.DNSSEC_INDETERMINATE
        check = self._checks[receiver.check]
        if check is not None and self._findings[receiver.check] is None:
            asked = len(check.lookups)
            self._findings[receiver.check] = check.add(receiver.lookup, lookup)
            self._ask(receiver.check, check, asked)
            self._report_if_complete()
        if not self._open:
            self._deadline.cancel()

    def _expire(self) -> None:
        """Fail what is still open, and let go of it."""
        for number, check in enumerate(self._checks):
            if check is not None and self._findings[number] is None:
                self._findings[number] = check.finish(self._timed_out)
        self._report_if_complete()
        for receive, lookup in self._open.items():
            self._resolver.abandon(lookup, receive)

    def _report_if_complete(self) -> None:
        if self._reported or None in self._findings:
            return
        self._reported = True
        elapsed = duration_pb2.Duration()
        elapsed.FromNanoseconds(int((time.perf_counter() - self._started) * 1e9))
        observation = o.Observation(
            question_id=self._question.id,
            name=self._question.name,
            findings=[finding for finding in self._findings if finding is not None],
            elapsed=elapsed,
        )
        self._report(observation)

    def _timed_out(self, name: str) -> o.Lookup:
        """Fail a lookup by the deadline; if a first try had failed before, that is why."""
        detail = f"no answer within {self._timeout:g} s"
        lookup = failed(name, o.FAILURE_KIND_TIMEOUT, detail)
        lookup.tries = 1
        for open_lookup in self._open.values():
            if open_lookup.query.name == name and open_lookup.failure is not None:
                lookup.CopyFrom(open_lookup.failure)
                lookup.failure.detail += f"; asked anew, {detail}"
                lookup.tries = open_lookup.tries
        lookup.elapsed_us = int(self._timeout * 1e6)
        return lookup


def _unsupported(kind: str | None) -> o.Finding:
    detail = (
        f"this agent does not know the check {kind or 'asked for'}; it is older than the caller"
    )
    failure = o.Failure(kind=o.FAILURE_KIND_UNSUPPORTED_CHECK, detail=detail)
    return o.Finding(not_run=failure)


@dataclass(frozen=True, slots=True, eq=False)
class _Receiver:
    """Where one answer belongs."""

    examination: Examination
    check: int
    lookup: int

    def __call__(self, lookup: o.Lookup) -> None:
        self.examination.receive(self, lookup)
