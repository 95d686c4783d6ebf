"""The chain: each way to tamper with it is found and named."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from coordinator.record.chain import (
    GENESIS,
    Batch,
    ChainFlaw,
    Gap,
    Head,
    StoredBatch,
    digest_entry,
    hash_batch,
    seal_batch,
    start_chain,
    walk_chain,
)
from coordinator.record.timestamps import month_of

DAY_US = 86_400_000_000
Chain = list[StoredBatch]


def make_chain(batches: int = 5, entries: int = 4) -> Chain:
    head, chain = start_chain("main.0"), []
    for number in range(1, batches + 1):
        contents = [f"entry {number}.{n}".encode() for n in range(entries)]
        batch = seal_batch(head, contents, number * DAY_US)
        chain.append(StoredBatch(batch, contents))
        head = batch.head
    return chain


def walk(chain: Chain, gaps: Sequence[Gap] = (), *kept: Head) -> list[ChainFlaw]:
    return list(walk_chain("main.0", chain, gaps, kept))


def edit(chain: Chain, index: int, contents: Sequence[bytes]) -> Chain:
    """Let one batch have other entries than it says."""
    chain[index] = replace(chain[index], contents=contents)
    return chain


def reseal(chain: Chain, index: int, contents: Sequence[bytes]) -> Chain:
    """Replace a batch by one that fits its entries and its predecessor."""
    old = chain[index].batch
    head = Head(old.chain, old.sequence - 1, old.previous, old.written_at_us)
    chain[index] = StoredBatch(seal_batch(head, contents, old.written_at_us), contents)
    return chain


def test_a_chain_as_it_was_written_has_no_flaw() -> None:
    assert walk(make_chain()) == []
    assert walk([]) == []
    head = make_chain()[-1].batch.head
    assert walk(make_chain(), (), head) == []


def test_the_encoding_is_the_documented_one() -> None:
    """Whoever verifies a chain elsewhere, years later, relies on this."""
    digest = hashlib.sha256(b"mpic record entry v1\0one").digest()
    assert digest_entry(b"one") == digest
    batch = seal_batch(start_chain("a"), [b"one"], 5)
    encoded = (
        b"mpic record batch v1\0" + b"\0\x01a" + (1).to_bytes(8) + bytes(32)
        + (5).to_bytes(8) + (1).to_bytes(4) + digest
    )  # fmt: skip
    assert batch == Batch("a", 1, GENESIS, 5, digest, hashlib.sha256(encoded).digest())


def changed(chain: Chain) -> Chain:
    return edit(chain, 2, [*chain[2].contents[:1], b"other", *chain[2].contents[2:]])


def removed(chain: Chain) -> Chain:
    return edit(chain, 2, [*chain[2].contents[:1], *chain[2].contents[2:]])


def last_removed(chain: Chain) -> Chain:
    return edit(chain, 2, chain[2].contents[:-1])


def inserted(chain: Chain) -> Chain:
    return edit(chain, 2, [*chain[2].contents[:1], b"more", *chain[2].contents[1:]])


def reordered(chain: Chain) -> Chain:
    one, two, *rest = chain[2].contents
    return edit(chain, 2, [two, one, *rest])


def removed_and_changed(chain: Chain) -> Chain:
    return edit(chain, 2, [chain[2].contents[0], b"other", chain[2].contents[3]])


@pytest.mark.parametrize(
    ("tamper", "position", "what"),
    [
        (changed, 1, "was changed"),
        (removed, 1, "was removed"),
        (last_removed, 3, "was removed"),
        (inserted, 1, "was inserted"),
        (reordered, 0, "reordered"),
        (removed_and_changed, 1, "changed or removed"),
    ],
)
def test_the_first_entry_tampered_with_is_named(
    tamper: Callable[[Chain], Chain], position: int, what: str
) -> None:
    (flaw,) = walk(tamper(make_chain()))
    assert (flaw.sequence, flaw.position) == (3, position)
    assert what in flaw.what


def test_a_changed_entry_whose_digest_was_changed_too_is_found_by_the_batch() -> None:
    chain = changed(make_chain())
    digests = b"".join(map(digest_entry, chain[2].contents))
    chain[2] = replace(chain[2], batch=replace(chain[2].batch, digests=digests))
    (flaw,) = walk(chain)
    assert flaw.sequence == 3
    assert "another hash" in flaw.what


def test_a_batch_replaced_with_its_hash_is_found_by_its_successor() -> None:
    (flaw,) = walk(reseal(make_chain(), 2, [b"other"]))
    assert flaw.sequence == 4
    assert "one of them was replaced" in flaw.what


def test_a_batch_removed_is_named() -> None:
    chain = make_chain()
    del chain[2]
    (flaw,) = walk(chain)
    assert (flaw.sequence, flaw.what) == (3, "batch 3 was removed")
    del chain[0]
    assert walk(chain)[0].what == "batch 1 was removed"


def test_a_batch_inserted_is_named() -> None:
    chain = make_chain()
    more = seal_batch(chain[2].batch.head, [b"more"], 3 * DAY_US)
    chain.insert(3, StoredBatch(more, [b"more"]))
    flaws = walk(chain)
    assert flaws[0].sequence == 4
    assert "belong" in flaws[0].what


def test_batches_reordered_are_named() -> None:
    chain = make_chain()
    chain[1], chain[2] = chain[2], chain[1]
    assert walk(chain)[0].what == "batch 2 was removed"


@pytest.mark.parametrize(
    "change",
    [
        {"chain": "main.1"},
        {"sequence": 3, "written_at_us": 3 * DAY_US + 1},
        {"previous": bytes(32)},
    ],
)
def test_nothing_of_a_batch_can_be_changed(change: dict[str, object]) -> None:
    chain = make_chain()
    batch = replace(chain[2].batch, **change)
    assert hash_batch(batch) != batch.hash
    chain[2] = replace(chain[2], batch=batch)
    assert walk(chain)


def test_a_tail_cut_off_is_found_by_a_head_exported_before() -> None:
    chain = make_chain()
    kept = chain[-1].batch.head
    assert walk(chain[:3]) == []
    (flaw,) = walk(chain[:3], (), kept)
    assert flaw.sequence == 4
    assert "missing at the end" in flaw.what


def test_a_chain_computed_anew_is_found_by_a_head_exported_before() -> None:
    kept = make_chain()[-1].batch.head
    chain = reseal(make_chain(), 2, [b"other"])
    for index in (3, 4):
        before = chain[index - 1].batch.head
        batch = seal_batch(before, chain[index].contents, chain[index].batch.written_at_us)
        chain[index] = replace(chain[index], batch=batch)
    assert walk(chain) == []
    (flaw,) = walk(chain, (), kept)
    assert "head was kept" in flaw.what


MONTH_US = 31 * DAY_US


def make_months() -> Chain:
    """Five months of two batches each."""
    head, chain = start_chain("main.0"), []
    for number in range(1, 11):
        contents = [f"entry {number}".encode()]
        at = (number + 1) // 2 * MONTH_US + number * DAY_US
        chain.append(StoredBatch(seal_batch(head, contents, at), contents))
        head = chain[-1].batch.head
    return chain


def gap_of(chain: Chain, first: int, last: int) -> Gap:
    """The gap that is left when batches are removed."""
    some = [one.batch for one in chain[first - 1 : last]]
    entries = sum(len(one.contents) for one in chain[first - 1 : last])
    ends = some[0].written_at_us, some[-1].written_at_us
    return Gap("main.0", first, last, some[0].previous, some[-1].hash, entries, *ends)


@pytest.mark.parametrize("months", [[0], [1], [4], [1, 2], [0, 1, 2, 3, 4], [0, 2, 4]])
def test_what_was_pruned_is_stepped_over(months: list[int]) -> None:
    chain = make_months()
    kept = [one.batch.head for one in chain]
    gaps = [gap_of(chain, 2 * month + 1, 2 * month + 2) for month in months]
    left = [one for n, one in enumerate(chain) if n // 2 not in months]
    assert walk(left, gaps, *kept) == []
    assert walk(left, [], *kept)
    assert walk(left, gaps[1:], *kept)


@pytest.mark.parametrize(
    "lie",
    [
        {"hash": bytes(32)},
        {"previous": bytes(32)},
        {"chain": "main.1"},
        {"last": 3},
        {"first_written_at_us": 30 * DAY_US},
        {"last_written_at_us": 5 * MONTH_US},
    ],
)
def test_a_gap_that_does_not_fit_what_is_left_is_named(lie: dict[str, Any]) -> None:
    chain = make_months()
    gap = replace(gap_of(chain, 3, 4), **lie)
    assert walk([*chain[:2], *chain[4:]], [gap])


def test_a_gap_is_of_whole_months() -> None:
    chain = make_months()
    (flaw,) = walk([*chain[:3], *chain[4:]], [gap_of(chain, 4, 4)])
    assert "not the whole of a month" in flaw.what
    (flaw,) = walk([*chain[:2], *chain[3:]], [gap_of(chain, 3, 3)])
    assert "not all of that went" in flaw.what


def test_a_gap_whose_times_are_a_lie_is_found_by_any_head_kept_of_it() -> None:
    """Nothing else shows it where the chain begins with the gap."""
    chain = make_months()
    heads = [one.batch.head for one in chain]
    true = gap_of(chain, 1, 4)
    lie = replace(true, first_written_at_us=1, last_written_at_us=2)
    assert walk(chain[4:], [lie]) == []
    for head in heads[:4]:
        (flaw,) = walk(chain[4:], [lie], head, heads[9])
        assert "was written at another time" in flaw.what
    other = replace(heads[3], hash=bytes(32))
    (flaw,) = walk(chain[4:], [true], other)
    assert "the head kept of it is another" in flaw.what


def test_every_kept_head_counts_and_not_the_latest_alone() -> None:
    """Of a chain that was computed anew before the latest was kept."""
    chain = make_chain()
    old = chain[1].batch.head
    fork = reseal(make_chain(), 1, [b"other"])[:2]
    fork.append(StoredBatch(seal_batch(fork[1].batch.head, [b"new"], 9 * DAY_US), [b"new"]))
    assert walk(fork, (), fork[2].batch.head) == []
    (flaw,) = walk(fork, (), old, fork[2].batch.head)
    assert (flaw.sequence, "head was kept" in flaw.what) == (2, True)


def test_a_number_that_no_hash_can_hold_is_a_flaw() -> None:
    for lie in ({"sequence": -1}, {"written_at_us": -5}, {"written_at_us": 2**62}):
        chain = make_chain()
        chain[2] = replace(chain[2], batch=replace(chain[2].batch, **lie))
        assert walk(chain)


def test_the_time_of_a_chain_never_goes_back() -> None:
    first = seal_batch(start_chain("a"), [b"one"], 5 * DAY_US)
    assert seal_batch(first.head, [b"two"], 4 * DAY_US).written_at_us == 5 * DAY_US


def test_months_are_utc() -> None:
    assert month_of(1_796_083_199_999_999) == "2026-11"
    assert month_of(1_796_083_200_000_000) == "2026-12"
