"""What was seen is never forgotten, and what was not is seldom taken for it."""

from hypothesis import given
from hypothesis import strategies as st

from coordinator.record.bloom_filter import BloomFilter
from coordinator.record.index_terms import request_term

DIGESTS = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(DIGESTS))
def test_what_was_added_is_in_it(digests: list[int]) -> None:
    seen = BloomFilter()
    for digest in digests:
        seen.add(digest)
    assert all(digest in seen for digest in digests)
    assert len(seen) == len(digests)


@given(DIGESTS)
def test_nothing_is_in_it_at_first(digest: int) -> None:
    assert digest not in BloomFilter()


def test_few_others_are_taken_for_it() -> None:
    seen = BloomFilter()
    for number in range(100_000):
        seen.add(request_term("caller", f"request-{number}"))
    others = [request_term("caller", f"other-{number}") for number in range(20_000)]
    # Two bits of 2^24 after 100,000 numbers: one in 7,100 by arithmetic.
    assert sum(other in seen for other in others) < 20


def test_both_bits_count() -> None:
    seen = BloomFilter()
    seen.add(1 << 32 | 2)
    assert 1 << 32 | 3 not in seen
    assert 3 << 32 | 2 not in seen
