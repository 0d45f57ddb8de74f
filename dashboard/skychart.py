"""The footprints of a search's rows on a small chart of the sky, drawn here: no script, no survey from elsewhere.

What lies within a few degrees is drawn on the tangent plane, north up and east left; what is spread over the sky, on
a map of all of it (Hammer's projection).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.footprint import Floats, Point, direction, drawable, on_plane, scale_bar, vectors
from mast.archive.rows import ObservationRow
from mast.archive.sky import format_position

SIDE: Final = 220
MARGIN: Final = 14
MOST_SHAPES: Final = 300
MOST_NAMED: Final = 50
WIDEST_PLANE_DEG: Final = 20.0
MOST_FINE: Final = 4000
"""dots up to which each pixel counts"""


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
    sky = _Sky.of(placed, held)
    centre = (cone.ra_deg, cone.dec_deg) if cone else direction(sky.vectors.sum(axis=0))
    spread_deg = _spread_deg(sky.vectors, centre)
    if max(spread_deg, cone.radius_deg if cone else 0) > WIDEST_PLANE_DEG:
        return _whole_sky(sky)
    return _plane(placed, sky, centre, spread_deg, cone)


@dataclass(frozen=True)
class _Sky:
    """Where the rows are: degrees, unit vectors (n, 3), and whether each is held."""

    ra_deg: Floats
    dec_deg: Floats
    vectors: Floats
    held: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Sequence[ObservationRow], held: Collection[str]) -> _Sky:
        ra_deg = np.array([row.s_ra_deg for row in rows], float)
        dec_deg = np.array([row.s_dec_deg for row in rows], float)
        is_held = np.array([row.obs_id in held for row in rows], bool)
        return cls(ra_deg, dec_deg, vectors(ra_deg, dec_deg), is_held)


def _spread_deg(places: Floats, centre: Point) -> float:
    """The angle to the farthest of these unit vectors; 0 of none."""
    chords = np.linalg.norm(places - vectors(*centre), axis=1)
    return math.degrees(2 * math.asin(min(1.0, float(chords.max(initial=0)) / 2)))


# --- a part of the sky --------------------------------------------------------------------------------------------


def _plane(rows: Sequence[ObservationRow], sky: _Sky, centre: Point, spread_deg: float, cone: Cone | None) -> Chart:
    shapes = [drawable(row.s_region) for row in rows[:MOST_SHAPES]]
    corners = [corner for found in shapes for shape in found for corner in shape]
    corner_vectors = vectors(*np.array(corners, float).reshape(-1, 2).T)
    # One wrong footprint must not shrink all the others to nothing.
    far = _spread_deg(corner_vectors, centre)
    half_deg = max(min(far, spread_deg + 1), spread_deg, 1 / 3600) * 1.04
    if cone and half_deg > cone.radius_deg / 3:
        half_deg = max(half_deg, cone.radius_deg * 1.04)
    unit = (SIDE / 2 - MARGIN) / half_deg

    def to_picture(places: Floats) -> tuple[Floats, Floats]:
        east, north = on_plane(places, centre)
        # East is to the left, and pictures count rows from the top.
        return SIDE / 2 - east * unit, SIDE / 2 - north * unit

    outlined = [place for place, found in enumerate(shapes) if found]
    # What is held is drawn over what is not.
    named = sorted(outlined[:MOST_NAMED], key=lambda place: bool(sky.held[place]))
    points = iter([f"{x:.1f} {y:.1f}" for x, y in zip(*to_picture(corner_vectors), strict=True)])
    outlines = ["".join(f"M{'L'.join(islice(points, len(shape)))}Z" for shape in found) for found in shapes]
    rest = outlined[MOST_NAMED:]
    has_dot = np.ones(len(rows), bool)
    has_dot[outlined] = False
    x, y = to_picture(sky.vectors)
    bar_deg, label = scale_bar(half_deg)
    return Chart(
        SIDE,
        [Region(rows[place].obs_id, outlines[place], bool(sky.held[place])) for place in named],
        "".join(outlines[place] for place in rest if not sky.held[place]),
        "".join(outlines[place] for place in rest if sky.held[place]),
        _dots(x, y, has_dot & ~sky.held),
        _dots(x, y, has_dot & sky.held),
        format_position(*centre),
        is_whole_sky=False,
        # A circle far outside what was found would shrink it to a spot: then it is left out.
        radius=round(cone.radius_deg * unit, 1) if cone and cone.radius_deg <= half_deg else None,
        bar_x=round(bar_deg * unit, 1),
        bar_label=label,
        drawn=len(outlined),
        total=len(rows),
        held=int(sky.held.sum()),
    )


def _dots(x: Floats, y: Floats, chosen: NDArray[np.bool_]) -> str:
    """A path of dots, one for all the rows that fall on the same pixel: a chart never grows with its answer.

    Neighbours in a row of pixels are one stroke, and of very many each second pixel is enough: dots are wider than one.
    """
    inside = chosen & (x >= 0) & (x <= SIDE) & (y >= 0) & (y <= SIDE)
    step = 2 if np.count_nonzero(inside) > MOST_FINE else 1
    columns, lines = (np.rint(values[inside] / step).astype(int) * step for values in (x, y))
    places = np.unique(lines * 2 * SIDE + columns)
    if not places.size:
        return ""
    begins = np.flatnonzero(np.diff(places, prepend=-2 * step) != step)
    lengths = np.diff(begins, append=places.size) - 1
    strokes = zip(*np.divmod(places[begins], 2 * SIDE), lengths * step, strict=True)
    return "".join(f"M{column} {line}h{length}" for line, column, length in strokes)


# --- all of it ----------------------------------------------------------------------------------------------------


def _whole_sky(sky: _Sky) -> Chart:
    x, y = hammer(sky.ra_deg, sky.dec_deg)
    return Chart(
        SIDE // 2 + MARGIN,
        [],
        "",
        "",
        _dots(x, y, ~sky.held),
        _dots(x, y, sky.held),
        "",
        is_whole_sky=True,
        drawn=len(x),
        total=len(x),
        held=int(sky.held.sum()),
    )


def hammer(ra_deg: Floats, dec_deg: Floats) -> tuple[Floats, Floats]:
    """RA 0 in the middle, growing to the left."""
    turn, tilt = np.radians((ra_deg + 180) % 360 - 180), np.radians(dec_deg)
    depth = np.sqrt(1 + np.cos(tilt) * np.cos(turn / 2))
    x, y = 2 * np.cos(tilt) * np.sin(turn / 2) / depth, np.sin(tilt) / depth
    half = SIDE / 2 - MARGIN / 2
    return SIDE / 2 - x / 2 * half, (SIDE // 2 + MARGIN) / 2 - y / 2 * half
