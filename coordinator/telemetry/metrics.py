"""Counts what a coordinator decided, and what each perspective saw.

Observations are counted once every perspective has replied. So those that came too late for the
verdict are counted too. Verdicts are counted as the caller hears them.
"""

import asyncio
from collections.abc import Sequence
from functools import cache
from types import TracebackType

from grpc import StatusCode
from prometheus_client import Gauge, Histogram

from coordinator.checks import CHECKS, DOMAIN_CONTROL
from coordinator.checks.domain_control.methods import METHODS
from coordinator.decision.attempt import Attempt
from coordinator.decision.name_decision import PRIMARY_REASONS, NameDecision
from coordinator.rules.responsibility import OF_DISSENT, OF_ONE_CHECK, Blamed, Responsible
from coordinator.rules.roster import Rules
from mpic.runtime.grpc.errors import RequestError
from mpic.runtime.metrics import SHED_REASONS, ProgramMetrics
from mpic.v1 import corroboration_pb2 as c

# Dissents of a remote that has looked: it saw something other than a primary that permits.
_SAW_OTHERWISE = frozenset(one for one, whose in OF_DISSENT.items() if whose is Responsible.DOMAIN)
_REASONS: dict[int, str] = {
    number: name.removeprefix("REASON_").lower() for name, number in c.Reason.items() if number
}
_OUTCOMES: dict[int, str] = {
    number: name.removeprefix("DISSENT_").lower() if number else "corroborates"
    for name, number in c.Dissent.items()
    # Every perspective has replied, or has been given up, before anything is counted.
    if number != c.DISSENT_NOT_AWAITED
}
_CAME_TO: dict[int, str] = {
    number: name.removeprefix("OUTCOME_").lower() if number else "none"
    for name, number in c.Outcome.items()
    if number != c.OUTCOME_FORBIDDEN  # only CAA forbids
}
_QUESTIONS = ("approved", "validated", "refused", "invalid", "shed", "failed", "cancelled")
_CALLERS_FAULTS = (StatusCode.INVALID_ARGUMENT, StatusCode.ALREADY_EXISTS)
_MARGINS = (-3, -2, -1, 0, 1, 2)


class Watch:
    """Counts a question within a `with`; one serves all, since it keeps nothing of a question."""

    def __init__(self, program: ProgramMetrics) -> None:
        self._shed = program.shed
        self._in_flight = 0
        questions = program.counter(
            "mpic_questions",
            "Questions by outcome.",
            "outcome",
        )
        self.questions = {outcome: questions.labels(outcome) for outcome in _QUESTIONS}
        in_flight = Gauge(
            "mpic_questions_in_flight", "Questions being decided.", registry=program.registry
        )
        in_flight.set_function(lambda: self._in_flight)

    def __enter__(self) -> None:
        self._in_flight += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._in_flight -= 1
        if error is None:
            return
        self.questions[_name_end(error)].inc()
        if isinstance(error, RequestError) and error.reason in SHED_REASONS:
            self._shed[error.reason].inc()


def _checks_of(reason: int) -> Sequence[str]:
    """Return the checks that may stand beside a reason; "" stands for no check."""
    dissents = {dissent for dissent, its in PRIMARY_REASONS.items() if its == reason}
    of_none = [""] if not dissents or dissents - OF_ONE_CHECK else []
    return [*of_none, *(CHECKS if dissents & OF_ONE_CHECK else ())]


class _Answers:
    """The counters of what each perspective answered; each is looked up once."""

    def __init__(self, program: ProgramMetrics) -> None:
        observations = program.counter(
            "mpic_observations",
            "Replies about a name, by perspective, outcome and check.",
            "perspective",
            "outcome",
            "check",
        )
        disagreements = program.counter(
            "mpic_disagreements",
            "Names for which a remote saw something else than a primary that permits. The route"
            " or the agent of one of the two may be bad, or the domain differs by place.",
            "perspective",
        )
        seconds = program.seconds(
            "mpic_perspective_answer_duration_seconds",
            "From asking a perspective until its answer was read.",
            "perspective",
        )
        self.observation = cache(
            lambda one, dissent, check: observations.labels(
                one, _OUTCOMES.get(dissent, str(dissent)), check
            )
        )
        self.disagreement = cache(disagreements.labels)
        self.seconds = cache(seconds.labels)

    def cover(self, rules: Rules) -> None:
        for one in rules.roster.remotes:
            self.disagreement(one.id)
        for one in rules.roster.perspectives:
            self.seconds(one.id)
            for dissent in _OUTCOMES:
                for check in CHECKS if dissent in OF_ONE_CHECK else ("",):
                    self.observation(one.id, dissent, check)


