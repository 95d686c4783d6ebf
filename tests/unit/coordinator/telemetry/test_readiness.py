"""Whether anything could be approved right now, by who can be asked."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.rules.policy import BASELINE_ROWS, Policy
from coordinator.rules.roster import Perspective, Roster
from coordinator.telemetry.readiness import why_no_primary, why_no_quorum
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world.main_path import MainPath
from tests.world.places import PLACES
from tests.world.samples import NOVEMBER, WORLD, perspective


class Link:
    """As much of a link as is asked."""

    def __init__(self, one: Perspective, *, is_up: bool) -> None:
        self.perspective = one
        self.problem = None if is_up else PerspectiveProblem(c.DISSENT_UNREACHABLE, "not connected")
        self.known_kinds = frozenset({"caa_walk", "addresses"})


def links(roster: Roster, *down: int) -> Any:  # noqa: ANN401 - stand for links
    return [Link(one, is_up=n not in down) for n, one in enumerate(roster.perspectives)]


def why_not(
    roster: Roster, *down: int, policy: Policy | None = None, now: datetime = NOVEMBER
) -> str:
    """Say why a coordinator of this roster could approve nothing."""
    row_in_force = MainPath(roster, policy, now).corroborator.row_in_force
    return why_no_quorum(links(roster, *down), roster, row_in_force)


def test_without_the_primary_nothing_is_approved() -> None:
    assert why_no_primary(links(WORLD)) == ""
    assert why_no_primary(links(WORLD, 1, 2, 3)) == ""
    assert why_no_primary(links(WORLD, 0)) == "tokyo: not connected"


@pytest.mark.parametrize(("down", "is_ready"), [((), True), ((0, 3), True), ((2, 5), False)])
async def test_four_of_five_are_needed(down: tuple[int, ...], is_ready: bool) -> None:
    assert (why_not(WORLD, *down) == "") == is_ready


async def test_who_is_away_is_told_and_the_primary_is_no_remote() -> None:
    why = why_not(WORLD, 0, 2, 5)
    assert why.startswith("3 of 5 remotes can be asked, 4 must corroborate, from 2 regions: ")
    assert why.endswith("ashburn: not connected; singapore: not connected")


async def test_of_a_larger_roster_those_who_are_up_are_asked() -> None:
    seven = Roster(WORLD.primary, [perspective(place) for place in PLACES[1:8]])
    sets = Policy([replace(row, remotes_per_attempt=5) for row in BASELINE_ROWS])
    assert why_not(seven, 1, 2, policy=sets) == ""
    assert why_not(seven, 1, 2, 3, 4, policy=sets)


async def test_regions_are_needed_too() -> None:
    arin = [replace(one, rir=o.RIR_ARIN) for one in WORLD.remotes[1:]]
    roster = Roster(WORLD.primary, [WORLD.remotes[0], *arin])
    assert why_not(roster) == ""
    assert why_not(roster, 1)


async def test_a_roster_that_breaks_the_policy_is_never_ready() -> None:
    first, second, *others = WORLD.remotes
    together = Roster(WORLD.primary, [first, replace(second, egress=first.egress), *others])
    assert "the row demands 500" in why_not(together)


async def test_where_no_row_of_the_policy_is_in_force_it_is_not_ready() -> None:
    before = min(row.effective_from for row in Policy().rows) - timedelta(days=1)
    assert why_not(WORLD) == ""
    assert why_not(WORLD, now=before)


@pytest.mark.parametrize(
    ("older", "is_ready"), [((), True), ((3,), True), ((0,), False), ((2, 5), False)]
)
async def test_an_agent_that_does_not_know_a_usual_check_cannot_corroborate(
    older: tuple[int, ...], is_ready: bool
) -> None:
    some = links(WORLD)
    for number in older:
        some[number].known_kinds = frozenset({"caa_walk"})
    why = why_no_quorum(some, WORLD, MainPath(WORLD).corroborator.row_in_force)
    assert (why == "") == is_ready
    assert ("its agent is older and does not know addresses" in why) != is_ready
