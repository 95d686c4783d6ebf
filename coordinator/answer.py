"""From a record to the caller's answer: who saw what, the verdict and why. Pure.

Every answer is read off its record, whether it is given for the first time, again for the same
request id, or two years later.
"""

import sys
from collections.abc import Collection, Iterator, Sequence

from google.protobuf import timestamp_pb2

from coordinator.fitting import FRAME, fit
from coordinator.record.determination import blame_name
from coordinator.record.ids import show_id
from coordinator.report import (
    describe,
    encode_late,
    encode_late_short,
    encode_reports,
    encode_short,
)
from coordinator.responsibility import Responsible
from coordinator.verdict import QUORUM_ERROR, is_quorum_error
from mpic.bounds import DETAIL_OCTETS
from mpic.encoded import encode_entry, tag_of
from mpic.text import shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r

ANSWER_OCTETS = 3 * 1024 * 1024
"""Callers take 4 MiB by default: an answer, and those that share its message on a stream."""

LATE_OCTETS = 512 * 1024
"""Of what came late, where an answer is read back with it."""

_VERDICT = tag_of(c.CorroborateResponse.DESCRIPTOR, "names")
_REPORT = tag_of(c.NameVerdict.DESCRIPTOR, "perspectives")

_RESPONSIBLE = {
    None: c.RESPONSIBLE_UNSPECIFIED,
    Responsible.DOMAIN: c.RESPONSIBLE_DOMAIN,
    Responsible.CALLER: c.RESPONSIBLE_CALLER,
    Responsible.OURS: c.RESPONSIBLE_SERVICE,
}


def fill_answer(response: c.CorroborateResponse, record: r.Record) -> None:
    """Fill an empty response with everything; it may be larger than can be sent."""
    response.MergeFromString(encode_answer(record, sys.maxsize))


def fill_late(report: c.LateReport, late: r.LateReply, record: r.Record) -> None:
    """Fill what is told of one late reply to a record's question."""
    report.MergeFromString(encode_late(late, record))


def encode_all_late(late: Sequence[r.LateReply], record: r.Record) -> Sequence[bytes]:
    """Return the encoded LateReports, as many as fit, in at most LATE_OCTETS."""
    reports = [encode_late(one, record) for one in late]
    fitting = fit(reports, lambda one: encode_late_short(late[one], record), LATE_OCTETS)
    room = LATE_OCTETS
    for count, one in enumerate(fitting):
        room -= len(one) + FRAME
        if room < 0:
            return fitting[:count]
    return fitting


def encode_answer(
    record: r.Record, room: int = ANSWER_OCTETS, wanted: Collection[str] = ()
) -> bytes:
    """Return the encoded response in at most so many octets; of `wanted` names first all.

    What several perspectives saw is encoded once for all reports, and neither they nor the verdicts
    on names are put into a message that is encoded as a whole, which would cost a quarter more.
    """
    verdicts = [_show_verdict(record, name) for name in record.names]
    head = _show_head(record, verdicts).SerializeToString()
    heads = [verdict.SerializeToString() for verdict in verdicts]
    room -= len(head) + sum(map(len, heads)) + FRAME * len(heads)
    reports = _encode_reports(record, room, wanted)
    return head + b"".join(map(_encode_verdict, heads, reports))


def is_approved(record: r.Record) -> bool:
    """Whether every name of a record is approved."""
    return all(name.reason == c.REASON_CORROBORATED for name in record.names)


def _show_head(record: r.Record, verdicts: Sequence[c.NameVerdict]) -> c.CorroborateResponse:
    """Return the response without the names."""
    response = c.CorroborateResponse()
    response.request_id = record.request_id
    if record.id:  # none where nothing is recorded
        response.record_id = show_id(record.id)
    response.dry_run = record.dry_run
    response.policy.CopyFrom(record.policy)
    _set(response.asked_at, record.asked_at_us)
    _set(response.decided_at, record.decided_at_us)
    response.issuer_domains.extend(record.issuer_domains)
    for verdict in verdicts:
        if verdict.HasField("error"):
            response.error.CopyFrom(verdict.error)
            break
    response.approved = is_approved(record)
    if response.approved and not record.dry_run:
        _set(response.caa_usable_until, min(name.caa_usable_until_us for name in record.names))
    return response


def _encode_reports(
    record: r.Record, room: int, wanted: Collection[str]
) -> Iterator[Sequence[bytes]]:
    """Yield the reports of each name, all together in at most `room` octets."""
    perspectives = record.perspectives
    described = [describe(one.SerializeToString()) for one in perspectives]
    whole = [report for name in record.names for report in encode_reports(name, described)]
    each = len(perspectives)

    def make_short(index: int) -> bytes:
        name, number = divmod(index, each)
        return encode_short(perspectives[number], record.names[name].replies[number])

    reports = fit(whole, make_short, room, lambda one: record.names[one // each].asked in wanted)
    for first in range(0, len(reports), each):
        yield reports[first : first + each]


def _encode_verdict(verdict: bytes, reports: Sequence[bytes]) -> bytes:
    entries = [encode_entry(_REPORT, report) for report in reports]
    return encode_entry(_VERDICT, verdict + b"".join(entries))


def _show_verdict(record: r.Record, name: r.RecordedName) -> c.NameVerdict:
    """Return the verdict on a name, without reports."""
    verdict = c.NameVerdict(name=name.asked, looked_up=name.looked_up or name.asked)
    verdict.reason = name.reason
    verdict.approved = name.reason == c.REASON_CORROBORATED
    if not verdict.approved:
        verdict.responsible = _RESPONSIBLE[blame_name(record, name)]
    verdict.detail = shorten(name.detail, DETAIL_OCTETS)
    verdict.quorum = name.quorum
    verdict.required = name.required
    if is_quorum_error(name.reason):
        verdict.error.code = QUORUM_ERROR
        verdict.error.message = f"Issuance suppressed: {verdict.detail}"
    if name.caa_usable_until_us:
        _set(verdict.caa_usable_until, name.caa_usable_until_us)
    return verdict


def _set(timestamp: timestamp_pb2.Timestamp, microseconds: int) -> None:
    seconds, rest = divmod(microseconds, 1_000_000)
    timestamp.seconds, timestamp.nanos = seconds, rest * 1000
