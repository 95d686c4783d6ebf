"""A perspective's vote: its reply about one name, judged by what was asked. Pure.

Perspectives that saw the same send the same octets. These are read and judged once, since judging
is the most expensive part of a decision.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from coordinator.checks import AskedCheck
from coordinator.checks.check import (
    Findings,
    Judgement,
    MalformedFindingError,
    NotValidatedError,
    Statuses,
    choose_dissent,
    describe_failure,
)
from coordinator.decision.observation import read_observation
from coordinator.decision.request import AskedName
from coordinator.rules.responsibility import OF_ONE_CHECK
from coordinator.rules.roster import Perspective
from mpic.bounds import DETAIL_OCTETS
from mpic.text import shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p


class Reply(NamedTuple):
    """The result of asking one perspective about one name: an observation, or why there is none."""

    perspective: Perspective
    encoded: p.EncodedObservation | None
    elapsed: float | None
    """Seconds from asking until the answer was read; None: no answer."""
    dissent: c.Dissent.ValueType = c.DISSENT_UNSPECIFIED
    detail: str = ""
    check: str = ""
    """The check that prevented an answer, if it was one check."""


class JudgedObservation(NamedTuple):
    """What one observation says by itself, whichever perspective sent it."""

    dissent: c.Dissent.ValueType
    detail: str = ""
    check: str = ""
    """The check by which it dissents."""
    findings: Sequence[Findings] = ()
    """What was found for each check that was asked; none if the observation is not believed."""
    determinations: Sequence[c.Determination] = ()
    """One for each check, in the same way."""
    usable_for: Sequence[timedelta | None] = ()
    """How long each check may be used to issue; None: it has no end of its own."""


class Vote(NamedTuple):
    """What one perspective's reply counts for, about one name."""

    dissent: c.Dissent.ValueType
    detail: str
    check: str = ""
    """The check by which it dissents, if it is one check."""
    reply: Reply | None = None
    judged: JudgedObservation | None = None
    determinations: Sequence[c.Determination] = ()
    """The result of each check, also compared with the primary's."""

    @property
    def corroborates(self) -> bool:
        """Whether the primary permits, or the remote corroborates."""
        return self.dissent == c.DISSENT_UNSPECIFIED


NOT_AWAITED = Vote(
    c.DISSENT_NOT_AWAITED, "had not answered when the verdict was certain; nobody waited"
)


def judge_observation(octets: bytes, asked: AskedName, believed: Statuses) -> JudgedObservation:
    """Judge every finding of an observation by itself; the first that does not pass is named."""
    try:
        return _judge(read_observation(octets), asked, believed)
    except MalformedFindingError as error:
        dissent, detail = c.DISSENT_GARBAGE, f"its answer is garbage: {error}"
    except NotValidatedError as error:
        dissent, detail = c.DISSENT_NOT_LOOKED, f"its resolver does not validate: {error}"
    except Exception as error:  # noqa: BLE001 - or the attempt would wait for this vote for ever
        dissent, detail = c.DISSENT_GARBAGE, _describe_defect(error)
    return JudgedObservation(dissent, shorten(detail, DETAIL_OCTETS))


def compare_with_primary(remote: Vote, primary: Vote, asked: AskedName) -> Vote:
    """Compare a remote with the primary, in every check that it passed; return its vote."""
    if remote.judged is None or primary.judged is None or not primary.corroborates:
        if not remote.corroborates:
            return remote
        detail = "the primary has nothing to agree with"
        return remote._replace(dissent=c.DISSENT_NO_PRIMARY, detail=detail)
    if remote.judged is primary.judged:
        return remote
    seen, expected = remote.judged.findings, primary.judged.findings
    compared = remote
    for index, check in enumerate(asked.checks):
        if remote.determinations[index].outcome != c.OUTCOME_PASSED:
            continue
        judgement = _compare(check, seen[index], expected[index], asked.looked_up)
        if judgement is not None:
            compared = _differ(compared, index, check, judgement)
    return compared


