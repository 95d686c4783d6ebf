"""The set of an attempt: valid by the row, those that are ready first, by lot, fixed in size."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from itertools import combinations
from random import Random
from secrets import SystemRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.rules.perspective_selection import choose_set, find_set_breaches, is_resilient
from coordinator.rules.policy import PolicyRow
from coordinator.rules.roster import Perspective, Roster
from mpic.v1 import observation_pb2 as o
from tests.world.places import PLACES
from tests.world.samples import NOVEMBER, perspective

REMOTES = [perspective(place) for place in PLACES[1:]]
ROSTER = Roster(perspective(PLACES[0]), REMOTES)
SEVEN = Roster(ROSTER.primary, REMOTES[:7])
FIVE_ASKED = PolicyRow(NOVEMBER, 5, remotes_per_attempt=5)
RIRS = (o.RIR_AFRINIC, o.RIR_APNIC, o.RIR_ARIN, o.RIR_LACNIC, o.RIR_RIPE)


def ids(remotes: Collection[Perspective]) -> frozenset[str]:
    return frozenset(one.id for one in remotes)


def choose(
    roster: Roster = SEVEN, row: PolicyRow = FIVE_ASKED, down: Collection[str] = ()
) -> Roster:
    return choose_set(roster, row, ids(roster.perspectives) - set(down), SystemRandom())


def in_regions(*rirs: o.Rir.ValueType) -> Roster:
    remotes = [replace(one, rir=rir) for one, rir in zip(REMOTES, rirs, strict=False)]
    return Roster(ROSTER.primary, remotes)


def regions(roster: Roster, down: Collection[str] = ()) -> set[o.Rir.ValueType]:
    return {one.rir for one in roster.remotes if one.id not in down}


def test_without_a_size_all_are_asked() -> None:
    assert choose(row=replace(FIVE_ASKED, remotes_per_attempt=0)) is SEVEN


def test_a_size_is_never_below_the_rows_minimum_nor_above_the_roster() -> None:
    assert len(choose(row=replace(FIVE_ASKED, remotes_per_attempt=4)).remotes) == 5
    assert len(choose(row=replace(FIVE_ASKED, remotes_per_attempt=9)).remotes) == 7


def test_the_primary_is_in_every_set_and_nobody_twice() -> None:
    for _ in range(200):
        chosen = choose()
        assert chosen.primary is SEVEN.primary
        assert len(ids(chosen.remotes)) == 5
        assert ids(chosen.remotes) < ids(SEVEN.remotes)


def test_every_remote_and_every_set_that_will_do_comes_up() -> None:
    sets = Counter(ids(choose().remotes) for _ in range(2000))
    possible = {
        ids(some) for some in combinations(SEVEN.remotes, 5) if is_resilient(some, FIVE_ASKED)
    }
    assert set(sets) == possible
    # Each is expected some 100 times; half or double of that would be 5 standard deviations off.
    expected = 2000 / len(possible)
    assert all(expected / 2 < count < expected * 2 for count in sets.values())


def test_what_was_asked_before_does_not_tell_what_is_asked_next() -> None:
    """The lot must not be one that starts anew with each program, as a seeded one does."""
    runs = {tuple(ids(choose().remotes) for _ in range(20)) for _ in range(5)}
    assert len(runs) == 5


def test_those_that_are_ready_first() -> None:
    down = {"frankfurt", "portland"}
    for _ in range(100):
        assert ids(choose(down=down).remotes) == ids(SEVEN.remotes) - down


def test_those_that_are_not_ready_fill_up_what_is_missing() -> None:
    down = {"frankfurt", "portland", "singapore"}
    filled = {ids(choose(down=down).remotes) & down for _ in range(200)}
    assert filled == {frozenset({one}) for one in down}


def test_with_nobody_ready_a_set_is_asked_nevertheless() -> None:
    assert len(choose(down=ids(SEVEN.perspectives)).remotes) == 5


def test_br_3_2_2_9_the_regions_hold_even_when_one_does_not_corroborate() -> None:
    """Five of RIPE and two of ARIN: with only one of ARIN, its failure would be refusal."""
    roster = in_regions(*[o.RIR_RIPE] * 5, o.RIR_ARIN, o.RIR_ARIN)
    for _ in range(100):
        assert Counter(one.rir for one in choose(roster).remotes)[o.RIR_ARIN] == 2


def test_br_3_2_2_9_two_regions_although_those_ready_stand_in_one() -> None:
    roster = in_regions(*[o.RIR_RIPE] * 6, o.RIR_ARIN)
    down = {roster.remotes[-1].id}
    for _ in range(50):
        chosen = choose(roster, down=down)
        assert regions(chosen) == {o.RIR_RIPE, o.RIR_ARIN}
        assert len(ids(chosen.remotes)) == 5


def test_three_regions_although_those_ready_stand_in_one() -> None:
    roster = in_regions(*[o.RIR_RIPE] * 4, o.RIR_ARIN, o.RIR_APNIC)
    down = ids(roster.remotes[4:])
    for _ in range(20):
        chosen = choose(roster, replace(FIVE_ASKED, minimum_regions=3), down)
        assert regions(chosen) == {o.RIR_RIPE, o.RIR_ARIN, o.RIR_APNIC}


@pytest.mark.parametrize(
    ("rirs", "resilient"),
    [
        ((o.RIR_RIPE,) * 4 + (o.RIR_ARIN,), False),
        ((o.RIR_RIPE,) * 3 + (o.RIR_ARIN,) * 2, True),
        ((o.RIR_RIPE,) * 3 + (o.RIR_ARIN, o.RIR_APNIC), True),
        ((o.RIR_RIPE,) * 5, False),
        # Of six, two need not corroborate.
        ((o.RIR_RIPE,) * 4 + (o.RIR_ARIN,) * 2, False),
        ((o.RIR_RIPE,) * 4 + (o.RIR_ARIN, o.RIR_APNIC), False),
        ((o.RIR_RIPE,) * 3 + (o.RIR_ARIN,) * 3, True),
    ],
)
def test_resilient(rirs: tuple[o.Rir.ValueType, ...], resilient: bool) -> None:
    assert is_resilient(in_regions(*rirs).remotes, FIVE_ASKED) is resilient


@given(
    st.lists(st.sampled_from(RIRS), min_size=5, max_size=10),
    st.sets(st.integers(0, 9)),
    st.integers(5, 10),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_any_roster_any_health_any_row(
    rirs: list[o.Rir.ValueType], down: set[int], size: int, least: int, random: Random
) -> None:
    roster = in_regions(*rirs)
    row = PolicyRow(NOVEMBER, 5, minimum_regions=least, remotes_per_attempt=size)
    ready = {one.id for n, one in enumerate(roster.remotes) if n not in down}
    chosen = choose_set(roster, row, ready, random).remotes
    size = min(size, len(roster.remotes))
    assert len(chosen) == len(ids(chosen)) == size
    assert len({one.rir for one in chosen}) >= min(least, len(regions(roster)))
    # As many are ready, and as resilient, as in the best of all sets that keep the regions.
    every = [some for some in combinations(roster.remotes, size) if _keeps(some, roster, least)]
    assert _rank(chosen, ready, row) == max(_rank(some, ready, row) for some in every)


def _keeps(some: Collection[Perspective], roster: Roster, least: int) -> bool:
    return len({one.rir for one in some}) >= min(least, len(regions(roster)))


def _rank(
    some: Collection[Perspective], ready: Collection[str], row: PolicyRow
) -> tuple[int, bool]:
    return sum(one.id in ready for one in some), is_resilient(list(some), row)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            replace(FIVE_ASKED, remotes_per_attempt=4),
            (
                "remotes_per_attempt: it is 4, the row demands 5."
                " Set it to 5 or more in [policy], or leave it out to ask all remotes."
            ),
        ),
        (
            replace(FIVE_ASKED, remotes_per_attempt=8),
            (
                "remotes_per_attempt: it is 8, the roster has 7 remotes."
                " Set it to 7 or less, leave it out to ask all remotes, or add remotes."
            ),
        ),
        (
            replace(FIVE_ASKED, minimum_corroborating=6),
            (
                "remotes_per_attempt: it is 5, 6 must corroborate."
                " Set it to 6 or more in [policy], or leave it out to ask all remotes."
            ),
        ),
        (
            PolicyRow(NOVEMBER, 1, remotes_per_attempt=1),
            (
                "remotes_per_attempt: it is 1, they must stand in 2 regions."
                " Set it to 2 or more in [policy], or leave it out to ask all remotes."
            ),
        ),
    ],
)
def test_a_size_that_cannot_satisfy_the_row_is_named_with_its_mend(
    row: PolicyRow, said: str
) -> None:
    assert [str(breach) for breach in find_set_breaches(SEVEN, row)] == [said]


def test_a_size_that_can_breaks_nothing() -> None:
    for size in (0, 5, 6, 7):
        assert find_set_breaches(SEVEN, replace(FIVE_ASKED, remotes_per_attempt=size)) == []
