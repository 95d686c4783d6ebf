"""Shows records on a terminal, for auditors. Whatever strangers wrote is escaped."""

import json
from collections.abc import Iterable, Iterator, Sequence

from google.protobuf import json_format, timestamp_pb2
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coordinator.api.response import fill_late, fill_whole_answer
from coordinator.commands.record.query import dissenting_on
from coordinator.decision.attempt_id import show_id
from coordinator.record.basis import describe_basis, find_basis
from coordinator.record.chain import ChainFlaw
from coordinator.record.entries import RecordEntries, read_entries
from coordinator.record.replay import ReplayDifference
from coordinator.record.timestamps import show_moment
from mpic.ask.answer import print_answer
from mpic.text import escape
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from mpic.words import Language

_COLUMNS = ("asked at", "record", "request", "name", "reason", "quorum", "dissenting")


def print_record(entries: RecordEntries, console: Console, lang: Language = "en") -> None:
    """Print all that is recorded about one question."""
    record = entries.question
    if record is None:
        return
    answer = c.CorroborateResponse()
    fill_whole_answer(answer, record)
    print_answer(answer, console, lang)
    for label, value in _facts(record):
        console.print(Text(f"{label:20}", style="dim").append(escape(value), style=""))
    for late in entries.late:
        console.print(_late_line(late, record))
    for issued in entries.issuances:
        console.print(_issuance_line(issued, record))


def print_list(records: Iterable[RecordEntries], console: Console) -> int:
    """Print a row for each name of each record; return how many records.

    A terminal gets a table. A pipe gets a line for each row, with tabs between its cells.
    """
    table = Table(box=box.SIMPLE, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column == "asked at")
    found = [(one, one.question) for one in records if one.question is not None]
    rows = [
        _make_row(entries, record, index)
        for entries, record in found
        for index in range(len(record.names))
    ]
    if found and console.is_terminal:
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
    for row in (_COLUMNS, *rows) if found and not console.is_terminal else ():
        console.file.write("\t".join(row) + "\n")
    return len(found)


def _make_row(entries: RecordEntries, record: r.Record, index: int) -> Sequence[str]:
    """Return the cells about one name: those that dissent on it, not on the record's others."""
    name = record.names[index]
    return (
        show_moment(record.asked_at_us),
        show_id(record.id),
        escape(record.request_id),
        escape(name.asked),
        _reason(name.reason, name.check),
        name.quorum,
        " ".join(sorted(map(escape, dissenting_on(entries, record, index)))),
    )


def describe_flaw(flaw: ChainFlaw) -> str:
    """Name a flaw: what was changed, and in which record."""
    if not flaw.chain and flaw.content is None:
        return f"the store: {escape(flaw.what)}"
    where = [f"chain {escape(flaw.chain)}", f"batch {flaw.sequence}"] if flaw.chain else []
    if flaw.position is not None:
        where.append(f"entry {flaw.position + 1}")
    about = f" ({_about(flaw.content)})" if flaw.content is not None else ""
    return f"{', '.join(where) or 'an entry'}{about}: {escape(flaw.what)}"


def describe_change(change: ReplayDifference) -> str:
    """Say how today's verdict on a name differs from the recorded one."""
    record, name = change.record, change.name
    then = f"{_reason(name.reason, name.check)} {name.quorum}"
    now = f"{_reason(change.reason, change.check)} {change.quorum}"
    mark = "  REVERSED" if change.is_reversal else ""
    question = f"{show_id(record.id)} {show_moment(record.asked_at_us)} {escape(name.asked)}"
    lines = [f"{question}: {then} -> {now}{mark}", f"    {escape(change.detail)}"]
    lines += [
        f"    {escape(who)}: {_dissent(before)} -> {_dissent(after)}"
        for who, before, after in change.dissents
    ]
    return "\n".join(lines)


def _facts(record: r.Record) -> list[tuple[str, str]]:
    facts = [
        ("record", show_id(record.id)),
        ("told instead", show_id(record.superseded_by) if record.superseded_by else ""),
        ("asked by", record.caller),
        ("asked at", show_moment(record.asked_at_us)),
        ("decided at", show_moment(record.decided_at_us)),
        ("issuer", record.issuer or "the only one"),
        *_checks(record),
        ("policy", record.policy_version.hex()),
        ("coordinator version", record.coordinator_version),
    ]
    return [(label, value) for label, value in facts if value]


def _late_line(late: r.LateReply, record: r.Record) -> Text:
    told = c.LateReport()
    fill_late(told, late, record)
    report = told.report
    line = Text(f"late: {escape(report.perspective_id)}", style="yellow")
    line.append(f" about {escape(told.name)}: ", style="")
    if report.HasField("elapsed"):
        line.append(f"answered after {report.elapsed.ToNanoseconds() / 1e6:.1f} ms, ")
    else:
        line.append("never answered, ")
    agrees = "corroborates" if report.corroborates else _dissent(report.dissent, report.check)
    return line.append(f"{agrees} {escape(report.detail)}".rstrip())


def _issuance_line(issued: r.RecordedIssuance, record: r.Record) -> Text:
    issuance = issued.issuance
    serial = issuance.serial_number.hex() or "not told"
    fingerprint = issuance.sha256_fingerprint.hex() or "not told"
    line = Text(
        f"issued: serial {serial}, SHA-256 {fingerprint}, expires {_stamp(issuance.not_after)},"
        f" reported by {escape(issued.caller)} at {_stamp(issuance.reported_at)}"
    )
    wrong = describe_basis(find_basis(record, issuance), record)
    return line.append(f": {wrong}", style="bold red") if wrong else line


def _stamp(stamp: timestamp_pb2.Timestamp) -> str:
    return f"{stamp.ToDatetime():%Y-%m-%d %H:%M:%S}Z"


def _about(content: bytes) -> str:
    """Say which record an entry is about, if it can be read at all."""
    try:
        entries = read_entries([content])
    except ValueError:  # DecodeError is one
        return f"{len(content)} octets that are no entry"
    record = entries.question
    if record is None:
        return "not a question"
    return f"record {show_id(record.id)} of {', '.join(escape(one.asked) for one in record.names)}"


def _checks(record: r.Record) -> Iterator[tuple[str, str]]:
    """Yield each check that was asked, with its parameters, and about which names."""
    about: dict[str, list[str]] = {}
    for name in record.names:
        for check in name.checks:
            kind = check.WhichOneof("kind") or "unknown"
            shown = json_format.MessageToDict(check, preserving_proto_field_name=True)
            about.setdefault(f"{kind} {json.dumps(shown.get(kind))}", []).append(name.asked)
    for said, asked in about.items():
        whom = "all names" if len(asked) == len(record.names) else ", ".join(asked)
        yield "asked", f"{said} about {whom}"


def _reason(reason: c.Reason.ValueType, check: str) -> str:
    if reason == c.REASON_UNSPECIFIED:
        return "UNDECIDED"
    return f"{c.Reason.Name(reason).removeprefix('REASON_')} {escape(check)}".rstrip()


def _dissent(dissent: c.Dissent.ValueType, check: str = "") -> str:
    name = c.Dissent.Name(dissent).removeprefix("DISSENT_") if dissent else "corroborates"
    return f"{name} {escape(check)}".rstrip()
