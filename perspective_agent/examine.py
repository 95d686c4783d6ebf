"""One question at one perspective: all its lookups at once, one observation back.

THE AGENT'S MAIN PATH. It reports facts and knows no policy, no issuer and no other perspective.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import CHECKS, Check
from perspective_agent.connection import Lookup
from perspective_agent.resolver import Resolver
from perspective_agent.wire import failed

Report = Callable[[p.EncodedObservation], None]

_OVERDUE = 0.25
"""Seconds; a timer that comes so late says that this agent is too slow, not who was asked."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an agent allows one question, and may say of its answers."""

    timeout: float
    """The longest a question may take, in seconds, whatever it asks for."""
    validated: bool = True
    """Whether the resolver was shown to validate, so that its AD bit says something."""


class Examination:
    """The state of one question: its checks, the lookups still open, its deadline."""

    def __init__(
        self, question: p.Question, resolver: Resolver, limits: Limits, report: Report
    ) -> None:
        """Prepare; `start` asks, and `report` gets the observation, once."""
        self._id = question.id
        self._name = question.name
        self._asked = question.checks
        self._resolver = resolver
        self._report = report
        self._validated = limits.validated
        self._timeout = min(question.timeout_ms / 1000 or limits.timeout, limits.timeout)
        self._checks: list[Check | None] = []
        self._findings: list[o.Finding | None] = []
        self._missing = 0
        """Findings that are not certain yet."""
        self._places: list[tuple[int, int]] = []
        """By ticket: the check that asked, and which of its lookups it is."""
        self._open: dict[int, Lookup] = {}
        """By ticket."""
        self._lookups_us: list[int] = []
        """By ticket; 0: not answered."""
        self._started = time.perf_counter()
        self._reported = False

    def start(self) -> None:
        """Ask all lookups of all checks."""
        for asked in self._asked:
            kind = asked.WhichOneof("kind")
            make = CHECKS.get(kind or "")
            self._checks.append(make(self._name, asked) if make else None)
            self._findings.append(None if make else _unsupported(kind))
        self._missing = self._findings.count(None)
        self._deadline = asyncio.get_running_loop().call_later(self._timeout, self._expire)
        for number, check in enumerate(self._checks):
            if check is not None:
                self._ask(number, check, 0)
        self._report_if_complete()

    def _ask(self, number: int, check: Check, asked: int) -> None:
        """Ask what a check wants, past what was asked before."""
        for index in range(asked, len(check.lookups)):
            ticket = len(self._places)
            self._places.append((number, index))
            self._lookups_us.append(0)
            self._open[ticket] = self._resolver.ask(check.lookups[index], self._receive, ticket)

    def _receive(self, ticket: int, lookup: o.Lookup, elapsed_us: int) -> None:
        """Take one answer for one check.

        The deadline stays until no lookup is open: a lookup that the finding no longer needs
        would hold its place in the link for as long as the resolver tries.
        """
        del self._open[ticket]
        number, index = self._places[ticket]
        check = self._checks[number]
        if check is not None and self._findings[number] is None:
            self._lookups_us[ticket] = elapsed_us
            if not self._validated and lookup.dnssec in (o.DNSSEC_SECURE, o.DNSSEC_INSECURE):
                lookup.dnssec = o.DNSSEC_INDETERMINATE
            asked = len(check.lookups)
            finding = check.add(index, lookup)
            if finding is not None:
                self._findings[number] = finding
                self._missing -= 1
                self._report_if_complete()
            elif len(check.lookups) > asked:
                self._ask(number, check, asked)
        if not self._open:
            self._deadline.cancel()

    def withdraw(self) -> None:
        """Report nothing: nobody waits. What the resolver is looking up already, it may finish."""
        self._reported = True
        self._checks = [None] * len(self._checks)
        for ticket, lookup in list(self._open.items()):
            if lookup.is_queued:
                del self._open[ticket]
                self._resolver.abandon(lookup, self._receive, ticket)
        if not self._open:
            self._deadline.cancel()

    def _expire(self) -> None:
        """Fail what is still open, and let go of it."""
        overdue = asyncio.get_running_loop().time() - self._deadline.when()
        if overdue > _OVERDUE or any(lookup.is_queued for lookup in self._open.values()):
            # Not the domain's failure: an answer may lie here unread, or a query was never sent.
            self._findings = [overloaded() for _ in self._asked]
            self._missing = 0
        for number, check in enumerate(self._checks):
            if check is not None and self._findings[number] is None:
                self._findings[number] = check.finish(self._timed_out)
                self._missing -= 1
        self._report_if_complete()
        for ticket, lookup in self._open.items():
            self._resolver.abandon(lookup, self._receive, ticket)

    def _report_if_complete(self) -> None:
        if self._reported or self._missing:
            return
        self._reported = True
        observation = o.Observation(name=self._name)
        for finding in self._findings:
            assert finding is not None  # noqa: S101 - none is missing
            observation.findings.append(finding)
        encoded = p.EncodedObservation(
            question_id=self._id,
            observation=observation.SerializeToString(deterministic=True),
            elapsed_us=int((time.perf_counter() - self._started) * 1e6),
            lookups_us=self._lookups_us,
        )
        self._report(encoded)

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
        self._resolver.strain.excuse(lookup, self._started)
        return lookup


def overloaded() -> o.Finding:
    """Return the finding of a check for which there was no room or no time here."""
    detail = "this agent has too much to do; it did not look, or not to the end"
    return o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_OVERLOADED, detail=detail))


def unaskable() -> o.Finding:
    """Return the finding of a check for a name that cannot be asked for."""
    detail = "the question's name is not in the form that is looked up"
    return o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_INTERNAL, detail=detail))


def _unsupported(kind: str | None) -> o.Finding:
    detail = (
        f"this agent does not know the check {kind or 'asked for'}; it is older than the caller"
    )
    failure = o.Failure(kind=o.FAILURE_KIND_UNSUPPORTED_CHECK, detail=detail)
    return o.Finding(not_run=failure)
