"""One agent asks what is in flight once; nothing outlives an answer, or reaches another agent."""

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.connection import Lookup
from perspective_agent.resolver import Resolver
from perspective_agent.wanted import Wanted
from perspective_agent.wire import CAA, A

NAME = "parent.example.co.jp"


class Received(list[tuple[int, o.Lookup]]):
    def take(self, ticket: int, lookup: o.Lookup, _elapsed_us: int) -> None:
        self.append((ticket, lookup))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Lookup]:
    """What goes to the resolver, instead of going there."""
    lookups: list[Lookup] = []
    monkeypatch.setattr(Resolver, "_send", lambda _self, lookup: lookups.append(lookup))
    return lookups


def answer(lookup: Lookup) -> o.Lookup:
    return o.Lookup(name=lookup.query.name, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_SECURE)


def test_an_identical_lookup_in_flight_is_asked_once_and_answered_to_all(
    sent: list[Lookup],
) -> None:
    resolver, received = Resolver(("127.0.0.1", 53)), Received()
    for ticket in range(3):
        resolver.ask(Wanted(NAME, CAA), received.take, ticket)
    assert len(sent) == 1
    seen = answer(sent[0])
    resolver.answered(sent[0], seen)
    assert received == [(ticket, seen) for ticket in range(3)]


def test_another_type_or_name_is_another_lookup(sent: list[Lookup]) -> None:
    resolver, received = Resolver(("127.0.0.1", 53)), Received()
    for wanted in (Wanted(NAME, CAA), Wanted(NAME, A), Wanted(f"child.{NAME}", CAA)):
        resolver.ask(wanted, received.take, 0)
    assert len(sent) == 3


def test_what_was_answered_is_asked_anew(sent: list[Lookup]) -> None:
    resolver, received = Resolver(("127.0.0.1", 53)), Received()
    for asked in range(1, 4):
        resolver.ask(Wanted(NAME, CAA), received.take, asked)
        assert len(sent) == asked
        resolver.answered(sent[-1], answer(sent[-1]))
    assert [ticket for ticket, _ in received] == [1, 2, 3]


def test_two_agents_share_nothing(sent: list[Lookup]) -> None:
    received = Received()
    for ticket in range(2):
        Resolver(("127.0.0.1", 53)).ask(Wanted(NAME, CAA), received.take, ticket)
    assert len(sent) == 2
    assert sent[0] is not sent[1]


def test_who_gives_up_takes_the_answer_from_nobody_else(sent: list[Lookup]) -> None:
    resolver, received = Resolver(("127.0.0.1", 53)), Received()
    lookups = [resolver.ask(Wanted(NAME, CAA), received.take, ticket) for ticket in range(2)]
    resolver.abandon(lookups[0], received.take, 0)
    resolver.answered(sent[0], answer(sent[0]))
    assert [ticket for ticket, _ in received] == [1]
