"""Nothing that the record tells can be changed in any table, of any store, without being found.

All that `show`, `search`, `export`, `replay`, `head`, `prune` and `GetCorroboration` read is read
(`tell`). Then whoever may write every table changes any value of any column, swaps values between
rows and tables, deletes rows and adds some: if that changes anything that is told, verifying must
not call the record whole.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

from coordinator.commands.record.export import to_json
from coordinator.commands.record.query import RecordCriteria
from coordinator.commands.record.read import _select
from coordinator.record.chain import seal_batch
from coordinator.record.entries import read_entries
from coordinator.record.index_terms import find_terms, request_term, serial_term
from coordinator.record.prune import remove_months
from coordinator.record.stores.base import Entry, Search, Store, StoreError
from coordinator.record.timestamps import to_us
from coordinator.record.verify import export_heads, find_gaps, verify_store
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.integration.conftest import OpenStore
from tests.world.records import CALLER, START, fill, may_go, sample_record
from tests.world.tampering import TABLES, RefusedError, Row, SqliteTables, Tables, update

OTHER = "spiffe://mpic.test/caller/other"
SERIAL = b"\x04\x17"


def fill_store(store: Store) -> None:
    """Two chains over three months; late replies and certificates; the first month was pruned."""
    records: list[r.Record] = []
    for chain, caller in (("main.0", CALLER), ("other.0", OTHER)):
        for months_ago in (60, 30, 0):
            at = START - timedelta(days=months_ago)
            some = [sample_record(n, asked_at=at + timedelta(seconds=n)) for n in range(3)]
            some[1].names[0].reason = c.REASON_QUORUM_NOT_MET
            some[1].names[0].replies[2].dissent = c.DISSENT_DIFFERS
            some[2].names[0].asked = "other.example"
            for record in some:
                record.caller = caller
                record.request_id = f"{caller[-5:]}-{record.request_id}-{months_ago}"
            fill(store, some, chain, batch=2, claims=True)
            records += some
    for record, chain in ((records[7], "main.0"), (records[8], "other.0"), (records[7], "other.0")):
        add_late(store, record, chain)
        add_issuance(store, record, chain)
    (month, *_) = store.months()
    later = START.replace(year=START.year + 2)
    months = [one for one in store.months() if one.month == month.month]
    remove_months(store, may_go(months, later), later)


def add(store: Store, chain: str, entry: r.RecordEntry, record: bytes) -> None:
    content = entry.SerializeToString()
    batch = seal_batch(store.head(chain), [content], to_us(START))
    store.append(batch, [Entry(record, content, find_terms(entry))])


def add_late(store: Store, record: r.Record, chain: str) -> None:
    entry = r.RecordEntry()
    entry.late.record_id = record.id
    one = entry.late.replies.add(name=0, perspective_id=record.perspectives[5].id)
    one.reply.dissent = c.DISSENT_LATE
    add(store, chain, entry, record.id)


def add_issuance(store: Store, record: r.Record, chain: str) -> None:
    entry = r.RecordEntry()
    entry.issuance.record_id, entry.issuance.caller = record.id, record.caller
    entry.issuance.issuance.serial_number = SERIAL + chain.encode()
    entry.issuance.issuance.reported_at.FromDatetime(START)
    add(store, chain, entry, record.id)


def tell(store: Store) -> Iterator[object]:
    """Yield all that anybody is told about the record."""
    wanted = [
        RecordCriteria(),
        RecordCriteria(name="other.example"),
        RecordCriteria(caller=CALLER),
        RecordCriteria(caller=OTHER),
        RecordCriteria(perspective="singapore"),
        RecordCriteria(reason=c.REASON_QUORUM_NOT_MET),
        RecordCriteria(since=START - timedelta(days=31), until=START - timedelta(days=1)),
        RecordCriteria(caller=OTHER, since=START),
    ]
    for one in wanted:
        for newest_first in (False, True):
            found = _select(store, one, newest_first=newest_first)
            yield [
                to_json(each) if one == RecordCriteria() else str(each.question) for each in found
            ]
    for caller in (CALLER, OTHER):
        for number in range(3):
            for months_ago in (60, 30, 0):
                asked = f"{caller[-5:]}-request-{number}-{months_ago}"
                for record in store.find([request_term(caller, asked)], bytes(16)).values():
                    yield asked, [show(store, one) for one in record]
    serials = [serial_term(SERIAL + chain.encode()) for chain in ("main.0", "other.0")]
    yield store.find(serials, bytes(16))
    for stored in store.search(Search()):
        yield show(store, stored.record)
    yield export_heads(store), store.months(), find_gaps(store)


def show(store: Store, record: bytes) -> str:
    stored = store.read(record)
    assert stored is not None
    entries = read_entries(stored.contents, record)
    return to_json(entries) if entries.question else str(entries)


@dataclass(frozen=True)
class Attack:
    """One thing done to the tables."""

    what: str
    do: Callable[[Tables], None]


def find_attacks(tables: Tables) -> Iterator[Attack]:
    """Yield everything that a few rows of each table allow."""
    for table in TABLES:
        rows = tables.rows(table)
        assert len(rows) >= 2, table
        chosen = [rows[0], rows[-1]]
        for row in chosen:
            yield Attack(f"{table}: delete", lambda t, x=table, y=row: t.delete(x, y))  # type: ignore[misc]
            for column in row:
                yield from change_value(table, rows, row, column)
        for one, two in combinations(chosen, 2):
            for column in one:
                if one[column] != two[column]:
                    yield swap_in_rows(table, one, two, column)
        yield Attack(f"{table}: empty", lambda t, x=table: delete_all(t, x))  # type: ignore[misc]
    yield from swap_everywhere(tables)


def change_value(table: str, rows: list[dict[str, Any]], row: Row, column: str) -> Iterator[Attack]:
    """Yield attacks that give a row, or a copy of it, another value in one column."""
    others = [one[column] for one in rows if one[column] != row[column]]
    values = [*others[:1], *others[-1:], *find_others(row[column])]
    for value in values:
        what = f"{table}.{column}: {row[column]!r:.40} -> {value!r:.40}"
        yield Attack(what, lambda t, v=value: update(t, table, row, **{column: v}))  # type: ignore[misc]
        copy = {**row, column: value}
        yield Attack(f"{what}, as one more row", lambda t, x=copy: t.insert(table, x))  # type: ignore[misc]


def find_others(value: Any) -> list[object]:  # noqa: ANN401 - of whatever column
    """Return other values of the same type: near ones and far ones."""
    match value:
        case int():
            return [value + 1, 0, -1, 2**62]
        case bytes():
            return [value[:-1], bytes([value[0] ^ 1]) + value[1:], b"\xff" * 16]
        case str():
            return ["", "pruning"]
        case UUID():
            return [UUID(int=value.int ^ 1), UUID(int=2**128 - 1)]
        case date():
            return [value.replace(year=value.year - 1), value + timedelta(days=1)]
    raise AssertionError(value)


def swap_in_rows(table: str, one: Row, two: Row, column: str) -> Attack:
    def do(tables: Tables) -> None:
        tables.delete(table, one)
        tables.delete(table, two)
        tables.insert(table, {**one, column: two[column]})
        tables.insert(table, {**two, column: one[column]})

    return Attack(f"{table}.{column}: swap {one[column]!r:.40} and {two[column]!r:.40}", do)


def swap_everywhere(tables: Tables) -> Iterator[Attack]:
    """Yield attacks that swap two values of a column in every table that has such a column."""
    rows = {table: tables.rows(table) for table in TABLES}
    for column in sorted({column for some in rows.values() for row in some for column in row}):
        having = [table for table in TABLES if column in rows[table][0]]
        values = list({row[column]: 0 for table in having for row in rows[table]})
        for one, two in combinations(values[:3], 2):

            def do(
                tables: Tables,
                column: str = column,
                swapped: dict[Any, Any] = {one: two, two: one},  # noqa: B006
            ) -> None:
                for table in (name for name in TABLES if column in rows[name][0]):
                    some = [row for row in rows[table] if row[column] in swapped]
                    for row in some:
                        tables.delete(table, row)
                    for row in some:
                        tables.insert(table, {**row, column: swapped[row[column]]})

            yield Attack(f"{column}: swap {one!r:.40} and {two!r:.40} everywhere", do)


def delete_all(tables: Tables, table: str) -> None:
    for row in tables.rows(table):
        tables.delete(table, row)


def is_called_whole(store: Store) -> bool:
    try:
        return next(iter(verify_store(store)), None) is None  # one flaw is enough
    except StoreError:
        return False


def test_no_change_of_any_value_of_any_table_changes_what_is_told_unnoticed(
    open_store: OpenStore, take_in_hand: Callable[[], Tables]
) -> None:
    store = open_store()
    fill_store(store)
    assert list(verify_store(store)) == []
    told = list(tell(store))
    store.close()  # nobody else may have the file while it is copied
    tables = take_in_hand()
    noticed = 0
    for attack in find_attacks(tables):
        try:
            with tables.together():
                attack.do(tables)
        except RefusedError:
            continue
        if is_called_whole(store):
            assert list(tell(store)) == told, attack.what
        else:
            noticed += 1
        if isinstance(tables, SqliteTables):
            store.close()  # it opens the file again that is put back
        tables.undo()
    assert is_called_whole(store)
    assert noticed > 200
