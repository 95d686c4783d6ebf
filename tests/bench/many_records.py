"""Makes and stores millions of records fast, past the stores' own way of writing.

Every entry is real. Octets of the right length are put into a serialized record, and it is chained,
so that the store verifies. Each name is asked about four times. Two in a hundred records are
refusals that one perspective caused.
"""

import os
import random
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from coordinator.decision.attempt_id import lowest_id
from coordinator.record.chain import Batch, Head, seal_batch, start_chain
from coordinator.record.index_terms import caller_term, find_terms, name_term, request_term
from coordinator.record.stores.sqlite.store import SqliteStore
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.records import CALLER, sample_record

MONTHS = 24
LAST = datetime(2026, 11, 1, tzinfo=UTC)
REFUSED = 50
"""One record in so many."""
_CHUNK = 2_000
_ID, _REQUEST, _NAME = b"\xfa" * 16, "request-0000000000", "host-0000000.example.test"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One batch, and all that is stored with it."""

    batch: Batch
    records: Sequence[bytes]
    contents: Sequence[bytes]
    terms: Sequence[Sequence[int]]


def name_of(number: int) -> str:
    """Return a name that was asked, by its number from 0."""
    return f"host-{number:07}.example.test"


def make_months(count: int) -> Iterator[tuple[date, Iterator[Chunk]]]:
    """Yield months and their batches, so many records in all."""
    head = start_chain("main.0")
    chance = random.Random(1)  # noqa: S311 - the same every time
    numbers = iter(range(count))
    for back in reversed(range(MONTHS)):
        year, month = divmod(LAST.year * 12 + LAST.month - 1 - back, 12)
        start = datetime(year, month + 1, 1, tzinfo=UTC)

        def chunks(start: datetime = start) -> Iterator[Chunk]:
            nonlocal head
            total = max(1, count // MONTHS // _CHUNK)
            for n in range(total):
                some = [next(numbers) for _ in range(_CHUNK)]
                at = start + timedelta(days=27) * n / total
                chunk = _make_chunk(head, at, [(one, chance.randrange(count // 4)) for one in some])
                head = chunk.batch.head
                yield chunk

        yield start.date(), chunks()


def _make_chunk(head: Head, at: datetime, pairs: Sequence[tuple[int, int]]) -> Chunk:
    """Return a batch of records, by their own numbers and those of their names."""
    approved, refused = _template(at, c.REASON_CORROBORATED), _template(at, c.REASON_QUORUM_NOT_MET)
    prefix = lowest_id(at)[:6]
    common = [caller_term(CALLER)]
    refusal = [*find_terms(r.RecordEntry.FromString(b"".join(refused)))][3:]
    records: list[bytes] = []
    contents: list[bytes] = []
    terms: list[list[int]] = []
    for number, of_name in pairs:
        is_refused = number % REFUSED == 0
        request, name = f"request-{number:010}", name_of(of_name)
        tail = os.urandom(8)
        record = prefix + struct.pack("!H", 0x7000 | len(records)) + b"\x80" + tail[1:]
        filling = {_ID: record, _REQUEST.encode(): request.encode(), _NAME.encode(): name.encode()}
        parts = refused if is_refused else approved
        contents.append(b"".join([filling.get(part, part) for part in parts]))
        records.append(record)
        found = [request_term(CALLER, request), *common, name_term(name)]
        terms.append(found + refusal if is_refused else found)
    batch = seal_batch(head, contents, int(at.timestamp() * 1_000_000))
    return Chunk(batch, records, contents, terms)


def _template(at: datetime, reason: c.Reason.ValueType) -> list[bytes]:
    """Return a serialized entry in pieces: what differs is a piece of its own."""
    dissenting = () if reason == c.REASON_CORROBORATED else ("ashburn",)
    record = sample_record(name=_NAME, reason=reason, asked_at=at, dissenting=dissenting)
    record.id, record.request_id = _ID, _REQUEST
    pieces = [r.RecordEntry(question=record).SerializeToString()]
    for mark in (_ID, _REQUEST.encode(), _NAME.encode()):
        split = []
        for piece in pieces:
            first, *others = piece.split(mark)
            split.append(first)
            for other in others:
                split += [mark, other]
        pieces = split
    return pieces


def fill_sqlite(file: Path, count: int) -> None:
    """Fill a new file."""
    SqliteStore(file).open().close()
    db = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
        db.execute(f"PRAGMA {pragma}")
    db.execute("CREATE TABLE unsorted (term INTEGER, record BLOB)")
    db.execute("BEGIN")
    number = 1
    for _, chunks in make_months(count):
        for chunk in chunks:
            one = chunk.batch
            values = (one.chain, one.sequence, one.previous, one.written_at_us, one.digests)
            rows = (*values, one.hash, number, _CHUNK)
            db.execute("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            entries = zip(
                range(number, number + _CHUNK), chunk.records, chunk.contents, strict=True
            )
            db.executemany("INSERT INTO entry VALUES (?, ?, ?)", entries)
            db.executemany("INSERT INTO unsorted VALUES (?, ?)", _pairs(chunk))
            number += _CHUNK
    db.execute("INSERT OR IGNORE INTO term SELECT term, record FROM unsorted ORDER BY 1, 2")
    db.execute("DROP TABLE unsorted")
    db.execute("COMMIT")
    db.close()


def fill_postgresql(dsn: str, count: int) -> None:
    """Fill tables that are there; each month is one transaction."""
    number = 0
    with psycopg.connect(dsn) as db:
        for month, chunks in make_months(count):
            db.execute("SELECT mpic.open_month(%s)", (month,))
            terms = bytearray(_COPY_START)
            days = (month - date(2000, 1, 1)).days
            batches = []
            with db.cursor().copy("COPY mpic.entry FROM STDIN (FORMAT binary)") as copy:
                copy.write(_COPY_START)
                for chunk in chunks:
                    number += 1
                    copy.write(_entry_rows(chunk, number, days))
                    for term, record in _pairs(chunk):
                        terms += _TERM.pack(3, 8, term, 16, record, 4, days)
                    batches.append((chunk.batch, number))
                copy.write(_COPY_END)
            with db.cursor().copy("COPY mpic.term FROM STDIN (FORMAT binary)") as copy:
                copy.write(bytes(terms + _COPY_END))
            for one, its_number in batches:
                values = (one.chain, one.sequence, one.previous, one.written_at_us, one.digests)
                db.execute(_BATCH, (*values, one.hash, its_number, month))
            db.commit()
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("VACUUM (ANALYZE)")


_BATCH = "INSERT INTO mpic.batch OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
# https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
_COPY_START = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_TERM = struct.Struct("!hiqi16sii")
_ENTRY = struct.Struct("!hiqi16siiiii")


def _entry_rows(chunk: Chunk, number: int, days: int) -> bytes:
    rows = []
    for position, content in enumerate(chunk.contents, 1):
        record = chunk.records[position - 1]
        rows.append(_ENTRY.pack(5, 8, number, 16, record, 4, days, 4, position, len(content)))
        rows.append(content)
    return b"".join(rows)


def _pairs(chunk: Chunk) -> Iterator[tuple[int, bytes]]:
    for record, terms in zip(chunk.records, chunk.terms, strict=True):
        for term in terms:
            yield term, record
