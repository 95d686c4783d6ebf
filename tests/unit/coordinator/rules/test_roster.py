"""A roster against a policy row: number, regions, distances between perspectives and resolvers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from coordinator.rules.policy import Policy, PolicyRow
from coordinator.rules.roster import Location, Roster, distance_km, find_breaches
from mpic.v1 import observation_pb2 as o
from tests.world.samples import WORLD

NOVEMBER = Policy().row_at(datetime(2026, 11, 23, tzinfo=UTC))
DECEMBER = Policy().row_at(datetime(2026, 12, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (Location(0, 0), Location(0, 1), 111.32),
        (Location(0, 179.5), Location(0, -179.5), 111.32),  # over the date line
        (Location(90, 0), Location(-90, 0), 20003.93),
        (Location(35.68, 139.69), Location(35.68, 139.69), 0),
    ],
)
def test_distance_over_the_ellipsoid(one: Location, other: Location, km: float) -> None:
    assert distance_km(one, other) == pytest.approx(km, abs=0.5)


def test_a_spread_roster_breaks_nothing() -> None:
    assert find_breaches(WORLD, NOVEMBER) == []
    assert find_breaches(WORLD, DECEMBER) == []


def test_the_primarys_region_does_not_count() -> None:
    remotes = [replace(one, rir=o.RIR_ARIN) for one in WORLD.remotes]
    assert WORLD.primary.rir == o.RIR_APNIC
    assert find_breaches(Roster(WORLD.primary, remotes), NOVEMBER)


def test_a_quorum_nobody_can_meet() -> None:
    row = PolicyRow(NOVEMBER.effective_from, 4, minimum_corroborating=6)
    (breach,) = find_breaches(WORLD, row)
    assert breach.fact == "6 remotes must corroborate, the roster has 5"
