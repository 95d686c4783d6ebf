"""Places and regions that do not fit each other are found in a roster."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coordinator.rules.countries import Atlas
from coordinator.rules.placement import find_misplacements
from coordinator.rules.roster import Location, Roster, find_breaches
from mpic.v1 import observation_pb2 as o
from tests.unit.coordinator.rules.test_roster import NOVEMBER
from tests.world.places import PLACES
from tests.world.samples import WORLD

ATLAS = Atlas.read()

# Where data centres are: region, country, latitude, longitude.
CITIES = """
AFRINIC Johannesburg   ZA -26.20  28.05
AFRINIC Cape-Town      ZA -33.92  18.42
AFRINIC Nairobi        KE  -1.29  36.82
AFRINIC Mombasa        KE  -4.05  39.67
AFRINIC Lagos          NG   6.45   3.40
AFRINIC Accra          GH   5.56  -0.20
AFRINIC Cairo          EG  30.04  31.24
AFRINIC Casablanca     MA  33.57  -7.59
AFRINIC Port-Louis     MU -20.16  57.50
AFRINIC Djibouti       DJ  11.59  43.15
APNIC   Tokyo          JP  35.68 139.69
APNIC   Osaka          JP  34.69 135.50
APNIC   Seoul          KR  37.57 126.98
APNIC   Singapore      SG   1.35 103.82
APNIC   Hong-Kong      HK  22.32 114.17
APNIC   Mumbai         IN  19.07  72.88
APNIC   Sydney         AU -33.87 151.21
APNIC   Perth          AU -31.95 115.86
APNIC   Auckland       NZ -36.85 174.76
APNIC   Jakarta        ID  -6.21 106.85
APNIC   Taipei         TW  25.03 121.57
APNIC   Suva           FJ -18.14 178.44
ARIN    Ashburn        US  39.04 -77.49
ARIN    Portland       US  45.52 -122.68
ARIN    San-Jose       US  37.34 -121.89
ARIN    Dallas         US  32.78 -96.80
ARIN    Miami          US  25.76 -80.19
ARIN    Honolulu       US  21.31 -157.86
ARIN    Montreal       CA  45.50 -73.57
ARIN    San-Juan       PR  18.47 -66.11
LACNIC  Sao-Paulo      BR -23.55 -46.63
LACNIC  Fortaleza      BR  -3.73 -38.52
LACNIC  Santiago       CL -33.45 -70.67
LACNIC  Buenos-Aires   AR -34.60 -58.38
LACNIC  Bogota         CO   4.71 -74.07
LACNIC  Queretaro      MX  20.59 -100.39
LACNIC  Panama         PA   8.98 -79.52
LACNIC  Willemstad     CW  12.11 -68.93
RIPE    Frankfurt      DE  50.11   8.68
RIPE    London         GB  51.51  -0.13
RIPE    Amsterdam      NL  52.37   4.90
RIPE    Marseille      FR  43.30   5.37
RIPE    Lisbon         PT  38.72  -9.14
RIPE    Reykjavik      IS  64.15 -21.94
RIPE    Stockholm      SE  59.33  18.07
RIPE    Dubai          AE  25.20  55.27
RIPE    Bahrain        BH  26.23  50.59
RIPE    Tel-Aviv       IL  32.08  34.78
RIPE    Istanbul       TR  41.01  28.98
RIPE    Vladivostok    RU  43.12 131.89
"""
CITIES_OF_BOTH_SIDES = {"Nairobi", "Mombasa", "Accra", "Cairo", "Suva", "London"}
ROWS = [line.split() for line in CITIES.split("\n") if line]


def place_at(rir: str, place: Location, resolver: Location | None = None) -> Roster:
    """A roster whose first remote is there and says that it is in this region."""
    region = o.Rir.Value(f"RIR_{rir}")
    one = replace(WORLD.remotes[0], rir=region, egress=place, resolver=resolver or place)
    return Roster(WORLD.primary, [one, *WORLD.remotes[1:]])


def found(rir: str, place: Location) -> list[str]:
    return [str(breach) for breach in find_misplacements(place_at(rir, place), ATLAS)]


@pytest.mark.parametrize(
    ("rir", "country", "latitude", "longitude"),
    [pytest.param(rir, code, float(y), float(x), id=city) for rir, city, code, y, x in ROWS],
)
def test_where_data_centres_are_nothing_is_said(
    rir: str, country: str, latitude: float, longitude: float
) -> None:
    for code in ("", country):
        assert found(rir, Location(latitude, longitude, code)) == []


def slips(latitude: float, longitude: float) -> Iterator[Location]:
    """The usual ones: swapped, a minus lost or added, both."""
    if abs(longitude) <= 90:
        yield Location(longitude, latitude)
    yield Location(-latitude, longitude)
    yield Location(latitude, -longitude)
    yield Location(-latitude, -longitude)


def test_most_slips_are_found_and_all_that_leave_a_country_that_is_told() -> None:
    told = untold = total = 0
    missed = []
    for rir, city, code, y, x in ROWS:
        for slip in slips(float(y), float(x)):
            total += 1
            untold += bool(found(rir, slip))
            if found(rir, replace(slip, country=code)):
                told += 1
            else:
                missed.append((city, slip))
    # The others lie in a country of the same region.
    assert untold / total > 0.8, untold / total
    # Those of whom that is so lie in the same country, on the other side of a line through it.
    assert {city for city, _ in missed} == CITIES_OF_BOTH_SIDES
    assert told == total - len(missed)


def test_the_other_regions_are_refused_everywhere() -> None:
    for rir, city, code, y, x in ROWS:
        others = {"AFRINIC", "APNIC", "ARIN", "LACNIC", "RIPE"} - {rir}
        refused = {one for one in others if found(one, Location(float(y), float(x), code))}
        assert refused == others, city


def test_the_message_says_where_it_lies_and_what_would_fit() -> None:
    assert found("LACNIC", Location(50.11, 8.68)) == [
        f"BR 3.2.2.9, place and RIR service region: the {what} of frankfurt (50.11, 8.68) lies in"
        " DE (RIPE), not in the region of LACNIC. Correct its coordinates, or its rir."
        for what in ("network egress", "resolver")
    ]
    assert "lies in SO (AFRINIC)" in found("RIPE", Location(8.68, 50.11))[0]
    assert (
        "With latitude and longitude swapped it would fit"
        in found("RIPE", Location(8.68, 50.11))[0]
    )
    assert (
        "With the other sign of its longitude it would" in found("ARIN", Location(39.04, 77.49))[0]
    )
    assert (
        "With the other sign of its latitude it would" in found("APNIC", Location(33.87, 151.2))[0]
    )
    assert "With both other signs it would" in found("LACNIC", Location(23.55, 46.63))[0]
    assert "(0, 0) lies at sea, not in" in found("AFRINIC", Location(0, 0))[0]
    assert "(0, 0) lies at sea, not in GH" in found("AFRINIC", Location(0, 0, "GH"))[0]


def test_a_country_that_is_told_is_held_against_region_and_map() -> None:
    assert (
        "is in DE, which is RIPE's; its rir is LACNIC"
        in found("LACNIC", Location(50.11, 8.68, "DE"))[0]
    )
    assert "lies in DE (RIPE), not in FR" in found("RIPE", Location(50.11, 8.68, "FR"))[0]
    assert "which ISO 3166 does not have" in found("RIPE", Location(51.5, -0.1, "UK"))[0]
    # Overseas: the region is that of the place, not that of the state.
    assert "not in FR" in found("RIPE", Location(-20.88, 55.45, "FR"))[0]
    assert found("AFRINIC", Location(-20.88, 55.45, "RE")) == []
    assert found("LACNIC", Location(12.15, -68.27, "BQ")) == []


def test_the_resolver_is_looked_at_by_itself() -> None:
    tokyo = Location(35.68, 139.69)
    roster = place_at("RIPE", Location(50.11, 8.68), resolver=tokyo)
    (breach,) = find_misplacements(roster, ATLAS)
    assert breach.fact.startswith("the resolver of frankfurt (35.68, 139.69) lies in JP (APNIC)")
    other = replace(roster.remotes[0], resolver_rir=o.RIR_APNIC)
    assert find_misplacements(Roster(roster.primary, [other, *roster.remotes[1:]]), ATLAS) == []


def test_over_the_date_line_and_at_the_poles() -> None:
    assert {one.code for one in ATLAS.find(Location(-16.5, 179.98))} == {"FJ"}
    assert {one.code for one in ATLAS.find(Location(-16.5, -179.98))} == {"FJ"}
    assert [one.code for one in ATLAS.find(Location(-90, 0))] == ["AQ"]
    assert not ATLAS.find(Location(90, 0))


def test_the_places_of_demo_and_tests_fit() -> None:
    assert find_misplacements(WORLD, ATLAS) == []
    for one in PLACES:
        assert found(one.rir, Location(one.latitude, one.longitude)) == []
    assert find_breaches(WORLD, NOVEMBER) == []


def test_the_atlas_has_every_code_but_that_of_an_island_without_people() -> None:
    table = Path("/usr/share/zoneinfo/iso3166.tab").read_text()
    codes = {line[:2] for line in table.splitlines() if not line.startswith("#")}
    assert codes - set(ATLAS.countries) == {"BV"}
    assert set(ATLAS.countries) - codes == {"XK"}
    towns = Path("/usr/share/zoneinfo/zone.tab").read_text()
    assert all(ATLAS.countries[line[:2]].rows for line in towns.splitlines() if line[0] != "#")
