"""From an attempt to what is written down of it.

It is made once the attempt is closed, when its turn to be written has come and before the caller
hears anything, and the caller's answer is read off it. Nothing in it is judged anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

from coordinator.decision.attempt import Attempt
from coordinator.decision.verdict import caa_usable_until, explain_verdict, show_policy
from coordinator.decision.vote import NOT_AWAITED, Ballot, Sight, Standing
from coordinator.record.timestamps import to_us
from coordinator.rules.roster import Perspective, Roster
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import perspective_pb2 as p
from mpic.v1 import record_pb2 as r

Stated = tuple[Perspective, p.DescribeResponse | None]
Numbers = tuple[int, int]
"""Of an observation and of its determination, counted from 1; 0: none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked what."""

    caller: str
    """The identity in the caller's certificate."""
    request: c.CorroborateRequest
    digest: bytes
    """SHA-256 over the request."""


class Described(Protocol):
    """Whatever knows how the agent of a perspective described itself last."""

    @property
    def perspective(self) -> Perspective:
        """Whose agent it is."""

    @property
    def description(self) -> p.DescribeResponse | None:
        """None: it never has."""


class RecordBuilder:
    """Makes records; what stands in all of them is written once and copied."""

    def __init__(self, links: Sequence[Described], policy_version: bytes) -> None:
        """Describe the perspectives behind these links."""
        self._links = {link.perspective.id: link for link in links}
        self._policy_version = policy_version
        self._version = version("mpic")
        self._stated: Sequence[Stated] = ()
        self._same = r.Record()

    def fill_record(self, record: r.Record, attempt: Attempt, asked: Asked) -> None:
        """Fill an empty record with an attempt that is closed."""
        question, request = attempt.question, asked.request
        record.CopyFrom(self._write_same(attempt.roster))
        record.id = attempt.id
        record.caller = asked.caller
        record.request_id = question.request_id
        record.request_digest = asked.digest
        record.issuer_domains.extend(sorted(question.asks[0].issuer_domains))
        record.understood_critical_tags.extend(sorted(question.asks[0].understood_tags))
        record.issuer = request.issuer
        record.account_uri = request.account_uri
        record.validation_method = request.validation_method
        if request.HasField("tightening"):
            record.tightening.CopyFrom(request.tightening)
        record.dry_run = question.dry_run
        record.policy.CopyFrom(show_policy(question.terms))
        assert attempt.decided_at is not None  # noqa: S101 - it is decided
        record.asked_at_us = to_us(attempt.asked_at)
        record.decided_at_us = to_us(attempt.decided_at)
        permits = attempt.approved and not question.dry_run
        for name, ballot in zip(question.names, attempt.ballots, strict=True):
            looked_up = "" if name.looked_up == name.asked else name.looked_up
            written = record.names.add(asked=name.asked, looked_up=looked_up)
            _write_verdict(written, ballot)
            if permits:
                written.caa_usable_until_us = to_us(caa_usable_until(ballot, attempt))

    def _write_same(self, roster: Roster) -> r.Record:
        """Return what is said of those asked in every record, as they described themselves last."""
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
    """Fill in what came after the answer, and what never came."""
    late.record_id = attempt.id
    for index, reply in attempt.late:
        ballot = attempt.ballots[index]
        told = _Told(ballot)
        standing = ballot.late_standing(reply.perspective)
        one = late.replies.add(name=index, perspective_id=reply.perspective.id)
        _write_reply(one.reply, standing, told)
        if reply.encoded is not None and not one.reply.observation:
            one.observation = reply.encoded.observation
        caa = _determination(standing.sight)
        if caa is not None and not one.reply.determination:
            one.determination.CopyFrom(caa)


class _Told:
    """The different observations and determinations of a name that the caller is told."""

    def __init__(self, ballot: Ballot) -> None:
        self.standings = [ballot.standing(one) for one in ballot.roster.perspectives]
        self.observations: dict[bytes, int] = {}
        """Each with its number, counted from 1."""
        self.determinations: list[c.CaaDetermination] = []
        self._numbers: dict[int, Numbers] = {}
        """By the identity of what was seen."""
        for standing in self.standings:
            sight, reply = standing.sight, standing.reply
            if sight is None or reply is None or reply.encoded is None:
                continue
            if id(sight) not in self._numbers:
                self._numbers[id(sight)] = self._add(sight, reply.encoded.observation)

    def _add(self, sight: Sight, octets: bytes) -> Numbers:
        observation = self.observations.setdefault(octets, len(self.observations) + 1)
        caa = _determination(sight)
        if caa is None:
            return observation, 0
        if caa not in self.determinations:
            self.determinations.append(caa)
        return observation, self.determinations.index(caa) + 1

    def numbers_of(self, sight: Sight | None, encoded: p.EncodedObservation) -> Numbers:
        """Return the numbers of what was seen; 0: it is not among what is told."""
        known = self._numbers.get(id(sight))
        return known or (self.observations.get(encoded.observation, 0), 0)


def _write_verdict(written: r.RecordedName, ballot: Ballot) -> None:
    written.reason = ballot.reason
    written.detail = explain_verdict(ballot)
    written.quorum = ballot.quorum
    written.required = ballot.terms.required
    told = _Told(ballot)
    for standing in told.standings:
        _write_reply(written.replies.add(), standing, told)
    written.observations.extend(told.observations)
    written.determinations.extend(told.determinations)


def _write_reply(written: r.RecordedReply, standing: Standing, told: _Told) -> None:
    if standing.dissent:
        written.dissent = standing.dissent
        if standing is not NOT_AWAITED:
            written.detail = standing.detail
    reply = standing.reply
    if reply is None or reply.encoded is None:
        return
    encoded = reply.encoded
    written.observation, written.determination = told.numbers_of(standing.sight, encoded)
    if reply.elapsed is not None:
        written.elapsed_us = round(reply.elapsed * 1_000_000)
    written.agent_elapsed_us = encoded.elapsed_us
    written.lookups_us.MergeFrom(encoded.lookups_us)


def _determination(sight: Sight | None) -> c.CaaDetermination | None:
    return sight.report.caa if sight is not None and sight.report.HasField("caa") else None


def _describe(
    perspective: Perspective, description: p.DescribeResponse | None
) -> r.RecordedPerspective:
    """Say of one perspective what the roster does, and how its agent described itself."""
    written = r.RecordedPerspective(id=perspective.id, role=perspective.role, rir=perspective.rir)
    if description is not None:
        written.agent_version = description.version
        written.resolver.CopyFrom(description.resolver)
        written.resolver.ClearField("evidence")
        written.resolver.ClearField("probed_at")
    return written
