"""The main path, with perspectives that answer at once: who is asked, and what is recorded."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from secrets import SystemRandom

import pytest
from structlog.testing import capture_logs

from coordinator import corroboration
from coordinator.rules.policy import BASELINE_ROWS, Policy
from coordinator.rules.roster import Perspective, Roster
from mpic.runtime.grpc.errors import RequestError
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import record_pb2 as r
from tests.world.main_path import MainPath
from tests.world.places import PLACES
from tests.world.samples import NAME, WORLD, perspective

FOUR = Roster(WORLD.primary, WORLD.remotes[:4])
SEVEN = Roster(WORLD.primary, [perspective(place) for place in PLACES[1:8]])
SETS_OF_FIVE = Policy([replace(row, remotes_per_attempt=5) for row in BASELINE_ROWS])


def at(moment: str) -> datetime:
    """Return a moment given as in a policy file."""
    return datetime.fromisoformat(moment).astimezone(UTC)


def only(record: r.Record) -> r.RecordedName:
    (name,) = record.names
    return name


def ids(perspectives: Sequence[Perspective]) -> list[str]:
    return [one.id for one in perspectives]


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2026-12-14T23:59:59Z", c.REASON_CORROBORATED),
        ("2026-12-15T00:59:59+01:00", c.REASON_CORROBORATED),
        ("2026-12-15T00:00:00Z", c.REASON_TOO_FEW_REMOTES),
        ("2026-12-14T19:00:00-05:00", c.REASON_TOO_FEW_REMOTES),
    ],
)
async def test_br_3_2_2_9_four_remotes_are_enough_until_the_15th_of_december(
    moment: str, reason: c.Reason.ValueType
) -> None:
    name = only(await MainPath(FOUR, now=at(moment)).decide())
    assert (name.reason, name.quorum) == (reason, "4/4")


async def test_five_remotes_are_enough_after_it() -> None:
    name = only(await MainPath(now=at("2026-12-15T00:00:00Z")).decide())
    assert name.reason == c.REASON_CORROBORATED


async def test_br_3_2_2_9_every_name_of_a_certificate_has_a_verdict_of_its_own() -> None:
    path = MainPath()
    path.fanout.about = NAME
    record = await path.decide(NAME, "other.example.com")
    reasons = [name.reason for name in record.names]
    # An answer about NAME is garbage to a question about another.
    assert reasons == [c.REASON_CORROBORATED, c.REASON_PRIMARY_UNAVAILABLE]


async def test_br_3_2_2_9_those_asked_are_those_counted() -> None:
    """Of a roster of seven remotes five are asked: the quorum is theirs, whoever else is there."""
    path = MainPath(SEVEN, SETS_OF_FIVE)
    record = await path.decide()
    (asked,) = path.fanout.rosters
    assert len(asked.remotes) == 5
    assert [one.id for one in record.perspectives] == ids(asked.perspectives)
    assert record.policy.remotes_asked == 5
    assert (only(record).quorum, only(record).required) == ("5/5", 4)
    with pytest.raises(RequestError) as raised:
        await path.decide(request_id="r-2", tightening=c.Tightening(min_corroborating=6))
    assert [one.field for one in raised.value.violations] == ["tightening.min_corroborating"]


def test_which_networks_an_attempt_looks_from_is_drawn_by_a_lot_nobody_can_foresee() -> None:
    assert isinstance(corroboration._LOT, SystemRandom)


async def test_those_who_can_be_asked_are_asked_first() -> None:
    away = SEVEN.remotes[2:4]
    ready = [one for one in SEVEN.perspectives if one not in away]
    for _ in range(10):
        path = MainPath(SEVEN, SETS_OF_FIVE)
        path.fanout._ready = frozenset(ids(ready))
        await path.decide()
        assert sorted(ids(path.fanout.rosters[0].perspectives)) == sorted(ids(ready))


async def test_br_3_2_2_9_a_roster_whose_perspectives_stand_together_is_not_asked() -> None:
    first, second, *others = WORLD.remotes
    together = replace(second, egress=first.egress)
    path = MainPath(Roster(WORLD.primary, [first, together, *others]))
    with pytest.raises(RequestError) as raised:
        await path.decide()
    assert raised.value.reason == "ROSTER_BREAKS_POLICY"
    assert not path.fanout.rosters


async def test_what_nobody_waits_for_any_more_is_withdrawn() -> None:
    path = MainPath()
    path.fanout.silent = [WORLD.primary]
    deciding = asyncio.create_task(path.decide())
    for _ in range(5):
        await asyncio.sleep(0)
    assert path.fanout.rosters
    deciding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deciding
    assert path.fanout.is_withdrawn


async def test_who_lingers_waits_for_the_last() -> None:
    path, last = MainPath(), WORLD.remotes[4]
    path.fanout.silent = [last]
    linger = c.CorroborateRequest()
    linger.linger.FromSeconds(10)
    deciding = asyncio.create_task(path.decide(linger=linger.linger))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not deciding.done()
    path.fanout.receive(0, path.fanout.reply(last, NAME))
    assert only(await deciding).quorum == "5/5"


async def test_what_comes_before_the_verdict_is_frozen_is_told_and_then_is_late() -> None:
    path = MainPath()
    path.disk.turn = asyncio.Event()
    *_, fifth, sixth = WORLD.perspectives
    path.fanout.silent = [fifth, sixth]
    deciding = asyncio.create_task(path.decide())
    for _ in range(10):
        await asyncio.sleep(0)
    # The verdict is certain; its turn to be written has not come.
    path.fanout.receive(0, path.fanout.reply(fifth, NAME))
    path.disk.turn.set()
    name = only(await deciding)
    assert [one.dissent for one in name.replies] == [0] * 5 + [c.DISSENT_NOT_AWAITED]
    assert name.quorum == "4/5"
    path.fanout.receive(0, path.fanout.reply(sixth, NAME))
    (entry,) = path.disk.added
    assert [one.perspective_id for one in entry.late.replies] == [sixth.id]


async def test_a_verdict_is_counted_and_logged_as_it_is_told() -> None:
    path = MainPath()
    with capture_logs() as lines:
        await path.decide()
    assert (path.count("approved"), path.count("cancelled")) == (1, 0)
    assert [line["event"] for line in lines] == ["verdict"]
