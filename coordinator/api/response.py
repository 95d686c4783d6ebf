"""Turn a record into the caller's answer: who saw what, the verdict and why. Pure.

Every answer is read from its record: the first time, again for the same request id, or two years
later.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from google.protobuf import timestamp_pb2

from coordinator.api.report import (
    RETRY,
    Facts,
    fill_report,
    fill_short_report,
    read_facts,
    read_late_facts,
    to_message,
)
from coordinator.api.shortening import FRAME, choose_whole
from coordinator.decision.attempt_id import show_id
from coordinator.decision.observation import find_failures
from coordinator.decision.verdict import QUORUM_ERROR, is_quorum_error
from coordinator.record.determination import blame_name
from coordinator.rules.retry import advise_retry
from mpic.bounds import DETAIL_OCTETS
from mpic.text import shorten
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from mpic.v1 import record_pb2 as r

ANSWER_OCTETS = 3 * 1024 * 1024
"""Callers take 4 MiB by default; that holds an answer, and others that share its stream message."""

LATE_OCTETS = 512 * 1024
"""For late replies, when an answer is read back with them."""


def fill_answer(
    response: c.CorroborateResponse,
    record: r.Record,
    room: int = ANSWER_OCTETS,
    wanted: Collection[str] = (),
) -> int:
    """Fill an empty response with at most `room` octets, and return about how many it takes.

    The reports on `wanted` names come whole before others.
    """
    facts = read_facts(record)
    for name, of_name in zip(record.names, facts, strict=True):
        verdict = response.names.add()
        _fill_verdict(verdict, record, name)
        _fill_retry(verdict, record, name, of_name[0].observation if of_name else None)
        _add_corroborations(verdict, name, of_name)
    _fill_head(response, record)
    head = response.ByteSize() + FRAME * len(record.names)
    left = _add_whole(response, facts, room - head)
    if left >= 0:
        return room - left
    _add_fitting(response, facts, room - head, wanted)
    return response.ByteSize()


def fill_whole_answer(response: c.CorroborateResponse, record: r.Record) -> None:
    """Fill an empty response with everything; it may be larger than can be sent."""
    fill_answer(response, record, sys.maxsize)


def fill_late(told: c.LateReport, late: r.LateReply, record: r.Record) -> None:
    """Fill in what is told of one late reply to a record's question."""
    told.name = record.names[late.name].asked
    fill_report(told.report, read_late_facts(late, record))


def add_all_late(
    response: c.GetCorroborationResponse, late: Sequence[r.LateReply], record: r.Record
) -> None:
    """Add the late replies, as many as fit in LATE_OCTETS."""
    whole = [_measure_late(fill_late, one, record) for one in late]
    short = [_measure_late(_fill_late_short, one, record) for one in late]
    chosen = choose_whole(whole, short, LATE_OCTETS)
    room = LATE_OCTETS
    for index, one in enumerate(late):
        room -= (whole if index in chosen else short)[index] + FRAME
        if room < 0:
            break
        fill = fill_late if index in chosen else _fill_late_short
        fill(response.late.add(), one, record)
    response.late_left_out = len(late) - len(response.late)


def is_corroborated(record: r.Record) -> bool:
    """Whether every name of a record is corroborated."""
    return all(name.reason == c.REASON_CORROBORATED for name in record.names)


def is_approved(record: r.Record) -> bool:
    """Whether the certificate may be issued; a validation alone never permits that."""
    return record.purpose != c.PURPOSE_VALIDATION and is_corroborated(record)


def _fill_head(response: c.CorroborateResponse, record: r.Record) -> None:
    """Fill in what holds for all names together; their verdicts are filled in already."""
    response.request_id = record.request_id
    if record.id:  # there is none if nothing is recorded
        response.record_id = show_id(record.id)
    response.dry_run = record.dry_run
    response.purpose = record.purpose or c.PURPOSE_ISSUANCE
    response.policy.CopyFrom(record.policy)
    _set(response.asked_at, record.asked_at_us)
    _set(response.decided_at, record.decided_at_us)
    response.issuer_domains.extend(_issuer_domains(record))
    for verdict in response.names:
        if verdict.HasField("error"):
            response.error.CopyFrom(verdict.error)
            break
    response.approved = is_approved(record)
    response.corroborated = is_corroborated(record)
    by_check = _find_ends(record)
    if ends := by_check.get("caa"):
        _set(response.caa_usable_until, min(ends))
    ends = by_check.get("domain_control")
    if ends and len(ends) == len(record.names):
        _set(response.domain_control_usable_until, min(ends))


def _issuer_domains(record: r.Record) -> Sequence[str]:
    """Return the issuer domains that CAA was judged by; they are the same for all names."""
    asked = (check.caa for name in record.names for check in name.checks if check.HasField("caa"))
    return next((caa.issuer_domains for caa in asked), ())


