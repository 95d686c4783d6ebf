"""Judge recorded observations again, by today's rules. Pure.

A record holds the octets that every perspective sent. So the code that decides can decide again: by
another policy, for other issuers, or after the code itself has changed.

Replay invents nothing that was not seen. A perspective that gave no observation dissents as before.
One that had not answered when the verdict was certain stays open. Its late reply counts only if
today's rules cannot decide without it. If it never answered, replay says that it cannot tell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from coordinator.checks import UnknownCheckError, prepare_checks
from coordinator.checks.addresses import is_looser
from coordinator.checks.caa.issuer import Issuer, Issuers
from coordinator.checks.check import JudgingRules
from coordinator.decision.name_decision import NameDecision
from coordinator.decision.request import AskedName
from coordinator.decision.verdict import explain_verdict
from coordinator.decision.vote import Reply
from coordinator.record.entries import RecordEntries
from coordinator.rules.policy import Policy, PolicyRow
from coordinator.rules.quorum import AttemptRules
from coordinator.rules.roster import Location, Perspective, Roster
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import record_pb2 as r

_NOWHERE = Location(0, 0)  # where a perspective was located plays no part in judging


@dataclass(frozen=True, slots=True)
class ReplayRules:
    """The rules to judge by."""

    policy: Policy
    issuers: Issuers
    """For an identity that is not here, the recorded issuer counts."""
    as_of: datetime | None = None
    """Judge by the row in force at this moment; None: the row in force when the question was
    asked."""


@dataclass(frozen=True, slots=True)
class ReplayDifference:
    """A name for which today's verdict is different."""

    record: r.Record
    name: r.RecordedName
    reason: c.Reason.ValueType
    """Today's reason; UNSPECIFIED: it cannot be told, because perspectives never answered."""
    check: str
    """The check that decides today, if it is one check at the primary."""
    quorum: str
    detail: str
    dissents: Sequence[tuple[str, c.Dissent.ValueType, c.Dissent.ValueType]]
    """Perspectives with another dissent today: id, recorded, today."""

    @property
    def is_reversal(self) -> bool:
        """Whether approved became refused, or refused approved."""
        approved = self.name.reason == c.REASON_CORROBORATED
        return approved != (self.reason == c.REASON_CORROBORATED)


def replay(entries: RecordEntries, rules: ReplayRules) -> Iterator[ReplayDifference]:
    """Yield the names of a record for which today's verdict is different.

    The checks that the record names are judged. Raises NoPolicyRowError if the policy has no row
    for the moment.
    """
    record = entries.question
    if record is None:
        return
    roster = _read_roster(record)
    judging = _read_rules(record, rules)
    for index, name in enumerate(record.names):
        try:
            decision = _begin(name, judging, roster)
        except UnknownCheckError as error:
            yield ReplayDifference(record, name, c.REASON_UNSPECIFIED, "", "", str(error), ())
            continue
        _count_replies(decision, name)
        if not decision.reason:
            for late in entries.late:
                if late.name == index:
                    decision.add(_late_reply(late, roster, name))
        # A record from before names had their checks may not say which check decided.
        is_other_check = bool(name.check) and decision.check != name.check
        if decision.reason != name.reason or is_other_check:
            yield _describe(record, name, decision)


def _begin(name: r.RecordedName, rules: JudgingRules, roster: Roster) -> NameDecision:
    """Begin to judge a name again; raises UnknownCheckError."""
    checks = []
    for asked in name.checks:
        check = c.RequestedCheck()
        check.CopyFrom(asked)
        checks.append(check)
    looked_up = name.looked_up or name.asked
    asked_name = AskedName(name.asked, looked_up, prepare_checks(checks, looked_up, rules))
    return NameDecision(asked_name, rules.attempt, roster)


