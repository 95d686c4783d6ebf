"""The agent's link to its resolver: every lookup is answered once, and a failure is asked anew."""

import asyncio
import time
from typing import cast

import pytest

from mpic.v1 import observation_pb2 as o
from perspective_agent.dns import resolver as module
from perspective_agent.dns.connection import PER_CONNECTION, PendingLookup, ResolverConnection
from perspective_agent.dns.lookup import LookupTarget
from perspective_agent.dns.resolver import ResolverLink
from perspective_agent.dns.wire import CAA, A, failed


class Wire:
    """Stands for a connection: the test says what comes of it."""

    made: list["Wire"] = []  # noqa: RUF012 - emptied for each test

    def __init__(self, owner: ResolverLink) -> None:
        self.owner = owner
        self.lookups: list[PendingLookup] = []
        self.sent: list[str] = []
        self.retired = False
        self.closed = False
        Wire.made.append(self)

    def open(self, address: tuple[str, int]) -> None:
        assert address == ("127.0.0.1", 53)

    def has_room(self) -> bool:
        return not self.retired and len(self.lookups) < PER_CONNECTION

    def send(self, lookup: PendingLookup) -> None:
        lookup.connection = cast("ResolverConnection", self)
        lookup.sends += 1
        self.sent.append(lookup.query.name)
        self.lookups.append(lookup)

    def retire(self) -> None:
        self.retired = True

    def close(self) -> None:
        self.closed = True
        self.lose()

    def answer(self, kind: o.FailureKind.ValueType = o.FAILURE_KIND_UNSPECIFIED) -> None:
        """Answer the first that is not."""
        lookup = self.lookups.pop(0)
        name = lookup.query.name
        absent = o.Lookup(name=name, absence=o.ABSENCE_NO_DATA, dnssec=o.DNSSEC_SECURE)
        answer = failed(name, kind, "the resolver failed") if kind else absent
        self.owner.answered(lookup, answer)

    def lose(self) -> None:
        lookups, self.lookups = self.lookups, []
        self.retired = True
        self.owner.lost(cast("ResolverConnection", self), lookups, "it is gone")


@pytest.fixture(autouse=True)
def wires(monkeypatch: pytest.MonkeyPatch) -> list[Wire]:
    monkeypatch.setattr(module, "ResolverConnection", Wire)
    Wire.made = []
    return Wire.made


class Asker:
    """A resolver, what it was told to forget, and what was answered."""

    def __init__(self, connections: int = 64, *, forgets: bool | None = True) -> None:
        self.erased: list[tuple[str, int]] = []
        self.answers: list[o.Lookup] = []
        self.counted: list[o.Lookup] = []
        self._forgets = forgets
        self.resolver = ResolverLink(
            ("127.0.0.1", 53), None if forgets is None else self._erase, connections, self._count
        )

    async def _erase(self, name: str, rdtype: int) -> bool:
        self.erased.append((name, rdtype))
        return bool(self._forgets)

    def _count(self, rdtype: int, answer: o.Lookup, elapsed_us: int) -> None:
        del rdtype, elapsed_us
        self.counted.append(answer)

    def ask(self, *names: str, fresh: bool = False) -> list[PendingLookup]:
        return [
            self.resolver.ask(
                LookupTarget(name, A, fresh), lambda found, _: self.answers.append(found)
            )
            for name in names
        ]

    @property
    def kinds(self) -> list[o.FailureKind.ValueType]:
        return [answer.failure.kind for answer in self.answers]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def hosts(count: int) -> list[str]:
    return [f"h{number}.test" for number in range(count)]


async def test_an_answer_is_told_once_and_counted_once(wires: list[Wire]) -> None:
    asker = Asker()
    (lookup,) = asker.ask("a.test")
    assert asker.resolver.in_flight == 1
    wires[0].answer()
    asker.resolver.answered(lookup, o.Lookup(name="a.test", absence=o.ABSENCE_NAME_ERROR))
    assert [answer.absence for answer in asker.answers] == [o.ABSENCE_NO_DATA]
    assert asker.answers[0].tries == 1
    assert len(asker.counted) == 1
    assert asker.resolver.in_flight == 0
    await settle()
    assert not asker.erased


