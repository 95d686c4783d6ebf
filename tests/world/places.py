"""Where the perspectives of demo and tests stand: the primary first, then the remotes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A perspective's id, its RIR service region and its coordinates in degrees."""

    id: str
    rir: str
    latitude: float
    longitude: float


PLACES = (
    Place("tokyo", "APNIC", 35.68, 139.69),
    Place("frankfurt", "RIPE", 50.11, 8.68),
    Place("ashburn", "ARIN", 39.04, -77.49),
    Place("sao-paulo", "LACNIC", -23.55, -46.63),
    Place("johannesburg", "AFRINIC", -26.20, 28.05),
    Place("singapore", "APNIC", 1.35, 103.82),
    Place("portland", "ARIN", 45.52, -122.68),
    Place("stockholm", "RIPE", 59.33, 18.07),
    Place("santiago", "LACNIC", -33.45, -70.67),
    Place("mumbai", "APNIC", 19.07, 72.88),
    Place("dubai", "RIPE", 25.20, 55.27),
)
