"""The decision on one name: every perspective's vote, and the verdict once it is certain. Pure.

The primary decides first. If it forbids, fails or is missing, that is the reason, and no quorum is
counted. Otherwise a remote corroborates when every check of the name passes there.
"""

from collections.abc import Mapping, Sequence

from coordinator.checks.check import UNVALIDATED_TOO, VALIDATED
from coordinator.decision.request import AskedName
from coordinator.decision.vote import (
    NOT_AWAITED,
    JudgedObservation,
    Reply,
    Vote,
    compare_with_primary,
    judge_observation,
)
from coordinator.rules.quorum import AttemptRules, foresee_quorum, judge_quorum
from coordinator.rules.roster import Perspective, Roster
from mpic.bounds import DETAIL_OCTETS
from mpic.text import shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o

PRIMARY_REASONS: Mapping[c.Dissent.ValueType, c.Reason.ValueType] = {
    c.DISSENT_FORBIDS: c.REASON_PRIMARY_FORBIDS,
    c.DISSENT_FAILED: c.REASON_PRIMARY_FAILED,
    c.DISSENT_NOT_IN_PUBLIC_DNS: c.REASON_NOT_IN_PUBLIC_DNS,
    c.DISSENT_PROOF_MISSING: c.REASON_PROOF_MISSING,
    c.DISSENT_UNREACHABLE: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_LATE: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_MISIDENTIFIED: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_GARBAGE: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_NOT_LOOKED: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_CLOCK_DIFFERS: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_UNSUPPORTED: c.REASON_PRIMARY_UNAVAILABLE,
    c.DISSENT_OVERLOADED: c.REASON_CUT_SHORT,
    c.DISSENT_NO_TIME: c.REASON_CUT_SHORT,
}
# The cause is our load or the caller's deadline. The domain has not failed, and no verdict may
# depend on these.
CUT_SHORT = frozenset({c.DISSENT_OVERLOADED, c.DISSENT_NO_TIME})
_NOT_REFUSED = (c.REASON_UNSPECIFIED, c.REASON_CORROBORATED)


