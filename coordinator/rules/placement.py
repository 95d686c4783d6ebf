"""Whether the coordinates, countries and regions of a roster fit each other. Pure.

The rules of BR 3.2.2.9 on regions and distances are about where a perspective really is. With a
slip in its coordinates or its region they would hold only on paper.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from coordinator.rules.countries import Atlas
from coordinator.rules.roster import Breach, Location, Roster
from mpic.v1 import observation_pb2 as o

_RULE = "BR 3.2.2.9, place and RIR service region"


@dataclass(frozen=True, slots=True)
class Site:
    """One place of a perspective: its egress or its resolver."""

    what: str
    """Such as "the resolver of tokyo"."""
    place: Location
    rir: o.Rir.ValueType


def find_misplacements(roster: Roster, atlas: Atlas) -> list[Breach]:
    """Return places that are impossible: at sea, outside their country, or outside their region."""
    return [breach for site in _sites(roster) for breach in _judge(site, atlas)]


def _sites(roster: Roster) -> Iterator[Site]:
    for one in roster.perspectives:
        yield Site(f"the network egress of {one.id}", one.egress, one.rir)
        yield Site(f"the resolver of {one.id}", one.resolver, one.resolver_rir or one.rir)


def _judge(site: Site, atlas: Atlas) -> Iterator[Breach]:
    country = site.place.country
    if country and country not in atlas.countries:
        fact = f"the country of {site.what} is {country!r}, which ISO 3166 does not have"
        yield Breach(_RULE, fact, "Write its two letters, such as DE")
    elif country and atlas.countries[country].rir != site.rir:
        served = _name(atlas.countries[country].rir)
        fact = f"{site.what} is in {country}, which is {served}'s; its rir is {_name(site.rir)}"
        yield Breach(_RULE, fact, f'Set rir = "{served}", or correct the country')
    elif not _fits(site, site.place, atlas):
        yield Breach(_RULE, _say_where(site, atlas), _say_mend(site, atlas))


def _fits(site: Site, place: Location, atlas: Atlas) -> bool:
    """Whether a place may be in the site's country, or else in its region."""
    return any(
        one.code == place.country or (not place.country and one.rir == site.rir)
        for one in atlas.find(place)
    )


def _say_where(site: Site, atlas: Atlas) -> str:
    found = [f"{one.code} ({_name(one.rir)})" for one in atlas.find(site.place)]
    where = f"in {' or '.join(found)}" if found else "at sea"
    wanted = site.place.country or f"the region of {_name(site.rir)}"
    degrees = f"{site.place.latitude:g}, {site.place.longitude:g}"
    return f"{site.what} ({degrees}) lies {where}, not in {wanted}"


def _say_mend(site: Site, atlas: Atlas) -> str:
    y, x = site.place.latitude, site.place.longitude
    slips = {
        "latitude and longitude swapped": (x, y),
        "the other sign of its latitude": (-y, x),
        "the other sign of its longitude": (y, -x),
        "both other signs": (-y, -x),
    }
    for slip, (latitude, longitude) in slips.items():
        if _fits(site, Location(latitude, longitude, site.place.country), atlas):
            return f"With {slip} it would fit; correct its coordinates"
    return "Correct its coordinates, or its " + ("country" if site.place.country else "rir")


def _name(rir: o.Rir.ValueType) -> str:
    return o.Rir.Name(rir).removeprefix("RIR_")
