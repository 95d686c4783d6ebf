"""From a record to the caller's answer: who saw what, the verdict and why. Pure.

Every answer is read off its record, whether it is given for the first time, again for the same
request id, or two years later.
"""

from collections.abc import Sequence
from functools import lru_cache

from google.protobuf import timestamp_pb2
from google.protobuf.message import DecodeError

from coordinator.ballot import NOT_AWAITED
from coordinator.record.determination import blame_name
from coordinator.record.ids import show_id
from coordinator.responsibility import Responsible
from coordinator.verdict import QUORUM_ERROR, is_quorum_error
from mpic.encoded import encode_entry, tag_of
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r

_VERDICT = tag_of(c.CorroborateResponse.DESCRIPTOR, "names")
_REPORT = tag_of(c.NameVerdict.DESCRIPTOR, "perspectives")
_OBSERVATION = tag_of(c.PerspectiveReport.DESCRIPTOR, "observation")
_CAA = tag_of(c.PerspectiveReport.DESCRIPTOR, "caa")

_RESPONSIBLE = {
    None: c.RESPONSIBLE_UNSPECIFIED,
    Responsible.DOMAIN: c.RESPONSIBLE_DOMAIN,
    Responsible.CALLER: c.RESPONSIBLE_CALLER,
    Responsible.OURS: c.RESPONSIBLE_SERVICE,
}


def fill_answer(response: c.CorroborateResponse, record: r.Record) -> None:
    """Fill an empty response."""
    response.MergeFromString(encode_answer(record))


def encode_answer(record: r.Record) -> bytes:
    """Return the encoded response.

    What several perspectives saw is encoded once for all reports, and neither they nor the verdicts
    on names are put into a message that is encoded as a whole: 22 us instead of 27.
    """
    response = c.CorroborateResponse()
    response.request_id = record.request_id
    if record.id:  # none where nothing is recorded
        response.record_id = show_id(record.id)
    response.dry_run = record.dry_run
    response.policy.CopyFrom(record.policy)
    _set(response.asked_at, record.asked_at_us)
    _set(response.decided_at, record.decided_at_us)
    response.issuer_domains.extend(record.issuer_domains)
    described = [_describe(one.SerializeToString()) for one in record.perspectives]
    verdicts = []
    for name in record.names:
        verdict = _show_verdict(name)
        if not verdict.approved:
            verdict.responsible = _RESPONSIBLE[blame_name(record, name)]
        reports = _encode_reports(name, described)
        verdicts.append(encode_entry(_VERDICT, verdict.SerializeToString() + reports))
        if verdict.HasField("error") and not response.HasField("error"):
            response.error.CopyFrom(verdict.error)
    response.approved = is_approved(record)
    if response.approved and not record.dry_run:
        _set(response.caa_usable_until, min(name.caa_usable_until_us for name in record.names))
    return response.SerializeToString() + b"".join(verdicts)


def _encode_reports(name: r.RecordedName, described: Sequence[bytes]) -> bytes:
    """Return the part of an encoded verdict that says what each perspective saw."""
    seen: dict[tuple[int, int], bytes] = {}
    reports = []
    for perspective, reply in zip(described, name.replies, strict=True):
        numbers = reply.observation, reply.determination
        if numbers not in seen:
            seen[numbers] = _encode_sight(name, *numbers)
        report = c.PerspectiveReport()
        _fill_reply(report, reply)
        octets = perspective + seen[numbers] + report.SerializeToString()
        reports.append(encode_entry(_REPORT, octets))
    return b"".join(reports)


def is_approved(record: r.Record) -> bool:
    """Whether every name of a record is approved."""
    return all(name.reason == c.REASON_CORROBORATED for name in record.names)


def fill_late(report: c.LateReport, late: r.LateReply, record: r.Record) -> None:
    """Fill what is told of one late reply to a record's question."""
    name = record.names[late.name]
    (perspective,) = (one for one in record.perspectives if one.id == late.perspective_id)
    report.name = name.asked
    told, reply = report.report, late.reply
    described = _describe(perspective.SerializeToString())
    told.MergeFromString(described + _encode_sight(name, reply.observation, reply.determination))
    _fill_reply(told, reply)
    if late.observation:
        told.MergeFromString(_encode_observation(late.observation))
    if late.HasField("determination"):
        told.caa.CopyFrom(late.determination)


def _fill_reply(report: c.PerspectiveReport, reply: r.RecordedReply) -> None:
    """Fill in what came of asking one perspective, beside what it saw."""
    if dissent := reply.dissent:
        detail = reply.detail
        if dissent == c.DISSENT_NOT_AWAITED and not detail:
            detail = NOT_AWAITED.detail
        report.dissent, report.detail = dissent, detail
    else:
        report.corroborates = True
    if reply.HasField("elapsed_us"):
        seconds, rest = divmod(reply.elapsed_us, 1_000_000)
        elapsed = report.elapsed
        elapsed.seconds, elapsed.nanos = seconds, rest * 1000
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
        o.Observation.FromString(octets)
    except DecodeError:
        return b""
    return encode_entry(_OBSERVATION, octets)


@lru_cache(1024)  # a perspective is described in the same octets until its agent changes
def _describe(written: bytes) -> bytes:
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
    return report.SerializeToString()


def _show_verdict(name: r.RecordedName) -> c.NameVerdict:
    """Return the verdict on a name, without reports."""
    verdict = c.NameVerdict(name=name.asked, looked_up=name.looked_up or name.asked)
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
    return verdict


def _set(timestamp: timestamp_pb2.Timestamp, microseconds: int) -> None:
    seconds, rest = divmod(microseconds, 1_000_000)
    timestamp.seconds, timestamp.nanos = seconds, rest * 1000
