"""The footprints of a search's rows on a small chart of the sky, drawn here: no script, no survey from elsewhere.

What lies within a few degrees is drawn on the tangent plane, north up and east left; what is spread over the sky, on
a map of all of it (Hammer's projection).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dashboard.footprint import middle_of, offset, scale_bar, shapes_of
from mast.archive.rows import ObservationRow
from mast.archive.sky import format_position, separation

SIDE: Final = 220
MARGIN: Final = 14
MOST_SHAPES: Final = 300
MOST_NAMED: Final = 50
WIDEST_PLANE_DEG: Final = 20.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Region:
    """One footprint that says whose it is."""

    name: str
    path: str
    held: bool


@dataclass(frozen=True)
class Chart:
    """In units of the picture. `others` and `others_held` are footprints without a name, `dots` rows beyond them."""

    height: int
    regions: list[Region]
    others: str
    others_held: str
    dots: str
    dots_held: str
    centre: str
    is_whole_sky: bool
    radius: float | None = None
    bar_x: float = 0
    bar_label: str = ""
    drawn: int = 0
    total: int = 0
    held: int = 0


@dataclass(frozen=True)
class Cone:
    """Where was searched; degrees."""

    ra_deg: float
    dec_deg: float
    radius_deg: float


def draw(
    rows: Sequence[ObservationRow], page: Collection[str], held: Collection[str], cone: Cone | None = None
) -> Chart | None:
    """The chart of all `rows`; those of the page are drawn first and named. None when no row has a place."""
    placed = [row for row in rows if row.s_ra_deg is not None and row.s_dec_deg is not None]
    if not placed:
        return None
    placed.sort(key=lambda row: row.obs_id not in page)
    ra0, dec0 = (cone.ra_deg, cone.dec_deg) if cone else middle_of([[_place(row) for row in placed]])
    spread_deg = max(separation(ra0, dec0, *_place(row)) for row in placed)
    spread_deg = max(spread_deg, cone.radius_deg if cone else 0)
    if spread_deg > WIDEST_PLANE_DEG:
        return _whole_sky(placed, held)
    return _plane(placed, held, (ra0, dec0), spread_deg, cone)


def _place(row: ObservationRow) -> Point:
    return row.s_ra_deg or 0.0, row.s_dec_deg or 0.0


# --- a part of the sky --------------------------------------------------------------------------------------------


def _plane(
    rows: Sequence[ObservationRow], held: Collection[str], centre: Point, spread_deg: float, cone: Cone | None
) -> Chart:
    shapes = [(row, [shape for shape in shapes_of(row.s_region) if len(shape) >= 3]) for row in rows[:MOST_SHAPES]]
    corners = [corner for _, found in shapes for shape in found for corner in shape]
    # One wrong footprint must not shrink all the others to nothing.
    far = max((separation(*centre, ra, dec) for ra, dec in corners if -90 <= dec <= 90), default=0)
    half_deg = max(min(far, spread_deg + 1), 1 / 3600) * 1.04
    if cone and half_deg > cone.radius_deg / 3:
        half_deg = max(half_deg, cone.radius_deg * 1.04)
    unit = (SIDE / 2 - MARGIN) / half_deg

    def to_picture(ra_deg: float, dec_deg: float) -> Point:
        east, north = offset(ra_deg, dec_deg, *centre)
        # East is to the left, and pictures count rows from the top.
        return SIDE / 2 - east * unit, SIDE / 2 - north * unit

    outlined = [(row, found) for row, found in shapes if found]
    # What is held is drawn over what is not.
    named = sorted(outlined[:MOST_NAMED], key=lambda pair: pair[0].obs_id in held)
    rest = outlined[MOST_NAMED:]
    dots = [row for row, found in shapes if not found] + list(rows[MOST_SHAPES:])
    bar_deg, label = scale_bar(half_deg)
    return Chart(
        SIDE,
        [Region(row.obs_id, _outline(found, to_picture), row.obs_id in held) for row, found in named],
        "".join(_outline(found, to_picture) for row, found in rest if row.obs_id not in held),
        "".join(_outline(found, to_picture) for row, found in rest if row.obs_id in held),
        _dots((row for row in dots if row.obs_id not in held), to_picture),
        _dots((row for row in dots if row.obs_id in held), to_picture),
        format_position(*centre),
        is_whole_sky=False,
        # A circle far outside what was found would shrink it to a spot: then it is left out.
        radius=round(cone.radius_deg * unit, 1) if cone and cone.radius_deg <= half_deg else None,
        bar_x=round(bar_deg * unit, 1),
        bar_label=label,
        drawn=len(named) + len(rest),
        total=len(rows),
        held=sum(row.obs_id in held for row in rows),
    )


def _outline(shapes: Iterable[Sequence[Point]], to_picture: Callable[[float, float], Point]) -> str:
    """A path around each shape, to a tenth of a unit."""
    path = []
    for shape in shapes:
        points = [to_picture(ra, dec) for ra, dec in shape if -90 <= dec <= 90]
        path.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z")
    return "".join(path)


def _dots(rows: Iterable[ObservationRow], to_picture: Callable[[float, float], Point]) -> str:
    """A path of dots, one for all the rows that fall on the same pixel: a chart never grows with its answer."""
    places = {(round(x), round(y)) for x, y in (to_picture(*_place(row)) for row in rows)}
    return "".join(f"M{x} {y}h0" for x, y in sorted(places) if 0 <= x <= SIDE and 0 <= y <= SIDE)


# --- all of it ----------------------------------------------------------------------------------------------------


def _whole_sky(rows: Sequence[ObservationRow], held: Collection[str]) -> Chart:
    return Chart(
        SIDE // 2 + MARGIN,
        [],
        "",
        "",
        _dots((row for row in rows if row.obs_id not in held), hammer),
        _dots((row for row in rows if row.obs_id in held), hammer),
        "",
        is_whole_sky=True,
        drawn=len(rows),
        total=len(rows),
        held=sum(row.obs_id in held for row in rows),
    )


def hammer(ra_deg: float, dec_deg: float) -> Point:
    """RA 0 in the middle, growing to the left."""
    turn, tilt = math.radians((ra_deg + 180) % 360 - 180), math.radians(dec_deg)
    depth = math.sqrt(1 + math.cos(tilt) * math.cos(turn / 2))
    x, y = 2 * math.cos(tilt) * math.sin(turn / 2) / depth, math.sin(tilt) / depth
    half = SIDE / 2 - MARGIN / 2
    return SIDE / 2 - x / 2 * half, (SIDE // 2 + MARGIN) / 2 - y / 2 * half
