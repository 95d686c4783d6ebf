"""Whether anything could be approved right now, by who can be asked."""

from dataclasses import replace
from typing import Any, cast

import pytest

from coordinator.corroboration import Corroborator
from coordinator.perspectives.errors import PerspectiveProblem
from coordinator.perspectives.fanout import Fanout
from coordinator.rules.policy import BASELINE_ROWS, Policy
from coordinator.rules.roster import Perspective, Roster, Rules
from coordinator.telemetry.readiness import why_no_primary, why_no_quorum
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world.places import PLACES
from tests.world.samples import NOVEMBER, WORLD, perspective


class Link:
    """As much of a link as is asked."""

    def __init__(self, one: Perspective, *, is_up: bool) -> None:
        self.perspective = one
        self.problem = None if is_up else PerspectiveProblem(c.DISSENT_UNREACHABLE, "not connected")


def links(roster: Roster, *down: int) -> Any:  # noqa: ANN401 - stand for links
    return [Link(one, is_up=n not in down) for n, one in enumerate(roster.perspectives)]


def corroborator(roster: Roster = WORLD, policy: Policy | None = None) -> Corroborator:
    rules = Rules(roster, policy or Policy())
    return Corroborator(rules, cast("Fanout", None), lambda: NOVEMBER, lambda _: None)


def test_without_the_primary_nothing_is_approved() -> None:
    assert why_no_primary(links(WORLD)) == ""
    assert why_no_primary(links(WORLD, 1, 2, 3)) == ""
    assert why_no_primary(links(WORLD, 0)) == "tokyo: not connected"


@pytest.mark.parametrize(("down", "is_ready"), [((), True), ((0, 3), True), ((2, 5), False)])
def test_four_of_five_are_needed(down: tuple[int, ...], is_ready: bool) -> None:
    why = why_no_quorum(links(WORLD, *down), corroborator())
    assert (why == "") == is_ready


def test_who_is_away_is_told_and_the_primary_is_no_remote() -> None:
    why = why_no_quorum(links(WORLD, 0, 2, 5), corroborator())
    assert why.startswith("3 of 5 remotes can be asked, 4 must corroborate, from 2 regions: ")
    assert why.endswith("ashburn: not connected; singapore: not connected")


def test_of_a_larger_roster_those_who_are_up_are_asked() -> None:
    seven = Roster(WORLD.primary, [perspective(place) for place in PLACES[1:8]])
    sets = Policy([replace(row, remotes_per_attempt=5) for row in BASELINE_ROWS])
    assert why_no_quorum(links(seven, 1, 2), corroborator(seven, sets)) == ""
    assert why_no_quorum(links(seven, 1, 2, 3, 4), corroborator(seven, sets))


def test_regions_are_needed_too() -> None:
    arin = [replace(one, rir=o.RIR_ARIN) for one in WORLD.remotes[1:]]
    roster = Roster(WORLD.primary, [WORLD.remotes[0], *arin])
    assert why_no_quorum(links(roster), corroborator(roster)) == ""
    assert why_no_quorum(links(roster, 1), corroborator(roster))


def test_a_roster_that_breaks_the_policy_is_never_ready() -> None:
    first, second, *others = WORLD.remotes
    together = Roster(WORLD.primary, [first, replace(second, egress=first.egress), *others])
    assert "the row demands 500" in why_no_quorum(links(together), corroborator(together))
