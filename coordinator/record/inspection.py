"""Whether an entry fits its place in a store, and a record its id and its index. Pure.

A chain proves that entries are what was written. It does not prove where they are found: under
which id, by which terms, among which others. All of that follows from the entry itself. So it is
worked out again and compared, in both directions.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

from google.protobuf.message import DecodeError

from coordinator.decision.attempt_id import OCTETS, microseconds_of, show_id
from coordinator.record.chain import ChainFlaw, StoredBatch
from coordinator.record.entries import record_of
from coordinator.record.index_terms import find_terms
from coordinator.record.prunings import PRUNING_CHAIN
from coordinator.record.stores.base import StoredRecord
from coordinator.record.timestamps import DAY_US, SECOND_US, show_moment
from mpic.v1 import record_pb2 as r

# A wrong clock is set right within a day; an entry with an older date is really older.
_TOLERANCE_US = DAY_US
_HOUR_US = 3600 * SECOND_US


def inspect_batch(stored: StoredBatch) -> Iterator[ChainFlaw]:
    """Yield what is wrong with the entries of a batch that nobody changed."""
    batch = stored.batch
    places = enumerate(zip(stored.contents, stored.records, strict=True))
    for position, (content, record) in places:
        what = _inspect_entry(content, record, batch.chain, batch.written_at_us)
        if what:
            yield ChainFlaw(batch.chain, batch.sequence, position, content, what)


def _inspect_entry(content: bytes, record: bytes, chain: str, written_at_us: int) -> str:
    """Say what is wrong with an entry; "" when nothing is."""
    entry = _read(content)
    if entry is None:
        return "is no entry of a record"
    kind = entry.WhichOneof("kind")
    if kind is None:
        return "is of a kind that this program does not know: verify with a later one"
    if (kind == "pruning") != (chain == PRUNING_CHAIN):
        return "is in a chain that is not for its kind"
    own = record_of(entry)
    if own != record or len(own) != OCTETS:
        return f"is stored under the id {show_id(record)}, which is not its own"
    return _find_false_time(entry, written_at_us)


def _find_false_time(entry: r.RecordEntry, written_at_us: int) -> str:
    """Say which time in an entry is impossible; "" if all are possible."""
    for what, at_us in _times_of(entry):
        if abs(at_us - written_at_us) > _TOLERANCE_US:
            at, written = show_moment(at_us), show_moment(written_at_us)
            return f"says to have been {what} at {at}, and was written down at {written}"
    made_us = microseconds_of(record_of(entry))
    match entry.WhichOneof("kind"):
        case "question" if abs(entry.question.asked_at_us - made_us) > SECOND_US:
            return "has an id of another time than it says to have been asked at"
        case "issuance" if _reported_us(entry.issuance) + _HOUR_US < made_us:
            return "says to have been reported before its question was asked"
        case "late" if written_at_us + _TOLERANCE_US < made_us:
            return "was written down before its question was asked"
    return ""


def _times_of(entry: r.RecordEntry) -> Sequence[tuple[str, int]]:
    """Return the times of what is written down at once.

    What came late may wait as long as the store cannot be written.
    """
    match entry.WhichOneof("kind"):
        case "question":
            question = entry.question
            return (("asked", question.asked_at_us), ("decided", question.decided_at_us))
        case "issuance":
            return (("reported", _reported_us(entry.issuance)),)
        case "pruning":
            return (("pruned", entry.pruning.pruned_at_us),)
    return ()


def _reported_us(issuance: r.RecordedIssuance) -> int:
    reported_at = issuance.issuance.reported_at
    return reported_at.seconds * SECOND_US + reported_at.nanos // 1000


def inspect_record(
    stored: StoredRecord, terms: Collection[int], was_pruned: Callable[[bytes], bool]
) -> Iterator[str]:
    """Yield what is wrong with all that is stored under an id, given its terms in the index."""
    entries = [entry for content in stored.contents if (entry := _read(content)) is not None]
    own = [entry for entry in entries if record_of(entry) == stored.record]
    kinds = [entry.WhichOneof("kind") for entry in own]
    if not stored.contents:
        yield f"the index names record {show_id(stored.record)}, of which nothing is there"
    if not own:
        return  # each was named where its batch was inspected
    if kinds.count("question") > 1:
        yield "is one of several questions under one id: only one was asked"
    if kinds.count("question") == 0 and not _are_alone(kinds) and not was_pruned(stored.record):
        yield "is about a question that is not there"
    expected = {term for entry in own for term in find_terms(entry)}
    if expected - set(terms):
        yield "is missing in the index: some searches do not find it"
    if set(terms) - expected:
        yield "is in the index under what it is not about: some searches find it wrongly"


def _are_alone(kinds: Sequence[str | None]) -> bool:
    return set(kinds) <= {"pruning", None}


def _read(content: bytes) -> r.RecordEntry | None:
    try:
        return r.RecordEntry.FromString(content)
    except DecodeError:
        return None
