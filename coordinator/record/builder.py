"""Build the record of an attempt.

It is built once the verdict is frozen, before the caller hears anything. The caller's answer is
read from it. Nothing is judged again here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

from coordinator.decision.attempt import Attempt
from coordinator.decision.name_decision import NameDecision
from coordinator.decision.verdict import explain_verdict, show_policy, usable_until
from coordinator.decision.vote import NOT_AWAITED, Vote
from coordinator.record.timestamps import to_us
from coordinator.rules.roster import Perspective, Roster
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import record_pb2 as r

Stated = tuple[Perspective, p.DescribeResponse | None]


@dataclass(frozen=True, slots=True)
class AskedBy:
    """The caller of a request."""

    caller: str
    """The identity in the caller's certificate."""
    digest: bytes
    """SHA-256 over the request."""


class DescribedPerspective(Protocol):
    """Knows how the agent of a perspective last described itself."""

    @property
    def perspective(self) -> Perspective:
        """The perspective that the agent looks for."""

    @property
    def description(self) -> p.DescribeResponse | None:
        """None: it has not described itself yet."""


class RecordBuilder:
    """Makes records; the part that all of them share is written once and copied."""

    def __init__(self, links: Sequence[DescribedPerspective], policy_version: bytes) -> None:
        """Describe the perspectives behind these links."""
        self._links = {link.perspective.id: link for link in links}
        self._policy_version = policy_version
        self._version = version("mpic")
        self._stated: Sequence[Stated] = ()
        self._same = r.Record()

    def fill_record(self, record: r.Record, attempt: Attempt, by: AskedBy) -> None:
        """Fill an empty record with an attempt whose verdict is frozen."""
        request = attempt.request
        record.CopyFrom(self._write_same(attempt.roster))
        record.id = attempt.id
        record.caller = by.caller
        record.request_id = request.request_id
        record.request_digest = by.digest
        record.issuer = request.issuer
        if request.tightening is not None:
            record.tightening.CopyFrom(request.tightening)
        record.dry_run = request.dry_run
        record.purpose = request.purpose
        record.policy.CopyFrom(show_policy(request.rules))
        assert attempt.decided_at is not None  # noqa: S101 - it is decided
        record.asked_at_us = to_us(attempt.asked_at)
        record.decided_at_us = to_us(attempt.decided_at)
        is_usable = attempt.is_corroborated and not request.dry_run
        for decision in attempt.decisions:
            written = record.names.add()
            _write_verdict(written, decision)
            if is_usable:
                ends = usable_until(decision, attempt)
                written.usable_until_us.extend(to_us(end) if end else 0 for end in ends)

    def _write_same(self, roster: Roster) -> r.Record:
        """Return the part that all records share, with the latest description of each agent."""
        stated = [(one, self._links[one.id].description) for one in roster.perspectives]
        if stated != self._stated:
            self._stated = stated
            self._same = r.Record(
                policy_version=self._policy_version,
                coordinator_version=self._version,
                perspectives=[_describe(*one) for one in stated],
            )
        return self._same


def fill_late_replies(late: r.LateReplies, attempt: Attempt) -> None:
    """Fill in the replies that came after the answer, and those that never came."""
    late.record_id = attempt.id
    for index, reply in attempt.late:
        decision = attempt.decisions[index]
        told = _Told(decision)
        vote = decision.late_vote_of(reply.perspective)
        one = late.replies.add(name=index, perspective_id=reply.perspective.id)
        _write_reply(one.reply, vote, told)
        if reply.encoded is not None and not one.reply.observation:
            one.observation = reply.encoded.observation
        if vote.determinations and not one.reply.determinations:
            one.determinations.extend(vote.determinations)


class _Told:
    """The different observations and determinations of a name that the caller is told."""

    def __init__(self, decision: NameDecision) -> None:
        self.votes = [decision.vote_of(one) for one in decision.roster.perspectives]
        self.observations: dict[bytes, int] = {}
        """Each observation with its number, counted from 1."""
        self.determinations: list[c.Determination] = []
        self._numbers: dict[int, Sequence[int]] = {}
        """The numbers of a vote's determinations, by the identity of their list."""
        for vote in self.votes:
            if vote.reply is None or vote.reply.encoded is None:
                continue
            octets = vote.reply.encoded.observation
            self.observations.setdefault(octets, len(self.observations) + 1)
            if id(vote.determinations) not in self._numbers:
                numbers = [self._add(one) for one in vote.determinations]
                self._numbers[id(vote.determinations)] = numbers

    def _add(self, determination: c.Determination) -> int:
        if determination not in self.determinations:
            self.determinations.append(determination)
        return self.determinations.index(determination) + 1

    def numbers_of(self, vote: Vote) -> Sequence[int]:
        """Return the numbers of a vote's determinations; none: the caller is not told all."""
        return self._numbers.get(id(vote.determinations), ())


def _write_verdict(written: r.RecordedName, decision: NameDecision) -> None:
    asked = decision.asked
    written.asked = asked.asked
    if asked.looked_up != asked.asked:
        written.looked_up = asked.looked_up
    written.checks.extend([check.asked for check in asked.checks])
    written.reason, written.check = decision.reason, decision.check
    written.detail = explain_verdict(decision)
    written.quorum = decision.quorum
    written.required = decision.rules.required
    told = _Told(decision)
    for vote in told.votes:
        _write_reply(written.replies.add(), vote, told)
    written.observations.extend(told.observations)
    written.determinations.extend(told.determinations)


def _write_reply(written: r.RecordedReply, vote: Vote, told: _Told) -> None:
    if vote.dissent:
        written.dissent, written.check = vote.dissent, vote.check
        if vote is not NOT_AWAITED:
            written.detail = vote.detail
    reply = vote.reply
    if reply is None or reply.encoded is None:
        return
    encoded = reply.encoded
    written.observation = told.observations.get(encoded.observation, 0)
    written.determinations.extend(told.numbers_of(vote))
    if reply.elapsed is not None:
        written.elapsed_us = round(reply.elapsed * 1_000_000)
    written.agent_elapsed_us = encoded.elapsed_us
    written.lookups_us.MergeFrom(encoded.lookups_us)


def _describe(
    perspective: Perspective, description: p.DescribeResponse | None
) -> r.RecordedPerspective:
    """Describe one perspective by the roster, and by its agent's last description of itself."""
    written = r.RecordedPerspective(id=perspective.id, role=perspective.role, rir=perspective.rir)
    if description is not None:
        written.agent_version = description.version
        written.resolver.CopyFrom(description.resolver)
        written.resolver.ClearField("evidence")
        written.resolver.ClearField("probed_at")
    return written