def _count_replies(decision: NameDecision, name: r.RecordedName) -> None:
    """Count the replies that had come when the verdict was certain, in the order of arrival."""
    replies = zip(decision.roster.perspectives, name.replies, strict=True)
    for perspective, reply in sorted(replies, key=lambda pair: _arrival(pair[1])):
        if reply.dissent != c.DISSENT_NOT_AWAITED:
            decision.add(_read_reply(perspective, reply, name.observations))


def _read_rules(record: r.Record, rules: ReplayRules) -> JudgingRules:
    """Return the rules to judge a record by; raises NoPolicyRowError."""
    asked_at = datetime.fromtimestamp(record.asked_at_us / 1_000_000, UTC)
    row = rules.policy.row_at(rules.as_of or asked_at)
    issuers = rules.issuers
    only = next(iter(issuers.values())) if len(issuers) == 1 and not record.issuer else None
    issuer = only or issuers.get(record.issuer) or _recorded_issuer(record)
    return JudgingRules(issuer, _read_attempt_rules(record, row))


def _read_attempt_rules(record: r.Record, row: PolicyRow) -> AttemptRules:
    demanded = record.tightening.address_agreement or row.address_agreement
    agreement = row.address_agreement if is_looser(demanded, row.address_agreement) else demanded
    attempted = len(record.perspectives) - 1
    return AttemptRules(row, attempted, record.tightening.min_corroborating, agreement)


def _recorded_issuer(record: r.Record) -> Issuer:
    """Return the issuer that was judged for; it is the same for all names."""
    checks = [check for name in record.names for check in name.checks]
    caa = next((one.caa for one in checks if one.HasField("caa")), c.RequestedCaa())
    # A validation may be without CAA. A persistent TXT record has to name the issuer too.
    domains = {
        one for check in checks for one in check.domain_control.issuer_domains
    } or caa.issuer_domains
    return Issuer(frozenset(domains), frozenset(caa.understood_critical_tags))


def _read_roster(record: r.Record) -> Roster:
    perspectives = [
        Perspective(one.id, one.role, one.rir, "", "", _NOWHERE, _NOWHERE)
        for one in record.perspectives
    ]
    return Roster(perspectives[0], perspectives[1:])


def _arrival(reply: r.RecordedReply) -> tuple[int, int]:
    """Return the sort key of a reply: those never asked, then by arrival, then the late ones."""
    if reply.HasField("elapsed_us"):
        return 1, reply.elapsed_us
    return (2 if reply.dissent == c.DISSENT_LATE else 0), 0


def _read_reply(
    perspective: Perspective, reply: r.RecordedReply, observations: Sequence[bytes]
) -> Reply:
    if not reply.observation:
        return Reply(perspective, None, None, reply.dissent, reply.detail, reply.check)
    octets = observations[reply.observation - 1]
    return Reply(perspective, p.EncodedObservation(observation=octets), reply.elapsed_us / 1e6)


def _late_reply(late: r.LateReply, roster: Roster, name: r.RecordedName) -> Reply:
    (perspective,) = (one for one in roster.perspectives if one.id == late.perspective_id)
    if late.observation:
        encoded = p.EncodedObservation(observation=late.observation)
        return Reply(perspective, encoded, late.reply.elapsed_us / 1e6)
    return _read_reply(perspective, late.reply, name.observations)


def _describe(record: r.Record, name: r.RecordedName, decision: NameDecision) -> ReplayDifference:
    pairs = zip(decision.roster.perspectives, name.replies, strict=True)
    votes = [(who.id, then.dissent, decision.vote_of(who).dissent) for who, then in pairs]
    missing = [who for who, _, now in votes if now == c.DISSENT_NOT_AWAITED]
    if decision.reason:
        detail = explain_verdict(decision)
    else:
        detail = f"cannot be told: {', '.join(missing)} had not answered, and never did"
    changed = [(who, then, now) for who, then, now in votes if then != now]
    reason, check, quorum = decision.reason, decision.check, decision.quorum
    return ReplayDifference(record, name, reason, check, quorum, detail, changed)
