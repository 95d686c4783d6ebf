"""One question at one perspective: all its lookups at once, one observation back.

THE AGENT'S MAIN PATH. It reports facts and knows no policy, no issuer and no other perspective.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from mpic.bounds import FINDING_OCTETS
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p
from perspective_agent.checks import CHECKS, Check
from perspective_agent.dns.connection import Lookup
from perspective_agent.dns.lookup_request import Answer
from perspective_agent.dns.shared_lookups import SharedLookups, SharedWalk
from perspective_agent.dns.wire import failed

Report = Callable[[p.EncodedObservation], None]

_OVERDUE = 0.25
"""Seconds; a timer that comes so late says that this agent is too slow, not who was asked."""


class Examination:
    """The state of one question: its checks, the walks they want, its deadline."""

    def __init__(
        self, question: p.Question, walks: SharedLookups, timeout: float, report: Report
    ) -> None:
        """Prepare; `start` asks, and `report` gets the observation, once.

        A question takes at most `timeout` seconds, whatever it asks for.
        """
        self._id = question.id
        self._name = question.name
        self._asked = question.checks
        self._walks = walks
        self._report = report
        self._timeout = min(question.timeout_ms / 1000 or timeout, timeout)
        self._checks: list[Check | None] = []
        self._findings: list[o.Finding | None] = []
        self._missing = 0
        """Findings that are not certain yet."""
        self._places: list[tuple[int, int]] = []
        """By ticket: the check that asked, and which of its wants it is."""
        self._held: list[SharedWalk] = []
        """By ticket."""
        self._lookups_us: list[tuple[int, ...]] = []
        """By ticket."""
        self._unanswered = 0
        self.started = time.perf_counter()
        self._reported = False

    def start(self) -> None:
        """Ask for all that all checks want."""
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
        for index in range(asked, len(check.wanted)):
            ticket = len(self._places)
            self._places.append((number, index))
            walk = self._walks.ask(check.wanted[index], self._receive, ticket)
            self._held.append(walk)
            self._lookups_us.append(walk.no_times)
            self._unanswered += 1

    def _receive(self, ticket: int, answer: Answer) -> None:
        """Take one answer for one check."""
        number, index = self._places[ticket]
        self._unanswered -= 1
        check = self._checks[number]
        if check is not None and self._findings[number] is None:
            self._lookups_us[ticket] = answer.lookups_us
            asked = len(check.wanted)
            finding = check.add(index, answer)
            if finding is not None:
                self._findings[number] = finding
                self._missing -= 1
                self._report_if_complete()
            elif len(check.wanted) > asked:
                self._ask(number, check, asked)
        if not self._unanswered:
            self._end_if_closed()

    def _bound(self, number: int, finding: o.Finding) -> o.Finding:
        """Return a finding, or that it would be too large: a failure of whose servers made it so.

        The largest set fits; what does not are long aliases at each of a hundred levels.
        """
        octets = finding.ByteSize()
        if octets <= FINDING_OCTETS:
            return finding
        detail = f"sets and aliases of {octets} octets in all; {FINDING_OCTETS} may be"
        level = failed(self._name, o.FAILURE_KIND_ALIAS, detail)
        asked = self._asked[number]
        check = CHECKS[asked.WhichOneof("kind") or ""](self._name, asked)
        return check.finish(lambda _: Answer((level,), ()))

    def _end_if_closed(self) -> None:
        """Forget the deadline, unless a lookup is open.

        One that no finding needs any longer, as above where a walk ended, would hold its place in
        the link for as long as the resolver tries.
        """
        if not any(walk.is_open for walk in self._held):
            self._deadline.cancel()

    def withdraw(self) -> None:
        """Report nothing: nobody waits. What the resolver is looking up already, it may finish."""
        self._reported = True
        self._checks = [None] * len(self._checks)
        for walk in self._held:
            self._walks.withdraw(walk)
        self._end_if_closed()

    def _expire(self) -> None:
        """Fail what is still open, and let go of it."""
        overdue = asyncio.get_running_loop().time() - self._deadline.when()
        if overdue > _OVERDUE or any(walk.is_queued for walk in self._held):
            # Not the domain's failure: an answer may lie here unread, or a query was never sent.
            self._findings = [overloaded() for _ in self._asked]
            self._missing = 0
        for number, check in enumerate(self._checks):
            if check is not None and self._findings[number] is None:
                self._findings[number] = check.finish(partial(self._cut_short, number))
                self._missing -= 1
        self._report_if_complete()
        for ticket, walk in enumerate(self._held):
            self._walks.release(walk, self._receive, ticket)

    def _report_if_complete(self) -> None:
        if self._reported or self._missing:
            return
        self._reported = True
        encoded = p.EncodedObservation(
            question_id=self._id,
            observation=self._encode(),
            elapsed_us=int((time.perf_counter() - self.started) * 1e6),
            lookups_us=sum(self._lookups_us, ()),
        )
        self._report(encoded)

    def _encode(self) -> bytes:
        """Return the observation in wire form, with no finding that is too large."""
        findings = [finding for finding in self._findings if finding is not None]
        octets = o.Observation(name=self._name, findings=findings).SerializeToString()
        if len(octets) <= FINDING_OCTETS:
            return octets
        bounded = [self._bound(number, finding) for number, finding in enumerate(findings)]
        return o.Observation(name=self._name, findings=bounded).SerializeToString()

    def _cut_short(self, number: int, index: int) -> Answer:
        """Return what there is by now of one of a check's wants."""
        ticket = self._places.index((number, index))
        answer = self._held[ticket].cut_short(self._time_out)
        self._lookups_us[ticket] = answer.lookups_us
        return answer

    def _time_out(self, lookup: Lookup) -> o.Lookup:
        """Fail a lookup by the deadline; if a first try had failed before, that is why."""
        detail = f"no answer within {self._timeout:g} s"
        if lookup.failure is None:
            late = failed(lookup.query.name, o.FAILURE_KIND_TIMEOUT, detail)
            late.tries = 1
        else:
            late = o.Lookup()
            late.CopyFrom(lookup.failure)
            late.failure.detail += f"; asked anew, {detail}"
            late.tries = lookup.tries
        self._walks.resolver.overload_history.excuse(late, self.started)
        return late


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
    return o.Finding(not_run=o.Failure(kind=o.FAILURE_KIND_UNSUPPORTED_CHECK, detail=detail))