class NameDecision:
    """The state of one name."""

    def __init__(self, asked: AskedName, rules: AttemptRules, roster: Roster) -> None:
        """Begin; nobody has answered."""
        self.asked = asked
        self.rules = rules
        self.roster = roster
        lenient = not rules.row.remotes_must_validate
        self._believed_of_remotes = UNVALIDATED_TOO if lenient else VALIDATED
        self._votes: dict[str, Vote] = {}
        self._told = self._votes
        """The votes that the caller is told: those when the decision was frozen."""
        self._agreed: Sequence[Perspective] | None = None
        """The remotes that corroborated when the decision was frozen."""
        self._judged: dict[tuple[bool, bytes], JudgedObservation] = {}
        """By whether the octets are believed like the primary's, and by the octets."""
        self._compared: dict[int, Vote] = {}
        """The vote of a remote beside the primary's, by the identity of what was judged."""
        self.reason: c.Reason.ValueType = c.REASON_UNSPECIFIED
        """The verdict's reason, once it is certain; it does not change after that."""

    def add(self, reply: Reply) -> None:
        """Count one perspective's reply."""
        self._votes[reply.perspective.id] = self._judge_alone(reply)
        if reply.perspective.is_primary:
            for remote in self.roster.remotes:
                self._compare(remote)
        else:
            self._compare(reply.perspective)
            if self._settles_nothing(reply.perspective):
                return
        if not self.reason:
            self.reason = self._foresee()

    def freeze(self) -> None:
        """Fix the votes, so that the answer, the log and the record tell the same."""
        self._told = self._votes.copy()
        self._agreed = self._find_corroborating()

    def vote_of(self, perspective: Perspective) -> Vote:
        """Return a perspective's vote; once the decision is frozen, the vote at that moment."""
        return self._told.get(perspective.id, NOT_AWAITED)

    def late_vote_of(self, perspective: Perspective) -> Vote:
        """Return a perspective's vote as it is now, also after the decision was frozen."""
        return self._votes.get(perspective.id, NOT_AWAITED)

    def late_votes(self) -> Mapping[str, Vote]:
        """Return the votes of all perspectives that have replied so far, by their ids."""
        return self._votes

    @property
    def primary_vote(self) -> Vote:
        """The primary's vote, as `vote_of` returns it."""
        return self.vote_of(self.roster.primary)

    @property
    def check(self) -> str:
        """The check that decided, if the reason comes from one check at the primary."""
        primary = self.primary_vote
        return primary.check if PRIMARY_REASONS.get(primary.dissent) == self.reason else ""

    def corroborating(self) -> Sequence[Perspective]:
        """Return the remotes that corroborate; once frozen, those that did at that moment."""
        return self._find_corroborating() if self._agreed is None else self._agreed

    def _find_corroborating(self) -> Sequence[Perspective]:
        if not self.primary_vote.corroborates:
            return []
        return [one for one in self.roster.remotes if self.vote_of(one).corroborates]

    @property
    def quorum(self) -> str:
        """Corroborating / attempted, such as "4/5" (BR 5.4.1 (2)(8))."""
        return f"{len(self.corroborating())}/{self.rules.attempted}"

    @property
    def is_complete(self) -> bool:
        """Whether every perspective's reply has been counted."""
        return len(self._votes) == 1 + len(self.roster.remotes)

    def _settles_nothing(self, remote: Perspective) -> bool:
        """Whether a remote corroborates, and too few have replied for an approval.

        A remote that corroborates can only complete an approval. The best possible outcome stays
        the same.
        """
        few = len(self._votes) <= self.rules.required
        return few and self._votes[remote.id].corroborates

    def _foresee(self) -> c.Reason.ValueType:
        primary = self._votes.get(self.roster.primary.id)
        if primary is None:
            # Even if the remotes alone already refuse: a primary that forbids is the reason.
            return c.REASON_UNSPECIFIED
        if not primary.corroborates:
            return PRIMARY_REASONS[primary.dissent]
        corroborating: list[o.Rir.ValueType] = []
        still_open: list[o.Rir.ValueType] = []
        cut_short: list[o.Rir.ValueType] = []
        for remote in self.roster.remotes:
            vote = self._votes.get(remote.id)
            if vote is None:
                still_open.append(remote.rir)
            elif not vote.dissent:
                corroborating.append(remote.rir)
            elif vote.dissent in CUT_SHORT:
                cut_short.append(remote.rir)
        if still_open:
            reason = foresee_quorum(corroborating, still_open, self.rules)
        else:
            reason = judge_quorum(corroborating, self.rules)
        if cut_short and reason not in _NOT_REFUSED:
            # What the reason would be without the cut: refused all the same, or unknown.
            reason = foresee_quorum(corroborating, [*still_open, *cut_short], self.rules)
            if not reason and not still_open:
                return c.REASON_CUT_SHORT
        return reason

    def _judge_alone(self, reply: Reply) -> Vote:
        """Judge a reply by itself."""
        if reply.encoded is None:
            detail = shorten(reply.detail, DETAIL_OCTETS)
            return Vote(reply.dissent, detail, reply.check, reply)
        of_primary = reply.perspective.is_primary
        believed = VALIDATED if of_primary else self._believed_of_remotes
        key = believed is VALIDATED, reply.encoded.observation
        judged = self._judged.get(key)
        if judged is None:
            judged = judge_observation(reply.encoded.observation, self.asked, believed)
            self._judged[key] = judged
        return Vote(
            judged.dissent, judged.detail, judged.check, reply, judged, judged.determinations
        )

    def _compare(self, remote: Perspective) -> None:
        """Compare a remote with the primary, once both have answered, in every check it passed."""
        vote = self._votes.get(remote.id)
        primary = self._votes.get(self.roster.primary.id)
        # A remote that saw the same octets agrees.
        if vote is None or primary is None or not vote.determinations:
            return
        if vote.judged is primary.judged:
            return
        compared = self._compared.get(id(vote.judged))
        if compared is None:
            compared = compare_with_primary(vote, primary, self.asked)
            self._compared[id(vote.judged)] = compared
        # Remotes that saw the same octets differ from the primary in the same.
        self._votes[remote.id] = compared._replace(reply=vote.reply)
