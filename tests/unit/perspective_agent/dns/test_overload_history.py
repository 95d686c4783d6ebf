"""Whose failure it is: what our own load did is held against no domain, and what it did not is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.overload_history import SAMPLE_SECONDS, OverloadHistory
from perspective_agent.dns.wire import failed

NAME = "www.example.test"


def strained(*beats: int, first: float = 1000.0) -> OverloadHistory:
    """Note a beat for each number: 1 for one that was too much."""
    overload_history = OverloadHistory()
    for number, is_on in enumerate(beats):
        start = first + number * SAMPLE_SECONDS
        overload_history.note(start, start + SAMPLE_SECONDS, is_on=bool(is_on))
    return overload_history


def test_without_strain_nothing_is_ours() -> None:
    assert not OverloadHistory().explains(0.0, 1000.0)
    assert not strained(*[0] * 40).explains(1000.0, 1010.0)


@pytest.mark.parametrize(
    ("beats", "is_ours"),
    [
        ([1] * 40, True),
        ([1] * 10 + [0] * 30, True),
        ([1, 0, 0, 0] * 10, True),
        ([1] * 9 + [0] * 31, False),
        ([0] * 38 + [1] * 2, False),
    ],
)
def test_a_long_lookup_is_spoiled_by_a_quarter_of_its_time(
    beats: list[int], *, is_ours: bool
) -> None:
    assert strained(*beats).explains(1000.0, 1010.0) is is_ours


@pytest.mark.parametrize(("last", "is_ours"), [(1, False), (3, False), (4, True), (16, True)])
def test_a_short_lookup_is_spoiled_by_a_second_of_the_last_four_and_not_by_one_hiccup(
    last: int, *, is_ours: bool
) -> None:
    beats = [0] * (40 - last) + [1] * last
    assert strained(*beats).explains(1009.9, 1010.0) is is_ours


def test_strain_before_and_after_a_lookup_does_not_count() -> None:
    assert not strained(*[1] * 40, *[0] * 40).explains(1013.0, 1020.0)
    assert strained(*[1] * 40, *[0] * 40).explains(1006.0, 1012.0)


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 50), st.integers(1, 50))
def test_spells_that_are_joined_count_as_their_beats(
    beats: list[bool], since: int, length: int
) -> None:
    length = max(length, 16)  # four seconds
    window = beats[since : since + length]
    expected = 4 * sum(window) >= length
    overload_history = strained(*map(int, beats), first=0.0)
    assert overload_history.explains(since * SAMPLE_SECONDS, (since + length) * SAMPLE_SECONDS) is (
        expected and any(window)
    )


def test_only_a_while_is_remembered() -> None:
    overload_history = strained(*[1, 0] * 400)
    assert len(overload_history._spells) < 250
    overload_history.note(5000.0, 5000.25, is_on=True)
    assert len(overload_history._spells) == 1


def now_strained() -> OverloadHistory:
    now = time.perf_counter()
    overload_history = OverloadHistory()
    overload_history.note(now - 10, now, is_on=True)
    return overload_history


def excused(
    overload_history: OverloadHistory, lookup: o.Lookup, began: float = 5.0
) -> "o.FailureKind.ValueType":
    overload_history.attribute(lookup, time.perf_counter() - began)
    return lookup.failure.kind


@pytest.mark.parametrize(
    "kind",
    [
        o.FAILURE_KIND_TIMEOUT,
        o.FAILURE_KIND_SERVFAIL,
        o.FAILURE_KIND_RESOLVER_UNAVAILABLE,
    ],
)
def test_under_strain_silence_and_servfail_are_ours_and_the_facts_are_kept(
    kind: "o.FailureKind.ValueType",
) -> None:
    lookup = failed(NAME, kind, "what was seen")
    assert excused(now_strained(), lookup) == o.FAILURE_KIND_OVERLOADED
    assert lookup.failure.detail.endswith("what was seen")
    assert excused(OverloadHistory(), failed(NAME, kind, "")) == kind


@pytest.mark.parametrize("kind", [o.FAILURE_KIND_REFUSED, o.FAILURE_KIND_MALFORMED])
def test_what_load_cannot_do_is_not_excused(kind: "o.FailureKind.ValueType") -> None:
    assert excused(now_strained(), failed(NAME, kind, "")) == kind


@pytest.mark.parametrize(("code", "is_ours"), [(9, True), (6, False), (7, False), (10, False)])
def test_bogus_is_excused_only_where_the_keys_did_not_come(code: int, *, is_ours: bool) -> None:
    lookup = failed(NAME, o.FAILURE_KIND_BOGUS, "")
    lookup.dnssec = o.DNSSEC_BOGUS
    lookup.failure.extended_error.code = code
    kind = o.FAILURE_KIND_OVERLOADED if is_ours else o.FAILURE_KIND_BOGUS
    assert excused(now_strained(), lookup) == kind
    assert lookup.dnssec == o.DNSSEC_BOGUS  # the probe's canary stays what it is


def test_an_answer_is_an_answer() -> None:
    lookup = o.Lookup(name=NAME, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_SECURE)
    before = lookup.SerializeToString(deterministic=True)
    now_strained().attribute(lookup, 0.0)
    assert lookup.SerializeToString(deterministic=True) == before
