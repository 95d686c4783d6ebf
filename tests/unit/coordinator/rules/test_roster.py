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


def test_br_3_2_2_9_four_remotes_until_december() -> None:
    four = Roster(WORLD.primary, WORLD.remotes[:4])
    assert find_breaches(four, NOVEMBER) == []
    (breach,) = find_breaches(four, DECEMBER)
    assert str(breach) == (
        "BR 3.2.2.9, number of remote perspectives from 2026-12-15: the roster has 4, the row"
        ' demands 5. Add 1 [[perspective]] with role = "remote".'
    )


def test_br_3_2_2_9_one_region_is_not_enough() -> None:
    remotes = [replace(one, rir=o.RIR_ARIN) for one in WORLD.remotes]
    (breach,) = find_breaches(Roster(WORLD.primary, remotes), NOVEMBER)
    assert str(breach) == (
        "BR 3.2.2.9, RIR service regions: the remotes stand in 1 (ARIN), the row demands 2."
        " Add or move a remote to another region, or correct its rir."
    )


def test_the_primarys_region_does_not_count() -> None:
    remotes = [replace(one, rir=o.RIR_ARIN) for one in WORLD.remotes]
    assert WORLD.primary.rir == o.RIR_APNIC
    assert find_breaches(Roster(WORLD.primary, remotes), NOVEMBER)


NEAR_FRANKFURT = Location(51.22, 6.77)  # Duesseldorf, some 180 km


def test_br_3_2_2_9_two_perspectives_too_close() -> None:
    near = replace(WORLD.remotes[1], egress=NEAR_FRANKFURT)
    remotes = [WORLD.remotes[0], near, *WORLD.remotes[2:]]
    (breach,) = find_breaches(Roster(WORLD.primary, remotes), NOVEMBER)
    assert str(breach) == (
        "BR 3.2.2.9, distance: frankfurt and ashburn are 183 km apart (network egress), the row"
        " demands 500. Move one of them, or correct its network egress coordinates."
    )


def test_br_3_2_2_9_two_resolvers_too_close() -> None:
    near = replace(WORLD.remotes[1], resolver=NEAR_FRANKFURT)
    remotes = [WORLD.remotes[0], near, *WORLD.remotes[2:]]
    (breach,) = find_breaches(Roster(WORLD.primary, remotes), NOVEMBER)
    assert "frankfurt and ashburn are 183 km apart (resolver)" in breach.fact


def test_br_3_2_2_9_a_resolver_stands_in_its_perspectives_region() -> None:
    for rir in (o.RIR_UNSPECIFIED, WORLD.primary.rir):
        assert not find_breaches(with_resolver_in(rir), NOVEMBER)
    (breach,) = find_breaches(with_resolver_in(o.RIR_ARIN), NOVEMBER)
    assert "the resolver of tokyo stands in ARIN, tokyo in APNIC" in str(breach)


def with_resolver_in(rir: o.Rir.ValueType) -> Roster:
    return Roster(replace(WORLD.primary, resolver_rir=rir), WORLD.remotes)


def test_br_3_2_2_9_the_primary_counts_among_the_pairs() -> None:
    primary = replace(WORLD.primary, egress=NEAR_FRANKFURT, resolver=NEAR_FRANKFURT)
    breaches = find_breaches(Roster(primary, WORLD.remotes), NOVEMBER)
    assert [breach.fact[:19] for breach in breaches] == ["tokyo and frankfurt"] * 2


def test_the_limit_itself_is_far_enough() -> None:
    primary = replace(WORLD.primary, egress=Location(0, 0), resolver=Location(0, 0))
    apart = distance_km(Location(0, 0), Location(0, 4.5))
    row = PolicyRow(NOVEMBER.effective_from, 1, minimum_regions=1, minimum_distance_km=500)
    assert apart > 500
    near, far = Location(0, 4.49), Location(0, 4.5)
    for place, count in ((near, 2), (far, 0)):
        one = replace(WORLD.remotes[0], egress=place, resolver=place)
        assert len(find_breaches(Roster(primary, [one]), row)) == count


def test_a_quorum_nobody_can_meet() -> None:
    row = PolicyRow(NOVEMBER.effective_from, 4, minimum_corroborating=6)
    (breach,) = find_breaches(WORLD, row)
    assert breach.fact == "6 remotes must corroborate, the roster has 5"
