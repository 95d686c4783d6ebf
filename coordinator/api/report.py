"""What a caller is told about one perspective, read from the record. Pure.

A whole report has all that was seen. A short one has what the verdict counts, and a cut sentence.
Reports are short if an answer with all of them whole would be larger than callers take.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from coordinator.checks.check import MalformedFindingError
from coordinator.decision.observation import read_observation
from coordinator.decision.vote import NOT_AWAITED
from coordinator.rules.responsibility import Responsible, blame_dissent
from coordinator.rules.retry import Retry
from mpic.bounds import DETAIL_OCTETS
from mpic.text import shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r

SHORT_DETAIL_OCTETS = 256

_RESPONSIBLE = {
    None: c.RESPONSIBLE_UNSPECIFIED,
    Responsible.DOMAIN: c.RESPONSIBLE_DOMAIN,
    Responsible.CALLER: c.RESPONSIBLE_CALLER,
    Responsible.OURS: c.RESPONSIBLE_SERVICE,
}

RETRY = {
    None: c.RETRY_UNSPECIFIED,
    Retry.NOW: c.RETRY_NOW,
    Retry.LATER: c.RETRY_LATER,
    Retry.AFTER_CHANGE: c.RETRY_AFTER_CHANGE,
}
"""The agreement's value for when to ask again."""


class Facts(NamedTuple):
    """The parts of a report on one reply."""

    perspective: c.PerspectiveReport
    """The part that names the perspective: the same for every name."""
    reply: r.RecordedReply
    observation: o.Observation | None
    """None: there is none, or it is garbage, which only the record has."""
    determinations: Sequence[c.Determination]


def to_message(responsible: Responsible | None) -> "c.Responsible.ValueType":
    """Return the agreement's value for whose failure something is."""
    return _RESPONSIBLE[responsible]


def read_facts(record: r.Record) -> list[list[Facts]]:
    """Return the parts of the reports: by name, then by perspective."""
    described = [_describe(one.SerializeToString()) for one in record.perspectives]
    return [_read_facts_of(name, described) for name in record.names]


def read_late_facts(late: r.LateReply, record: r.Record) -> Facts:
    """Return the parts of the report on a late reply to a record's question."""
    (perspective,) = (one for one in record.perspectives if one.id == late.perspective_id)
    name, reply = record.names[late.name], late.reply
    observation = late.observation
    if reply.observation:
        observation = name.observations[reply.observation - 1]
    determinations = late.determinations or _pick(reply, name.determinations)
    described = _describe(perspective.SerializeToString())
    return Facts(described, reply, _read_sound(observation), determinations)


def fill_report(report: c.PerspectiveReport, facts: Facts) -> None:
    """Fill an empty report with everything."""
    reply = facts.reply
    report.CopyFrom(facts.perspective)
    _fill_outcome(report, reply)
    if reply.HasField("elapsed_us"):
        report.agent_elapsed_us = reply.agent_elapsed_us
        report.lookups_us.MergeFrom(reply.lookups_us)
    if facts.observation is not None:
        report.observation.CopyFrom(facts.observation)
    report.determinations.extend(facts.determinations)


def fill_short_report(report: c.PerspectiveReport, facts: Facts) -> None:
    """Fill an empty report with only what the verdict counts."""
    perspective = facts.perspective
    report.perspective_id = perspective.perspective_id
    report.role, report.rir = perspective.role, perspective.rir
    report.left_out = True
    _fill_outcome(report, facts.reply)
    report.detail = shorten(report.detail, SHORT_DETAIL_OCTETS)


def _read_facts_of(name: r.RecordedName, described: Sequence[c.PerspectiveReport]) -> list[Facts]:
    observations = [None, *map(_read_sound, name.observations)]
    determinations = list(name.determinations)
    return [
        Facts(
            perspective,
            reply,
            observations[reply.observation],
            _pick(reply, determinations),
        )
        for perspective, reply in zip(described, name.replies, strict=True)
    ]


def _pick(
    reply: r.RecordedReply, determinations: Sequence[c.Determination]
) -> Sequence[c.Determination]:
    return [determinations[number - 1] for number in reply.determinations]


def _read_sound(octets: bytes) -> o.Observation | None:
    """Return an observation, or None if there is none, or it is garbage."""
    try:
        return read_observation(octets) if octets else None
    except MalformedFindingError:
        return None


@lru_cache(1024)  # nearly all records have the same few perspectives
def _describe(recorded: bytes) -> c.PerspectiveReport:
    """Return a report that only describes a perspective, as recorded; do not change it."""
    perspective = r.RecordedPerspective.FromString(recorded)
    report = c.PerspectiveReport()
    report.perspective_id, report.agent_version = perspective.id, perspective.agent_version
    report.role, report.rir = perspective.role, perspective.rir
    if perspective.HasField("resolver"):
        report.resolver.CopyFrom(perspective.resolver)
        report.resolver.DiscardUnknownFields()
    return report


def _fill_outcome(report: c.PerspectiveReport, reply: r.RecordedReply) -> None:
    """Fill in the result of asking one perspective, without what it saw."""
    if dissent := reply.dissent:
        detail = reply.detail
        if dissent == c.DISSENT_NOT_AWAITED and not detail:
            detail = NOT_AWAITED.detail
        report.dissent, report.detail = dissent, shorten(detail, DETAIL_OCTETS)
        report.check = reply.check
        report.responsible = to_message(blame_dissent(dissent))
    else:
        report.corroborates = True
    if reply.HasField("elapsed_us"):
        seconds, rest = divmod(reply.elapsed_us, 1_000_000)
        elapsed = report.elapsed
        elapsed.seconds, elapsed.nanos = seconds, rest * 1000
