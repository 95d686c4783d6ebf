"""Where each country is, to within a degree, and which RIR serves it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import floor
from typing import Self

from coordinator.rules.roster import Location
from mpic.v1 import observation_pb2 as o

_SPAN = re.compile(r"(-?\d+)(?:\.\.(-?\d+))?")
# Tolerance in degrees: the map simplifies coasts, and people round coordinates.
_MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class Country:
    """A country or territory: what ISO 3166-1 has a code for."""

    code: str
    rir: o.Rir.ValueType
    """The RIR whose service region it is in."""
    rows: Mapping[int, Sequence[tuple[int, int]]]
    """By the latitude of a row of square degrees: the first and last longitudes that it touches
    there. All are south-western corners."""

    def touches(self, place: Location) -> bool:
        """Whether a part of it lies in the square degree of a place, or close to it."""
        return any(
            first <= floor((place.longitude + dx + 180) % 360 - 180) <= last
            for dy in (-_MARGIN, _MARGIN)
            for dx in (-_MARGIN, _MARGIN)
            for first, last in self.rows.get(floor(place.latitude + dy), ())
        )


@dataclass(frozen=True, slots=True)
class Atlas:
    """All of them, by code."""

    countries: Mapping[str, Country]

    @classmethod
    def read(cls) -> Self:
        """Read the file. It is read again each time: only starts and reloads need it."""
        text = files("coordinator.rules").joinpath("territories.txt").read_text(encoding="ascii")
        lines = (line for line in text.splitlines() if not line.startswith("#"))
        return cls({country.code: country for country in map(_read_country, lines)})

    def find(self, place: Location) -> Sequence[Country]:
        """Return the countries that a place may be in: near borders several, at sea none."""
        return [country for country in self.countries.values() if country.touches(place)]


def _read_country(line: str) -> Country:
    code, rir, *rows = line.split()
    parts = (row.split(":") for row in rows)
    return Country(
        code,
        o.Rir.Value(f"RIR_{rir}"),
        {
            int(latitude): [(int(a), int(b or a)) for a, b in _SPAN.findall(spans)]
            for latitude, spans in parts
        },
    )
