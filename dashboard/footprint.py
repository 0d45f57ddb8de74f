"""An observation's footprint as a small drawing: north up, east left, one degree of sky as long either way."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Floats = NDArray[np.float64]
SIDE = 200
MARGIN = 26
_SHAPE = re.compile(r"(POLYGON|CIRCLE)\s+(?:ICRS\s+|J2000\s+)?([-+0-9.eE\s]+)", re.IGNORECASE)
MOST_CORNERS = 2000


@dataclass(frozen=True)
class Drawing:
    """`polygons` and `circles` in units of the picture; `scale` is a bar of round length."""

    polygons: list[str]
    bar_x: float
    bar_label: str
    ra_deg: float
    dec_deg: float


def draw(s_region: str) -> Drawing | None:
    """The drawing of an STC-S region, or None when there is nothing to draw."""
    shapes = drawable(s_region)
    if not shapes:
        return None
    places = [vectors(*np.transpose(corners)) for corners in shapes]
    ra0, dec0 = centre = direction(np.concatenate(places).sum(axis=0))
    flat = [np.transpose(on_plane(place, centre)) for place in places]
    half = max(float(np.abs(corners).max()) for corners in flat) or 1e-6
    unit = (SIDE / 2 - MARGIN) / half
    middle = SIDE / 2
    # East is to the left, and pictures count rows from the top.
    points = [[f"{middle - x * unit:.1f},{middle - y * unit:.1f}" for x, y in corners] for corners in flat]
    bar_deg, label = scale_bar(half)
    return Drawing([" ".join(corners) for corners in points], round(bar_deg * unit, 1), label, ra0, dec0)


def drawable(s_region: str) -> list[list[Point]]:
    """The shapes that have three corners on the sky."""
    found = ([(ra, dec) for ra, dec in shape if math.isfinite(ra) and abs(dec) <= 90] for shape in shapes_of(s_region))
    return [shape for shape in found if len(shape) >= 3]


def shapes_of(s_region: str) -> Iterator[list[tuple[float, float]]]:
    """The corners of each shape of an STC-S text, in degrees."""
    for kind, text in _SHAPE.findall(s_region[: MOST_CORNERS * 40]):
        numbers = [float(number) for number in re.findall(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", text)]
        if kind.upper() == "CIRCLE" and len(numbers) >= 3:
            yield list(_circle(*numbers[:3]))
        elif kind.upper() == "POLYGON":
            yield list(zip(numbers[0::2], numbers[1::2], strict=False))


def _circle(ra: float, dec: float, radius: float) -> Iterator[tuple[float, float]]:
    narrow = max(math.cos(math.radians(dec)), 1e-3)
    for step in range(48):
        angle = math.tau * step / 48
        yield ra + radius * math.cos(angle) / narrow, dec + radius * math.sin(angle)


def vectors(ra_deg: Any, dec_deg: Any) -> Floats:
    """Unit vectors, their parts along the last axis."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


def direction(vector: Floats) -> Point:
    """Degrees; of a sum of directions their mean, so that RA 359.9 and 0.1 have theirs at 0."""
    x, y, z = map(float, vector)
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def on_plane(places: Floats, centre: Point) -> tuple[Floats, Floats]:
    """East and north of the centre in degrees on the tangent plane, of unit vectors (n, 3)."""
    ra, dec = map(math.radians, centre)
    east = places @ (-math.sin(ra), math.cos(ra), 0)
    north = places @ (-math.sin(dec) * math.cos(ra), -math.sin(dec) * math.sin(ra), math.cos(dec))
    depth = np.maximum(places @ vectors(*centre), 1e-3)
    return np.degrees(east / depth), np.degrees(north / depth)


def scale_bar(half_deg: float) -> tuple[float, str]:
    """A scale bar of a round length near a third of the picture."""
    for degrees in (30, 10, 5, 2):
        if degrees <= half_deg:
            return degrees, f"{degrees}°"
    for arcsec in (3600, 1200, 600, 300, 120, 60, 30, 10, 5, 2, 1):
        if arcsec / 3600 <= half_deg:
            return arcsec / 3600, "1°" if arcsec == 3600 else f"{arcsec // 60}′" if arcsec >= 60 else f"{arcsec}″"
    return half_deg, f"{half_deg * 3600:.2g}″"
