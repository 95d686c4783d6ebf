"""From a record to the caller's answer: who saw what, the verdict and why. Pure.

Every answer is read off its record, whether it is given for the first time, again for the same
request id, or two years later.
"""

from google.protobuf import timestamp_pb2
from google.protobuf.message import DecodeError

from coordinator.ballot import NOT_AWAITED
from coordinator.record.ids import show_id
from coordinator.verdict import QUORUM_ERROR, is_quorum_error
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r


def fill_answer(response: c.CorroborateResponse, record: r.Record) -> None:
    """Fill an empty response; in place, since a copy costs as much as the rest."""
    response.request_id = record.request_id
    if record.id:  # none where nothing is recorded
        response.record_id = show_id(record.id)
    response.dry_run = record.dry_run
    response.policy.CopyFrom(record.policy)
    _set(response.asked_at, record.asked_at_us)
    _set(response.decided_at, record.decided_at_us)
    response.issuer_domains.extend(record.issuer_domains)
    same = [_describe(perspective) for perspective in record.perspectives]
    for name in record.names:
        verdict = response.names.add(name=name.asked, looked_up=name.looked_up or name.asked)
        _fill_verdict(verdict, name)
        for perspective, reply in zip(same, name.replies, strict=True):
            report = verdict.perspectives.add()
            report.CopyFrom(perspective)
            fill_report(report, reply, name)
        if verdict.HasField("error") and not response.HasField("error"):
            response.error.CopyFrom(verdict.error)
    response.approved = is_approved(record)
    if response.approved and not record.dry_run:
        _set(response.caa_usable_until, min(name.caa_usable_until_us for name in record.names))


def is_approved(record: r.Record) -> bool:
    """Whether every name of a record is approved."""
    return all(name.reason == c.REASON_CORROBORATED for name in record.names)


def fill_late(report: c.LateReport, late: r.LateReply, record: r.Record) -> None:
    """Fill what is told of one late reply to a record's question."""
    name = record.names[late.name]
    (perspective,) = (one for one in record.perspectives if one.id == late.perspective_id)
    report.name = name.asked
    report.report.CopyFrom(_describe(perspective))
    fill_report(report.report, late.reply, name)
    if late.observation:
        _parse_observation(report.report, late.observation)
    if late.HasField("determination"):
        report.report.caa.CopyFrom(late.determination)


def fill_report(report: c.PerspectiveReport, reply: r.RecordedReply, name: r.RecordedName) -> None:
    """Fill what one perspective saw of a name, beside what is said of it in every answer."""
    report.corroborates = reply.dissent == c.DISSENT_UNSPECIFIED
    report.dissent = reply.dissent
    is_usual = reply.dissent == c.DISSENT_NOT_AWAITED and not reply.detail
    report.detail = NOT_AWAITED.detail if is_usual else reply.detail
    if reply.observation:
        _parse_observation(report, name.observations[reply.observation - 1])
    if reply.determination:
        report.caa.CopyFrom(name.determinations[reply.determination - 1])
    if reply.HasField("elapsed_us"):
        seconds, rest = divmod(reply.elapsed_us, 1_000_000)
        report.elapsed.seconds, report.elapsed.nanos = seconds, rest * 1000
        report.agent_elapsed_us = reply.agent_elapsed_us
        report.lookups_us.MergeFrom(reply.lookups_us)


def _parse_observation(report: c.PerspectiveReport, octets: bytes) -> None:
    """Read an observation; of one that is garbage the record alone has the octets."""
    try:
        report.observation.ParseFromString(octets)
    except DecodeError:
        report.ClearField("observation")


def _describe(perspective: r.RecordedPerspective) -> c.PerspectiveReport:
    report = c.PerspectiveReport(
        perspective_id=perspective.id,
        role=perspective.role,
        rir=perspective.rir,
        agent_version=perspective.agent_version,
    )
    if perspective.HasField("resolver"):
        report.resolver.CopyFrom(perspective.resolver)
    return report


def _fill_verdict(verdict: c.NameVerdict, name: r.RecordedName) -> None:
    verdict.reason = name.reason
    verdict.approved = name.reason == c.REASON_CORROBORATED
    verdict.detail = name.detail
    verdict.quorum = name.quorum
    verdict.required = name.required
    if is_quorum_error(name.reason):
        verdict.error.code = QUORUM_ERROR
        verdict.error.message = f"Issuance suppressed: {name.detail}"
    if name.caa_usable_until_us:
        _set(verdict.caa_usable_until, name.caa_usable_until_us)


def _set(timestamp: timestamp_pb2.Timestamp, microseconds: int) -> None:
    seconds, rest = divmod(microseconds, 1_000_000)
    timestamp.seconds, timestamp.nanos = seconds, rest * 1000
