"""Makes coordinator/rules/territories.txt: where countries and territories are, and their RIRs.

    python deploy/territories.py countries-50m.json zone.tab >coordinator/rules/territories.txt

The first file is of the npm package world-atlas 2.0.2: Natural Earth 1:50m, in the public domain.
The second is of the time zone database, in the public domain too: a town in each code of ISO
3166-1, also in those too small for the map. Needs pycountry. The RIRs are taken from their own
lists of the economies they serve.
"""

import json
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pycountry

Point = tuple[float, float]
"""Longitude and latitude, degrees."""
Cell = tuple[int, int]
"""Latitude and longitude of the south-western corner of a square degree."""

# All that is not listed is served by the RIPE NCC.
SERVED = {
    "AFRINIC": """AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR
        LS LY MA MG ML MR MU MW MZ NA NE NG RE RW SC SD SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM
        ZW""",
    "APNIC": """AF AS AU BD BN BT CC CK CN CX FJ FM GU HK ID IN IO JP KH KI KP KR LA LK MH MM MN MO
        MP MV MY NC NF NP NR NU NZ PF PG PH PK PN PW SB SG TF TH TK TL TO TV TW VN VU WF WS""",
    "ARIN": """AG AI AQ BB BL BM BS BV CA DM GD GP HM JM KN KY LC MF MQ MS PM PR SH TC UM US VC VG
        VI""",
    "LACNIC": """AR AW BO BQ BR BZ CL CO CR CU CW DO EC FK GF GS GT GY HN HT MX NI PA PE PY SR SV SX
        TT UY VE""",
}
# Of the map's countries without a number; in part disputed, which decides nothing here.
UNNUMBERED = {
    "Somaliland": ["SO"],
    "Kosovo": ["XK"],
    "N. Cyprus": ["CY"],
    "Indian Ocean Ter.": ["CX", "CC"],
    "Siachen Glacier": ["IN", "PK"],
}
# What the map draws as part of a country and ISO 3166 has a code for: west, south, east, north.
PARTS = (
    ("GF", "FR", -55, 1, -51, 7),
    ("GP", "FR", -62, 15.5, -60.9, 16.8),
    ("MQ", "FR", -61.5, 14, -60.5, 15),
    ("RE", "FR", 55, -22, 56, -20),
    ("YT", "FR", 44.5, -13.5, 45.8, -12),
    ("BQ", "NL", -69, 11, -62, 18),
    ("SJ", "NO", -10, 70, -7, 72),
    ("SJ", "NO", 5, 74, 40, 81),
)
_STEP = 0.05


def main(map_file: Path, zone_file: Path) -> None:
    """Print the table."""
    cells: dict[str, set[Cell]] = defaultdict(set)
    atlas = json.loads(map_file.read_text())
    for codes, polygon in read_polygons(atlas):
        for code in codes:
            cells[code] |= cover(polygon)
    for code, cell in read_towns(zone_file.read_text()):
        cells[code].add(cell)
    rirs = {code: rir for rir, codes in SERVED.items() for code in codes.split()}
    print("# Each code of ISO 3166-1, the RIR that serves it, and the square degrees it touches:")
    print("# latitude:longitude..longitude of their south-western corners.")
    print("# Made by deploy/territories.py from Natural Earth 1:50m and the time zone database.")
    for code, found in sorted(cells.items()):
        print(code, rirs.get(code, "RIPE"), *rows(found))


def read_polygons(atlas: Any) -> Iterator[tuple[list[str], list[list[Point]]]]:  # noqa: ANN401 - JSON
    """Yield the polygons of a TopoJSON file, each with the codes it belongs to."""
    arcs = [unpack(arc, atlas["transform"]) for arc in atlas["arcs"]]
    for geometry in atlas["objects"]["countries"]["geometries"]:
        name, number = geometry["properties"]["name"], geometry.get("id")
        codes = UNNUMBERED[name] if number is None else [code_of(number)]
        parts = geometry["arcs"]
        for polygon in [parts] if geometry["type"] == "Polygon" else parts:
            rings = [join(ring, arcs) for ring in polygon]
            yield [part_of(code, rings[0]) for code in codes], rings


