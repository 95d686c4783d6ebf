"""One name's ballot: what came of each perspective, and the verdict as soon as it is certain. Pure.

The primary decides first: if it forbids, fails or is missing, that is the reason and no quorum is
counted. Otherwise each remote corroborates when every check of the name does there.

Perspectives that saw the same send the same octets, which are read and judged once: judging is the
dearest part of a check, and this divides it by six.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from coordinator.checks import CHECKS
from coordinator.checks.check import (
    UNVALIDATED_TOO,
    Ask,
    Judgement,
    MalformedFindingError,
    NotValidatedError,
    choose_dissent,
    describe_failure,
)
from coordinator.decision.observation import read_observation
from coordinator.rules.quorum import Terms, foresee_quorum, judge_quorum
from coordinator.rules.roster import Perspective, Roster
from mpic.bounds import DETAIL_OCTETS
from mpic.text import shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import perspective_pb2 as p

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
    c.DISSENT_CLOCK_DIFFERS: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_OVERLOADED: c.REASON_CUT_SHORT,
    c.DISSENT_NO_TIME: c.REASON_CUT_SHORT,
}
# Our load, or the caller's deadline: no failure of the domain, and no verdict may hang on it.
CUT_SHORT = frozenset({c.DISSENT_OVERLOADED, c.DISSENT_NO_TIME})
_NOT_REFUSED = (c.REASON_UNSPECIFIED, c.REASON_CORROBORATED)


class Reply(NamedTuple):
    """What came of asking one perspective for one name: an observation, or why there is none."""

    perspective: Perspective
    encoded: p.EncodedObservation | None
    elapsed: float | None
    """Seconds from asking until the answer was read; None: no answer."""
    dissent: c.Dissent.ValueType = c.DISSENT_UNSPECIFIED
    detail: str = ""


class Sight(NamedTuple):
    """What one observation says by itself, whoever sent it."""

    report: c.PerspectiveReport
    """The observation and its CAA determination, as far as there are any."""
    dissent: c.Dissent.ValueType
    detail: str
    caa: Judgement | None = None


class Standing(NamedTuple):
    """Where one perspective stands."""

    dissent: c.Dissent.ValueType
    detail: str
    reply: Reply | None = None
    sight: Sight | None = None

    @property
    def corroborates(self) -> bool:
        """Whether the primary permits, or the remote corroborates."""
        return self.dissent == c.DISSENT_UNSPECIFIED

    @property
    def caa(self) -> Judgement | None:
        """What CAA says there, if it was seen."""
        return self.sight.caa if self.sight else None


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
        self._ask_of_remotes = ask._replace(believed=UNVALIDATED_TOO) if lenient else ask
        self.roster = roster
        self._standings: dict[str, Standing] = {}
        self._told = self._standings
        """What the caller is told: what stood when the ballot was closed."""
        self._agreed: Sequence[Perspective] | None = None
        """The remotes that corroborated then."""
        self._sights: dict[tuple[int, bytes], Sight] = {}
        """By what was asked (whose the answer may be) and the octets of the answer."""
        self.reason: c.Reason.ValueType = c.REASON_UNSPECIFIED
        """The verdict's reason, once it is certain; it does not change after that."""

    def add(self, reply: Reply) -> None:
        """Count one perspective's reply."""
        self._standings[reply.perspective.id] = self._stand_alone(reply)
        if reply.perspective.is_primary:
            for remote in self.roster.remotes:
                self._compare(remote)
        else:
            self._compare(reply.perspective)
            if self._settles_nothing(reply.perspective):
                return
        if not self.reason:
            self.reason = self._foresee()

    def close(self) -> None:
        """Let the answer, the log and the record tell the same, whatever comes later."""
        self._told = self._standings.copy()
        self._agreed = self._find_corroborating()

    def standing(self, perspective: Perspective) -> Standing:
        """Return where a perspective stands, or stood when the ballot was closed."""
        return self._told.get(perspective.id, NOT_AWAITED)

    def late_standing(self, perspective: Perspective) -> Standing:
        """Return where a perspective stands by now, also after the ballot was closed."""
        return self._standings.get(perspective.id, NOT_AWAITED)

    def late_standings(self) -> Mapping[str, Standing]:
        """Return where every perspective that has replied stands by now, by its id."""
        return self._standings

    def corroborating(self) -> Sequence[Perspective]:
        """Return the remotes that corroborate, or did when the ballot was closed."""
        return self._find_corroborating() if self._agreed is None else self._agreed

    def _find_corroborating(self) -> Sequence[Perspective]:
        if not self.standing(self.roster.primary).corroborates:
            return []
        return [one for one in self.roster.remotes if self.standing(one).corroborates]

    @property
    def quorum(self) -> str:
        """Corroborating / attempted, such as "4/5" (BR 5.4.1 (2)(8))."""
        return f"{len(self.corroborating())}/{self.terms.attempted}"

    @property
    def is_complete(self) -> bool:
        """Whether every perspective's reply has been counted."""
        return len(self._standings) == 1 + len(self.roster.remotes)

    def _settles_nothing(self, remote: Perspective) -> bool:
        """Whether a remote corroborates, and too few have replied for an approval.

        Who corroborates can do no more than complete one: what is possible at best stays as it was.
        """
        few = len(self._standings) <= self.terms.required
        return few and self._standings[remote.id].corroborates

    def _foresee(self) -> c.Reason.ValueType:
        primary = self._standings.get(self.roster.primary.id)
        if primary is None:
            # Even if the remotes alone already refuse: whether the primary forbids is the reason.
            return c.REASON_UNSPECIFIED
        if not primary.corroborates:
            return PRIMARY_REASONS[primary.dissent]
        corroborating: list[o.Rir.ValueType] = []
        still_open: list[o.Rir.ValueType] = []
        cut_short: list[o.Rir.ValueType] = []
        for remote in self.roster.remotes:
            standing = self._standings.get(remote.id)
            if standing is None:
                still_open.append(remote.rir)
            elif not standing.dissent:
                corroborating.append(remote.rir)
            elif standing.dissent in CUT_SHORT:
                cut_short.append(remote.rir)
        if still_open:
            reason = foresee_quorum(corroborating, still_open, self.terms)
        else:
            reason = judge_quorum(corroborating, self.terms)
        if cut_short and reason not in _NOT_REFUSED:
            # What it would be had they gone on: refused all the same, or nobody knows.
            reason = foresee_quorum(corroborating, [*still_open, *cut_short], self.terms)
            if not reason and not still_open:
                return c.REASON_CUT_SHORT
        return reason

    def _stand_alone(self, reply: Reply) -> Standing:
        """Judge a reply by itself."""
        if reply.encoded is None:
            return Standing(reply.dissent, shorten(reply.detail, DETAIL_OCTETS), reply)
        ask = self.ask if reply.perspective.is_primary else self._ask_of_remotes
        octets = reply.encoded.observation
        sight = self._sights.get((id(ask), octets))
        if sight is None:
            sight = self._sights[id(ask), octets] = _see(octets, ask)
        return Standing(sight.dissent, sight.detail, reply, sight)

    def _compare(self, remote: Perspective) -> None:
        """Judge a remote that stands alone against the primary, when both have answered."""
        one = self._standings.get(remote.id)
        primary = self._standings.get(self.roster.primary.id)
        # Who saw the same, octet for octet, agrees.
        if one is None or primary is None or not one.corroborates or one.sight is primary.sight:
            return
        self._standings[remote.id] = self._stand_against(one, primary)

    def _stand_against(self, remote: Standing, primary: Standing) -> Standing:
        if not primary.corroborates:
            detail = "the primary has nothing to agree with"
            return remote._replace(dissent=c.DISSENT_PRIMARY_MISSING, detail=detail)
        pairs = zip(_findings(remote), _findings(primary), strict=True)
        for check, (seen, expected) in zip(CHECKS.values(), pairs, strict=True):
            judgement = check.compare(seen, expected, self.ask)
            if judgement.dissent:
                return remote._replace(dissent=judgement.dissent, detail=judgement.detail)
        return remote


