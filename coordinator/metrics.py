"""What a coordinator counts: what was decided, and what each perspective saw.

Observations are counted once every perspective has replied, hence also those that came too late
for the verdict; verdicts are counted as the caller hears them.
"""

import asyncio
from collections.abc import Hashable
from types import TracebackType

from grpc import StatusCode
from prometheus_client import Gauge

from coordinator.attempt import Attempt
from coordinator.responsibility import OF_DISSENT, Blamed, Responsible
from coordinator.roster import Rules
from mpic.grpc.errors import RequestError
from mpic.metrics import SHED_REASONS, ProgramMetrics
from mpic.tally import Distributions, Tally, label
from mpic.v1 import corroboration_pb2 as c

# What a remote dissents by that has looked: it saw something else than the primary, which permits.
_SAW_OTHERWISE = frozenset(one for one, whose in OF_DISSENT.items() if whose is Responsible.DOMAIN)
_REASONS: dict[Hashable, str] = {
    number: name.removeprefix("REASON_").lower() for name, number in c.Reason.items() if number
}
_OUTCOMES: dict[Hashable, str] = {
    number: name.removeprefix("DISSENT_").lower() if number else "corroborates"
    for name, number in c.Dissent.items()
    # Every perspective has replied, or has been given up, before anything is counted.
    if number != c.DISSENT_NOT_AWAITED
}
_RESPONSIBLE: dict[Hashable, str] = {one: one.value for one in Responsible}
_QUESTIONS = ("approved", "refused", "invalid", "shed", "failed", "cancelled")
_CALLERS_FAULTS = (StatusCode.INVALID_ARGUMENT, StatusCode.ALREADY_EXISTS)
_MARGINS = (-3, -2, -1, 0, 1, 2)


class Watch:
    """What `with` a question counts; one for all, since it keeps nothing of a single one."""

    def __init__(self, program: ProgramMetrics) -> None:
        self._shed = program.shed
        self._in_flight = 0
        self.questions = Tally(
            "mpic_questions", "Questions by what came of them.", {"outcome": label(_QUESTIONS)}
        )
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
        if error is not None:
            self.count(error)

    def count(self, error: BaseException) -> None:
        """Count a question that ended so."""
        self.questions.counts[_name_end(error),] += 1
        if isinstance(error, RequestError) and error.reason in SHED_REASONS:
            self._shed.counts[error.reason,] += 1


class _Answers:
    """What each perspective answered."""

    def __init__(self) -> None:
        self.observations = Tally(
            "mpic_observations",
            "Replies about a name, by perspective and by what came of them.",
            {"perspective": {}, "outcome": _OUTCOMES},
        )
        self.disagreements = Tally(
            "mpic_disagreements",
            "Names of which a remote saw something else than the primary, which permits: its"
            " route or its agent may be bad, or the primary's, or the domain differs by place.",
            {"perspective": {}},
        )
        self.seconds = Distributions(
            "mpic_perspective_answer_duration_seconds",
            "From asking a perspective until its answer was read.",
            {"perspective": {}},
        )

        self.all = (self.observations, self.disagreements, self.seconds)

    def cover(self, rules: Rules) -> None:
        remotes = label(one.id for one in rules.roster.remotes)
        everyone = label(one.id for one in rules.roster.perspectives)
        self.disagreements.cover({"perspective": remotes})
        self.seconds.cover({"perspective": everyone})
        self.observations.cover({"perspective": everyone, "outcome": _OUTCOMES})


class CoordinatorMetrics:
    """The counters of one coordinator."""

    def __init__(self, rules: Rules, program: ProgramMetrics) -> None:
        """Start every perspective of the roster at 0."""
        self.watch = Watch(program)
        """For the time of a question: counts it as in flight, and how it ends without a verdict."""
        dry_run: dict[Hashable, str] = {False: "false", True: "true"}
        self._questions = self.watch.questions
        self._verdicts = Tally(
            "mpic_verdicts",
            "Verdicts, one for each name of a question.",
            {"reason": _REASONS, "dry_run": dry_run},
        )
        whose = {"responsible": _RESPONSIBLE}
        self._refusals = Tally(
            "mpic_refusals", "Names not approved, by whose failure it is.", whose
        )
        self._seconds = Distributions(
            "mpic_decision_duration_seconds", "From asking until the verdict was certain.", {}
        )
        self._margins = Distributions(
            "mpic_quorum_margin",
            "Corroborating remotes beyond those required, where the primary permits; negative:"
            " missing.",
            {},
            _MARGINS,
        )
        self._answers = answers = _Answers()
        self.cover(rules)
        program.register((self._questions, self._verdicts, self._refusals, self._seconds))
        program.register((self._margins, *answers.all))

    def cover(self, rules: Rules) -> None:
        """Start the perspectives of a roster at 0, as far as they are new."""
        self._answers.cover(rules)

    def count_verdict(self, attempt: Attempt, seconds: float, blamed: Blamed) -> None:
        """Count what the caller is about to hear; it took `seconds`."""
        dry_run = attempt.question.dry_run
        for ballot, whose in zip(attempt.ballots, blamed, strict=True):
            self._verdicts.counts[ballot.reason, dry_run] += 1
            if whose is not None:
                self._refusals.counts[whose,] += 1
        self._seconds.of[()].observe(seconds)
        self._questions.counts["approved" if attempt.approved else "refused",] += 1

    def count_complete(self, attempt: Attempt) -> None:
        """Count what every perspective saw, once all have replied or were given up."""
        observations, seconds = self._answers.observations.counts, self._answers.seconds.of
        primary_id = attempt.roster.primary.id
        for ballot in attempt.ballots:
            standings = ballot.late_standings()
            corroborating = -1
            for one, standing in standings.items():
                dissent, reply = standing.dissent, standing.reply
                observations[one, dissent] += 1
                if reply is not None and reply.elapsed is not None:
                    seconds[one,].observe(reply.elapsed)
                if not dissent:
                    corroborating += 1
                elif dissent in _SAW_OTHERWISE and one != primary_id:
                    self._answers.disagreements.counts[one,] += 1
            if not standings[primary_id].dissent:
                self._margins.of[()].observe(corroborating - ballot.terms.required)


def _name_end(error: BaseException) -> str:
    """Name how a question without a verdict ended."""
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    if not isinstance(error, RequestError):
        return "failed"
    if error.reason in SHED_REASONS:
        return "shed"
    return "invalid" if error.status in _CALLERS_FAULTS else "failed"
