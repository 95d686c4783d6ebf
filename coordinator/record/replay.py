"""Judging recorded observations again, by today's rules. Pure.

A record has what every perspective saw, octet for octet, so the code that decides can decide again:
by another policy, for other issuers, or after it was changed itself. What was not seen is
not made up: a perspective that gave no observation dissents as it did, and one that had not
answered when the verdict was certain stays open. Only where today's rules cannot decide without it
does its late reply count; if it never answered, that is what is said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from coordinator.checks.addresses import is_looser
from coordinator.checks.caa.issuer import Issuer, Issuers
from coordinator.checks.check import Ask
from coordinator.decision.verdict import explain_verdict
from coordinator.decision.vote import Ballot, Reply
from coordinator.record.entries import RecordEntries
from coordinator.rules.policy import Policy, PolicyRow
from coordinator.rules.quorum import Terms
from coordinator.rules.roster import Location, Perspective, Roster
from mpic.names import is_wildcard
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import record_pb2 as r

_NOWHERE = Location(0, 0)  # where a perspective stood is no part of judging


@dataclass(frozen=True, slots=True)
class ReplayRules:
    """What to judge by."""

    policy: Policy
    issuers: Issuers
    """Of an identity that is not here, what was recorded counts."""
    as_of: datetime | None = None
    """Judge by the row in force at this moment; None: by that of when each question was asked."""


@dataclass(frozen=True, slots=True)
class ReplayDifference:
    """A name on which today's verdict is another."""

    record: r.Record
    name: r.RecordedName
    reason: c.Reason.ValueType
    """Today's; UNSPECIFIED: it cannot be told, because of perspectives that never answered."""
    quorum: str
    detail: str
    dissents: Sequence[tuple[str, c.Dissent.ValueType, c.Dissent.ValueType]]
    """Perspectives that stand elsewhere today: id, recorded, today."""

    @property
    def is_reversal(self) -> bool:
        """Whether approved became refused, or refused approved."""
        approved = self.name.reason == c.REASON_CORROBORATED
        return approved != (self.reason == c.REASON_CORROBORATED)


def replay(dossier: RecordEntries, rules: ReplayRules) -> Iterator[ReplayDifference]:
    """Yield the names of a question on which today's verdict is another.

    Raises NoPolicyRowError where the policy has no row for the moment.
    """
    record = dossier.question
    if record is None:
        return
    roster = _read_roster(record)
    for index, name in enumerate(record.names):
        ballot = _judge(record, index, roster, rules)
        if not ballot.reason:
            for late in dossier.late:
                if late.name == index:
                    ballot.add(_late_reply(late, roster, name))
        if ballot.reason != name.reason:
            yield _describe(record, name, ballot)


def _judge(record: r.Record, index: int, roster: Roster, rules: ReplayRules) -> Ballot:
    """Judge what had come when the verdict was certain, in the order in which it came."""
    name = record.names[index]
    asked_at = datetime.fromtimestamp(record.asked_at_us / 1_000_000, UTC)
    row = rules.policy.row_at(rules.as_of or asked_at)
    terms = _read_terms(record, row)
    ballot = Ballot(_read_ask(record, name, terms, rules), terms, roster)
    replies = zip(roster.perspectives, name.replies, strict=True)
    for perspective, reply in sorted(replies, key=lambda pair: _arrival(pair[1])):
        if reply.dissent != c.DISSENT_NOT_AWAITED:
            ballot.add(_read_reply(perspective, reply, name.observations))
    return ballot


def _read_terms(record: r.Record, row: PolicyRow) -> Terms:
    demanded = record.tightening.address_agreement or row.address_agreement
    agreement = row.address_agreement if is_looser(demanded, row.address_agreement) else demanded
    attempted = len(record.perspectives) - 1
    return Terms(row, attempted, record.tightening.min_corroborating, agreement)


def _read_ask(record: r.Record, name: r.RecordedName, terms: Terms, rules: ReplayRules) -> Ask:
    issuers = rules.issuers
    only = next(iter(issuers.values())) if len(issuers) == 1 and not record.issuer else None
    issuer = only or issuers.get(record.issuer) or _recorded_issuer(record)
    return Ask(
        name=name.looked_up or name.asked,
        wildcard=is_wildcard(name.asked),
        issuer_domains=issuer.domains,
        understood_tags=issuer.understood_tags,
        account_uri=record.account_uri,
        validation_method=record.validation_method,
        address_agreement=terms.address_agreement,
        permit_caa_failure_in_insecure_zone=terms.row.permit_caa_failure_in_insecure_zone,
    )


def _recorded_issuer(record: r.Record) -> Issuer:
    return Issuer(frozenset(record.issuer_domains), frozenset(record.understood_critical_tags))


def _read_roster(record: r.Record) -> Roster:
    perspectives = [
        Perspective(one.id, one.role, one.rir, "", "", _NOWHERE, _NOWHERE)
        for one in record.perspectives
    ]
    return Roster(perspectives[0], perspectives[1:])


def _arrival(reply: r.RecordedReply) -> tuple[int, int]:
    """Return what sorts replies as they came: first who could not be asked, last who was late."""
    if reply.HasField("elapsed_us"):
        return 1, reply.elapsed_us
    return (2 if reply.dissent == c.DISSENT_LATE else 0), 0


def _read_reply(
    perspective: Perspective, reply: r.RecordedReply, observations: Sequence[bytes]
) -> Reply:
    if not reply.observation:
        return Reply(perspective, None, None, reply.dissent, reply.detail)
    octets = observations[reply.observation - 1]
    return Reply(perspective, p.EncodedObservation(observation=octets), reply.elapsed_us / 1e6)


def _late_reply(late: r.LateReply, roster: Roster, name: r.RecordedName) -> Reply:
    (perspective,) = (one for one in roster.perspectives if one.id == late.perspective_id)
    if late.observation:
        encoded = p.EncodedObservation(observation=late.observation)
        return Reply(perspective, encoded, late.reply.elapsed_us / 1e6)
    return _read_reply(perspective, late.reply, name.observations)


def _describe(record: r.Record, name: r.RecordedName, ballot: Ballot) -> ReplayDifference:
    pairs = zip(ballot.roster.perspectives, name.replies, strict=True)
    standings = [(who.id, then.dissent, ballot.standing(who).dissent) for who, then in pairs]
    missing = [who for who, _, now in standings if now == c.DISSENT_NOT_AWAITED]
    if ballot.reason:
        detail = explain_verdict(ballot)
    else:
        detail = f"cannot be told: {', '.join(missing)} had not answered, and never did"
    changed = [(who, then, now) for who, then, now in standings if then != now]
    return ReplayDifference(record, name, ballot.reason, ballot.quorum, detail, changed)
