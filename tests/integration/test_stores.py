"""What every store must do. Runs on each of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coordinator.decision.attempt_id import lowest_id, make_id
from coordinator.record.chain import seal_batch, start_chain
from coordinator.record.entries import read_entries
from coordinator.record.index_terms import (
    caller_term,
    dissent_term,
    find_terms,
    name_term,
    reason_term,
    request_term,
)
from coordinator.record.prune import remove_months
from coordinator.record.stores.base import (
    ChainMovedError,
    Claim,
    ClaimedError,
    Entry,
    Search,
    Store,
)
from coordinator.record.stores.postgresql import store as postgresql
from coordinator.record.stores.sqlite import rows as sqlite_rows
from coordinator.record.timestamps import to_us
from coordinator.record.verify import export_heads, find_gaps, verify_store
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.integration.conftest import OpenStore
from tests.world.records import (
    CALLER,
    START,
    fill,
    ids,
    may_go,
    sample_record,
    samples,
    to_entry,
)


def test_what_was_appended_is_read_by_another(open_store: OpenStore) -> None:
    records = samples(7)
    fill(open_store(), records)
    other = open_store()
    for record in records:
        stored = other.read(record.id)
        assert stored is not None
        assert [r.RecordEntry.FromString(one).question for one in stored.contents] == [record]
    assert other.read(make_id(START)) is None


def test_any_octet_and_any_term_is_kept_as_it_is(store: Store) -> None:
    content = bytes(range(256)) * 40 + b"'; DROP TABLE entry; --\\x00\n\t\\."
    terms = [-(2**63), 2**63 - 1, 0, -1]
    entry = Entry(make_id(START), content, terms)
    store.append(seal_batch(store.head("main.0"), [content], 5), [entry])
    stored = store.read(entry.record)
    assert stored is not None
    assert stored.contents == [content]
    assert store.find(terms, bytes(16)) == {term: [entry.record] for term in terms}
    (flaw,) = verify_store(store)
    assert flaw.what == "is no entry of a record"


def test_later_entries_follow_the_question_they_belong_to(store: Store) -> None:
    (record,) = samples(1)
    fill(store, [record])
    entry = r.RecordEntry()
    entry.issuance.record_id = record.id
    entry.issuance.issuance.serial_number = b"\x01"
    more = Entry(record.id, entry.SerializeToString(), find_terms(entry))
    batch = seal_batch(store.head("other.0"), [more.content], 5)
    store.append(batch, [more])
    stored = store.read(record.id)
    assert stored is not None
    entries = read_entries(stored.contents)
    assert entries.question == record
    assert [one.issuance.serial_number for one in entries.issuances] == [b"\x01"]


def test_a_chain_goes_on_where_it_was(open_store: OpenStore) -> None:
    store = open_store()
    assert store.head("main.0") == start_chain("main.0")
    batches = fill(store, samples(7))
    store.close()
    again = open_store()
    assert again.head("main.0") == batches[-1].head
    assert again.head("main.0").sequence == 3
    fill(again, samples(2))
    assert again.head("main.0").sequence == 4
    assert list(verify_store(again)) == []


def test_a_batch_number_is_had_once(open_store: OpenStore) -> None:
    one, two = open_store(), open_store()
    head = one.head("main.0")
    fill(one, samples(1))
    entry = to_entry(sample_record(9))
    with pytest.raises(ChainMovedError, match=r"main\.0"):
        two.append(seal_batch(head, [entry.content], 0), [entry])
    assert two.read(entry.record) is None
    assert two.find(entry.terms[:1], bytes(16)) == {}
    fill(two, [sample_record(9)])
    assert list(verify_store(one)) == []


def test_several_write_at_once_each_its_chain(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(3)]

    def write(number: int) -> None:
        fill(stores[number], samples(40), chain=f"main.{number}", batch=2)

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(3)))
    store = open_store()
    assert store.chains() == ["main.0", "main.1", "main.2"]
    assert [head.sequence for head in export_heads(store)] == [20, 20, 20]
    assert list(verify_store(store)) == []
    assert len(list(store.search(Search()))) == 120


def test_records_are_found_by_what_they_are_searched_for(store: Store) -> None:
    records = [
        sample_record(0),
        sample_record(1, name="other.example", reason=c.REASON_QUORUM_NOT_MET),
        sample_record(2, name="other.example", dissenting=("ashburn",)),
        sample_record(3, dissenting=("ashburn", "frankfurt")),
    ]
    fill(store, records)
    ids_of = [record.id for record in records]
    for terms, wanted in [
        ([], [0, 1, 2, 3]),
        ([caller_term(CALLER)], [0, 1, 2, 3]),
        ([name_term("other.example")], [1, 2]),
        ([reason_term(c.REASON_QUORUM_NOT_MET)], [1]),
        ([dissent_term("ashburn")], [2, 3]),
        ([dissent_term("ashburn"), name_term("other.example")], [2]),
        ([dissent_term("ashburn"), dissent_term("frankfurt"), caller_term(CALLER)], [3]),
        ([request_term(CALLER, "request-1")], [1]),
        ([request_term("another", "request-1")], []),
        ([dissent_term("tokyo")], []),
    ]:
        search = Search(terms)
        assert ids(store.search(search)) == [ids_of[n] for n in wanted]
        newest = Search(terms, newest_first=True)
        assert ids(store.search(newest)) == [ids_of[n] for n in reversed(wanted)]


def test_records_are_found_by_when_they_were_asked(store: Store) -> None:
    records = samples(10)
    fill(store, records)
    since, until = (lowest_id(START + timedelta(seconds=seconds)) for seconds in (3, 6))
    for terms in ((), (caller_term(CALLER),)):
        found = ids(store.search(Search(terms, since, until)))
        assert found == [record.id for record in records[3:6]]


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_search_goes_on_past_a_page(store: Store, newest_first: bool) -> None:
    records = samples(1203)
    fill(store, records, batch=100)
    wanted = [record.id for record in records]
    for terms in ((), (caller_term(CALLER),)):
        found = ids(store.search(Search(terms, newest_first=newest_first)))
        assert found == (wanted[::-1] if newest_first else wanted)


def test_many_terms_are_looked_up_at_once(store: Store) -> None:
    records = samples(5)
    fill(store, [*records, sample_record(1)])
    terms = [request_term(CALLER, f"request-{n}") for n in (1, 3, 77)]
    found = store.find(terms, lowest_id(START))
    assert {term: len(records) for term, records in found.items()} == {terms[0]: 2, terms[1]: 1}
    assert found[terms[1]] == [records[3].id]
    assert store.find(terms, lowest_id(START + timedelta(seconds=2))) == {terms[1]: [records[3].id]}
    assert store.find([], bytes(16)) == {}
    assert store.find(terms, b"\xff" * 16) == {}


def at(month: int, day: int = 10) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


LATER = at(12).replace(year=2028)


def fill_months(store: Store) -> list[r.Record]:
    """Two chains over three months, two batches of each a month."""
    records = []
    for chain in ("main.0", "main.1"):
        for month in (9, 10, 11):
            some = [
                sample_record(n, asked_at=at(month) + timedelta(hours=n), dissenting=("ashburn",))
                for n in range(4)
            ]
            fill(store, some, chain, batch=2)
            records += some
    return records


def test_months_are_counted_by_chain(store: Store) -> None:
    fill_months(store)
    found = [(one.month, one.gap.chain, one.gap.first, one.gap.last) for one in store.months()]
    assert found == [
        (f"2026-{month:02}", chain, first, first + 1)
        for month, first in ((9, 1), (10, 3), (11, 5))
        for chain in ("main.0", "main.1")
    ]
    assert {one.gap.entries for one in store.months()} == {4}


def test_a_month_is_removed_and_the_chain_holds(open_store: OpenStore) -> None:
    store = open_store()
    records = fill_months(store)
    heads = export_heads(store)
    for month in ("2026-10", "2026-09"):
        chosen = [one for one in store.months() if one.month == month]
        remove_months(store, may_go(chosen, LATER), LATER)
    left = [record.id for record in records if record.id >= lowest_id(at(11, 1))]
    assert sorted(ids(store.search(Search()))[:-2]) == sorted(left)
    dissent = Search([dissent_term("ashburn")])
    assert sorted(ids(store.search(dissent))) == sorted(left)
    assert list(verify_store(store, heads)) == []
    assert [(gap.chain, gap.first, gap.last, gap.entries) for gap in find_gaps(store)] == [
        ("main.0", 3, 4, 4),
        ("main.1", 3, 4, 4),
        ("main.0", 1, 2, 4),
        ("main.1", 1, 2, 4),
    ]
    fill(open_store(), [sample_record(0, asked_at=at(12))])
    assert list(verify_store(store, heads)) == []


def test_a_chain_that_is_removed_whole_goes_on_behind_it(open_store: OpenStore) -> None:
    store = open_store()
    fill_months(store)
    heads = export_heads(store)
    remove_months(store, may_go(store.months(), LATER), LATER)
    assert list(verify_store(store, heads)) == []
    again = open_store()
    assert again.head("main.0").sequence == 6
    fill(again, [sample_record(0, asked_at=at(12))])
    assert again.head("main.0").sequence == 7
    assert list(verify_store(again, heads)) == []


def test_two_who_prune_at_once_do_not_overwrite_each_other(open_store: OpenStore) -> None:
    one, two = open_store(), open_store()
    fill_months(one)
    (september, *_) = one.months()
    head = two.head("pruning")
    remove_months(one, may_go([september], LATER), LATER)
    entry = to_entry(sample_record(0))
    with pytest.raises(ChainMovedError):
        two.remove([two.months()[0]], seal_batch(head, [entry.content], 0), entry)
    assert len(two.months()) == 6
    assert list(verify_store(two)) == []


def claiming(number: int, since: datetime, *, asked_at: datetime = START) -> Entry:
    """Return an entry that claims the request of that number."""
    record = sample_record(number, asked_at=asked_at)
    term = request_term(CALLER, record.request_id)
    return replace(to_entry(record), claim=Claim(term, lowest_id(since)))


def put(store: Store, *entries: Entry, chain: str = "main.0") -> None:
    contents = [one.content for one in entries]
    store.append(seal_batch(store.head(chain), contents, to_us(START)), entries)


WINDOW_START = START - timedelta(minutes=10)


def test_a_request_is_claimed_once(open_store: OpenStore) -> None:
    """Of the second batch nothing is written, also what claims nothing or something else."""
    first, second = claiming(1, WINDOW_START), claiming(1, WINDOW_START)
    other = claiming(2, WINDOW_START)
    put(open_store(), first)
    store = open_store()
    with pytest.raises(ClaimedError) as caught:
        put(store, to_entry(sample_record(3)), other, second, chain="other.0")
    assert second.claim is not None
    assert caught.value.holders == {second.claim.term: first.record}
    assert store.head("other.0") == start_chain("other.0")
    assert store.read(other.record) is None
    put(store, to_entry(sample_record(3)), other, chain="other.0")
    assert list(verify_store(store)) == []


def test_a_claim_ends_with_its_window(store: Store) -> None:
    old, new = claiming(1, WINDOW_START), claiming(1, START + timedelta(seconds=1))
    put(store, old)
    put(store, new)
    with pytest.raises(ClaimedError) as caught:
        put(store, claiming(1, WINDOW_START))
    assert list(caught.value.holders.values()) == [new.record]


def test_claims_that_have_ended_are_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else there would be one for every question ever asked."""
    for module in (sqlite_rows, postgresql):
        monkeypatch.setattr(module, "_BATCHES_TO_FORGET", 2)
    put(store, claiming(1, WINDOW_START))
    put(store, claiming(2, START + timedelta(seconds=1), asked_at=START + timedelta(seconds=2)))
    # Found out by one who would mind it: with a window that begins long ago.
    put(store, claiming(1, WINDOW_START))


def test_of_many_that_claim_the_same_at_once_each_request_is_had_by_one(
    open_store: OpenStore,
) -> None:
    """In whatever order their batches have them, nobody waits for another in a circle."""
    numbers = list(range(200))

    def claim_all(writer: int) -> set[int]:
        store, chain = open_store(), f"main.{writer}"
        had: set[int] = set()
        order = numbers[::-1] if writer % 2 else numbers
        for start in range(0, len(order), 20):
            wanted = [claiming(number, WINDOW_START) for number in order[start : start + 20]]
            while wanted:
                try:
                    put(store, *wanted, chain=chain)
                except ClaimedError as error:
                    holders = error.holders
                    wanted = [one for one in wanted if one.claim and one.claim.term not in holders]
                else:
                    had |= {one.claim.term for one in wanted if one.claim}
                    break
        return had

    with ThreadPoolExecutor(4) as pool:
        had = list(pool.map(claim_all, range(4)))
    assert sum(map(len, had)) == len(set.union(*had)) == len(numbers)
    assert list(verify_store(open_store())) == []