def _differ(vote: Vote, index: int, check: AskedCheck, judgement: Judgement) -> Vote:
    """Return a vote in which one check differs; the first such check is the dissent."""
    determinations = list(vote.determinations)
    determinations[index] = _to_message(check, judgement)
    if not vote.corroborates:
        return vote._replace(determinations=determinations)
    return vote._replace(
        dissent=judgement.dissent,
        detail=shorten(judgement.detail, DETAIL_OCTETS),
        check=_name_check(check, judgement),
        determinations=determinations,
    )


def split_findings(findings: Findings, checks: Sequence[AskedCheck]) -> Sequence[Findings]:
    """Return the findings of each check: one for each of its questions, in their order."""
    parts, at = [], 0
    for check in checks:
        parts.append(findings[at : at + len(check.kinds)])
        at += len(check.kinds)
    return parts


def _compare(check: AskedCheck, seen: Findings, expected: Findings, name: str) -> Judgement | None:
    try:
        return check.judge.compare(seen, expected, name, check.asked)
    except Exception as error:  # noqa: BLE001 - who was not compared does not corroborate
        return Judgement(c.OUTCOME_FAILED, c.DISSENT_GARBAGE, _describe_defect(error))


def _describe_defect(error: Exception) -> str:
    return f"its answer could not be judged, which is a defect of the coordinator: {error!r}"


def _judge(observation: o.Observation, asked: AskedName, believed: Statuses) -> JudgedObservation:
    """Judge each finding; raises MalformedFindingError, NotValidatedError."""
    if observation.name != asked.looked_up:
        text = f"about {observation.name!r}, to a question about {asked.looked_up!r}"
        raise MalformedFindingError(text)
    findings, checks = observation.findings[:], asked.checks
    kinds = [finding.WhichOneof("kind") for finding in findings]
    asked_for = [kind for check in checks for kind in check.kinds]
    if not _answer(kinds, asked_for):
        raise MalformedFindingError(f"findings {kinds} to {asked_for}")
    by_check = split_findings(findings, checks)
    judgements = [
        _judge_findings(found, check, asked.looked_up, believed)
        for found, check in zip(by_check, checks, strict=True)
    ]
    judged = JudgedObservation(
        c.DISSENT_UNSPECIFIED,
        findings=by_check,
        determinations=list(map(_to_message, checks, judgements)),
        usable_for=[judgement.usable_for for judgement in judgements],
    )
    for check, judgement in zip(checks, judgements, strict=True):
        if judgement.dissent:
            return judged._replace(
                dissent=judgement.dissent,
                detail=shorten(judgement.detail, DETAIL_OCTETS),
                check=_name_check(check, judgement),
            )
    return judged


def _name_check(check: AskedCheck, judgement: Judgement) -> str:
    return check.name if judgement.dissent in OF_ONE_CHECK else ""


def _answer(kinds: Sequence[str | None], asked_for: Sequence[str]) -> bool:
    """Whether there is one finding for each question: of its kind, or that it was not run."""
    return len(kinds) == len(asked_for) and all(
        kind in (wanted, "not_run") for kind, wanted in zip(kinds, asked_for, strict=True)
    )


def _judge_findings(
    findings: Findings, check: AskedCheck, name: str, believed: Statuses
) -> Judgement:
    failure = next((one.not_run for one in findings if one.HasField("not_run")), None)
    if failure is None:
        judgement = check.judge.judge(findings, name, check.asked, believed)
        if judgement.outcome != c.OUTCOME_PASSED and not judgement.dissent:
            return judgement._replace(dissent=c.DISSENT_FAILED)  # it must not pass for that
        return judgement
    # If the agent did not look, the domain did not fail, whatever the agent calls it.
    dissent = choose_dissent(failure, c.DISSENT_NOT_LOOKED)
    return Judgement(c.OUTCOME_FAILED, dissent, describe_failure(failure))


def _to_message(check: AskedCheck, judgement: Judgement) -> c.Determination:
    told = c.Determination(check=check.name, outcome=judgement.outcome)
    told.found_at, told.clause = judgement.found_at, judgement.clause
    told.record, told.detail = judgement.record, shorten(judgement.detail, DETAIL_OCTETS)
    if judgement.fault:
        told.fault = judgement.fault
    if judgement.steps:
        told.steps.extend(judgement.steps)
    return told