def code_of(number: str) -> str:
    """Return the alpha-2 code of a numeric one."""
    return str(pycountry.countries.get(numeric=number).alpha_2)


def part_of(code: str, ring: Sequence[Point]) -> str:
    """Return the code of a part of a country where ISO 3166 has one."""
    for part, whole, west, south, east, north in PARTS:
        if code == whole and all(west < x < east and south < y < north for x, y in ring):
            return part
    return code


def unpack(arc: Sequence[Sequence[int]], transform: Any) -> list[Point]:  # noqa: ANN401 - JSON
    """Return an arc in degrees: each point is written as its distance from the one before."""
    points, x, y = [], 0, 0
    for dx, dy in arc:
        x, y = x + dx, y + dy
        (sx, sy), (tx, ty) = transform["scale"], transform["translate"]
        points.append((x * sx + tx, y * sy + ty))
    return points


def join(ring: Iterable[int], arcs: Sequence[list[Point]]) -> list[Point]:
    """Return a ring of arcs; one that is counted from the end runs backwards."""
    points: list[Point] = []
    for index in ring:
        points += arcs[index] if index >= 0 else arcs[~index][::-1]
    return points


def cover(rings: Sequence[Sequence[Point]]) -> set[Cell]:
    """Return the cells that a polygon touches: those on its border, and those inside it."""
    found = {cell_of(point) for ring in rings for point in walk(ring)}
    xs, ys = zip(*rings[0], strict=True)
    for y in range(math.floor(min(ys)), math.ceil(max(ys))):
        for x in range(math.floor(min(xs)), math.ceil(max(xs))):
            if is_inside((x + 0.5, y + 0.5), rings):
                found.add((y, x))
    return found


def walk(ring: Sequence[Point]) -> Iterator[Point]:
    """Yield points close to each other all along a ring."""
    for (x, y), (to_x, to_y) in pairwise(ring):
        steps = math.ceil(max(abs(to_x - x), abs(to_y - y), 1e-9) / _STEP)
        for step in range(steps):
            yield x + (to_x - x) * step / steps, y + (to_y - y) * step / steps


def is_inside(point: Point, rings: Sequence[Sequence[Point]]) -> bool:
    """Say whether a point is in a polygon, by the borders east of it; holes are rings too."""
    x, y = point
    crossings = 0
    for ring in rings:
        for (x1, y1), (x2, y2) in pairwise(ring):
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                crossings += 1
    return bool(crossings % 2)


def read_towns(zones: str) -> Iterator[tuple[str, Cell]]:
    """Yield the code and the cell of each town in zone.tab (ISO 6709: +DDMM+DDDMM, or with SS)."""
    for line in zones.splitlines():
        if line and not line.startswith("#"):
            code, place = line.split("\t")[:2]
            found = re.fullmatch(r"([+-])(\d\d)(\d\d)(?:\d\d)?([+-])(\d{3})(\d\d)(?:\d\d)?", place)
            assert found, line  # noqa: S101 - the file's format
            south, d, m, west, dd, mm = found.groups()
            latitude = (int(d) + int(m) / 60) * (-1 if south == "-" else 1)
            longitude = (int(dd) + int(mm) / 60) * (-1 if west == "-" else 1)
            yield code, cell_of((longitude, latitude))


def cell_of(point: Point) -> Cell:
    """Return the cell a point is in."""
    return math.floor(point[1]), min(math.floor(point[0]), 179)


def rows(cells: set[Cell]) -> Iterator[str]:
    """Yield the runs of cells from south to north, each as text."""
    for latitude in sorted({y for y, _ in cells}):
        runs: list[list[int]] = []
        for x in sorted(x for y, x in cells if y == latitude):
            if runs and runs[-1][1] == x - 1:
                runs[-1][1] = x
            else:
                runs.append([x, x])
        spans = (str(a) if a == b else f"{a}..{b}" for a, b in runs)
        yield f"{latitude}:{','.join(spans)}"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