def _find_ends(record: r.Record) -> Mapping[str, Sequence[int]]:
    """Return until when each check may be used to issue, for each name that was asked about it."""
    ends: dict[str, list[int]] = {}
    for name in record.names:
        pairs = zip(name.checks, name.usable_until_us)  # noqa: B905 - none if nothing is permitted
        for check, end in pairs:
            ends.setdefault(check.WhichOneof("kind") or "", []).append(end)
    return ends


def _fill_verdict(verdict: c.NameVerdict, record: r.Record, name: r.RecordedName) -> None:
    """Fill in the verdict on a name, without reports."""
    verdict.name, verdict.looked_up = name.asked, name.looked_up or name.asked
    verdict.reason = name.reason
    is_good = name.reason == c.REASON_CORROBORATED
    verdict.approved = is_good and record.purpose != c.PURPOSE_VALIDATION
    if not is_good:
        verdict.responsible = to_message(blame_name(record, name))
    verdict.detail = shorten(name.detail, DETAIL_OCTETS)
    verdict.quorum = name.quorum
    verdict.required = name.required
    if is_quorum_error(name.reason):
        verdict.error.code = QUORUM_ERROR
        verdict.error.message = f"Issuance suppressed: {verdict.detail}"
    verdict.check = name.check
    verdict.checks.extend(name.checks)
    _add_determinations(verdict, name)


def _fill_retry(
    verdict: c.NameVerdict, record: r.Record, name: r.RecordedName, primary: o.Observation | None
) -> None:
    """Fill in whether asking again helps; `primary` is what the primary saw."""
    failures: Iterable[o.Failure] = ()
    if name.reason == c.REASON_PRIMARY_FAILED and primary is not None:
        failures = find_failures(primary)
    verdict.retry = RETRY[advise_retry(name.reason, blame_name(record, name), failures)]


def _add_determinations(verdict: c.NameVerdict, name: r.RecordedName) -> None:
    """Add the result of each check at the primary, and until when it may be used to issue."""
    primary = name.replies[0].determinations if name.replies else ()
    ends = list(name.usable_until_us)
    for index, number in enumerate(primary):
        told = verdict.determinations.add()
        told.CopyFrom(name.determinations[number - 1])
        if ends and ends[index]:
            _set(told.usable_until, ends[index])


def _add_corroborations(
    verdict: c.NameVerdict, name: r.RecordedName, facts: Sequence[Facts]
) -> None:
    """Add how many remotes corroborate each check."""
    outcomes = [[one.outcome for one in its.determinations] for its in facts]
    for index, check in enumerate(name.checks):
        passes = [index < len(its) and its[index] == c.OUTCOME_PASSED for its in outcomes]
        count = sum(passes[1:]) if passes and passes[0] else 0
        kind = check.WhichOneof("kind") or ""
        verdict.corroborations.add(check=kind, quorum=f"{count}/{len(facts) - 1}")


def _add_whole(response: c.CorroborateResponse, facts: Sequence[Sequence[Facts]], room: int) -> int:
    """Add all reports on each name, whole, and return the octets of `room` that are left.

    It ends, and returns less than 0, where they do not fit.
    """
    for verdict, of_name in zip(response.names, facts, strict=True):
        for one in of_name:
            fill_report(verdict.perspectives.add(), one)
        room -= verdict.ByteSize() + FRAME * len(of_name)
        if room < 0:
            break
    return room


def _add_fitting(
    response: c.CorroborateResponse,
    facts: Sequence[Sequence[Facts]],
    room: int,
    wanted: Collection[str],
) -> None:
    """Add the reports again: whole as far as `room` octets allow, otherwise short.

    Each is measured by itself, since all that was seen may be far larger than an answer.
    """
    every = [
        (verdict, one) for verdict, of in zip(response.names, facts, strict=True) for one in of
    ]
    chosen = choose_whole(
        [_measure(fill_report, one) for _, one in every],
        [_measure(fill_short_report, one) for _, one in every],
        room,
        lambda index: every[index][0].name in wanted,
    )
    for verdict in response.names:
        verdict.ClearField("perspectives")
    for index, (verdict, one) in enumerate(every):
        fill = fill_report if index in chosen else fill_short_report
        fill(verdict.perspectives.add(), one)


def _measure(fill: Callable[[c.PerspectiveReport, Facts], None], facts: Facts) -> int:
    report = c.PerspectiveReport()
    fill(report, facts)
    return report.ByteSize()


def _fill_late_short(told: c.LateReport, late: r.LateReply, record: r.Record) -> None:
    told.name = record.names[late.name].asked
    fill_short_report(told.report, read_late_facts(late, record))


def _measure_late(
    fill: Callable[[c.LateReport, r.LateReply, r.Record], None],
    late: r.LateReply,
    record: r.Record,
) -> int:
    told = c.LateReport()
    fill(told, late, record)
    return told.ByteSize()


def _set(timestamp: timestamp_pb2.Timestamp, microseconds: int) -> None:
    seconds, rest = divmod(microseconds, 1_000_000)
    timestamp.seconds, timestamp.nanos = seconds, rest * 1000
