"""One name's ballot: what came of each perspective, and the verdict as soon as it is certain. Pure.

The primary decides first: if it forbids, fails or is missing, that is the reason and no quorum is
counted. Otherwise each remote corroborates when every check of the name does there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from coordinator.checks import CHECKS
from coordinator.judging import (
    UNVALIDATED_TOO,
    Ask,
    Judgement,
    MalformedFindingError,
    NotValidatedError,
    describe_failure,
)
from coordinator.quorum import Terms, foresee_quorum, judge_quorum
from coordinator.roster import Perspective, Roster
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

PRIMARY_REASONS: Mapping[c.Dissent.ValueType, c.Reason.ValueType] = {
    c.DISSENT_CAA_FORBIDS: c.REASON_PRIMARY_CAA_FORBIDS,
    c.DISSENT_CAA_FAILED: c.REASON_PRIMARY_CAA_FAILED,
    c.DISSENT_ADDRESSES_FAILED: c.REASON_PRIMARY_ADDRESSES_FAILED,
    c.DISSENT_NOT_IN_PUBLIC_DNS: c.REASON_NOT_IN_PUBLIC_DNS,
    c.DISSENT_UNREACHABLE: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_LATE: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_MISIDENTIFIED: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_GARBAGE: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_NOT_LOOKED: c.REASON_PRIMARY_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of asking one perspective for one name: an observation, or why there is none."""

    perspective: Perspective
    observation: o.Observation | None
    elapsed: float | None
    """Seconds from asking until the answer was read; None: no answer."""
    dissent: c.Dissent.ValueType = c.DISSENT_UNSPECIFIED
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one perspective stands."""

    dissent: c.Dissent.ValueType
    detail: str
    reply: Reply | None = None
    caa: Judgement | None = None

    @property
    def corroborates(self) -> bool:
        """Whether the primary permits, or the remote corroborates."""
        return self.dissent == c.DISSENT_UNSPECIFIED


NOT_AWAITED = Standing(
    c.DISSENT_NOT_AWAITED, "had not answered when the verdict was certain; nobody waited"
)


class Ballot:
    """The state of one name."""

    def __init__(self, ask: Ask, terms: Terms, roster: Roster) -> None:
        """Open the ballot; nobody has answered."""
        self.ask = ask
        self.terms = terms
        lenient = not terms.row.remotes_must_validate
        self._ask_of_remotes = replace(ask, believed=UNVALIDATED_TOO) if lenient else ask
        self._roster = roster
        self._standings: dict[str, Standing] = {}
        self.reason: c.Reason.ValueType = c.REASON_UNSPECIFIED
        """The verdict's reason, once it is certain; it does not change after that."""

    def add(self, reply: Reply) -> None:
        """Count one perspective's reply."""
        self._standings[reply.perspective.id] = self._stand_alone(reply)
        if reply.perspective.is_primary:
            for remote in self._roster.remotes:
                self._compare(remote)
        else:
            self._compare(reply.perspective)
        if not self.reason:
            self.reason = self._foresee()

    def standing(self, perspective: Perspective) -> Standing:
        """Return where a perspective stands now."""
        return self._standings.get(perspective.id, NOT_AWAITED)

    def corroborating(self) -> list[Perspective]:
        """Return the remotes that corroborate now."""
        if not self.standing(self._roster.primary).corroborates:
            return []
        return [one for one in self._roster.remotes if self.standing(one).corroborates]

    @property
    def is_complete(self) -> bool:
        """Whether every perspective's reply has been counted."""
        return len(self._standings) == len(self._roster.perspectives)

    def _foresee(self) -> c.Reason.ValueType:
        primary = self._standings.get(self._roster.primary.id)
        if primary is None:
            # Even if the remotes alone already refuse: whether the primary forbids is the reason.
            return c.REASON_UNSPECIFIED
        if not primary.corroborates:
            return PRIMARY_REASONS[primary.dissent]
        corroborating = [one.rir for one in self.corroborating()]
        still_open = [one.rir for one in self._roster.remotes if one.id not in self._standings]
        if not still_open:
            return judge_quorum(corroborating, self.terms)
        return foresee_quorum(corroborating, still_open, self.terms)

    def _stand_alone(self, reply: Reply) -> Standing:
        """Judge every finding of a reply by itself; the first that does not pass is named."""
        if reply.observation is None:
            return Standing(reply.dissent, reply.detail, reply)
        for finding in reply.observation.findings:
            if finding.HasField("not_run"):
                return Standing(c.DISSENT_NOT_LOOKED, describe_failure(finding.not_run), reply)
        ask = self.ask if reply.perspective.is_primary else self._ask_of_remotes
        caa: Judgement | None = None
        first: Judgement | None = None
        try:
            for kind, finding in _pair_findings(reply.observation):
                judgement = CHECKS[kind].judge(finding, ask)
                caa = judgement if judgement.caa else caa
                if first is None and judgement.dissent:
                    first = judgement
        except MalformedFindingError as error:
            return Standing(c.DISSENT_GARBAGE, f"its answer is garbage: {error}", reply)
        except NotValidatedError as error:
            return Standing(c.DISSENT_NOT_LOOKED, f"its resolver does not validate: {error}", reply)
        if first is None:
            return Standing(c.DISSENT_UNSPECIFIED, "", reply, caa)
        return Standing(first.dissent, first.detail, reply, caa)

    def _compare(self, remote: Perspective) -> None:
        """Judge a remote that stands alone against the primary, when both have answered."""
        one = self._standings.get(remote.id)
        primary = self._standings.get(self._roster.primary.id)
        if one is None or primary is None or not one.corroborates:
            return
        self._standings[remote.id] = self._stand_against(one, primary)

    def _stand_against(self, remote: Standing, primary: Standing) -> Standing:
        if not primary.corroborates:
            detail = "the primary has nothing to agree with"
            return Standing(c.DISSENT_PRIMARY_MISSING, detail, remote.reply, remote.caa)
        for (kind, seen), (_, expected) in zip(_findings(remote), _findings(primary), strict=True):
            judgement = CHECKS[kind].compare(seen, expected, self.ask)
            if judgement.dissent:
                return Standing(judgement.dissent, judgement.detail, remote.reply, remote.caa)
        return remote


def _findings(standing: Standing) -> list[tuple[str, o.Finding]]:
    assert standing.reply is not None  # noqa: S101 - who corroborates has answered
    assert standing.reply.observation is not None  # noqa: S101 - with an observation
    return _pair_findings(standing.reply.observation)


def _pair_findings(observation: o.Observation) -> list[tuple[str, o.Finding]]:
    """Return the findings with their checks, in the order of the register.

    Raises MalformedFindingError unless there is just the one asked for each.
    """
    kinds = [finding.WhichOneof("kind") for finding in observation.findings]
    if kinds != list(CHECKS):
        raise MalformedFindingError(f"findings {kinds} to the checks {list(CHECKS)}")
    return list(zip(CHECKS, observation.findings, strict=True))
