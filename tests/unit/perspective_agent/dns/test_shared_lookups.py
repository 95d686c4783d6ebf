"""Walks share what is in flight, and nothing else; the first level that is no absence ends one."""

from itertools import permutations
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns.connection import PendingLookup, Take
from perspective_agent.dns.lookup import Answer, LookupTarget
from perspective_agent.dns.overload_history import OverloadHistory
from perspective_agent.dns.shared_lookups import SharedLookups, SharedWalk
from perspective_agent.dns.wire import CAA, A, failed, make_query

LEVELS = ["a.b.example", "b.example", "example"]
HOST, PARENT, TOP = LEVELS


class Link:
    """Keeps what is asked, instead of sending it."""

    def __init__(self) -> None:
        self.asked: list[PendingLookup] = []
        self.abandoned: list[PendingLookup] = []
        self.overload_history = OverloadHistory()

    def ask(self, wanted: LookupTarget, take: Take) -> PendingLookup:
        self.asked.append(PendingLookup(make_query(wanted.name, wanted.rdtype), take))
        return self.asked[-1]

    def abandon(self, lookup: PendingLookup) -> None:
        lookup.take = None
        self.abandoned.append(lookup)

    def answer(self, level: o.Lookup, elapsed_us: int = 7) -> None:
        """Answer the lookup of a name that is in flight."""
        lookup = next(one for one in self.asked if one.query.name == level.name and one.take)
        take, lookup.take = lookup.take, None
        assert take is not None
        take(level, elapsed_us)

    @property
    def names(self) -> list[str]:
        return [one.query.name for one in self.asked]


class Note(NamedTuple):
    """Who asked, and gets one answer."""

    seen: dict[int, Answer]
    number: int

    def __call__(self, answer: Answer) -> None:
        assert self.number not in self.seen
        self.seen[self.number] = answer


class Seen(dict[int, Answer]):
    def at(self, number: int) -> "Note":
        return Note(self, number)

    def names(self, ticket: int) -> list[str]:
        return [level.name for level in self[ticket].levels]


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def seen() -> Seen:
    return Seen()


def walks_over(link: Any, *, validates: bool = True) -> SharedLookups:  # noqa: ANN401 - as a Resolver
    return SharedLookups(link, lambda: validates)


@pytest.fixture
def walks(link: Link) -> SharedLookups:
    return walks_over(link)


def caa(name: str) -> LookupTarget:
    return LookupTarget(name, CAA, climbs=True)


def absent(name: str, absence: o.Absence.ValueType = o.ABSENCE_NO_DATA) -> o.Lookup:
    return o.Lookup(name=name, absence=absence, dnssec=o.DNSSEC_SECURE, tries=1)


def found(name: str) -> o.Lookup:
    records = o.RecordSet(owner=name, ttl=60, rdata=[b"\x00\x05issueca.example"])
    return o.Lookup(name=name, records=records, dnssec=o.DNSSEC_SECURE, tries=1)


def broken(name: str) -> o.Lookup:
    return failed(name, o.FAILURE_KIND_SERVFAIL, "the resolver answered SERVFAIL")


def walk(*answers: o.Lookup) -> tuple[list[str], int]:
    """Give the answers one by one; return where the walk ended, and after how many."""
    link, seen = Link(), Seen()
    walks_over(link).start(caa(HOST), seen.at(1))
    for count, level in enumerate(answers, 1):
        link.answer(level)
        if seen:
            return seen.names(1), count
    return [], 0


# The rule.