def _see(octets: bytes, ask: Ask) -> Sight:
    """Judge every finding of an observation by itself; the first that does not pass is named."""
    report = c.PerspectiveReport()
    try:
        read_observation(octets, report.observation)
        sight = _judge(report, ask)
    except MalformedFindingError as error:
        sight = Sight(report, c.DISSENT_GARBAGE, f"its answer is garbage: {error}")
    except NotValidatedError as error:
        detail = f"its resolver does not validate: {error}"
        sight = Sight(report, c.DISSENT_NOT_LOOKED, detail)
    if not sight.detail:
        return sight
    # Of whatever was seen, and told in every answer and log.
    return sight._replace(detail=shorten(sight.detail, DETAIL_OCTETS))


def _judge(report: c.PerspectiveReport, ask: Ask) -> Sight:
    """Judge each finding of the observation in a report, and put the CAA determination there.

    Raises MalformedFindingError, NotValidatedError.
    """
    observation = report.observation
    if observation.name != ask.name:
        text = f"about {observation.name!r}, to a question about {ask.name!r}"
        raise MalformedFindingError(text)
    kinds = [finding.WhichOneof("kind") for finding in observation.findings]
    if "not_run" in kinds:
        failure = observation.findings[kinds.index("not_run")].not_run
        dissent = choose_dissent(failure, c.DISSENT_NOT_LOOKED)
        return Sight(report, dissent, describe_failure(failure))
    if kinds != list(CHECKS):
        raise MalformedFindingError(f"findings {kinds} to the checks {list(CHECKS)}")
    caa: Judgement | None = None
    first: Judgement | None = None
    for check, finding in zip(CHECKS.values(), observation.findings, strict=True):
        judgement = check.judge(finding, ask)
        if judgement.caa is not None:
            caa = judgement
            report.caa.CopyFrom(judgement.caa)
        if first is None and judgement.dissent:
            first = judgement
    if first is None:
        return Sight(report, c.DISSENT_UNSPECIFIED, "", caa)
    return Sight(report, first.dissent, first.detail, caa)


def _findings(standing: Standing) -> Sequence[o.Finding]:
    assert standing.sight is not None  # noqa: S101 - who corroborates has answered
    return standing.sight.report.observation.findings
