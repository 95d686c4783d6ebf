"""BR 3.2.2.9 as rules, without a service: the table, the dates, the regions, the distances."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from coordinator.rules.policy import BASELINE_ROWS, Policy, PolicyRow
from coordinator.rules.quorum import AttemptRules, judge_quorum
from coordinator.rules.roster import Location, Roster, distance_km, find_breaches
from mpic.v1 import corroboration_pb2 as c
from mpic.v1 import observation_pb2 as o
from tests.world.samples import WORLD

MOMENT = timedelta(seconds=1)
NOVEMBER = Policy().row_at(datetime(2026, 11, 23, tzinfo=UTC))
MIDNIGHT = datetime(2026, 12, 15, tzinfo=UTC)
DECEMBER = Policy().row_at(MIDNIGHT)
RIRS = [o.RIR_RIPE, o.RIR_ARIN, o.RIR_APNIC, o.RIR_LACNIC, o.RIR_AFRINIC]
ANY_NUMBER = PolicyRow(datetime(2020, 1, 1, tzinfo=UTC), minimum_remotes=2)


def spread(count: int) -> list[o.Rir.ValueType]:
    return [RIRS[index % len(RIRS)] for index in range(count)]


@pytest.mark.parametrize(
    ("attempted", "needed"), [(2, 1), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (8, 6)]
)
def test_br_3_2_2_9_table_of_allowed_noncorroborations(attempted: int, needed: int) -> None:
    # One corroborating remote cannot stand in two regions, so that rule is left out here.
    row = PolicyRow(ANY_NUMBER.effective_from, minimum_remotes=2, minimum_regions=1)
    terms = AttemptRules(row, attempted)
    assert terms.required == needed
    for corroborating in range(attempted + 1):
        expected = c.REASON_CORROBORATED if corroborating >= needed else c.REASON_QUORUM_NOT_MET
        assert judge_quorum(spread(corroborating), terms) == expected


def test_br_3_2_2_9_of_one_remote_none_may_dissent() -> None:
    for row in BASELINE_ROWS:
        assert [row.allowed_noncorroborations(used) for used in (0, 1, 2)] == [0, 0, 1]


def test_br_3_2_2_9_four_of_five_in_one_region_are_refused() -> None:
    assert judge_quorum([o.RIR_ARIN] * 4, AttemptRules(ANY_NUMBER, 5)) == c.REASON_REGIONS_NOT_MET
    two_regions = [o.RIR_ARIN] * 3 + [o.RIR_RIPE]
    assert judge_quorum(two_regions, AttemptRules(ANY_NUMBER, 5)) == c.REASON_CORROBORATED


def test_br_3_2_2_9_minimum_of_remotes_by_the_date_of_issuance() -> None:
    before = datetime(2026, 12, 14, 23, 59, 59, tzinfo=UTC)
    after = before + timedelta(seconds=1)
    four = spread(4)
    assert judge_quorum(four, AttemptRules(Policy().row_at(before), 4)) == c.REASON_CORROBORATED
    assert judge_quorum(four, AttemptRules(Policy().row_at(after), 4)) == c.REASON_TOO_FEW_REMOTES
    assert judge_quorum(spread(5), AttemptRules(Policy().row_at(after), 5)) == c.REASON_CORROBORATED


def test_br_1_6_4_a_row_applies_from_midnight_utc() -> None:
    assert Policy().row_at(MIDNIGHT - MOMENT).minimum_remotes == 4
    assert Policy().row_at(MIDNIGHT).minimum_remotes == 5


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


def test_br_3_2_2_9_the_limit_itself_is_far_enough() -> None:
    primary = replace(WORLD.primary, egress=Location(0, 0), resolver=Location(0, 0))
    apart = distance_km(Location(0, 0), Location(0, 4.5))
    row = PolicyRow(NOVEMBER.effective_from, 1, minimum_regions=1, minimum_distance_km=500)
    assert apart > 500
    near, far = Location(0, 4.49), Location(0, 4.5)
    for place, count in ((near, 2), (far, 0)):
        one = replace(WORLD.remotes[0], egress=place, resolver=place)
        assert len(find_breaches(Roster(primary, [one]), row)) == count