def test_rfc_8659_3_every_level_up_to_the_top_level_domain_is_asked_at_once(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    walks.start(caa(HOST), seen.at(1))
    assert sorted(link.names) == sorted(LEVELS)
    assert {one.query.rdtype for one in link.asked} == {CAA}


@pytest.mark.parametrize("absence", [o.ABSENCE_NO_DATA, o.ABSENCE_NAME_ERROR, o.ABSENCE_NXNAME])
def test_rfc_8020_an_absence_of_any_kind_lets_the_walk_go_on(
    absence: o.Absence.ValueType,
) -> None:
    assert walk(absent(HOST, absence), absent(PARENT, absence), found(TOP)) == (LEVELS, 3)


def test_a_walk_that_finds_nothing_ends_at_the_top() -> None:
    for order in permutations(map(absent, LEVELS)):
        assert walk(*order) == (LEVELS, 3)


def test_rfc_8659_3_the_first_set_ends_the_walk_in_whatever_order_they_come() -> None:
    for order in permutations([absent(HOST), found(PARENT), broken(TOP)]):
        assert walk(*order)[0] == LEVELS[:2]


def test_a_failure_below_a_set_ends_the_walk() -> None:
    for order in permutations([absent(HOST), broken(PARENT), found(TOP)]):
        assert walk(*order)[0] == LEVELS[:2]


def test_a_set_at_the_name_itself_waits_for_no_parent() -> None:
    assert walk(found(HOST)) == ([HOST], 1)


def test_a_set_at_a_parent_waits_for_every_level_below() -> None:
    assert walk(found(TOP), absent(PARENT)) == ([], 0)


def test_another_type_does_not_climb(link: Link, walks: SharedLookups, seen: Seen) -> None:
    walks.start(LookupTarget(HOST, A), seen.at(1))
    assert link.names == [HOST]
    link.answer(absent(HOST))
    assert seen.names(1) == [HOST]


def test_a_name_of_as_many_labels_as_there_can_be_is_walked(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    name = ".".join("a" * 127)
    walks.start(caa(name), seen.at(1))
    for asked in reversed(link.names):
        link.answer(absent(asked))
    assert len(seen[1].levels) == 127


def test_the_lowest_open_level_fails_at_the_deadline(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    held = walks.start(caa(HOST), seen.at(1))
    link.answer(absent(HOST))
    link.answer(found(TOP))
    answer = held.cut_short(0.0, 5.0)
    assert [level.WhichOneof("result") for level in answer.levels] == ["absence", "failure"]
    assert answer.levels[1].name == PARENT
    assert answer.lookups_us == (7, 0, 0)


@pytest.mark.parametrize("closed", range(len(LEVELS)))
def test_the_lowest_fails_of_several_that_are_open(
    link: Link, walks: SharedLookups, seen: Seen, closed: int
) -> None:
    held = walks.start(caa(HOST), seen.at(1))
    for name in LEVELS[:closed]:
        link.answer(absent(name))
    answer = held.cut_short(0.0, 5.0)
    assert [level.name for level in answer.levels] == LEVELS[: closed + 1]
    assert answer.levels[-1].failure.kind == o.FAILURE_KIND_TIMEOUT


def test_each_level_has_its_time_and_those_nobody_awaited_have_none(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    walks.start(caa(HOST), seen.at(1))
    link.answer(absent(TOP), 30)
    link.answer(found(PARENT), 20)
    link.answer(absent(HOST), 10)
    assert seen[1].lookups_us == (10, 20, 0)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (o.DNSSEC_SECURE, o.DNSSEC_INDETERMINATE),
        (o.DNSSEC_INSECURE, o.DNSSEC_INDETERMINATE),
        (o.DNSSEC_BOGUS, o.DNSSEC_BOGUS),
    ],
)
def test_the_ad_bit_of_a_resolver_that_does_not_validate_says_nothing(
    link: Link, seen: Seen, said: o.Dnssec.ValueType, told: o.Dnssec.ValueType
) -> None:
    level = found(HOST)
    level.dnssec = said
    walks_over(link, validates=False).start(LookupTarget(HOST, A), seen.at(1))
    link.answer(level)
    assert seen[1].levels[0].dnssec == told


# What is shared.


def test_what_is_in_flight_is_asked_once_and_answered_to_all(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    for ticket in range(3):
        walks.start(caa(HOST), seen.at(ticket))
    walks.start(caa(f"other.{PARENT}"), seen.at(3))
    assert sorted(link.names) == sorted([*LEVELS, f"other.{PARENT}"])
    for name in link.names:
        link.answer(absent(name))
    assert [seen.names(ticket) for ticket in range(3)] == [LEVELS] * 3
    assert seen.names(3) == [f"other.{PARENT}", PARENT, TOP]


def test_another_type_or_name_is_another_lookup(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    for wanted in (
        LookupTarget(TOP, CAA, climbs=True),
        LookupTarget(TOP, A),
        LookupTarget("test", A),
    ):
        walks.start(wanted, seen.at(0))
    assert len(link.asked) == 3


def test_what_was_answered_is_asked_anew(link: Link, walks: SharedLookups, seen: Seen) -> None:
    for ticket in range(3):
        walks.start(caa(TOP), seen.at(ticket))
        assert len(link.asked) == ticket + 1
        link.answer(absent(TOP))
    assert list(seen) == [0, 1, 2]


def test_a_level_that_was_answered_is_asked_anew_while_its_parent_is_in_flight(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    walks.start(caa(HOST), seen.at(1))
    link.answer(absent(HOST))
    link.answer(absent(PARENT))
    walks.start(caa(f"other.{PARENT}"), seen.at(2))
    assert sorted(link.names[3:]) == sorted([f"other.{PARENT}", PARENT])
    link.answer(absent(TOP))
    assert list(seen) == [1]


def test_who_asks_after_a_parents_answer_is_not_told_it(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    """RFC 8659 section 3: what the parent published before the question counts."""
    walks.start(caa(HOST), seen.at(1))
    link.answer(absent(TOP))
    link.answer(absent(PARENT))
    walks.start(caa(HOST), seen.at(2))
    assert sorted(link.names[3:]) == sorted([PARENT, TOP])
    link.answer(absent(HOST))
    assert list(seen) == [1]
    link.answer(found(PARENT))
    assert seen.names(2) == [HOST, PARENT]
    assert seen[2].levels[1].HasField("records")


def test_what_is_in_flight_is_shared_beside_what_was_answered(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    walks.start(caa(HOST), seen.at(1))
    link.answer(absent(TOP))
    for ticket in (2, 3):
        walks.start(caa(HOST), seen.at(ticket))
    assert link.names[3:] == [TOP]
    link.answer(absent(HOST), 11)
    link.answer(absent(PARENT), 12)
    assert list(seen) == [1]
    link.answer(found(TOP), 13)
    assert seen[2] == seen[3]
    assert seen[2].lookups_us == (11, 12, 13)
    assert seen[1].levels[2].HasField("absence")


class Answered:
    """A link that notes when it gave which answer."""

    def __init__(self) -> None:
        self.link, self.now = Link(), 0
        self.answered_at: dict[int, int] = {}
        self.given: list[o.Lookup] = []

    def answer(self, at: int) -> None:
        """Answer one of the lookups in flight."""
        open_ones = [one for one in self.link.asked if one.take]
        if open_ones:
            level = absent(open_ones[at % len(open_ones)].query.name)
            self.given.append(level)
            self.answered_at[id(level)] = self.now
            self.link.answer(level)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "answer", "answer", "release"]),
        st.integers(0, 5),
    ),
    max_size=40,
)
TREE = [*LEVELS, f"c.{PARENT}", f"d.{HOST}", f"e.{TOP}"]


@given(STEPS)
def test_no_part_of_an_answer_is_older_than_the_question(steps: list[tuple[str, int]]) -> None:
    answered, seen = Answered(), Seen()
    walks = walks_over(answered.link)
    asked_at: list[int] = []
    held: dict[int, SharedWalk] = {}
    for what, which in steps:
        answered.now += 1
        if what == "ask":
            ticket = len(asked_at)
            asked_at.append(answered.now)
            held[ticket] = walks.start(caa(TREE[which]), seen.at(ticket))
        elif what == "answer":
            answered.answer(which)
        elif held:
            ticket = list(held)[which % len(held)]
            held.pop(ticket).release(seen.at(ticket))
        in_flight = [one.query.name for one in answered.link.asked if one.take]
        assert len(in_flight) == len(set(in_flight))
    while any(one.take for one in answered.link.asked):
        answered.now += 1
        answered.answer(0)
    assert set(held) <= set(seen)
    for ticket, answer in seen.items():
        for level in answer.levels:
            assert answered.answered_at[id(level)] > asked_at[ticket]
    for ticket, walk in held.items():
        walk.release(seen.at(ticket))
    assert not walks._in_flight


def test_two_agents_share_nothing(seen: Seen) -> None:
    links = [Link(), Link()]
    for ticket, link in enumerate(links):
        walks_over(link).start(caa(HOST), seen.at(ticket))
    assert [len(link.asked) for link in links] == [3, 3]


# Letting go.


def is_done(held: SharedWalk) -> bool:
    return held.answer is not None and not held.is_open


def test_who_lets_go_takes_the_answer_from_nobody_else(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    mine, other = (walks.start(caa(name), seen.at(1)) for name in (HOST, f"other.{PARENT}"))
    mine.release(seen.at(1))
    assert [one.query.name for one in link.abandoned] == [HOST]
    for name in (f"other.{PARENT}", PARENT, TOP):
        link.answer(absent(name))
    assert seen.names(1) == [f"other.{PARENT}", PARENT, TOP]
    assert is_done(other)


@pytest.mark.parametrize("first", [0, 1])
def test_a_lookup_that_is_shared_is_given_up_by_the_last(
    link: Link, walks: SharedLookups, seen: Seen, first: int
) -> None:
    held = [walks.start(caa(HOST), seen.at(0))]
    link.answer(absent(TOP))
    held.append(walks.start(caa(HOST), seen.at(1)))
    held[first].release(seen.at(first))
    assert HOST not in [one.query.name for one in link.abandoned]
    walks.start(caa(HOST), seen.at(2))
    assert link.names.count(HOST) == 1
    for name in (HOST, PARENT, TOP):
        link.answer(absent(name))
    assert 2 in seen
    assert first not in seen


def test_what_nobody_holds_any_more_is_given_up_and_not_joined(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    held = [walks.start(caa(HOST), seen.at(ticket)) for ticket in range(2)]
    held[0].release(seen.at(0))
    assert not link.abandoned
    held[1].release(seen.at(1))
    assert sorted(one.query.name for one in link.abandoned) == sorted(LEVELS)
    walks.start(caa(HOST), seen.at(2))
    assert len(link.asked) == 6


def test_a_walk_that_ended_is_open_until_its_parents_are_answered_or_let_go(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    held = walks.start(caa(HOST), seen.at(1))
    link.answer(found(HOST))
    assert list(seen) == [1]
    assert held.is_open
    link.answer(absent(TOP))
    held.release(seen.at(1))
    assert [one.query.name for one in link.abandoned] == [PARENT]
    assert not held.is_open


def test_what_is_withdrawn_is_not_sent_but_what_was_sent_goes_on(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    held = walks.start(caa(HOST), seen.at(1))
    for one in link.asked:
        one.is_queued = one.query.name != TOP
    assert held.is_queued
    held.withdraw()
    assert sorted(one.query.name for one in link.abandoned) == sorted(LEVELS[:2])
    assert held.is_open
    held.release(seen.at(1))
    assert sorted(one.query.name for one in link.abandoned) == sorted(LEVELS)


def test_what_is_withdrawn_by_one_is_sent_for_another(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    mine = walks.start(caa(HOST), seen.at(1))
    walks.start(caa(PARENT), seen.at(2))
    for one in link.asked:
        one.is_queued = True
    mine.withdraw()
    assert [one.query.name for one in link.abandoned] == [HOST]


def test_a_walk_that_may_be_joined_keeps_its_parents(
    link: Link, walks: SharedLookups, seen: Seen
) -> None:
    held = walks.start(caa(HOST), seen.at(1))
    for one in link.asked:
        one.is_queued = one.query.name != HOST
    held.withdraw()
    walks.start(caa(HOST), seen.at(2))
    for name in LEVELS:
        link.answer(absent(name))
    assert seen.names(2) == LEVELS
