"""All that is recorded about one question, read. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mpic.v1 import record_pb2 as r


@dataclass(slots=True)
class Dossier:
    """A question's entries by kind, in the order they were written."""

    question: r.Record | None = None
    """None: it is not there, though something that refers to it is."""
    late: list[r.LateReply] = field(default_factory=list)
    issuances: list[r.RecordedIssuance] = field(default_factory=list)
    prunings: list[r.Pruning] = field(default_factory=list)


def read_dossier(contents: Iterable[bytes]) -> Dossier:
    """Read the entries of one record; raises DecodeError where one is none."""
    dossier = Dossier()
    for content in contents:
        entry = r.RecordEntry.FromString(content)
        match entry.WhichOneof("kind"):
            case "question":
                dossier.question = entry.question
            case "late":
                dossier.late.extend(entry.late.replies)
            case "issuance":
                dossier.issuances.append(entry.issuance)
            case "pruning":
                dossier.prunings.append(entry.pruning)
            case _:
                pass  # of a later version
    return dossier


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