class _DomainControl:
    """The counter of what each perspective saw of domain control, by method."""

    def __init__(self, program: ProgramMetrics) -> None:
        seen = program.counter(
            "mpic_domain_control_observations",
            "Names whose domain control was asked, by perspective, method and what the check came"
            " to there; none: the perspective gave no answer that could be judged.",
            "perspective",
            "method",
            "outcome",
        )
        self._seen = cache(seen.labels)

    def cover(self, rules: Rules) -> None:
        """Start every perspective at 0."""
        for one in rules.roster.perspectives:
            for method in METHODS:
                for outcome in _CAME_TO.values():
                    self._seen(one.id, method, outcome)

    def count(self, decision: NameDecision) -> None:
        """Count what every perspective saw of a name, if domain control was asked."""
        for index, check in enumerate(decision.asked.checks):
            if check.name != DOMAIN_CONTROL:
                continue
            method = check.asked.domain_control.control.WhichOneof("method")
            for one, vote in decision.late_votes().items():
                came_to = vote.determinations[index].outcome if vote.determinations else 0
                self._seen(one, method, _CAME_TO[came_to]).inc()


class CoordinatorMetrics:
    """The counters of one coordinator."""

    def __init__(self, rules: Rules, program: ProgramMetrics) -> None:
        """Start every perspective of the roster at 0."""
        self.watch = Watch(program)
        """Counts a question in flight, and how it ends if it gets no verdict."""
        verdicts = program.counter(
            "mpic_verdicts",
            "Verdicts, one for each name of a request, by reason and by the check that decided.",
            "reason",
            "check",
            "dry_run",
        )
        self._verdict = cache(
            lambda reason, check, dry_run: verdicts.labels(
                _REASONS[reason], check, str(dry_run).lower()
            )
        )
        for reason in _REASONS:
            for check in _checks_of(reason):
                for dry_run in (False, True):
                    self._verdict(reason, check, dry_run)
        refusals = program.counter(
            "mpic_refusals",
            "Names that were not approved, by who is responsible.",
            "responsible",
        )
        self._refusals = {one: refusals.labels(one.value) for one in Responsible}
        self._seconds = program.seconds(
            "mpic_decision_duration_seconds",
            "From asking until the verdict was certain.",
        )
        self._margins = Histogram(
            "mpic_quorum_margin",
            "Corroborating remotes beyond those required, if the primary permits; negative: too"
            " few.",
            buckets=_MARGINS,
            registry=program.registry,
        )
        self._answers = _Answers(program)
        self._domain_control = _DomainControl(program)
        self.cover(rules)

    def cover(self, rules: Rules) -> None:
        """Start the counters of new perspectives of a roster at 0."""
        self._answers.cover(rules)
        self._domain_control.cover(rules)

    def count_verdict(self, attempt: Attempt, seconds: float, blamed: Blamed) -> None:
        """Count what the caller is about to hear; it took `seconds`."""
        dry_run = attempt.request.dry_run
        for decision, whose in zip(attempt.decisions, blamed, strict=True):
            self._verdict(decision.reason, decision.check, dry_run).inc()
            if whose is not None:
                self._refusals[whose].inc()
        self._seconds.observe(seconds)
        self.watch.questions[_name_good_end(attempt)].inc()

    def count_complete(self, attempt: Attempt) -> None:
        """Count what every perspective saw, once all have replied or were given up."""
        primary_id = attempt.roster.primary.id
        for decision in attempt.decisions:
            self._domain_control.count(decision)
            votes = decision.late_votes()
            corroborating = -1
            for one, vote in votes.items():
                dissent, reply = vote.dissent, vote.reply
                self._answers.observation(one, dissent, vote.check).inc()
                if reply is not None and reply.elapsed is not None:
                    self._answers.seconds(one).observe(reply.elapsed)
                if not dissent:
                    corroborating += 1
                elif dissent in _SAW_OTHERWISE and one != primary_id:
                    self._answers.disagreement(one).inc()
            if not votes[primary_id].dissent:
                self._margins.observe(corroborating - decision.rules.required)


def _name_good_end(attempt: Attempt) -> str:
    """Name how a question with a verdict ended."""
    if not attempt.is_corroborated:
        return "refused"
    return "approved" if attempt.approved else "validated"


def _name_end(error: BaseException) -> str:
    """Name how a question without a verdict ended."""
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    if not isinstance(error, RequestError):
        return "failed"
    if error.reason in SHED_REASONS:
        return "shed"
    return "invalid" if error.status in _CALLERS_FAULTS else "failed"
