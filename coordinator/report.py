"""What a caller is told of one perspective, read off the record, in wire form. Pure.

Whole, it has all that was seen. Short, it has what the verdict counts and a cut sentence: a report
is short where with all of them whole the answer would be larger than callers take.
"""

from collections.abc import Sequence
from functools import lru_cache

from coordinator.ballot import NOT_AWAITED
from coordinator.judging import MalformedFindingError
from coordinator.observation import read_observation
from mpic.bounds import DETAIL_OCTETS
from mpic.encoded import encode_entry, tag_of
from mpic.text import shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r

_OBSERVATION = tag_of(c.PerspectiveReport.DESCRIPTOR, "observation")
_CAA = tag_of(c.PerspectiveReport.DESCRIPTOR, "caa")
_REPORT = tag_of(c.LateReport.DESCRIPTOR, "report")

SHORT_DETAIL_OCTETS = 256


def encode_reports(name: r.RecordedName, described: Sequence[bytes]) -> list[bytes]:
    """Return the whole reports of a name; what several perspectives saw is encoded once."""
    seen: dict[tuple[int, int], bytes] = {}
    reports = []
    for perspective, reply in zip(described, name.replies, strict=True):
        numbers = reply.observation, reply.determination
        if numbers not in seen:
            seen[numbers] = _encode_sight(name, *numbers)
        report = c.PerspectiveReport()
        _fill_outcome(report, reply)
        _fill_times(report, reply)
        reports.append(perspective + seen[numbers] + report.SerializeToString())
    return reports


def encode_short(perspective: r.RecordedPerspective, reply: r.RecordedReply) -> bytes:
    """Return a short report."""
    report = c.PerspectiveReport(
        perspective_id=perspective.id, role=perspective.role, rir=perspective.rir, left_out=True
    )
    _fill_outcome(report, reply)
    report.detail = shorten(report.detail, SHORT_DETAIL_OCTETS)
    return report.SerializeToString()


def encode_late(late: r.LateReply, record: r.Record) -> bytes:
    """Return the whole LateReport of one late reply to a record's question."""
    name, reply = record.names[late.name], late.reply
    report = c.PerspectiveReport()
    _fill_outcome(report, reply)
    _fill_times(report, reply)
    if late.HasField("determination"):
        report.caa.CopyFrom(late.determination)
    seen = _encode_sight(name, reply.observation, reply.determination)
    if late.observation:
        seen += _encode_observation(late.observation)
    described = describe(_find(late, record).SerializeToString())
    octets = described + seen + report.SerializeToString()
    head = c.LateReport(name=name.asked).SerializeToString()
    return head + encode_entry(_REPORT, octets)


def encode_late_short(late: r.LateReply, record: r.Record) -> bytes:
    """Return the same with a short report."""
    head = c.LateReport(name=record.names[late.name].asked).SerializeToString()
    return head + encode_entry(_REPORT, encode_short(_find(late, record), late.reply))


@lru_cache(1024)  # a perspective is described in the same octets until its agent changes
def describe(written: bytes) -> bytes:
    """Return the encoded part of a report that says whose it is, of an encoded perspective."""
    perspective = r.RecordedPerspective.FromString(written)
    report = c.PerspectiveReport(
        perspective_id=perspective.id,
        role=perspective.role,
        rir=perspective.rir,
        agent_version=perspective.agent_version,
    )
    if perspective.HasField("resolver"):
        report.resolver.CopyFrom(perspective.resolver)
        report.resolver.DiscardUnknownFields()
    return report.SerializeToString()


def _find(late: r.LateReply, record: r.Record) -> r.RecordedPerspective:
    (perspective,) = (one for one in record.perspectives if one.id == late.perspective_id)
    return perspective


def _fill_outcome(report: c.PerspectiveReport, reply: r.RecordedReply) -> None:
    """Fill in what came of asking one perspective, beside what it saw."""
    if dissent := reply.dissent:
        detail = reply.detail
        if dissent == c.DISSENT_NOT_AWAITED and not detail:
            detail = NOT_AWAITED.detail
        report.dissent, report.detail = dissent, shorten(detail, DETAIL_OCTETS)
    else:
        report.corroborates = True
    if reply.HasField("elapsed_us"):
        seconds, rest = divmod(reply.elapsed_us, 1_000_000)
        elapsed = report.elapsed
        elapsed.seconds, elapsed.nanos = seconds, rest * 1000


def _fill_times(report: c.PerspectiveReport, reply: r.RecordedReply) -> None:
    if reply.HasField("elapsed_us"):
        report.agent_elapsed_us = reply.agent_elapsed_us
        report.lookups_us.MergeFrom(reply.lookups_us)


def _encode_sight(name: r.RecordedName, observation: int, determination: int) -> bytes:
    """Return the part of an encoded report that says what was seen, by the record's numbers."""
    seen = b""
    if observation:
        seen = _encode_observation(name.observations[observation - 1])
    if determination:
        caa = name.determinations[determination - 1]
        seen += encode_entry(_CAA, caa.SerializeToString())
    return seen


def _encode_observation(octets: bytes) -> bytes:
    """Return the same for an observation; of one that is garbage the record alone has it."""
    try:
        read_observation(octets, o.Observation())
    except MalformedFindingError:
        return b""
    return encode_entry(_OBSERVATION, octets)
