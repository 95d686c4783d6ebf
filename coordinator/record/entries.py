"""Reads all that is recorded about one question. Pure.

Only what the entries themselves say counts. The id under which a store has them does not count, nor
their order, since no chain proves those.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from coordinator.decision.attempt_id import show_id
from coordinator.record.older import renew_late, renew_record
from mpic.v1 import record_pb2 as r


@dataclass(slots=True)
class RecordEntries:
    """A question's entries by kind."""

    question: r.Record | None = None
    """None: it is missing, though something refers to it; or there are several."""
    late: list[r.LateReply] = field(default_factory=list)
    issuances: list[r.RecordedIssuance] = field(default_factory=list)
    """In the order they were reported."""
    prunings: list[r.Pruning] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    """What is not as it was written, one sentence each: do not rely on any of it."""


def read_entries(contents: Iterable[bytes], record: bytes | None = None) -> RecordEntries:
    """Read what is stored under the id of a record; None: the entries say which record it is."""
    entries = RecordEntries()
    questions: list[r.Record] = []
    late: list[r.LateReplies] = []
    for content in contents:
        try:
            entry = r.RecordEntry.FromString(content)
        except DecodeError:
            entries.flaws.append("something that is no entry stands among its entries")
            continue
        if record is not None and record_of(entry) != record:
            other = show_id(record_of(entry))
            entries.flaws.append(f"an entry of record {other} stands among its entries")
            continue
        match entry.WhichOneof("kind"):
            case "question":
                questions.append(entry.question)
            case "late":
                late.append(entry.late)
            case "issuance":
                entries.issuances.append(entry.issuance)
            case "pruning":
                entries.prunings.append(entry.pruning)
            case _:
                pass  # of a later version
    if len(questions) > 1:
        entries.flaws.append(f"it has {len(questions)} questions, and only one was asked")
    entries.question = questions[0] if len(questions) == 1 else None
    entries.late = [reply for one in sorted(late, key=_octets) for reply in one.replies]
    _renew(entries)
    entries.issuances.sort(key=_reported)
    return entries


def _renew(entries: RecordEntries) -> None:
    """Read what was written before names had their checks as if they had."""
    if entries.question is not None:
        renew_record(entries.question)
    for late in entries.late:
        renew_late(late)


def _octets(late: r.LateReplies) -> bytes:
    return late.SerializeToString()


def _reported(issuance: r.RecordedIssuance) -> tuple[int, int, bytes]:
    at = issuance.issuance.reported_at
    return at.seconds, at.nanos, issuance.SerializeToString()


def record_of(entry: r.RecordEntry) -> bytes:
    """Return the id of the record that an entry is about."""
    match entry.WhichOneof("kind"):
        case "question":
            return entry.question.id
        case "late":
            return entry.late.record_id
        case "issuance":
            return entry.issuance.record_id
    return entry.pruning.id