class Explainer:
    """Says of each failure whether it was the last, and holds it back until then."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()

    def read(self, answer: o.Lookup, rdtype: int, since: float) -> bool:
        del rdtype, since
        answer.failure.cause = o.FAILURE_CAUSE_SILENT
        return True

    async def explain(
        self, answer: o.Lookup, rdtype: int, since: float, before: o.Lookup | None
    ) -> None:
        assert before is not None
        assert (rdtype, before.failure.cause) == (A, o.FAILURE_CAUSE_SILENT)
        assert since <= time.perf_counter()
        await self.may_end.wait()
        answer.failure.cause = o.FAILURE_CAUSE_EDNS_DROPPED


async def test_a_failure_is_explained_before_it_is_told(wires: list[Wire]) -> None:
    asker, explainer = Asker(), Explainer()
    asker.resolver.explainer = explainer
    asker.ask("a.test")
    for _ in range(2):
        wires[0].answer(o.FAILURE_KIND_SERVFAIL)
        await settle()
    assert not asker.answers
    explainer.may_end.set()
    await settle()
    assert asker.answers[0].failure.cause == o.FAILURE_CAUSE_EDNS_DROPPED
    assert asker.erased == [("a.test", A)] * 2
    # What succeeds is told at once.
    asker.ask("b.test")
    wires[0].answer()
    assert asker.answers[1].absence == o.ABSENCE_NO_DATA


async def test_our_own_strain_is_looked_for_before_the_cause(wires: list[Wire]) -> None:
    """While the cause is looked for, the agent may have kept up."""
    asker, explainer = Asker(), Explainer()
    asker.resolver.explainer = explainer
    history = asker.resolver.overload_history
    asker.ask("a.test")
    wires[0].answer(o.FAILURE_KIND_SERVFAIL)
    await settle()
    now = time.perf_counter()
    history.note(now - 10, now, is_on=True)
    wires[0].answer(o.FAILURE_KIND_SERVFAIL)
    await settle()
    history._spells.clear()
    explainer.may_end.set()
    await settle()
    assert asker.kinds == [o.FAILURE_KIND_OVERLOADED]


@pytest.mark.parametrize("kind", [o.FAILURE_KIND_SERVFAIL, o.FAILURE_KIND_BOGUS])
async def test_a_failure_is_asked_once_more_when_it_is_forgotten(
    wires: list[Wire], kind: o.FailureKind.ValueType
) -> None:
    """BR 4.2.2.1: "the lookup has been retried at least once"."""
    asker = Asker()
    asker.ask("a.test")
    wires[0].answer(kind)
    assert not asker.answers
    await settle()
    assert asker.erased == [("a.test", A)]
    assert [one.query.name for one in wires[0].lookups] == ["a.test"]
    wires[0].answer(kind)
    assert asker.kinds == [kind]
    assert asker.answers[0].tries == 2
    await settle()
    assert asker.erased == [("a.test", A)] * 2  # the next question's first try is one
    assert not wires[0].lookups


async def test_what_succeeds_when_asked_anew_is_no_failure(wires: list[Wire]) -> None:
    asker = Asker()
    asker.ask("a.test")
    wires[0].answer(o.FAILURE_KIND_SERVFAIL)
    await settle()
    wires[0].answer()
    assert asker.kinds == [o.FAILURE_KIND_UNSPECIFIED]


async def test_what_cannot_be_forgotten_was_tried_once(wires: list[Wire]) -> None:
    asker = Asker(forgets=False)
    asker.ask("a.test")
    wires[0].answer(o.FAILURE_KIND_SERVFAIL)
    await settle()
    assert asker.kinds == [o.FAILURE_KIND_SERVFAIL]
    assert asker.answers[0].tries == 1
    assert not wires[0].lookups


@pytest.mark.parametrize("kind", [o.FAILURE_KIND_REFUSED, o.FAILURE_KIND_MALFORMED])
async def test_other_failures_are_told_at_once(
    wires: list[Wire], kind: o.FailureKind.ValueType
) -> None:
    asker = Asker()
    asker.ask("a.test")
    wires[0].answer(kind)
    assert asker.kinds == [kind]
    await settle()
    assert not asker.erased


async def test_what_is_to_be_fresh_is_asked_when_the_resolver_has_forgotten_it(
    wires: list[Wire],
) -> None:
    asker = Asker()
    asker.ask("a.test", fresh=True)
    assert not wires
    await settle()
    assert asker.erased == [("a.test", A)]
    wires[0].answer()
    assert len(asker.answers) == 1


@pytest.mark.parametrize("forgets", [False, None])
async def test_what_cannot_be_fresh_is_a_failure(wires: list[Wire], forgets: bool | None) -> None:
    asker = Asker(forgets=forgets)
    asker.ask("a.test", fresh=True)
    await settle()
    assert not wires
    assert asker.kinds == [o.FAILURE_KIND_RESOLVER_UNAVAILABLE]


async def test_what_a_connection_loses_is_asked_once_more_and_then_fails(
    wires: list[Wire],
) -> None:
    asker = Asker()
    asker.ask("a.test")
    wires[0].lose()
    assert len(wires) == 2
    wires[1].lose()
    assert len(wires) == 2
    assert asker.kinds == [o.FAILURE_KIND_RESOLVER_UNAVAILABLE]
    assert asker.resolver.connections == 0


async def test_what_was_given_up_is_not_asked_again_when_its_connection_is_lost(
    wires: list[Wire],
) -> None:
    asker = Asker()
    given_up, _ = asker.ask("a.test", "b.test")
    asker.resolver.abandon(given_up)
    assert wires[0].retired
    wires[0].lose()
    assert [one.query.name for one in wires[1].lookups] == ["b.test"]


async def test_what_is_given_up_counts_as_such_and_is_told_nobody(wires: list[Wire]) -> None:
    asker = Asker()
    (lookup,) = asker.ask("a.test")
    asker.resolver.abandon(lookup)
    assert asker.resolver.in_flight == 0
    assert [answer.failure.kind for answer in asker.counted] == [o.FAILURE_KIND_TIMEOUT]
    wires[0].answer()
    assert not asker.answers


@pytest.mark.parametrize("fresh", [True, False])
async def test_what_is_given_up_before_it_is_sent_is_not_sent(
    wires: list[Wire], fresh: bool
) -> None:
    asker = Asker(connections=1)
    if not fresh:
        asker.ask(*hosts(PER_CONNECTION))
    (lookup,) = asker.ask("late.test", fresh=fresh)
    asker.resolver.abandon(lookup)
    await settle()
    for wire in wires:
        while wire.lookups:
            wire.answer()
    await settle()
    assert "late.test" not in [name for wire in wires for name in wire.sent]


async def test_connections_are_opened_as_needed_and_no_more_than_allowed(
    wires: list[Wire],
) -> None:
    asker = Asker(connections=2)
    asker.ask(*hosts(PER_CONNECTION))
    assert len(wires) == 1
    lookups = asker.ask(*hosts(PER_CONNECTION + 3))
    assert (len(wires), asker.resolver.opened) == (2, 2)
    assert [one.is_queued for one in lookups] == [False] * PER_CONNECTION + [True] * 3
    wires[0].answer()
    assert [one.is_queued for one in lookups[-3:]] == [False, True, True]


async def test_where_a_lost_connection_leaves_room_who_waits_has_it(wires: list[Wire]) -> None:
    asker = Asker(connections=1)
    first, second, *_ = asker.ask(*hosts(PER_CONNECTION))
    waiting = asker.ask("one.test", "two.test", "three.test")
    asker.resolver.abandon(first)
    asker.resolver.abandon(second)
    wires[0].lose()
    assert len(wires[1].lookups) == PER_CONNECTION
    assert [one.is_queued for one in waiting] == [False, False, True]


async def test_so_many_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITING", 3)
    asker = Asker(connections=1)
    asker.ask(*hosts(PER_CONNECTION + 2))
    assert not asker.resolver.is_full
    asker.ask("one-more.test")
    assert asker.resolver.is_full


async def test_once_closed_nothing_is_asked_and_all_fails(wires: list[Wire]) -> None:
    asker = Asker()
    asker.ask(*hosts(3))
    asker.resolver.close()
    assert wires[0].closed
    assert asker.kinds == [o.FAILURE_KIND_RESOLVER_UNAVAILABLE] * 3
    assert len(wires) == 1


async def test_who_waits_for_one_lookup_waits_no_longer_than_told(wires: list[Wire]) -> None:
    asker = Asker()
    asking = asyncio.create_task(asker.resolver.lookup("a.test", CAA, 60))
    await settle()
    assert wires[0].lookups[0].query.rdtype == CAA
    wires[0].answer()
    assert (await asking).absence == o.ABSENCE_NO_DATA
    late = await asker.resolver.lookup("b.test", CAA, 0.001)
    assert late.failure.kind == o.FAILURE_KIND_TIMEOUT
    assert asker.resolver.in_flight == 0


def attribute(answer: o.Lookup, since: float) -> None:
    del since
    answer.failure.kind = o.FAILURE_KIND_OVERLOADED


async def test_what_our_own_side_was_too_slow_for_is_ours(
    wires: list[Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = Asker(forgets=None)
    monkeypatch.setattr(asker.resolver.overload_history, "attribute", attribute)
    asker.ask("a.test")
    wires[0].answer(o.FAILURE_KIND_SERVFAIL)
    assert asker.kinds == [o.FAILURE_KIND_OVERLOADED]
